"""Materials that grow: grass, leaves, sky; made of thousands of strokes thinner than a pixel."""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from temporal_clean.evaluation.scenes.patterns import blank, fractal, paint, strokes, uniform
from temporal_clean.evaluation.scenes.texture import DENSITY

__all__ = ["bush", "clouds", "meadow"]

GREENS = torch.tensor([[0.16, 0.30, 0.09], [0.30, 0.46, 0.13], [0.47, 0.52, 0.18]])
FLOWERS = torch.tensor([[0.95, 0.90, 0.55], [0.92, 0.92, 0.95], [0.80, 0.35, 0.50]])


def _blade_colours(rng: Generator, count: int) -> Float[Tensor, "3 count"]:
    """Greens of every age, and a flower or a glint for one in thirty."""
    weights = torch.softmax(2 * torch.randn(count, 3, generator=rng), 1)
    colours = weights @ GREENS * uniform(rng, (count, 1), 0.55, 1.35)
    flowers = FLOWERS[torch.randint(len(FLOWERS), (count,), generator=rng)]
    return torch.where(uniform(rng, (count, 1)) < 0.03, flowers, colours).clamp(0, 1).T


def meadow(rng: Generator, size: int) -> Float[Tensor, "3 size size"]:
    """Grass seen from above at a slant: blades 0.3 to 0.8 pixel wide over dark soil, in tufts."""
    ground = blank(size, (0.24, 0.20, 0.12)) * (1 + 0.25 * fractal(rng, size, 0.8))
    dry = (0.5 + 0.6 * fractal(rng, size, 1.5, smallest=20 * DENSITY)).clamp(0, 1)
    density = (size / DENSITY) ** 2
    for share, width, shade in ((0.10, 5.0, 0.9), (0.09, 3.6, 1.2), (0.05, 2.0, 1.5)):
        count = max(8, int(share * density))
        # Upwards, leaning with the wind.
        number, along = strokes(rng, size, count, (20, 75), width, (-2.3, -1.1), 1.2)
        colours = _blade_colours(rng, count)[:, number.clamp(min=0)]
        straw = torch.tensor([1.75, 1.25, 0.95])[:, None, None] * dry + (1 - dry)
        paint(ground, number >= 0, colours * straw * (0.35 + 0.85 * along) * shade)
    light = (0.16 * fractal(rng, size, 1.3, smallest=60)).clamp(-0.35, 0.35)
    return ground.mul_(1 + light).clamp_(0, 1)


def bush(
    rng: Generator, size: int
) -> tuple[Float[Tensor, "3 size size"], Float[Tensor, "size size"]]:
    """A clump of leaves with ragged edges and holes, not repeating, and its coverage."""
    picture, coverage = blank(size, (0.05, 0.07, 0.03)), torch.zeros(size, size)
    phase = float(uniform(rng, (1,), 0, 2 * math.pi))
    for layer, shade in enumerate((0.45, 0.75, 1.05)):
        count = max(30, int(1.1 * size / DENSITY) ** 2 // 9)
        angle = uniform(rng, (count, 1), 0, 2 * math.pi)
        lobes = 1 + 0.16 * (3 * angle + phase).sin() + 0.10 * (7 * angle - phase).sin()
        radius = (0.33 - 0.05 * layer) * size * lobes * uniform(rng, (count, 1)).sqrt()
        lift = torch.tensor([0.0, -0.02 * layer * size])
        roots = size / 2 + torch.cat([radius * angle.cos(), radius * angle.sin()], 1) + lift
        lengths = (0.03 * size, 0.10 * size)
        number, along = strokes(rng, size, count, lengths, 6.0, (0, 2 * math.pi), 1.5, roots)
        colours = _blade_colours(rng, count)[:, number.clamp(min=0)]
        paint(picture, number >= 0, colours * (0.5 + 0.6 * along) * shade)
        coverage = torch.maximum(coverage, (number >= 0).float())
    return picture.clamp_(0, 1), coverage


def clouds(rng: Generator, size: int) -> Float[Tensor, "3 size size"]:
    """A sky that gets paler downwards, with soft clouds: nothing in it can alias."""
    height = torch.linspace(0, 1, size)[:, None].expand(size, size)
    sky = torch.stack([0.30 + 0.42 * height, 0.48 + 0.32 * height, 0.74 + 0.16 * height])
    cover = (0.6 * fractal(rng, size, 1.6, smallest=3 * DENSITY) + 0.1).clamp(0, 1)
    paint(sky, 0.85 * cover, (0.97, 0.96, 0.95))
    return sky.clamp_(0, 1)
