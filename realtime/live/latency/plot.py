"""The measurement as a picture: each frame's latency, and how often each comes; or as text."""

import io
from pathlib import Path

import numpy as np

from temporal_clean.files import write_whole
from temporal_clean.realtime.live.latency.measure import Measurement

__all__ = ["histogram_lines", "write_plot"]

BARS, BAR_LENGTH = 12, 48


def write_plot(measurement: Measurement, path: Path) -> None:
    """A PNG; needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    report = measurement.report
    figure = Figure(figsize=(9, 5), layout="constrained")
    FigureCanvasAgg(figure)
    frames, counts = figure.subplots(1, 2, sharey=True, width_ratios=(3, 1))
    frames.plot(report.latencies, ".", markersize=3, color="tab:blue")
    for name, colour in (("p50", "tab:green"), ("p95", "tab:orange"), ("p99", "tab:brown")):
        level = report.latency[name]
        frames.axhline(level, linewidth=0.8, color=colour, label=f"{name} {level:.1f} ms")
    if measurement.allowed is not None:
        words = f"allowed p95 {measurement.allowed:.1f} ms"
        frames.axhline(
            measurement.allowed, linewidth=0.8, linestyle="--", color="tab:red", label=words
        )
    frames.legend(loc="lower right", fontsize="small")
    frames.set(xlabel="frame seen", ylabel="from drawn to on screen, ms", ylim=(0, None))
    counts.hist(report.latencies, bins=60, orientation="horizontal", color="tab:blue")
    counts.set(xlabel="frames")
    figure.suptitle(
        f"{report.drawn} frames, one every {report.frame_time:.1f} ms: {report.dropped} dropped, "
        f"{report.out_of_order} out of order\n{measurement.session['engine']}",
        fontsize="medium",
    )
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    write_whole(path, content.getvalue())


def histogram_lines(measurement: Measurement) -> list[str]:
    """The same as bars of text."""
    latencies = measurement.report.latencies
    counts, edges = np.histogram(latencies, bins=BARS)
    longest = max(counts.max(), 1)
    return [
        f"{low:7.1f} to {high:6.1f} ms {'#' * round(BAR_LENGTH * count / longest)} {count}"
        for low, high, count in zip(edges, edges[1:], counts, strict=False)
    ]
