"""Likeness to a reference, frame by frame: PSNR, and how much of the detail is there (Sharp)."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["psnr", "sharp"]


def psnr(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
) -> Float[Tensor, "frames"]:
    """Peak signal-to-noise ratio of each frame in dB, for values in [0, 1] (peak 1).

    -10 log10 of the mean squared difference over channels and pixels (ITU-T J.340, with RGB in
    place of luma); infinite for equal frames. ``frames`` is a batch or a stretch of time; to
    judge a clip as one, average the squared errors and not these figures. Computed in float32
    or finer. Raises ValueError if the shapes differ.
    """
    _require_same_shape(output, reference)
    error = (_wide(output) - _wide(reference)).square().mean(dim=(1, 2, 3))
    return -10.0 * error.log10()


def sharp(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
) -> Float[Tensor, "frames"]:
    """The share of the reference's gradients that each frame shows: 1 is right, a pure number.

    Sharp = <grad o, grad g> / <grad g, grad g>, with o the output and g the reference, forward
    differences along rows and columns, summed over channels and pixels: the slope of the output's
    gradients on the reference's. Below 1 the output is blurred (a Gaussian of sigma 0.8: 0.43),
    above 1 it is aliased or over-sharpened (one sample a pixel: 1.25); figures measured in this
    project's study of flicker metrics. Noise that knows nothing of the reference leaves it alone.
    Not a number for a reference without any gradient. Raises ValueError if the shapes differ.
    """
    _require_same_shape(output, reference)
    common, own = 0.0, 0.0
    for axis in (-1, -2):
        ours, theirs = (torch.diff(_wide(frames), dim=axis) for frames in (output, reference))
        common = common + (ours * theirs).sum(dim=(1, 2, 3))
        own = own + theirs.square().sum(dim=(1, 2, 3))
    return common / own


def _wide(frames: Tensor) -> Tensor:
    """At least float32: sums over a picture overflow and round badly in half precision."""
    return frames if frames.dtype == torch.float64 else frames.float()


def _require_same_shape(output: Tensor, reference: Tensor) -> None:
    if output.shape != reference.shape or output.ndim != 4:
        raise ValueError(
            "expected output and reference of one shape (frames, channels, height, width), got "
            f"{tuple(output.shape)} and {tuple(reference.shape)}"
        )
