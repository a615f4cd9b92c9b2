"""What the perceptual figures ask of their two clips, checked at the door."""

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError

__all__ = ["require_clips"]


def require_clips(
    metric: str,
    output: Float[Tensor, "frames 3 height width"],
    reference: Float[Tensor, "frames 3 height width"],
    least_side: int = 1,
) -> None:
    """Refuse what ``metric`` cannot judge.

    Raises ValueError for clips of other or differing shapes and for values that are not finite;
    TemporalCleanError for clips without a frame and for sides under ``least_side`` pixels.
    """
    if output.shape != reference.shape or output.ndim != 4 or output.shape[1] != 3:
        raise ValueError(
            "expected output and reference of one shape (frames, 3, height, width), got "
            f"{tuple(output.shape)} and {tuple(reference.shape)}"
        )
    frames, _, height, width = output.shape
    if min(height, width) < least_side:
        raise TemporalCleanError(
            f"{metric} needs pictures of at least {least_side}x{least_side} pixels, got "
            f"{width}x{height}: leave {metric} out, or judge a larger picture"
        )
    if frames == 0:
        raise TemporalCleanError(f"{metric} needs at least one frame, got none: check the clip")
    for name, clip in (("output", output), ("reference", reference)):
        # Frame by frame: a mask of a whole clip would cost a quarter of its memory.
        for index, frame in enumerate(clip):
            if not bool(torch.isfinite(frame).all()):
                raise ValueError(
                    f"expected values in [0, 1], got NaN or infinity in frame {index} of the {name}"
                )
