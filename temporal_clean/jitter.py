"""Where a frame's samples lie within the pixel, as temporal upscalers move them."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["halton"]


def halton(count: int, period: int, start: int = 0) -> Float[Tensor, "count 2"]:
    """Offsets x and y in [-0.5, 0.5) pixel of ``count`` frames: Halton(2, 3), as upscalers use.

    The sequence repeats after ``period`` frames and begins at ``start``.
    """
    turns = [(start + index) % period + 1 for index in range(count)]
    return torch.tensor([[_inverse(turn, base) - 0.5 for base in (2, 3)] for turn in turns])


def _inverse(index: int, base: int) -> float:
    """The radical inverse of ``index`` (Halton, Numerische Mathematik 2, 1960)."""
    value, share = 0.0, 1.0
    while index:
        share /= base
        value += share * (index % base)
        index //= base
    return value
