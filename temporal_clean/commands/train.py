"""temporal-clean train"""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from temporal_clean.errors import TemporalCleanError

__all__ = ["train"]


def train(
    clips: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    /,
    preset: str = "smoke",
    size: Literal["fast", "quality"] | None = None,
    start: str | None = None,
    scale: float = 1.0,
    workers: int = 1,
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto",
) -> None:
    """Train flow, surprise, cleaner and fusion on paired clips; run it again to go on.

    OUT gets model.safetensors (the averaged weights, for --model of other commands), checkpoint.pt
    (to go on from), figures.jsonl (what held-out clips say) and log (for TensorBoard).

    Examples:
      temporal-clean train clips smoke --preset smoke
      temporal-clean train clips run --preset fast
      temporal-clean train my-game run --preset fine-tune --start fast
      torchrun --nproc-per-node 2 -m -- temporal_clean train clips run --preset quality

    Args:
        clips: A folder of clips (temporal-clean pairs).
        out: The run's folder; an unfinished run in it is continued.
        preset: smoke, flow, surprise, spatial, fusion, fast, quality or fine-tune.
        size: The model's size, if not the preset's own.
        start: Weights to begin with: fast, quality or a .safetensors file.
        scale: Takes this many times the preset's steps.
        workers: Processes that draw windows, for each process that trains.
        precision: Mixed precision where the device gains by it (auto), or one kind.
    """
    from temporal_clean.commands.progress import say
    from temporal_clean.machine import command_line
    from temporal_clean.train.loop import Run
    from temporal_clean.train.loop import train as run
    from temporal_clean.train.presets import preset as named

    if not scale > 0.0:
        raise TemporalCleanError(f"expected a scale above 0, got {scale}")
    chosen = named(preset, size).scaled(scale)
    weights = run(Run(clips, out, chosen, start, workers, precision, command_line()), say=say)
    say(str(weights))
