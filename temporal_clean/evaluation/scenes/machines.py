"""Made things: metal panels, chain-link fence, railings, and objects that fly through a scene."""

import math

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from temporal_clean.evaluation.scenes.lettering import lettering
from temporal_clean.evaluation.scenes.patterns import (
    blank,
    cells,
    each,
    fractal,
    lit,
    mesh,
    paint,
    sprinkle,
    strokes,
    uniform,
)
from temporal_clean.evaluation.scenes.texture import DENSITY
from temporal_clean.evaluation.scenes.walls import paint_area

__all__ = ["chain_link", "crate", "drone", "grate", "panels", "railing", "wheel"]

Picture = Float[Tensor, "3 size size"]
Plane = Float[Tensor, "size size"]


def panels(rng: Generator, size: int) -> Picture:
    """A hangar's wall: riveted plates, louvres, hazard stripes, scratches, lamps, stencils."""
    columns, rows = (max(1, round(size / (side * DENSITY))) for side in (58.0, 44.0))
    number, a, b = cells(size, columns, rows)
    width, height = size / columns / DENSITY, size / rows / DENSITY
    x, y = a * width, b * height  # pixels from the plate's corner
    edge = torch.minimum(torch.minimum(x, width - x), torch.minimum(y, height - y))
    wall = blank(size, (0.36, 0.40, 0.43)) * each(rng, number, 0.65, 1.25)
    kind = each(rng, number, 0, 1)
    paint(wall, (kind < 0.14) & (edge > 3), (0.50, 0.20, 0.12))
    stripes = ((x + y) % 9 < 4.5) & (kind > 0.86) & (y > height * 0.7) & (edge > 2)
    paint(wall, (kind > 0.86) & (y > height * 0.7) & (edge > 2), (0.80, 0.65, 0.10))
    paint(wall, stripes, (0.07, 0.07, 0.07))
    louvre = (kind > 0.30) & (kind < 0.62) & (edge > 6)
    paint(wall, louvre & (y % 1.7 < 0.75), (0.05, 0.06, 0.07))
    paint(wall, louvre & (y % 1.7 > 1.35), (0.72, 0.76, 0.80))
    rivet = torch.hypot(x % 6 - 3, y % 6 - 3)
    paint(wall, (edge < 5) & (edge > 1.2) & (rivet < 0.7), (0.62, 0.66, 0.70))
    paint(wall, edge < 0.5, (0.03, 0.03, 0.04))
    brushed = fractal(rng, size, 0.4, largest=30)
    wall.mul_(1 + 0.07 * (brushed + brushed.roll(3, 1) + brushed.roll(-3, 1)))
    lit(wall, (edge.clamp(0, 1.5) * 2) + 0.2 * fractal(rng, size, 1.0, largest=200), 0.35)
    scratches, along = strokes(rng, size, size // 6, (40, 260), 1.2, (-0.5, 0.5), 0.2)
    paint(wall, (scratches >= 0) * 0.55 * (1 - along), (0.85, 0.88, 0.90))
    _lamps(rng, wall)
    return wall.mul_(1 - 0.2 * fractal(rng, size, 1.4).clamp(-1, 1.2)).clamp_(0, 1)


def _lamps(rng: Generator, wall: Picture) -> None:
    """Strip lamps, and stencilled codes beside them."""
    size = wall.shape[-1]
    for _ in range(max(2, (size // 512) ** 2)):
        dot = int(torch.randint(3, 7, (1,), generator=rng))
        code = f"{'ABCDEFGH'[int(torch.randint(8, (1,), generator=rng))]}-"
        code += str(int(torch.randint(10, 99, (1,), generator=rng)))
        text = lettering(code, dot)
        top, left = (int(uniform(rng, (1,), 0, size - 7 * dot - 40)) for _ in range(2))
        area = wall[:, top : top + text.shape[0], left : left + text.shape[1]]
        paint(area, text[: area.shape[1], : area.shape[2]] * 0.8, (0.90, 0.90, 0.84))
        lamp = wall[:, top : top + 4, max(0, left - 90) : max(0, left - 12)]
        lamp.copy_(torch.tensor([0.75, 0.97, 1.0])[:, None, None].expand_as(lamp))


def chain_link(rng: Generator, size: int) -> tuple[Picture, Plane]:
    """Wires 0.5 pixel thick in two directions, about 9 pixels apart, on posts with a rail."""
    u, v = mesh(size)
    cycles = max(3, round(size / (11.5 * DENSITY)))
    picture, coverage = blank(size, (0.6, 0.62, 0.64)), torch.zeros(size, size)
    # Whole numbers of cycles, so that it repeats; steeper than 45 degrees, as such fences hang.
    across, down = cycles, max(2, round(0.8 * cycles))
    spacing = size / math.hypot(across, down)
    for sign in (1, -1):
        phase = ((across * u + sign * down * v) / size) % 1
        place = (phase - 0.5) * spacing / (0.25 * DENSITY)  # -1 to 1 over the wire
        # The sun is on one side: one direction is brighter than any wall, the other darker.
        low, high = (0.50, 0.96) if sign > 0 else (0.04, 0.24)
        glint = (1 - place**2).clamp(0, 1) * (high - low)
        paint(picture, place.abs() < 1, torch.stack([low + glint] * 3))
        coverage = torch.maximum(coverage, (place.abs() < 1).float())
    posts = max(1, round(size / (118 * DENSITY)))
    post = (((u / size * posts) % 1) - 0.5) * size / posts / (3.0 * DENSITY)
    rail = (((v / size) % 1) - 0.08) * size / (1.6 * DENSITY)
    for place in (rail.expand(size, size), post.expand(size, size)):
        shade = 0.55 + 0.35 * (-((place + 0.35) ** 2) * 4).exp() - 0.25 * place.clamp(0, 1)
        rust = 1 - 0.18 * fractal(rng, size, 1.0, largest=150).clamp(0, 2)
        tube = torch.stack([shade * 0.80, shade * 0.84 * rust, shade * 0.82 * rust**2])
        paint(picture, place.abs() < 1, tube * (1 + 0.08 * fractal(rng, size, 0.4)))
        coverage = torch.maximum(coverage, (place.abs() < 1).float())
    return picture.clamp_(0, 1), coverage


def railing(rng: Generator, size: int) -> tuple[Picture, Plane]:
    """Upright iron bars between two rails, with spikes; repeats across only."""
    u, v = (place.expand(size, size) / size for place in mesh(size))
    bar = (u * 11 % 1 - 0.5).abs() / 0.11
    rails = torch.minimum((v - 0.16).abs(), (v - 0.90).abs()) / 0.022
    spike = (v > 0.04) & (v < 0.16) & ((u * 11 % 1 - 0.5).abs() < (v - 0.04))
    round_shade = (1 - (torch.minimum(bar, rails) + 0.4) ** 2).clamp(0.1, 1)
    picture = blank(size, (0.10, 0.16, 0.14)) * (0.6 + 1.6 * round_shade)
    picture.mul_(1 + 0.1 * fractal(rng, size, 0.6))
    return picture.clamp_(0, 1), (((bar < 1) & (v > 0.1)) | (rails < 1) | spike).float()


def crate(rng: Generator, size: int) -> tuple[Picture, Plane]:
    """A wooden box: planks with grain, metal corners, a stencil."""
    u, v = (place.expand(size, size) for place in mesh(size))
    number, _, b = cells(size, 1, 7)
    grain = fractal(rng, size, 0.8, largest=size / 6)
    rings = ((v * 0.5 + 9 * grain + 40 * each(rng, number, 0, 1)) / (0.8 * DENSITY)) % 1
    box = blank(size, (0.56, 0.39, 0.21)) * each(rng, number, 0.75, 1.2) * (0.72 + 0.4 * rings)
    paint(box, (b < 0.05) | (b > 0.97), (0.10, 0.06, 0.03))
    margin = torch.minimum(torch.minimum(u, size - u), torch.minimum(v, size - v)) / size
    paint(box, margin < 0.12, blank(size, (0.42, 0.45, 0.47)) * (1 + 0.1 * grain))
    paint(box, (margin > 0.12) & (margin < 0.13), (0.05, 0.05, 0.05))
    paint(box, (margin < 0.11) & sprinkle(rng, size, 0.03, 3), (0.85, 0.87, 0.88))
    text = lettering("X-27", max(1, size // 50))
    top, left = size * 2 // 5, (size - text.shape[1]) // 2
    paint_area(
        box[:, top:, left:][:, : text.shape[0], : text.shape[1]],
        text,
        (0.5, 0.34, 0.18),
        (0.08,) * 3,
    )
    return box.clamp_(0, 1), (margin > 0.03).float()


def wheel(rng: Generator, size: int) -> tuple[Picture, Plane]:
    """A wheel with thirty-two spokes 0.8 pixel thick; one sees through between them."""
    u, v = (place.expand(size, size) - size / 2 for place in mesh(size))
    radius, angle = torch.hypot(u, v) / size, torch.atan2(v, u)
    turn = (angle / (2 * math.pi) * 32) % 1
    aside = (turn - 0.5) * 2 * math.pi / 32 * radius * size
    spoke = aside.abs() < 0.4 * DENSITY
    rim, hub = (radius > 0.38) & (radius < 0.47), radius < 0.08
    picture = blank(size, (0.78, 0.80, 0.83))
    tyre = torch.stack([0.10 + 0.12 * (((angle * 40) % 1) > 0.5).float()] * 3)
    paint(picture, rim, tyre)
    paint(picture, (radius > 0.38) & (radius < 0.40), (0.85, 0.2, 0.12))
    paint(picture, hub, blank(size, (0.75, 0.62, 0.2)) * (0.6 + 4 * radius))
    picture.mul_(1 + 0.05 * fractal(rng, size, 0.5))
    return picture.clamp_(0, 1), ((spoke & (radius < 0.4)) | rim | hub).float()


def drone(rng: Generator, size: int) -> tuple[Picture, Plane]:
    """A shaded ball of plates with seams and glints, on four thin antennas."""
    u, v = ((place.expand(size, size) - size / 2) / (0.36 * size) for place in mesh(size))
    bulge = (1 - u**2 - v**2).clamp(min=0).sqrt()
    light = (0.5 * bulge - 0.45 * u - 0.6 * v).clamp(0, 1)
    seams = ((u / (0.3 + bulge) * 3 % 1) < 0.06) | ((v / (0.3 + bulge) * 3 % 1) < 0.06)
    ball = blank(size, (0.25, 0.45, 0.62)) * (0.25 + 1.1 * light)
    ball.mul_(1 + 0.12 * fractal(rng, size, 0.7, largest=60))
    paint(ball, seams, (0.05, 0.08, 0.10))
    paint(ball, ((-((u + 0.35) ** 2) - (v + 0.4) ** 2) * 40).exp(), (1.0, 1.0, 0.97))
    paint(ball, sprinkle(rng, size, 0.006, 2), (1.0, 0.95, 0.7))
    eye = torch.hypot(u - 0.25, v - 0.1)
    paint(ball, eye < 0.2, (0.05, 0.02, 0.02))
    paint(ball, eye < 0.13, (1.0, 0.25, 0.1))
    thin = 0.3 * DENSITY / (0.36 * size)
    antenna = (((u - v).abs() < thin) | ((u + v).abs() < thin)) & (torch.hypot(u, v) < 1.32)
    paint(ball, antenna & (bulge == 0), (0.85, 0.87, 0.9))
    return ball.clamp_(0, 1), ((bulge > 0) | antenna).float()


def grate(rng: Generator, size: int) -> tuple[Picture, Plane]:
    """A framed steel grid: bars 0.9 pixel thick, 4.5 pixels apart, see-through between."""
    u, v = (place.expand(size, size) for place in mesh(size))
    margin = torch.minimum(torch.minimum(u, size - u), torch.minimum(v, size - v))
    upright = (u / DENSITY) % 4.5 < 0.9
    level = (v / DENSITY) % 4.5 < 0.9
    picture = blank(size, (0.30, 0.33, 0.36)) * (1 + 0.15 * fractal(rng, size, 0.6))
    paint(picture, upright, (0.80, 0.74, 0.60))
    paint(picture, level & ~upright, (0.45, 0.40, 0.30))
    framed = (margin > 0.03 * size) & (margin < 0.03 * size + 4 * DENSITY)
    paint(picture, framed, blank(size, (0.62, 0.50, 0.15)) * (1 + 0.12 * fractal(rng, size, 0.6)))
    solid = (upright | level) & (margin > 0.03 * size)
    return picture.clamp_(0, 1), (solid | framed).float()
