"""Block means and smoothing as convolutions, and their counterpart, bilinear enlargement."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["block_mean", "enlarged", "smoothed"]


def block_mean(
    x: Float[Tensor, "batch channels height width"], factor: int
) -> Float[Tensor, "batch channels height//{factor} width//{factor}"]:
    """Mean of each ``factor`` x ``factor`` block.

    A convolution with constant weights, because OpenVINO's average pooling of a few full-size
    planes takes seven times as long (2.9 against 0.4 ms at 960x544, docs/LOG.md).
    """
    channels = x.shape[1]
    weight = torch.eye(channels, dtype=x.dtype, device=x.device).view(channels, channels, 1, 1)
    weight = (weight / factor**2).expand(-1, -1, factor, factor)
    return F.conv2d(x, weight, stride=factor)


def smoothed(
    x: Float[Tensor, "batch channels height width"],
) -> Float[Tensor, "batch channels height width"]:
    """Each plane under a 3x3 binomial window (1 2 1), borders repeated."""
    channels = x.shape[1]
    profile = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    window = torch.outer(profile, profile).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), window, groups=channels)


def enlarged(
    x: Float[Tensor, "batch channels height width"], factor: int
) -> Float[Tensor, "batch channels {factor}*height {factor}*width"]:
    """``factor`` times larger each way, bilinear (half-pixel centres)."""
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
