"""Gaussian blur."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["gaussian"]


def gaussian(
    picture: Float[Tensor, "batch channels height width"], sigma: float, reach: float = 4.0
) -> Float[Tensor, "batch channels height width"]:
    """Gaussian blur of ``sigma`` pixels, sampled and normalised, the border repeated.

    The same as ``scipy.ndimage.gaussian_filter(plane, sigma, mode="nearest", truncate=reach)``:
    beyond four deviations (scipy's default) a Gaussian is below 1/2900 of its peak.
    """
    channels = picture.shape[1]
    radius = int(reach * sigma + 0.5)
    distance = torch.arange(-radius, radius + 1, device=picture.device, dtype=picture.dtype)
    taps = torch.exp(-0.5 * (distance / sigma) ** 2)
    taps = (taps / taps.sum()).expand(channels, 1, -1)
    whole = F.pad(picture, (radius,) * 4, mode="replicate")
    rows = F.conv2d(whole, taps[:, :, :, None], groups=channels)
    return F.conv2d(rows, taps[:, :, None, :], groups=channels)
