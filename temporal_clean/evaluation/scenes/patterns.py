"""Building blocks of procedural materials; all of them repeat seamlessly over their square."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int64
from torch import Generator, Tensor

__all__ = [
    "Colour",
    "blank",
    "cells",
    "each",
    "fractal",
    "lit",
    "mesh",
    "paint",
    "sprinkle",
    "strokes",
    "uniform",
]

Colour = Sequence[float]
Plane = Float[Tensor, "size size"]
Picture = Float[Tensor, "3 size size"]


def uniform(rng: Generator, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Tensor:
    """Random numbers in [low, high)."""
    return torch.rand(shape, generator=rng) * (high - low) + low


def mesh(size: int) -> tuple[Float[Tensor, "1 size"], Float[Tensor, "size 1"]]:
    """The centres of texels, u across and v down."""
    centres = torch.arange(size) + 0.5
    return centres[None], centres[:, None]


def blank(size: int, colour: Colour) -> Picture:
    """One colour everywhere."""
    return torch.tensor(colour)[:, None, None].repeat(1, size, size)


def paint(picture: Float[Tensor, "3 height width"], mask: Tensor, colour: Colour | Tensor) -> None:
    """Lay a colour, or a picture, over a picture where the mask (bool or [0, 1]) says so."""
    over = colour if isinstance(colour, Tensor) else torch.tensor(colour)[:, None, None]
    picture.lerp_(over.expand_as(picture), mask.float().expand_as(picture[0]).expand_as(picture))


def fractal(
    rng: Generator, size: int, slope: float = 1.0, smallest: float = 2.0, largest: float = 1e9
) -> Plane:
    """Noise of mean 0 and deviation 1 with amplitude as frequency ** -slope.

    ``smallest`` and ``largest`` are the wavelengths in texels that it is limited to. Slope 1 is
    the spectrum of natural pictures (Field 1987).
    """
    down, across = torch.fft.fftfreq(size), torch.fft.rfftfreq(size)
    frequency = torch.hypot(down[:, None], across)
    passed = (frequency >= 1 / largest) & (frequency <= 1 / smallest) & (frequency > 0)
    gain = torch.where(passed, frequency.clamp(min=1e-9) ** -slope, 0.0)
    noise = torch.fft.rfft2(torch.randn(size, size, generator=rng))
    field = torch.fft.irfft2(noise * gain, s=(size, size))
    return field / field.std().clamp(min=1e-9)


def cells(
    size: int, columns: int, rows: int, shift: float = 0.0
) -> tuple[Int64[Tensor, "size size"], Float[Tensor, "size size"], Float[Tensor, "size size"]]:
    """Number, and place across and down in [0, 1), of each texel's cell in a brick-like lattice.

    Every second row is shifted by ``shift`` cells (rows must then be even to repeat).
    """
    u, v = mesh(size)
    v = (v / size * rows).expand(size, size)
    row = v.floor()
    u = (u / size * columns + shift * (row % 2)) % columns
    column = u.floor()
    number = (row * columns + column).long().clamp(0, rows * columns - 1)
    return number, u - column, v - row


def each(rng: Generator, number: Int64[Tensor, "size size"], low: float, high: float) -> Plane:
    """A random value for each cell."""
    return uniform(rng, (int(number.max()) + 1,), low, high)[number]


def lit(picture: Picture, height: Plane, strength: float, angle: float = -2.2) -> None:
    """Shade by light that grazes a relief; ``height`` in texels, ``angle`` from the right."""
    slope_x = height - height.roll(1, 1)
    slope_y = height - height.roll(1, 0)
    light = -(slope_x * math.cos(angle) + slope_y * math.sin(angle))
    picture.mul_((1 - strength * light).clamp(0.35, 1.7))


def sprinkle(rng: Generator, size: int, share: float, radius: int = 1) -> Bool[Tensor, "size size"]:
    """Dots of ``2 radius - 1`` texels across that cover about a share of the square."""
    side = 2 * radius - 1
    seeds = torch.rand(1, 1, size, size, generator=rng) < share / side**2
    near = torch.nn.functional.pad(seeds.float(), [radius - 1] * 4, mode="circular")
    return torch.nn.functional.max_pool2d(near, side, 1)[0, 0] > 0


def strokes(
    rng: Generator,
    size: int,
    count: int,
    length: tuple[float, float],
    width: float,
    angle: tuple[float, float],
    bend: float = 0.0,
    roots: Float[Tensor, "count 2"] | None = None,
) -> tuple[Int64[Tensor, "size size"], Float[Tensor, "size size"]]:
    """Tapering curved strokes (grass, leaves, twigs): the front one's number (or -1), place along.

    Lengths and width in texels, angles in radians from the right, clockwise; ``roots`` (texels)
    are random where not given. Later numbers lie over earlier ones.
    """
    steps, sides = max(2, math.ceil(length[1])), max(1, math.ceil(width))
    along = torch.linspace(0, 1, steps)
    reach = uniform(rng, (count, 1), *length)
    start = uniform(rng, (count, 1), *angle)
    turn = start + bend * (uniform(rng, (count, 1)) - 0.5) * along
    root = uniform(rng, (count, 2), 0, size) if roots is None else roots
    aside = (torch.arange(sides) - (sides - 1) / 2)[:, None, None] * (1 - 0.8 * along)
    u = root[:, :1] + reach * along * turn.cos() - aside * turn.sin()
    v = root[:, 1:] + reach * along * turn.sin() + aside * turn.cos()
    place = (v.floor().long() % size) * size + u.floor().long() % size
    # Rank and place along in one integer: the largest wins, whatever the order of writing.
    key = torch.arange(count)[:, None] * 256 + (along * 255).long()
    front = torch.full((size * size,), -1)
    front.scatter_reduce_(0, place.flatten(), key.expand_as(place).flatten(), "amax")
    front = front.view(size, size)
    return front >> 8, (front & 255) / 255
