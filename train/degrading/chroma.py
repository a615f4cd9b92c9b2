"""4:2:0 as video has it: BT.709, limited range, 8 bits, chroma sited left (MPEG-2 and H.264)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["Video420", "from_420", "to_420"]

# ITU-R BT.709-6, items 3.2 to 3.4: luma, colour differences and their 8-bit codes.
RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722
BLUE_DIFFERENCE, RED_DIFFERENCE = 1.8556, 1.5748
LUMA_RANGE, CHROMA_RANGE, BLACK, GREY = 219.0, 224.0, 16.0, 128.0


class Video420(NamedTuple):
    """8-bit codes as floats: luma at full size, both colour differences at half of it."""

    luma: Float[Tensor, "time 1 height width"]
    chroma: Float[Tensor, "time 2 rows columns"]


def to_420(frames: Float[Tensor, "time 3 height width"]) -> Video420:
    """RGB in [0, 1] to rounded 8-bit codes; odd sizes repeat their last row or column."""
    height, width = frames.shape[-2:]
    frames = F.pad(frames, (0, width % 2, 0, height % 2), mode="replicate")
    red, green, blue = frames.split(1, dim=1)
    luma = RED * red + GREEN * green + BLUE * blue
    differences = torch.cat([(blue - luma) / BLUE_DIFFERENCE, (red - luma) / RED_DIFFERENCE], dim=1)
    # Chroma lies on even columns (1 2 1 across) and between two rows (1 1 down), the siting
    # 'left' of ITU-T H.264 figure E-1.
    pairs = 0.5 * (differences[..., 0::2, :] + differences[..., 1::2, :])
    wide = F.pad(pairs, (1, 0, 0, 0), mode="replicate")
    chroma = 0.25 * (wide[..., 0:-1:2] + wide[..., 2::2]) + 0.5 * wide[..., 1::2]
    return Video420(
        (BLACK + LUMA_RANGE * luma).round_().clamp_(0.0, 255.0),
        (GREY + CHROMA_RANGE * chroma).round_().clamp_(0.0, 255.0),
    )


def from_420(video: Video420, size: tuple[int, int]) -> Float[Tensor, "time 3 height width"]:
    """RGB in [0, 1] of ``size`` (height, width); chroma interpolated linearly from its sites."""
    luma = (video.luma - BLACK) / LUMA_RANGE
    chroma = _wider(_taller((video.chroma - GREY) / CHROMA_RANGE))
    blue = torch.add(luma, chroma[:, 0:1], alpha=BLUE_DIFFERENCE)
    red = torch.add(luma, chroma[:, 1:2], alpha=RED_DIFFERENCE)
    green = (luma - RED * red - BLUE * blue) / GREEN
    frames = torch.cat([red, green, blue], dim=1).clamp_(0.0, 1.0)
    return frames[..., : size[0], : size[1]].contiguous()


def _taller(x: Tensor) -> Tensor:
    """Twice the rows, from samples midway between each two: 3/4 of the near, 1/4 of the far."""
    tall = F.pad(x, (0, 0, 1, 1), mode="replicate")
    near = 0.75 * x
    rows = [near + 0.25 * tall[..., :-2, :], near + 0.25 * tall[..., 2:, :]]
    return torch.stack(rows, dim=-2).flatten(-3, -2)


def _wider(x: Tensor) -> Tensor:
    """Twice the columns, from samples on the even ones."""
    following = torch.cat([x[..., 1:], x[..., -1:]], dim=-1)
    return torch.stack([x, 0.5 * (x + following)], dim=-1).flatten(-2)
