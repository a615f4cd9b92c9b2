"""Likeness to a reference, frame by frame: PSNR, SSIM, and how much of the detail is there."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.sums import Sums, decibels, over_pixels, require_clips, wide

__all__ = ["psnr", "sharp", "sharp_sums", "squared_error", "ssim", "ssim_sums"]

# Wang, Bovik, Sheikh and Simoncelli, IEEE TIP 13(4), 2004: an 11x11 Gaussian of sigma 1.5, and
# K1 = 0.01, K2 = 0.03.
SSIM_WINDOW, SSIM_SIGMA = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2


def psnr(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
    mask: Float[Tensor, "frames 1 height width"] | None = None,
) -> Float[Tensor, "frames"]:
    """Peak signal-to-noise ratio of each frame in dB, for values in [0, 1] (peak 1).

    -10 log10 of the mean squared difference over channels and pixels (ITU-T J.340, with RGB in
    place of luma); infinite for equal frames, not a number where ``mask`` (weights in [0, 1]) is
    empty. ``frames`` is a batch or a stretch of time; to judge a clip as one, average the squared
    errors and not these figures. Computed in float32 or finer. Raises ValueError if the shapes
    differ or a value is not finite.
    """
    require_clips(output, reference)
    return decibels(squared_error(output, reference, mask).each())


def squared_error(output: Tensor, reference: Tensor, mask: Tensor | None = None) -> Sums:
    """The mean squared difference that :func:`psnr` takes the logarithm of."""
    return over_pixels((wide(output) - wide(reference)).square(), mask)


def ssim(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
) -> Float[Tensor, "frames"]:
    """Structural similarity of each frame, in [-1, 1]: 1 is equal, a pure number.

    Wang et al., IEEE TIP 13(4), 2004, equation 13, on each channel of the display-encoded RGB in
    [0, 1], its mean over channels and over the pixels whose 11x11 window lies in the picture. Not
    a number for pictures smaller than the window. Raises ValueError if the shapes differ or a
    value is not finite.
    """
    require_clips(output, reference)
    return ssim_sums(output, reference).each()


def ssim_sums(output: Tensor, reference: Tensor) -> Sums:
    """The sums behind :func:`ssim`, a frame at a time: five blurred planes are held of each."""
    if min(output.shape[-2:]) < SSIM_WINDOW:
        nothing = wide(output).new_zeros(len(output))
        return Sums(nothing, nothing)
    maps = (_ssim_map(wide(a)[None], wide(b)[None]) for a, b in zip(output, reference, strict=True))
    sums = [over_pixels(values) for values in maps]
    return Sums(torch.cat([s.total for s in sums]), torch.cat([s.weight for s in sums]))


def _ssim_map(output: Tensor, reference: Tensor) -> Tensor:
    means, squares = (
        _blur(torch.cat([output, reference])),
        _blur(torch.cat([output, reference]) ** 2),
    )
    product = _blur(output * reference) - means[:1] * means[1:]
    variances = (squares - means.square()).clamp_min(0.0)
    luminance = (2 * means[:1] * means[1:] + SSIM_C1) / (means.square().sum(0) + SSIM_C1)
    structure = (2 * product + SSIM_C2) / (variances.sum(0) + SSIM_C2)
    return luminance * structure


def _blur(frames: Tensor) -> Tensor:
    """SSIM's window without the border, as two passes.

    Sums of shifted planes: a convolution of single channels takes eight times as long on a CPU.
    """
    places = range(-(SSIM_WINDOW // 2), SSIM_WINDOW // 2 + 1)
    taps = [math.exp(-0.5 * (place / SSIM_SIGMA) ** 2) for place in places]
    for axis in (-1, -2):
        length = frames.shape[axis] - SSIM_WINDOW + 1
        blurred = torch.zeros_like(frames.narrow(axis, 0, length))
        for shift, tap in enumerate(taps):
            blurred.add_(frames.narrow(axis, shift, length), alpha=tap / sum(taps))
        frames = blurred
    return frames


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
    Not a number for a reference without any gradient. Raises ValueError if the shapes differ or a
    value is not finite.
    """
    require_clips(output, reference)
    return sharp_sums(output, reference).each()


def sharp_sums(output: Tensor, reference: Tensor) -> Sums:
    """The sums behind :func:`sharp`."""
    common = own = wide(output).new_zeros(len(output))
    for axis in (-1, -2):
        ours, theirs = (torch.diff(wide(frames), dim=axis) for frames in (output, reference))
        common = common + (ours * theirs).sum(dim=(1, 2, 3))
        own = own + theirs.square().sum(dim=(1, 2, 3))
    return Sums(common, own)
