"""Block means and smoothing as convolutions, and their counterpart, bilinear enlargement.

Windows reach beyond the border as zeros that count for nothing: what lies inside is divided by its
share of the window. Engines do that within the convolution and the next operation, where repeating
the border is a pass over the plane of its own (docs/LOG.md).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["block_mean", "box_mean", "enlarged", "from_borders", "smoothed"]


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
    """Each plane under a 3x3 binomial window (1 2 1)."""
    profile = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
    across, down = ((0.5 + 0.25 * inside).reciprocal() for inside in from_borders(x, 1))
    return _windowed(x, torch.outer(profile, profile)) * across * down


def box_mean(
    x: Float[Tensor, "batch channels height width"], side: int
) -> Float[Tensor, "batch channels height width"]:
    """Mean of each plane over ``side`` x ``side`` pixels (odd) around each pixel."""
    window = torch.full((side, side), 1.0 / side**2, dtype=x.dtype, device=x.device)
    across, down = (side / (1.0 + inside) for inside in from_borders(x, side // 2))
    return _windowed(x, window) * across * down


def from_borders(
    x: Float[Tensor, "batch channels height width"], reach: int
) -> tuple[Float[Tensor, "1 1 1 width"], Float[Tensor, "1 1 height 1"]]:
    """How many of the ``reach`` places to both sides lie inside, across and down: constants."""
    height, width = x.shape[-2:]
    sides = []
    for length, shape in ((width, (1, 1, 1, -1)), (height, (1, 1, -1, 1))):
        place = torch.arange(length, device=x.device, dtype=torch.float32)
        inside = place.clamp_max(reach) + (length - 1.0 - place).clamp_max(reach)
        sides.append(inside.to(x.dtype).view(shape))
    return sides[0], sides[1]


def _windowed(x: Tensor, window: Tensor) -> Tensor:
    channels, side = x.shape[1], window.shape[-1]
    return F.conv2d(x, window.expand(channels, 1, -1, -1), padding=side // 2, groups=channels)


def enlarged(
    x: Float[Tensor, "batch channels height width"], factor: int
) -> Float[Tensor, "batch channels {factor}*height {factor}*width"]:
    """``factor`` times larger each way, bilinear (half-pixel centres)."""
    if factor == 1:
        return x
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)
