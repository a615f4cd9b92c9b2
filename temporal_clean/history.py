"""What the step does with the past: bring the last picture here, and see when there is none."""

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.flow import FlowPlanes, Kernel, block_mean, warp
from temporal_clean.models import luma

__all__ = ["scene_cut", "warp_picture"]


def warp_picture(
    picture: Float[Tensor, "batch 3 height width"],
    motion: Float[Tensor, "batch 2 height width"],
    kernel: Kernel,
) -> Float[Tensor, "batch 3 height width"]:
    """Warp with ``kernel`` in luma and bilinearly in colour differences.

    The eye and the flicker live in luma; three sharp planes would cost three times one
    (docs/LOG.md). What colour loses by it has not been measured.
    """
    warped = warp(picture, motion, "bilinear")
    if kernel == "bilinear":
        return warped
    return warped + (warp(luma(picture), motion, kernel) - luma(warped))


def scene_cut(
    picture: Float[Tensor, "batch 3 height width"],
    previous: Float[Tensor, "batch 3 height width"],
    flow: FlowPlanes,
) -> Float[Tensor, "batch 1 1 1"]:
    """1 at a scene cut, 0 within a scene, a ramp between.

    Two signs, either suffices: the 16x16 means of the picture and of the warped previous one no
    longer correlate, or nearly every pixel of the flow is doubted.
    """
    # In fp32: products of dim contrasts are below fp16, and a 0 / 0 would never leave the state.
    motion = block_mean(flow.coarse_motion, 4) * 0.25
    theirs = warp(_coarse(previous).float(), motion, "bilinear")
    both = torch.cat([_coarse(picture).float(), theirs], dim=1)
    ours, theirs = (both - both.mean(dim=(2, 3), keepdim=True)).chunk(2, dim=1)
    products = torch.cat([ours * theirs, ours * ours, theirs * theirs], dim=1)
    means = products.mean(dim=(2, 3), keepdim=True).chunk(3, dim=1)
    common, own, other = (part.mean(dim=1, keepdim=True) for part in means)
    # Contrast below two codes of 255 is noise: there the quotient goes to one, 'no cut'.
    floor = (2.0 / 255.0) ** 2
    # Inside the root as well: its slope at an empty state would be infinite.
    correlation = (common + floor) / (own * other + floor**2).sqrt()
    unrelated = ((0.5 - correlation) * 5.0 + 0.5).clamp(0.0, 1.0)
    doubt = flow.coarse_doubt.mean(dim=(2, 3), keepdim=True)
    doubted = ((doubt - 0.85) * 10.0 + 0.5).clamp(0.0, 1.0)
    return torch.maximum(unrelated, doubted).to(picture.dtype)


def _coarse(x: Tensor) -> Tensor:
    """16x16 block means, in two strides that engines run fast."""
    return block_mean(block_mean(x, 4), 4)
