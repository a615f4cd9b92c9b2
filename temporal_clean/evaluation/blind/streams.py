"""Frames as they come: checked at the door, the video's beside its input's."""

from collections.abc import Iterable, Iterator
from itertools import repeat

import torch
from torch import Tensor

from temporal_clean.errors import TemporalCleanError

__all__ = ["check_frame", "together"]


def together(
    frames: Iterable[Tensor], sources: Iterable[Tensor] | None
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Frames with the input's; both must end together and be of one size."""
    if sources is None:
        yield from zip(frames, repeat(None), strict=False)
        return
    own, theirs = iter(frames), iter(sources)
    for index, frame in enumerate(own):
        source = next(theirs, None)
        if source is None:
            raise TemporalCleanError(_lengths(f"the input ends after {index} frames"))
        check_frame(source, frame, index, "input")
        yield frame, source
    if next(theirs, None) is not None:
        raise TemporalCleanError(_lengths("the input goes on after the video's end"))


def _lengths(what: str) -> str:
    return f"expected an input of as many frames as the video, but {what}: cut both alike"


def check_frame(frame: Tensor, like: Tensor | None, index: int, name: str) -> None:
    if frame.ndim != 4 or frame.shape[:2] != (1, 3) or frame.numel() == 0:
        raise ValueError(
            f"expected frames of shape (1, 3, height, width), got {tuple(frame.shape)} for frame "
            f"{index} of the {name}"
        )
    if like is not None and frame.shape != like.shape:
        sizes = [f"{picture.shape[-1]}x{picture.shape[-2]}" for picture in (like, frame)]
        raise TemporalCleanError(
            f"expected {sizes[0]} pixels as in the rest, got {sizes[1]} for frame {index} of the "
            f"{name}: bring all frames to one size"
        )
    if not bool(torch.isfinite(frame).all()):
        raise ValueError(
            f"expected values in [0, 1], got NaN or infinity in frame {index} of the {name}"
        )
