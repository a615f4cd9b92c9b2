"""Sharpening that leaves halos: unsharp masking, and AMD's contrast-adaptive sharpening (CAS)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["blur", "cas", "unsharp"]


def unsharp(
    frames: Float[Tensor, "time 3 height width"], radius: float, amount: float
) -> Float[Tensor, "time 3 height width"]:
    """Add ``amount`` times what a Gaussian of ``radius`` (its sigma, in pixels) takes away."""
    return torch.lerp(blur(frames, radius), frames, 1.0 + amount).clamp_(0.0, 1.0)


def blur(
    frames: Float[Tensor, "time channels height width"], sigma: float
) -> Float[Tensor, "time channels height width"]:
    """Gaussian of ``sigma`` pixels, cut at 3 sigma, borders repeated."""
    reach = max(1, round(3.0 * sigma))
    taps = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).tolist()
    height, width = frames.shape[-2:]
    tall = F.pad(frames, (0, 0, reach, reach), mode="replicate")
    rows = torch.zeros_like(frames)
    for index, tap in enumerate(taps):
        rows.add_(tall[..., index : index + height, :], alpha=tap)
    wide = F.pad(rows, (reach, reach, 0, 0), mode="replicate")
    result = torch.zeros_like(frames)
    for index, tap in enumerate(taps):
        result.add_(wide[..., index : index + width], alpha=tap)
    return result


def cas(
    frames: Float[Tensor, "time 3 height width"], sharpness: float
) -> Float[Tensor, "time 3 height width"]:
    """Sharpen most where contrast is low; ``sharpness`` from 0 to 1.

    CasFilter of AMD's ffx_cas.h (FidelityFX CAS, MIT licence) without scaling, with better
    diagonals, each channel by itself (CAS_SLOW), on display-encoded values as post-processing
    injectors run it.
    """
    height, width = frames.shape[-2:]
    bordered = F.pad(frames, (1, 1, 1, 1), mode="replicate")
    tall = bordered[..., :, 1:-1]
    above, below = tall[..., :height, :], tall[..., 2:, :]
    left, right = bordered[..., 1:-1, :width], bordered[..., 1:-1, 2:]
    extremes = []
    for pick in (torch.minimum, torch.maximum):
        cross = pick(pick(pick(above, below), pick(left, right)), frames)
        # max_pool2d took four times as long as these four passes.
        columns = pick(
            pick(bordered[..., :height, :], bordered[..., 2:, :]), bordered[..., 1:-1, :]
        )
        square = pick(pick(columns[..., :width], columns[..., 2:]), columns[..., 1:-1])
        extremes.append(cross + square)
    lowest, highest = extremes
    # 'Smooth minimum distance to signal limit divided by smooth max', shaped by a root.
    room = torch.minimum(lowest, 2.0 - highest) / highest.clamp_min(1e-6)
    # CasSetup: from -1/8 to -1/5.
    weight = room.clamp_(0.0, 1.0).sqrt_().mul_(-1.0 / (8.0 - 3.0 * sharpness))
    ring = (above + below).add_(left).add_(right)
    return torch.addcmul(frames, ring, weight).div_(1.0 + 4.0 * weight).clamp_(0.0, 1.0)
