"""The benchmark as a picture: milliseconds a frame by size, and where OpenVINO's time goes.

python -m temporal_clean.realtime.bench.plot bench.json bench.png     (needs matplotlib)
"""

import io
import json
import sys
from itertools import cycle
from pathlib import Path
from typing import Any

from temporal_clean.files import write_whole
from temporal_clean.realtime.bench.parts import PARTS

__all__ = ["draw"]

RATES = (25, 60)
MARKS = {"model": "o-", "peer": "s--", "reference": "x:"}


def draw(record: dict[str, Any], file: Path) -> None:
    """Draw what ``temporal-clean bench --json`` wrote, as PNG.

    Left: medians, with a thin line up to the 95th percentile, and the times that 25 and 60 frames
    a second leave. Right: shares of time by part of the network.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (times, parts) = plt.subplots(
        1, 2, figsize=(16, 7), layout="constrained", width_ratios=(3, 2)
    )
    _draw_times(times, record["rows"], plt.get_cmap("tab20"))
    _draw_parts(parts, record["parts"])
    about = record["about"]
    figure.suptitle("temporal-clean bench")
    figure.supxlabel(f"{about['hardware']}, {about['date']}\n{about['versions']}", fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    plt.close(figure)
    write_whole(file, content.getvalue())


def _draw_times(axis: Any, rows: list[dict[str, Any]], colormap: Any) -> None:
    """A line for each model, peer and reference on each engine; pixels across, ms up, both log."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        engine = "" if row["engine"] == "own" else f", {row['engine']} {row['precision']}"
        lines.setdefault(f"{row['name']}{engine}", []).append(row)
    colors = cycle(colormap.colors)
    for title, found in lines.items():
        across = [_pixels(row["size"]) for row in found]
        middle = [row["p50_ms"] for row in found]
        late = [row["p95_ms"] - row["p50_ms"] for row in found]
        mark = MARKS[found[0]["kind"]]
        color = next(colors)
        spread = [[0.0] * len(late), late]
        axis.errorbar(across, middle, spread, fmt=mark, label=title, capsize=3, color=color)
    for rate in RATES:
        axis.axhline(1e3 / rate, color="0.6", linewidth=1, linestyle=":")
        place = axis.get_yaxis_transform()
        axis.text(0.01, 1.03e3 / rate, f"{rate} frames a second", fontsize=8, transform=place)
    sizes = list(dict.fromkeys(row["size"] for row in rows))
    axis.set(xscale="log", yscale="log", ylabel="ms a frame (p50, up to p95)")
    axis.set_xticks([_pixels(size) for size in sizes], sizes)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def _draw_parts(axis: Any, parts: list[dict[str, Any]]) -> None:
    """A bar for each model and size, its parts stacked."""
    names = [f"{one['model']}\n{one['size']}\n{one['precision']}" for one in parts]
    floor = [0.0] * len(parts)
    for part in PARTS:
        shares = [100.0 * one["shares"][part] for one in parts]
        axis.bar(names, shares, bottom=floor, label=part, width=0.7)
        floor = [low + share for low, share in zip(floor, shares, strict=True)]
    axis.set_ylabel("share of OpenVINO's node time, %")
    axis.tick_params(axis="x", labelsize=8)
    if parts:
        axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(PARTS))


def _pixels(size: str) -> int:
    width, height = size.split("x")
    return int(width) * int(height)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2]))
