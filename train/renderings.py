"""Adding inputs to clips: from a clip's master or reference, or from any good video."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from temporal_clean.clip import Clip, ClipRecord, Rendering, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import Recipe, degrade, reference
from temporal_clean.train.degrading.picture import Overlay
from temporal_clean.video import Pixels, open_input, to_8_bits
from temporal_clean.video.generated import write_frames

__all__ = ["add_renderings", "clips_from_video"]

REFERENCE = "reference"


def add_renderings(
    clip: Clip, recipes: Sequence[Recipe], overwrite: bool = False
) -> Iterator[tuple[Recipe, Path]]:
    """Derive the reference and an input for each recipe, lossless, into the clip's folder.

    A HUD that the clip holds is drawn over every rendering, after its upscaler. Yields each recipe
    with its file once that is whole and recorded. Raises :class:`TemporalCleanError` if a rendering
    exists already, before anything is made.
    """
    refuse_existing(clip, recipes, overwrite)
    factor = clip.record.master.factor if clip.record.master else 1
    name = "master" if clip.record.master else REFERENCE
    frames = stack(clip.frames(name))
    overlay = read_overlay(clip)
    record = clip.record
    if clip.record.master is not None and (overwrite or REFERENCE not in record.renderings):
        clean = reference(frames, factor)
        file = write(clip, REFERENCE, overlay.over(clean) if overlay else clean)
        record = with_rendering(clip, record, REFERENCE, Rendering(file.name))
    for recipe in recipes:
        file = write(clip, recipe.name, degrade(frames, factor, recipe, overlay=overlay))
        steps = tuple(recipe.to_json()["steps"])
        record = with_rendering(clip, record, recipe.name, Rendering(file.name, recipe.seed, steps))
        yield recipe, file


def refuse_existing(clip: Clip, recipes: Sequence[Recipe], overwrite: bool) -> None:
    names = [recipe.name for recipe in recipes]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise TemporalCleanError(f"recipes are named twice: {', '.join(sorted(doubled))}")
    if REFERENCE in names:
        raise TemporalCleanError("a recipe may not be called 'reference': choose another name")
    taken = [name for name in names if name in clip.record.renderings]
    if taken and not overwrite:
        raise TemporalCleanError(
            f"{clip.folder} has {', '.join(taken)} already; add --overwrite to make them anew"
        )
    if clip.record.master is None and REFERENCE not in clip.record.renderings:
        raise TemporalCleanError(
            f"{clip.folder} has neither a master nor a reference to start from"
        )


def stack(frames: Iterable[Pixels]) -> UInt8[Tensor, "time 3 height width"]:
    """Frames as planes; deeper sources are brought to 8 bits."""
    planes = [torch.from_numpy(to_8_bits(frame)).permute(2, 0, 1) for frame in frames]
    return torch.stack([plane.contiguous() for plane in planes])


def read_overlay(clip: Clip) -> Overlay | None:
    """The HUD that the clip keeps beside its master, or that its reference shows under the mask."""
    record = clip.record
    if record.mask is None:
        return None
    with clip.read("mask") as reader:
        coverage = stack(frame.pixels for frame in reader)[:, :1].float() / 255.0
    coverage = coverage.expand(record.frames, -1, -1, -1)
    if record.hud is not None:
        return Overlay(stack(clip.frames("hud")).float() / 255.0, coverage)
    if record.master is not None or REFERENCE not in record.renderings:
        return None
    return Overlay.from_reference(stack(clip.frames(REFERENCE)).float() / 255.0, coverage)


def write(clip: Clip, name: str, frames: Float[Tensor, "time 3 height width"]) -> Path:
    """A lossless video in the clip's folder, under its final name when it is whole."""
    pixels = (frame.mul(255.0).round().byte().permute(1, 2, 0).numpy() for frame in frames)
    path = clip.folder / f"{name}.mkv"
    arrays = (np.ascontiguousarray(frame) for frame in pixels)
    write_frames(path, arrays, clip.record.frame_rate, overwrite=True)
    return path


def with_rendering(clip: Clip, record: ClipRecord, name: str, rendering: Rendering) -> ClipRecord:
    """The record with one more rendering, written."""
    record = replace(record, renderings={**record.renderings, name: rendering})
    write_record(clip.folder, record)
    return record


def clips_from_video(
    video: Path, out: Path, frames: int, split: str = "train", overwrite: bool = False
) -> Iterator[Clip]:
    """Cut a good recording into clips of ``frames`` frames, each with the video as its reference.

    A rest shorter than ``frames`` is left out, unless it is all there is. Raises
    :class:`TemporalCleanError` if the video cannot be read or a clip exists.
    """
    out.mkdir(parents=True, exist_ok=True)
    with open_input(video) as reader:
        rate, number = reader.info.frame_rate, 0
        if rate is None:
            raise TemporalCleanError(f"{video} has no constant frame rate: record it with one")
        pixels = (to_8_bits(frame.pixels) for frame in reader)
        while part := list(islice(pixels, frames)):
            if len(part) < frames and number:
                return
            name = f"{video.stem}-{number:04d}"
            folder, partial = out / name, out / f".{name}.partial"
            if folder.exists() and not overwrite:
                raise TemporalCleanError(
                    f"{folder} exists already; add --overwrite to make it anew"
                )
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                write_frames(partial / f"{REFERENCE}.mkv", part, rate)
                height, width = part[0].shape[:2]
                cut = {"step": "cut", "video": video.name, "start": number * frames}
                record = ClipRecord(
                    name=name,
                    width=width,
                    height=height,
                    frames=len(part),
                    frame_rate=rate,
                    split=split,
                    renderings={REFERENCE: Rendering(f"{REFERENCE}.mkv")},
                    how_made=(cut,),
                )
                write_record(partial, record)
                shutil.rmtree(folder, ignore_errors=True)
                os.replace(partial, folder)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
            yield Clip.open(folder)
            number += 1
