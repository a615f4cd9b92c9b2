"""The terms that training sums, each a mean over pixels, so that a batch may be split anywhere.

Pictures are display-encoded RGB in [0, 1], motion is in pixels to the previous frame, maps of
where a term counts are 0 or 1.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from temporal_clean.flow import warp
from temporal_clean.models import luma

__all__ = [
    "census_distance",
    "charbonnier",
    "doubt_error",
    "flicker",
    "gradient",
    "motion_distance",
    "photometric",
    "sharpness_error",
    "smoothness",
]

Picture = Float[Tensor, "batch 3 height width"]
Map = Float[Tensor, "batch 1 height width"]
Motion = Float[Tensor, "batch 2 height width"]

# Of the error's square: below 2.5 codes of 255 a squared error, above an absolute one.
SOFTNESS = 1e-4
# A warp is wrong where it misses the clean picture by more than its resampling does: from 5 codes
# of 255 doubt is wanted, from 20 on all of it.
WRONG_FROM, WRONG_RANGE = 0.02, 0.06


def charbonnier(x: Tensor, softness: float = SOFTNESS) -> Tensor:
    """sqrt(x^2 + softness), each value (Charbonnier et al., ICIP 1994)."""
    return (x.square() + softness).sqrt()


def gradient(x: Picture) -> Float[Tensor, "batch 6 height width"]:
    """Differences to the right and down; 0 at the far borders."""
    right = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return torch.cat([right, down], dim=1)


def flicker(error: Picture, before: Picture, motion: Motion, known: Map) -> Tensor:
    """How the error (output less reference) changes along the reference's motion: MCflick's own
    quantity, Charbonnier in place of the square."""
    change = error - warp(before, motion, "bilinear")
    return (known * charbonnier(change)).mean()


def sharpness_error(clean: Picture, reference: Picture, dirty: Picture) -> Tensor:
    """Square of how far each picture's Sharp lies below its input's (at most 1) or above 1.

    Detail that the input has is to be kept, what it lacks is not to be invented; squared, because
    a few scenes of fine texture went soft where the mean was right (docs/LOG.md).
    """
    theirs = gradient(reference)
    # One squared step of a tenth of white in each hundred pixels: flat crops have no sharpness.
    floor = 1e-4 * theirs[0].numel()
    energy = theirs.square().sum(dim=(1, 2, 3)).clamp_min(floor)
    # 1 - Sharp, Sharp = <grad o, grad g> / <grad g, grad g>.
    missing, allowed = (
        (gradient(reference - picture) * theirs).sum(dim=(1, 2, 3)) / energy
        for picture in (clean, dirty)
    )
    below = (missing - allowed.clamp_min(0.0)).clamp_min(0.0)
    return (below.square() + missing.clamp_max(0.0).square()).mean()


def motion_distance(motion: Motion, teacher: Motion, known: Map) -> Tensor:
    """Mean distance to the teacher's motion in pixels, where that is known."""
    distance = ((motion - teacher).square().sum(dim=1, keepdim=True) + 1e-4).sqrt()
    # A logarithm beyond a pixel: one region that is lost must not outweigh all sub-pixel errors.
    return (known * torch.log1p(distance)).mean()


def photometric(reference: Picture, before: Picture, motion: Motion, known: Map) -> Tensor:
    """What the warp misses of the clean frame, to the power 0.6 (facts/training.md)."""
    return (known * (warp_error(reference, before, motion) + 0.01) ** 0.6).mean()


def warp_error(reference: Picture, before: Picture, motion: Motion) -> Map:
    """Mean absolute difference over the colours."""
    return (warp(before, motion, "bilinear") - reference).abs().mean(dim=1, keepdim=True)


def census_distance(reference: Picture, before: Picture, motion: Motion, known: Map) -> Tensor:
    """Soft Hamming distance of ternary census signatures of 7x7 luma (Meister et al., AAAI 2018,
    equations 6 and 7), which a change of light does not move."""
    ours, theirs = _census(luma(reference)), _census(warp(luma(before), motion, "bilinear"))
    difference = (ours - theirs).square()
    distance = (difference / (0.1 + difference)).mean(dim=1, keepdim=True)
    inner = F.pad(torch.ones_like(known[..., 6:, 6:]), (3, 3, 3, 3))
    return (known * inner * (distance + 0.01) ** 0.45).mean()


def _census(x: Map) -> Float[Tensor, "batch 49 height width"]:
    offsets = F.unfold(F.pad(x, (3, 3, 3, 3), mode="replicate") * 255.0, kernel_size=7)
    difference = offsets.view(len(x), 49, *x.shape[-2:]) - x * 255.0
    return difference / (0.81 + difference.square()).sqrt()


def doubt_error(doubt: Map, reference: Picture, before: Picture, motion: Motion) -> Tensor:
    """Cross-entropy of doubt against what the warp misses of the clean frame."""
    error = warp_error(reference, before, motion).detach()
    wrong = ((error - WRONG_FROM) / WRONG_RANGE).clamp(0.0, 1.0)
    # Written out: torch's own refuses to run under CUDA's autocast.
    doubt = doubt.clamp(1e-4, 1.0 - 1e-4)
    return -(wrong * doubt.log() + (1.0 - wrong) * (1.0 - doubt).log()).mean()


def smoothness(motion: Motion, reference: Picture) -> Tensor:
    """Change of motion, where the picture does not change (Wang et al., CVPR 2018)."""
    edges = gradient(reference).abs()
    bends = gradient(motion).abs()
    across = torch.exp(-30.0 * edges[:, :3].mean(dim=1, keepdim=True))
    along = torch.exp(-30.0 * edges[:, 3:].mean(dim=1, keepdim=True))
    return (across * bends[:, :2] + along * bends[:, 2:]).mean()
