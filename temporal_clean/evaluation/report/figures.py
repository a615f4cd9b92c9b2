"""Figures as a page shows them: tables with changes judged good or bad, key figures, curves."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from temporal_clean.evaluation.known import KNOWN
from temporal_clean.evaluation.results import ClipResult, Evaluation, Figures, Interval

__all__ = [
    "badness",
    "clip_table",
    "curves",
    "figure_text",
    "is_perfect",
    "judges",
    "key_figures",
    "number",
    "per_frame",
    "pooled_table",
]

Row = dict[str, Any]

DASH, MINUS, INFINITE = "\u2013", "\u2212", "\u221e"
VIDEOS = ("input", "output", "reference")
# Shown large: flicker, and the two ways of cheating beside it.
KEYS = ("mcflick", "sharp", "ghost", "psnr")
BLIND_KEYS = ("flicker_high", "static_shimmer", "sharpness_change", "ghost_suspect")
JUDGES = ("mcflick", "psnr")
DIRECTIONS = {
    "higher": "higher is better",
    "lower": "lower is better",
    "one": "1 is right",
    "zero": "0 is right",
}


def number(value: float | None) -> float | None:
    """The value if it is finite, to six digits: what a curve can draw and JSON can hold."""
    return float(f"{value:.6g}") if value is not None and math.isfinite(value) else None


def figure_text(name: str, value: float | None, signed: bool = False) -> str:
    """A figure with its metric's decimals, without its unit; a dash where there is none."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return INFINITE if value > 0 else MINUS + INFINITE
    text = f"{value:{'+' if signed else ''}.{KNOWN[name].decimals}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def badness(name: str, value: float | None, own: float | None = None) -> float | None:
    """How far from good, for ordering only: larger is worse.

    Where the reference has a value of its own (E_warp), the distance to that: a value below the
    reference's is blur, and no merit.
    """
    if value is None or math.isnan(value):
        return None
    if own is not None and math.isfinite(own):
        return abs(value - own)
    ways = {"higher": -value, "lower": value, "one": abs(value - 1), "zero": abs(value)}
    return ways[KNOWN[name].better]


def is_perfect(name: str, value: float | None) -> bool:
    """Nothing to find fault with: zero error, infinite PSNR, a share of one."""
    bad = badness(name, value)
    return bad is None or bad == (-math.inf if KNOWN[name].better == "higher" else 0)


def per_frame(figures: Figures, name: str) -> tuple[float | None, ...]:
    """One value a frame, or nothing at all where no frame has one."""
    values = figures.frames.get(name, ())
    return values if any(value is not None for value in values) else ()


def judges(clip: ClipResult) -> list[str]:
    """The metrics that tell the worst frames: flicker and error, or the first two there are."""
    known = [name for name in KNOWN if per_frame(clip.output, name)]
    return [name for name in JUDGES if name in known] or known[:2]


def clip_table(clip: ClipResult) -> list[Row]:
    """A row for each metric that this clip has, or that it should have and does not."""
    names = [name for name in KNOWN if name in clip.output.pooled or name in clip.missing]
    before = clip.input.pooled if clip.input else {}
    own = clip.reference.pooled if clip.reference else {}
    rows = []
    for name in names:
        values = before.get(name), clip.output.pooled.get(name), own.get(name)
        cells = {
            role: {"text": figure_text(name, value)}
            for role, value in zip(VIDEOS, values, strict=True)
        }
        rows.append(_row(name, cells, *values) | {"missing": clip.missing.get(name, "")})
    return rows


def pooled_table(evaluation: Evaluation) -> list[Row]:
    """A row a metric, with means over the clips and their 95 % intervals."""
    rows = []
    for name in KNOWN:
        found = {role: evaluation.pooled.get(role, {}).get(name) for role in VIDEOS}
        reasons = [clip.missing[name] for clip in evaluation.clips if name in clip.missing]
        if found["output"] is None and not reasons:
            continue
        means = [interval.mean if interval else None for interval in found.values()]
        cells = {role: _interval(name, interval) for role, interval in found.items()}
        row = _row(name, cells, *means)
        row["missing"] = _reasons(reasons, len(evaluation.clips))
        row["change"].update(_pooled_change(evaluation, name))
        rows.append(row)
    return rows


