"""From points to pixels: the reference's 64 samples, and the games' one and four.

A pixel is the unit square about its integer centre, and every pattern here has its mean in that
centre, so that pictures made with different ones lie exactly over each other.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from temporal_clean.evaluation.scenes.layers import Shot, number_of, trace

__all__ = ["Rendering", "grid", "point_sampled", "render", "rotated_grid"]

# Points of one pass of work: what a core's cache holds of a few arrays (measured: 3 times
# as fast as a whole frame at a time).
POINTS_AT_ONCE = 160_000
# The 4-sample pattern of Direct3D and Vulkan hardware, sixteenths of a pixel. Rotated, not 2x2:
# each sample has a row and a column of its own, so near-upright and near-level edges get four
# shades, as they do in games with multisampling.
ROTATED = ((-2, -6), (6, -2), (-6, 2), (2, 6))


@dataclass(frozen=True)
class Rendering:
    """A shot's pictures before noise, light and HUD; ``shares`` of each layer in each pixel."""

    reference: Float[Tensor, "frames 3 height width"]
    one: Float[Tensor, "frames 3 height width"]
    four: Float[Tensor, "frames 3 height width"]
    shares: Float[Tensor, "frames layers height width"]


def render(shot: Shot, jitter: Float[Tensor, "frames 2"] | None = None) -> Rendering:
    """All pictures of a shot; ``jitter`` (pixels, x then y) moves the inputs' samples only."""
    moved = torch.zeros(shot.frames, 2) if jitter is None else jitter
    references, shares, ones, fours = [], [], [], []
    for frame in range(shot.frames):
        still = frame > 0 and _stands_still(shot, frame)
        picture, share = (references[-1], shares[-1]) if still else grid(shot, frame, 8)
        references.append(picture)
        shares.append(share)
        x, y = moved[frame].tolist()
        ones.append(point_sampled(shot, frame, x, y))
        fours.append(rotated_grid(shot, frame, x, y))
    stacked = (torch.stack(pictures) for pictures in (references, ones, fours, shares))
    return Rendering(*stacked)


def grid(
    shot: Shot, frame: int, side: int
) -> tuple[Float[Tensor, "3 height width"], Float[Tensor, "layers height width"]]:
    """Mean of ``side`` x ``side`` regular samples a pixel (box filter), and the layers' shares."""
    offsets = (torch.arange(side) + 0.5) / side - 0.5
    colours, shares = [], []
    lines = max(1, POINTS_AT_ONCE // (shot.width * side * side))
    for top in range(0, shot.height, lines):
        rows = torch.arange(top, min(top + lines, shot.height))
        texels = trace(shot, frame, *_points(shot, rows, offsets, offsets))
        colours.append(_mean_colour(texels))
        numbers = number_of(texels)
        shares.append(torch.stack([_total(numbers == n) for n in range(len(shot.layers))]))
    return torch.cat(colours, 1), torch.cat(shares, 1).float() / side**2


def point_sampled(
    shot: Shot, frame: int, x: float = 0.0, y: float = 0.0
) -> Float[Tensor, "3 height width"]:
    """One sample a pixel, at its centre or (x, y) pixels from it."""
    rows = torch.arange(shot.height)
    points = _points(shot, rows, torch.tensor([x]), torch.tensor([y]))
    return _mean_colour(trace(shot, frame, *points))


def rotated_grid(
    shot: Shot, frame: int, x: float = 0.0, y: float = 0.0
) -> Float[Tensor, "3 height width"]:
    """The mean of four samples a pixel, in the hardware's rotated pattern."""
    samples = [point_sampled(shot, frame, x + a / 16, y + b / 16) for a, b in ROTATED]
    return torch.stack(samples).mean(0)


def _stands_still(shot: Shot, frame: int) -> bool:
    """Whether a frame shows just what the one before showed."""
    return all(bool((m.to_texels[frame] == m.to_texels[frame - 1]).all()) for m in shot.layers)


def _points(
    shot: Shot, rows: Tensor, across: Tensor, down: Tensor
) -> tuple[Float[Tensor, "1 1 w a"], Float[Tensor, "h d 1 1"]]:
    x = torch.arange(shot.width)[:, None] + across
    y = rows[:, None] + down
    return x[None, None].float(), y[:, :, None, None].float()


def _total(values: Tensor) -> Int32[Tensor, "rows width"]:
    """Sum over each pixel's samples, in two steps of which the first is contiguous."""
    return values.sum(1, dtype=torch.int32).sum(2, dtype=torch.int32)


def _mean_colour(texels: Int32[Tensor, "rows down width across"]) -> Float[Tensor, "3 rows width"]:
    # Red and blue are summed at once, 16 bits apart: up to 257 samples of 255 fit in 16 bits.
    both = _total(texels & 0xFF00FF)
    green = _total(texels >> 8 & 0xFF)
    channels = torch.stack([both & 0xFFFF, green, both >> 16 & 0xFFFF])
    return channels.float() / (255 * texels.shape[1] * texels.shape[3])
