"""Checking clips on disk: each input against the reference, or what a master gives."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from temporal_clean.clip import Clip, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.checking.check import check_pair
from temporal_clean.train.checking.report import Report
from temporal_clean.train.checking.sheet import write_sheet
from temporal_clean.train.degrading import reference, sample
from temporal_clean.video import Pixels, open_input, to_8_bits

__all__ = ["check_clip", "check_videos"]

Picture = NDArray[np.uint8]

NATIVE = "native"
NATIVE_STEPS = ({"step": "sample", "scale": 1.0},)


def check_clip(clip: Clip, sheets: Path | None = None) -> dict[str, Report]:
    """Check every input of a clip and note the verdicts in its record.

    A clip that has only a master is checked by the native render that it gives. Contact sheets
    ``CLIP-INPUT.png`` go into the folder ``sheets``. Raises :class:`TemporalCleanError` if the clip
    has nothing to compare.
    """
    reports = {}
    for name in clip.inputs or ((NATIVE,) if clip.record.master else ()):
        if name in clip.record.renderings and "reference" in clip.record.renderings:
            steps = clip.record.renderings[name].steps
            reports[name] = check_pair(
                stored_frames(clip, name), stored_frames(clip, "reference"), steps
            )
        elif clip.record.master:
            reports[name] = check_pair(native_frames(clip), reference_frames(clip), NATIVE_STEPS)
    if not reports:
        raise TemporalCleanError(
            f"{clip.folder} has no input beside a reference, and no master: there is nothing to "
            "check; temporal-clean pairs degrade adds inputs"
        )
    for name, report in reports.items():
        if sheets is not None and report.figures is not None:
            title = f"{clip.record.name}: {name}"
            write_sheet(sheets / f"{clip.record.name}-{name}.png", report, title, overwrite=True)
    noted = {name: report.as_json() for name, report in reports.items()}
    write_record(clip.folder, replace(clip.record, check=noted))
    return reports


def stored_frames(clip: Clip, name: str) -> Iterator[Picture]:
    """Frames of a rendering, 8 bits a sample."""
    return (to_8_bits(frame) for frame in clip.frames(name))


def native_frames(clip: Clip) -> Iterator[Picture]:
    """One sample a pixel of the clip's master, frame by frame."""
    assert clip.record.master is not None
    for master in clip.frames("master"):
        yield pixels(sample(planes(master), clip.record.master.factor, 1.0).frames)


def reference_frames(clip: Clip) -> Iterator[Picture]:
    """What the clip's master averages to, frame by frame."""
    assert clip.record.master is not None
    for master in clip.frames("master"):
        yield pixels(reference(planes(master), clip.record.master.factor))


def planes(frame: Pixels) -> torch.Tensor:
    """(height, width, 3) to (1, 3, height, width)."""
    return torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1).unsqueeze(0)


def pixels(frames: torch.Tensor) -> Picture:
    """(1, 3, height, width) in [0, 1] to (height, width, 3) uint8."""
    codes = frames[0].mul(255.0).round().clamp(0.0, 255.0).byte()
    return np.ascontiguousarray(codes.permute(1, 2, 0).numpy())


def check_videos(given: Path, reference_video: Path, sheet: Path | None = None) -> Report:
    """Check two videos as input and reference."""
    with open_input(given) as ours, open_input(reference_video) as theirs:
        rates = (ours.info.frame_rate, theirs.info.frame_rate)
        report = check_pair(
            (to_8_bits(frame.pixels) for frame in ours),
            (to_8_bits(frame.pixels) for frame in theirs),
            rates=rates,
        )
    if sheet is not None and report.figures is not None:
        write_sheet(sheet, report, f"{given.name} against {reference_video.name}", overwrite=True)
    return report
