"""Validation curves of training runs, as one picture.

python -m temporal_clean.train.curves RUN [RUN ...] -o curves.png

A run's folder has figures.jsonl, what the clips held out of training said after each round.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import tyro

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.loop import FIGURES

__all__ = ["draw_curves", "read_figures"]

# Which figures, with their titles; changes are against the input.
SHOWN = {
    "native/psnr": "native: PSNR, dB more",
    "native/mcflick": "native: MCflick, change",
    "native/sharp": "native: Sharp",
    "performance-bilinear/psnr": "half resolution: PSNR, dB more",
    "performance-bilinear/mcflick": "half resolution: MCflick, change",
    "performance-bilinear/sharp": "half resolution: Sharp",
    "clean/psnr": "clean input: PSNR to itself, dB",
    "flow/native": "flow: warp error over DIS in the reference",
    "native/ghost": "native: Ghost",
}


def read_figures(run: Path) -> list[dict[str, Any]]:
    """A run's rows, in the order in which they were written.

    Raises :class:`TemporalCleanError` if it has none.
    """
    file = run / FIGURES
    if not file.is_file():
        raise TemporalCleanError(f"{run} has no {FIGURES}: name the folder of a training run")
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def draw_curves(
    runs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
) -> None:
    """Draw the figures of one or more runs over the hours that they took, one after another."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(3, 3, figsize=(11, 8), layout="constrained")
    for run in runs:
        rows = read_figures(run)
        hours = [row["hours"] for row in rows]
        for axis, name in zip(axes.flat, SHOWN, strict=True):
            axis.plot(hours, [row.get(name) for row in rows], marker="o", label=run.name)
    for axis, title in zip(axes.flat, SHOWN.values(), strict=True):
        axis.set_title(title, fontsize=9)
        axis.grid(alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel("hours")
    lines = axes[0, 0].get_legend_handles_labels()
    figure.legend(*lines, loc="outside lower center", ncols=3, fontsize=8)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    tyro.cli(draw_curves)
