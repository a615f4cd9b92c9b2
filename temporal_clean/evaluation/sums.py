"""Figures as quotients of sums, so that frames, videos and pixels pool without a mean of means."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Sums", "decibels", "over_pixels", "require_clips", "wide"]


class Sums(NamedTuple):
    """A figure's numerator and denominator for each frame: their quotient is the frame's figure.

    A denominator of 0 says that there was nothing to measure; the figure is then not a number.
    """

    total: Float[Tensor, "frames"]
    weight: Float[Tensor, "frames"]

    def each(self) -> Float[Tensor, "frames"]:
        """One figure a frame."""
        nothing = torch.full_like(self.total, torch.nan)
        return torch.where(self.weight > 0, self.total / self.weight.clamp_min(1e-30), nothing)

    def pooled(self) -> Float[Tensor, "1"]:
        """One figure of all frames, each as heavy as what it had to measure."""
        return Sums(self.total.sum(0, keepdim=True), self.weight.sum(0, keepdim=True)).each()


def over_pixels(
    values: Float[Tensor, "frames channels height width"],
    mask: Float[Tensor, "frames 1 height width"] | None = None,
) -> Sums:
    """The mean of ``values`` over channels and pixels, or over those where ``mask`` is 1."""
    channels, height, width = values.shape[1:]
    if mask is not None and mask.shape != (len(values), 1, height, width):
        raise ValueError(
            f"expected a mask of shape {(len(values), 1, height, width)}, got {tuple(mask.shape)}"
        )
    if mask is None:
        count = values.new_full((len(values),), channels * height * width)
        return Sums(values.sum(dim=(1, 2, 3)), count)
    return Sums((values * mask).sum(dim=(1, 2, 3)), channels * mask.sum(dim=(1, 2, 3)))


def decibels(mean_square: Tensor) -> Tensor:
    """-10 log10 of a mean squared error of values in [0, 1]: PSNR in dB, infinite for none."""
    return -10.0 * mean_square.log10()


def wide(frames: Tensor) -> Tensor:
    """At least float32: sums over a picture overflow and round badly in half precision."""
    return frames if frames.dtype == torch.float64 else frames.float()


def require_clips(output: Tensor, reference: Tensor) -> None:
    """Raise ValueError unless both are clips of one shape with finite values."""
    if output.shape != reference.shape or output.ndim != 4:
        raise ValueError(
            "expected output and reference of one shape (frames, channels, height, width), got "
            f"{tuple(output.shape)} and {tuple(reference.shape)}"
        )
    for name, frames in (("output", output), ("reference", reference)):
        if not frames.isfinite().all():
            raise ValueError(
                f"expected finite values, but the {name} holds NaN or infinity: mend what made it"
            )
