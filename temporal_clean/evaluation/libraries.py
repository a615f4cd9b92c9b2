"""The figures of other people's libraries, which want whole clips: FLIP, JOD, VMAF, tLP."""

from collections.abc import Callable
from fractions import Fraction
from typing import Literal

import torch
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.perceptual import availability, flip, jod, tlp, vmaf
from temporal_clean.evaluation.stretches import Video

__all__ = ["NAMES", "Held", "library_figures"]

NAMES = ("flip", "jod", "vmaf", "tlp")
# Of the output and of the reference, in 8 bits a sample; libraries take four times that.
MOST_HELD = 1_500_000_000

Found = tuple[float | None, tuple[float | None, ...]]


class Held:
    """One video's frames, kept in 8 bits until all are there; nothing of what is too long."""

    def __init__(self) -> None:
        self.parts: list[Tensor] = []
        self.size = 0

    def take(self, frames: Tensor) -> None:
        """Add frames in [0, 1]."""
        self.size += frames.numel()
        if self.size <= MOST_HELD:
            self.parts.append((255 * frames).round().clamp(0, 255).byte())

    @property
    def too_long(self) -> bool:
        return self.size > MOST_HELD

    def frames(self) -> Tensor:
        """All of them, in [0, 1]."""
        return torch.cat(self.parts).float() / 255


def library_figures(
    output: Held, reference: Held, video: Video
) -> tuple[dict[str, Found], dict[str, str]]:
    """Pooled and per-frame figures by name, and for those that cannot be had the reason."""
    figures: dict[str, Found] = {}
    missing = {name: reason for name, reason in availability().items() if reason}
    if output.too_long:
        missing |= dict.fromkeys(NAMES, "the video is too long to hold: add --frames")
    if video.transfer != "SDR":
        missing |= dict.fromkeys(("flip", "vmaf", "tlp"), "it is made for SDR")
    wanted = [name for name in NAMES if name not in missing]
    if not wanted:
        return figures, missing
    ours, theirs = output.frames(), reference.frames()
    for name in wanted:
        try:
            figures[name] = _MEASURES[name](ours, theirs, video)
        except TemporalCleanError as error:
            # Pictures under its least size, or a program that failed: told, and the rest goes on.
            missing[name] = str(error)
    return figures, missing


def _flip(output: Tensor, reference: Tensor, video: Video) -> Found:
    each = flip(output, reference).tolist()
    return sum(each) / len(each), tuple(each)


def _jod(output: Tensor, reference: Tensor, video: Video) -> Found:
    transfers: dict[str, Literal["sdr", "pq", "hlg"]] = {"SDR": "sdr", "PQ": "pq", "HLG": "hlg"}
    rate: Fraction = video.frame_rate
    pooled = jod(output, reference, rate, transfer=transfers[video.transfer])
    return pooled, (None,) * len(output)


def _vmaf(output: Tensor, reference: Tensor, video: Video) -> Found:
    found = vmaf(output, reference, video.frame_rate)
    return found.pooled, tuple(found.frames.tolist())


def _tlp(output: Tensor, reference: Tensor, video: Video) -> Found:
    each = tlp(output, reference).tolist()
    return (sum(each) / len(each) if each else None), (None, *each)


_MEASURES: dict[str, Callable[[Tensor, Tensor, Video], Found]] = {
    "flip": _flip,
    "jod": _jod,
    "vmaf": _vmaf,
    "tlp": _tlp,
}
