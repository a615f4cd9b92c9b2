"""Shimmer where nothing moves."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from temporal_clean.evaluation.blind.flicker import detrended
from temporal_clean.evaluation.blind.windows import Window

__all__ = ["Shimmer", "shimmer"]

# Pixels a frame, mean over the window and 5x5 pixels: a texture that pans by 0.05 px a frame
# wavers by 0.4 codes, which is the floor of this figure for what creeps; under noise of 8
# codes DIS sees 0.2 px a frame in a still picture, and 69 % of it still pass (both measured).
STILL, AROUND = 0.05, 2
# A change of level between the halves, beyond noise's own (its deviation is half the wavering's,
# so this is three of those) and beyond rounding, is a change of the scene and no shimmer.
LASTING, ROUNDING = 1.5, 2.0 / 255.0
# Fewer pixels than this share of the picture are where a zoom's or a turn's motion passes zero, or
# where DIS is fooled by double pictures: up to 2.2 % in moving clips without anything still.
LEAST_SHARE = 0.05


class Shimmer(NamedTuple):
    """Variance of luma over time, and where nothing moved; none where too little stood still."""

    variance: Float[Tensor, "1 height width"]
    static: Bool[Tensor, "1 height width"]


def shimmer(window: Window) -> Shimmer:
    """How much each pixel of a window wavers about its slow trend, and which ones are static.

    Static is where the flow, in the mean over time and 5x5 pixels, is under 0.05 px a frame, and
    where no lasting change of brightness happens. Pixels are compared where they are: nothing is
    resampled, so nothing is blurred.
    """
    lumas = torch.cat([view.luma for view in window])
    steps = [view.step for view in window[1:]]
    motion = torch.stack([step.motion for step in steps if step is not None]).mean(dim=0)
    size = 2 * AROUND + 1
    motion = F.avg_pool2d(motion, size, stride=1, padding=AROUND, count_include_pad=False)
    # Two degrees of freedom went into the line.
    variance = detrended(lumas).square().sum(dim=0) / (len(lumas) - 2)
    half = len(lumas) // 2
    change = (lumas[:half].mean(dim=0) - lumas[half:].mean(dim=0)).abs()
    static = (motion.norm(dim=1) < STILL) & (change <= LASTING * variance.sqrt() + ROUNDING)
    if static.float().mean() < LEAST_SHARE:
        static = torch.zeros_like(static)
    return Shimmer(variance, static)
