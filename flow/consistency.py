"""Forward-backward check: which pixels of a flow survive a round trip."""

from jaxtyping import Float
from torch import Tensor

from temporal_clean.flow.warping import outside, warp

__all__ = ["inconsistency"]

# Sundaram, Brox and Keutzer, ECCV 2010, equation 5.
RELATIVE_TOLERANCE = 0.01
ABSOLUTE_TOLERANCE = 0.5


def inconsistency(
    motion: Float[Tensor, "batch 2 height width"],
    backward: Float[Tensor, "batch 2 height width"],
) -> Float[Tensor, "batch 1 height width"]:
    """1 where going along ``motion`` and back along ``backward`` does not return, else 0.

    Both in pixels; ``motion`` leads from frame A to frame B, ``backward`` from B to A. A pixel
    fails where |f + b|^2 > 0.01 (|f|^2 + |b|^2) + 0.5, or where ``motion`` leaves the frame.
    """
    returned = warp(backward, motion, "bilinear")
    round_trip = (motion + returned).square().sum(dim=1, keepdim=True)
    lengths = motion.square().sum(1, keepdim=True) + returned.square().sum(1, keepdim=True)
    fails = round_trip > RELATIVE_TOLERANCE * lengths + ABSOLUTE_TOLERANCE
    return fails.to(motion.dtype).maximum(outside(motion))
