"""Materials as packed texels: colour and coverage in one integer, so a sample costs one look-up.

A texel is a piece of the material's definition, not an approximation of one: the scene *is* the
piecewise constant function that the texels describe, so flow and occlusion are exact. There are
:data:`DENSITY` texels to a pixel, which holds detail far beyond what a pixel can show: one sample
a pixel aliases, as it does in a game.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

__all__ = ["DENSITY", "OPAQUE", "Texture", "bake", "texels_across"]

# Texels a pixel wherever a material is seen face on. About one a sub-sample of the 8x8, and far
# from any simple fraction of 8: the sub-samples of a pixel then fall on all places of a texel, and
# its blockiness averages out whatever the sub-pixel motion.
DENSITY = 6.3
# Sign bit of a packed texel: there is something here. Bits 24-30 are left to the layer's number.
OPAQUE = -(2**31)
# The footprint that mip levels are filtered for: one sub-sample of the 8x8 (see sampling.py).
SUBSAMPLES = 8


@dataclass(frozen=True)
class Texture:
    """``texels`` of every level one after another; ``size`` texels a side, a power of two.

    ``starts[j][i]`` is where the level begins that is halved ``i`` times across and ``j`` times
    down (a rip-map: a receding plane is minified much more in depth than across). One level only
    for what is never seen from afar. ``tiled`` says whether it repeats across and down; where it
    does not, nothing is beyond its edges.
    """

    texels: Int32[Tensor, " count"]
    size: int
    starts: tuple[tuple[int, ...], ...] = ((0,),)
    tiled: tuple[bool, bool] = (True, True)

    @property
    def levels(self) -> int:
        """Halvings that there are beyond the full size, each way."""
        return len(self.starts) - 1


def texels_across(pixels: float) -> int:
    """The power of two of texels that covers at least nearly (97 %) so many pixels, 64 or more."""
    return max(64, 2 ** math.ceil(math.log2(max(pixels, 1.0) * DENSITY * 0.97)))


def bake(
    picture: Float[Tensor, "3 size size"],
    coverage: Float[Tensor, "size size"] | None = None,
    *,
    tiled: tuple[bool, bool] = (True, True),
    receding: bool = False,
) -> Texture:
    """Pack colours in [0, 1] and a coverage (opaque from 0.5 on); ``receding`` adds the rip-map."""
    size = picture.shape[-1]
    if coverage is None:
        coverage = torch.ones_like(picture[0])
    wide = torch.cat([picture.clamp(0, 1), coverage[None]])
    if not receding:
        return Texture(_pack(wide), size, tiled=tiled)
    levels, starts, count = [], [], 0
    for _ in range(size.bit_length()):
        row, narrow = [], wide
        for _ in range(size.bit_length()):
            row.append(count)
            levels.append(_pack(narrow))
            count += levels[-1].numel()
            narrow = narrow.unflatten(2, (-1, min(2, narrow.shape[2]))).mean(3)
        starts.append(tuple(row))
        wide = wide.unflatten(1, (-1, min(2, wide.shape[1]))).mean(2)
    return Texture(torch.cat(levels), size, tuple(starts), tiled)


def _pack(picture: Float[Tensor, "4 height width"]) -> Int32[Tensor, " count"]:
    red, green, blue = (picture[:3] * 255).round().int().flatten(1)
    opaque = (picture[3] >= 0.5).flatten()
    return (red | green << 8 | blue << 16) | opaque * torch.tensor(OPAQUE, dtype=torch.int32)
