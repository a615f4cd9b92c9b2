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
    for name in ("p50", "p95", "p99"):
        frames.axhline(report.latency[name], linewidth=0.8, color="tab:orange")
        frames.annotate(
            f"{name} {report.latency[name]:.1f}", (0, report.latency[name]), va="bottom"
        )
    if measurement.allowed is not None:
        frames.axhline(measurement.allowed, linewidth=0.8, linestyle="--", color="tab:red")
        frames.annotate(f"allowed p95 {measurement.allowed:.1f}", (0, measurement.allowed))
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
