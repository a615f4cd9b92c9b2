"""Tables of an evaluation for a terminal."""

from rich.table import Table

from temporal_clean.evaluation.known import KNOWN
from temporal_clean.evaluation.metrics import Metric
from temporal_clean.evaluation.results import ClipResult, Evaluation, Interval

__all__ = ["clip_table", "means_table"]

ARROWS = {"higher": "higher is better", "lower": "lower", "one": "1 is right", "zero": "0 is right"}


def clip_table(clip: ClipResult) -> Table:
    """A row a figure: output, input and change, and what the reference itself scores."""
    videos = [("output", clip.output), ("input", clip.input), ("reference", clip.reference)]
    shown = [(title, video.pooled) for title, video in videos if video]
    table = Table(title=f"{clip.name}: {clip.length} frames of {clip.width}x{clip.height}")
    table.add_column("figure")
    for title, _ in shown:
        table.add_column(title, justify="right")
    if clip.input:
        table.add_column("change", justify="right")
    table.add_column("good is")
    for name, metric in KNOWN.items():
        values = [pooled.get(name) for _, pooled in shown]
        if all(value is None for value in values):
            continue
        cells = [_number(value, metric) for value in values]
        if clip.input:
            cells.append(_change(values[0], values[1], metric))
        table.add_row(_title(metric), *cells, ARROWS[metric.better])
    return table


def means_table(evaluation: Evaluation) -> Table:
    """Means over clips with their 95 % bootstrap intervals."""
    table = Table(title=f"means of {len(evaluation.clips)} clips, 95 % intervals over clips")
    roles = [role for role in ("output", "input", "change") if role in evaluation.pooled]
    table.add_column("figure")
    for role in roles:
        table.add_column(role, justify="right")
    for name, metric in KNOWN.items():
        found = [evaluation.pooled[role].get(name) for role in roles]
        if any(found):
            table.add_row(_title(metric), *(_interval(value, metric) for value in found))
    return table


def _title(metric: Metric) -> str:
    return f"{metric.title}, {metric.unit}" if metric.unit else metric.title


def _number(value: float | None, metric: Metric) -> str:
    return "-" if value is None else f"{value:.{metric.decimals}f}"


def _change(after: float | None, before: float | None, metric: Metric) -> str:
    if after is None or before is None:
        return "-"
    if metric.better == "lower" and before > 0:
        return f"{100 * (after / before - 1):+.0f} %"
    return f"{after - before:+.{metric.decimals}f}"


def _interval(value: Interval | None, metric: Metric) -> str:
    if value is None:
        return "-"
    mean = _number(value.mean, metric)
    if value.low is None or value.high is None:
        return mean
    return f"{mean} ({_number(value.low, metric)} to {_number(value.high, metric)})"
