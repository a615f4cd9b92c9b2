"""Aligned recordings written as clips: the kept stretches, cut to a handy length."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temporal_clean.clip import Clip, ClipRecord, Rendering, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.side_by_side import write_png
from temporal_clean.train.aligning.alignment import Alignment, aligned_frames
from temporal_clean.train.masks import find_overlay
from temporal_clean.video.generated import FrameWriter

__all__ = ["ClipPlan", "write_clips"]

Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]

# Enough frames to find overlays in, kept in memory.
MASK_FRAMES = 48


@dataclass(frozen=True)
class ClipPlan:
    """``name`` of the clips, of the game and of the input; ``frames`` at most in a clip.

    Rests shorter than ``shortest`` are left out.
    """

    name: str
    input: str = "input"
    game: str = ""
    split: str = "train"
    licence: str = ""
    frames: int = 120
    shortest: int = 16


def write_clips(
    alignment: Alignment, out: Path, plan: ClipPlan, overwrite: bool = False
) -> Iterator[Clip]:
    """Write each kept stretch into ``out`` as clips ``NAME-0000``, ``NAME-0001``, ....

    A clip has ``reference`` and the input, lossless, the mask of the overlays that both show, and
    the alignment's figures. Raises :class:`TemporalCleanError` if a clip exists.
    """
    out.mkdir(parents=True, exist_ok=True)
    number = 0
    for stretch in alignment.kept:
        pairs = aligned_frames(alignment, stretch)
        for first in range(0, len(stretch), plan.frames):
            count = min(plan.frames, len(stretch) - first)
            if count < plan.shortest:
                break
            folder = out / f"{plan.name}-{number:04d}"
            if folder.exists() and not overwrite:
                raise TemporalCleanError(
                    f"{folder} exists already; add --overwrite to replace it, or choose another "
                    "--name"
                )
            yield write_clip(alignment, islice(pairs, count), folder, plan)
            number += 1


def write_clip(alignment: Alignment, pairs: Iterator[Pair], folder: Path, plan: ClipPlan) -> Clip:
    """One clip, whole or not at all."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        count, size, mask = write_videos(alignment, pairs, partial, plan)
        names = {name: Rendering(f"{name}.mkv") for name in ("reference", plan.input)}
        record = ClipRecord(
            name=folder.name,
            width=size[1],
            height=size[0],
            frames=count,
            frame_rate=frame_rate(alignment),
            game=plan.game,
            split=plan.split,
            licence=plan.licence,
            renderings=names,
            mask="mask.png" if mask else None,
            how_made=({"step": "align"},),
            alignment=alignment.as_json(),
        )
        write_record(partial, record)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Clip.open(folder)


def write_videos(
    alignment: Alignment, pairs: Iterator[Pair], folder: Path, plan: ClipPlan
) -> tuple[int, tuple[int, int], bool]:
    """Both videos in one pass, then the mask; frames, (height, width), whether there is a mask."""
    rate, kept = frame_rate(alignment), list[NDArray[np.uint8]]()
    with (
        FrameWriter(folder / f"{plan.input}.mkv", rate) as given,
        FrameWriter(folder / "reference.mkv", rate) as reference,
    ):
        for picture, clean in pairs:
            given.write(picture)
            reference.write(clean)
            if len(kept) < MASK_FRAMES:
                kept.append(clean)
    overlay = find_overlay(kept)
    if overlay.found:
        grey = np.rint(255.0 * overlay.mask).astype(np.uint8)
        write_png(np.repeat(grey[..., None], 3, axis=-1), folder / "mask.png")
    return reference.count, kept[0].shape[:2], bool(overlay.found)


def frame_rate(alignment: Alignment) -> Fraction:
    """Of the input; by its timestamps if its file does not say."""
    stated = alignment.first.info.frame_rate
    return stated or Fraction(alignment.first.rate).limit_denominator(1001)