def _pooled_change(evaluation: Evaluation, name: str) -> dict[str, str]:
    """Of the changes clip by clip. Where their interval holds zero the verdict is ``unclear``."""
    change = evaluation.pooled.get("change", {}).get(name)
    if change is None:
        return {}
    cell = _interval(name, change, signed=True)
    if change.low is not None and change.high is not None and change.low < 0 < change.high:
        cell["verdict"] = "unclear"
    if (share := evaluation.pooled.get("relative", {}).get(name)) is not None:
        cell["percent"] = _percent(share.mean)
    return cell


def _reasons(reasons: Sequence[str], clips: int) -> str:
    if not reasons:
        return ""
    where = "" if len(reasons) == clips else f"{len(reasons)} of {clips} clips: "
    return where + "; ".join(dict.fromkeys(reasons))


def _interval(name: str, interval: Interval | None, signed: bool = False) -> dict[str, str]:
    if interval is None:
        return {"text": DASH}
    cell = {"text": figure_text(name, interval.mean, signed)}
    if interval.low is not None and interval.high is not None:
        low, high = (figure_text(name, v, signed) for v in (interval.low, interval.high))
        cell["range"] = f"{low} to {high}"
    return cell


def _row(
    name: str,
    cells: Mapping[str, dict[str, str]],
    before: float | None,
    after: float | None,
    own: float | None,
) -> Row:
    metric = KNOWN[name]
    return {
        "name": name,
        "title": metric.title,
        "unit": metric.unit,
        "direction": _direction(name, own is not None),
        "meaning": metric.meaning,
        "limit": metric.limit,
        **cells,
        "change": _change(name, before, after, own),
    }


def _direction(name: str, has_own: bool) -> str:
    return "the reference's own is right" if has_own else DIRECTIONS[KNOWN[name].better]


def _change(
    name: str, before: float | None, after: float | None, own: float | None
) -> dict[str, str]:
    """Output less input, as text; ``verdict`` is better, worse, same, or empty if unknown.

    Judged on the figures as they are shown, so that no verdict hangs on hidden digits. A figure
    that counts from zero up changes by a share as well.
    """
    rounded = [None if v is None else round(v, KNOWN[name].decimals) for v in (before, after, own)]
    bad = badness(name, rounded[0], rounded[2]), badness(name, rounded[1], rounded[2])
    if before is None or after is None or bad[0] is None or bad[1] is None:
        return {"text": DASH, "verdict": ""}
    if math.isinf(before) or math.isinf(after):
        return {"text": DASH, "verdict": _verdict(bad[0], bad[1], 0)}
    step = 0.5 * 10 ** -KNOWN[name].decimals
    change = {"text": figure_text(name, after - before, signed=True)}
    if KNOWN[name].better == "lower" and before > step:
        change["percent"] = _percent(after / before - 1)
    return change | {"verdict": _verdict(bad[0], bad[1], step)}


def _percent(share: float) -> str:
    return f"{100 * share:+.0f} %".replace("-", MINUS)


def _verdict(before: float, after: float, step: float) -> str:
    if before == after or abs(before - after) < step:
        return "same"
    return "better" if after < before else "worse"


def key_figures(table: Sequence[Row]) -> list[str]:
    """The names of up to four rows to show large: flicker, sharpness, ghosting and error first."""
    known = [str(row["name"]) for row in table if not row["missing"] or _has_output(row)]
    chosen = [name for name in KEYS + BLIND_KEYS if name in known]
    return (chosen or known)[:4]


def _has_output(row: Row) -> bool:
    return row["output"]["text"] != DASH


def curves(clip: ClipResult) -> list[dict[str, object]]:
    """The per-frame values of each metric that has them for at least two frames."""
    found = []
    for name, metric in KNOWN.items():
        videos = {"input": clip.input, "output": clip.output, "reference": clip.reference}
        lines = {
            role: [number(value) for value in per_frame(figures, name)]
            for role, figures in videos.items()
            if figures is not None and per_frame(figures, name)
        }
        if sum(value is not None for value in lines.get("output", [])) > 1:
            found.append(
                {
                    "title": metric.title,
                    "unit": metric.unit,
                    "decimals": metric.decimals,
                    "direction": _direction(name, "reference" in lines),
                    "lines": lines,
                }
            )
    return found
