"""Materials of a town: bricks and paving, house fronts with windows and signs, roofs far away.

All lengths here are pixels on the screen (times :data:`DENSITY` texels); every material is a
picture of ``size`` x ``size`` texels that repeats, with detail well below a pixel.
"""

import torch
from jaxtyping import Bool, Float
from torch import Generator, Tensor

from temporal_clean.evaluation.scenes.lettering import lettering
from temporal_clean.evaluation.scenes.patterns import (
    Colour,
    blank,
    cells,
    each,
    fractal,
    lit,
    mesh,
    paint,
    sprinkle,
    uniform,
)
from temporal_clean.evaluation.scenes.texture import DENSITY

__all__ = ["bricks", "house_front", "skyline"]

CLAY: Colour = (0.58, 0.30, 0.22)
WORDS = ("HOTEL", "BAR 24H", "CAFE", "EXIT 7", "GARAGE", "ARENA", "SECTOR 9", "NOODLES", "PAWN")


def bricks(
    rng: Generator,
    size: int,
    brick: tuple[float, float] = (26.0, 10.0),
    clay: Colour = CLAY,
    mortar: Colour = (0.70, 0.66, 0.60),
) -> Float[Tensor, "3 size size"]:
    """Brickwork: each brick of its own shade, bevelled, pitted, with sunken mortar and soot."""
    columns = max(1, round(size / (brick[0] * DENSITY)))
    rows = max(2, 2 * round(size / (brick[1] * DENSITY) / 2))
    number, along, down = cells(size, columns, rows, 0.5)
    wobble = 1.2 * fractal(rng, size, 1.0, smallest=6)
    edge_x = torch.minimum(along, 1 - along) * (size / columns) + wobble
    edge_y = torch.minimum(down, 1 - down) * (size / rows) + wobble
    edge = torch.minimum(edge_x, edge_y)
    shade = each(rng, number, 0.72, 1.25)
    tint = torch.stack([each(rng, number, 0.92, 1.08) for _ in range(3)])
    wall = blank(size, clay) * shade * tint
    paint(wall, edge < 0.55 * DENSITY, mortar)
    grain = fractal(rng, size, 0.5, largest=40)
    wall.mul_(1 + 0.11 * grain)
    height = (edge / DENSITY).clamp(0, 1) * 3.0 + 0.25 * fractal(rng, size, 1.0, largest=90)
    lit(wall, height, 0.45)
    paint(wall, 0.5 * sprinkle(rng, size, 0.01, 2).float(), (0.10, 0.08, 0.08))
    paint(wall, sprinkle(rng, size, 0.0015), (0.96, 0.93, 0.86))
    soot = (fractal(rng, size, 1.4) * 0.5).clamp(-0.8, 1.0)
    return wall.mul_(1 - 0.22 * soot).clamp_(0, 1)


def house_front(
    rng: Generator,
    size: int,
    window: tuple[float, float] = (46.0, 58.0),
    plaster: Colour = (0.62, 0.55, 0.44),
    night: bool = False,
) -> Float[Tensor, "3 size size"]:
    """A front with rows of windows: frames, blinds, lit rooms, sills, a sign, pipes and cables."""
    wall = _plaster(rng, size, plaster)
    if night:
        wall.mul_(torch.tensor([0.42, 0.48, 0.68])[:, None, None])
    columns = max(1, round(size / (window[0] * DENSITY)))
    rows = max(1, round(size / (window[1] * DENSITY)))
    number, a, b = cells(size, columns, rows)
    _windows(rng, wall, (number, a, b), size / rows, night)
    _cornices(wall, b, size / rows)
    _pipes(rng, wall)
    _signs(rng, wall, columns, rows)
    return wall.mul_(1 + 0.05 * fractal(rng, size, 0.6, largest=60)).clamp_(0, 1)


def _plaster(rng: Generator, size: int, colour: Colour) -> Float[Tensor, "3 size size"]:
    base = bricks(rng, size, (17.0, 7.0), colour, tuple(0.8 * c for c in colour))
    render = blank(size, colour).mul_(1 + 0.09 * fractal(rng, size, 0.7, largest=120))
    # Where the plaster fell off, bricks show.
    paint(base, fractal(rng, size, 1.5, largest=size / 2) < 0.75, render)
    cracks = fractal(rng, size, 1.2, largest=size / 3).abs() < 0.012
    paint(base, 0.6 * cracks.float(), (0.12, 0.10, 0.10))
    return base


def _windows(
    rng: Generator,
    wall: Tensor,
    places: tuple[Tensor, Tensor, Tensor],
    storey: float,
    night: bool,
) -> None:
    number, a, b = places
    inside = (a > 0.24) & (a < 0.76) & (b > 0.18) & (b < 0.76)
    frame = (a > 0.20) & (a < 0.80) & (b > 0.145) & (b < 0.795)
    lamp = each(rng, number, 0, 1) < (0.6 if night else 0.2)
    blind = (each(rng, number, 0, 1) < 0.55) & (b < each(rng, number, 0.3, 0.85))
    paint(wall, frame, (0.86, 0.85, 0.82) if not night else (0.30, 0.33, 0.42))
    sky = torch.stack([0.16 + 0.22 * b, 0.22 + 0.26 * b, 0.30 + 0.32 * b])
    glass = sky * (0.55 + 0.45 * (((a + 0.6 * b) * 3.1) % 1 < 0.45).float())
    paint(wall, inside, glass)
    warm = torch.stack([each(rng, number, 0.8, 1.0), each(rng, number, 0.55, 0.85), 0.35 + 0.2 * a])
    paint(wall, inside & lamp, warm * (1 - 0.35 * b))
    # Slats 1.3 pixels apart: a point sample sees either a slat or the gap.
    slat = (b * storey / (1.3 * DENSITY)) % 1
    slats = torch.stack([0.55 + 0.4 * slat] * 3) * torch.tensor([1.0, 0.96, 0.86])[:, None, None]
    paint(wall, inside & blind & (slat > 0.3), slats * (0.5 if night else 0.95))
    bar = ((a - 0.5).abs() < 0.012) | ((b - 0.42).abs() < 0.008)
    paint(wall, inside & bar, (0.92, 0.91, 0.88) if not night else (0.25, 0.27, 0.33))
    paint(wall, (a > 0.17) & (a < 0.83) & (b > 0.795) & (b < 0.835), (0.74, 0.72, 0.68))
    paint(wall, 0.55 * ((a > 0.2) & (a < 0.85) & (b > 0.835) & (b < 0.87)), (0.08, 0.08, 0.10))


def _cornices(wall: Tensor, b: Tensor, storey: float) -> None:
    """A ledge a storey: a light line, a dark one, and dentils half a pixel wide."""
    texels = b * storey
    paint(wall, texels < 2.2 * DENSITY, (0.78, 0.75, 0.70))
    u, _ = mesh(wall.shape[-1])
    dentils = (u / DENSITY) % 1.6 < 0.6
    paint(wall, dentils & (texels > 2.2 * DENSITY) & (texels < 4 * DENSITY), (0.24, 0.21, 0.20))
    paint(wall, (texels > 4 * DENSITY) & (texels < 4.5 * DENSITY), (0.10, 0.09, 0.09))


def _pipes(rng: Generator, wall: Tensor) -> None:
    """Cables that hang in arcs, a third of a pixel to a pixel thick, and down-pipes."""
    size = wall.shape[-1]
    u, v = mesh(size)
    for thickness in (0.35, 0.5, 0.5, 0.9):
        start, sag = uniform(rng, (2,), 0, 1).tolist()
        turns = 2 + int(3 * sag)
        drop = (torch.pi * u / size * turns).sin().abs() * size * (0.03 + 0.05 * sag)
        near = ((v - start * size - drop + size / 2) % size - size / 2).abs()
        paint(wall, near < thickness * DENSITY / 2, (0.05, 0.05, 0.06))
    for _ in range(2):
        middle = float(uniform(rng, (1,), 0, size))
        place = (((u - middle + size / 2) % size - size / 2) / (1.6 * DENSITY)).expand(size, size)
        round_shade = torch.stack([0.30 * (1 - place), 0.33 * (1 - place), 0.35 * (1 - place)])
        paint(wall, place.abs() < 1, round_shade + 0.18)


def _signs(rng: Generator, wall: Tensor, columns: int, rows: int) -> None:
    """A lettered board below some windows; dots of about half a pixel to one pixel."""
    size = wall.shape[-1]
    windows = torch.randperm(rows * columns, generator=rng)[: max(1, columns * rows // 6)]
    for place in windows.tolist():
        word = WORDS[int(torch.randint(len(WORDS), (1,), generator=rng))]
        dot = int(torch.randint(4, 9, (1,), generator=rng))
        text = lettering(word, dot)
        board = torch.nn.functional.pad(text, [2 * dot] * 4)[:size, :size]
        row, column = divmod(place, columns)
        top = int((row + 0.85) * size / rows) % max(1, size - board.shape[0] + 1)
        left = int((column + 0.1) * size / columns) % max(1, size - board.shape[1] + 1)
        area = wall[:, top : top + board.shape[0], left : left + board.shape[1]]
        base, ink = uniform(rng, (2, 3)).tolist()
        paint_area(area, board, [0.25 * c for c in base], [0.45 + 0.55 * c for c in ink])


def paint_area(
    area: Float[Tensor, "3 height width"],
    letters: Bool[Tensor, "height width"],
    board: Colour,
    ink: Colour,
) -> None:
    """Fill a part of a picture with letters on a board."""
    area.copy_(torch.tensor(board)[:, None, None].expand_as(area))
    area.lerp_(torch.tensor(ink)[:, None, None].expand_as(area), letters.float().expand_as(area))


def skyline(
    rng: Generator, size: int, foot: float
) -> tuple[Float[Tensor, "3 size size"], Float[Tensor, "size size"]]:
    """Towers far away with rows of tiny windows, and their coverage; ``foot`` texels below none."""
    u, v = mesh(size)
    picture, coverage = blank(size, (0.45, 0.52, 0.62)), torch.zeros(size, size)
    for depth in (0.75, 1.0):
        columns = max(4, round(size / (14 * DENSITY * depth)))
        tops = uniform(rng, (columns,), 8, 42) * DENSITY
        tower = (u / size * columns).long().expand(size, size)
        body = (v > foot - tops[tower]) & (v < foot)
        shade = uniform(rng, (columns,), 0.55, 1.0)[tower] * depth
        paint(picture, body, torch.stack([0.36 * shade, 0.42 * shade, 0.52 * shade]))
        across, down = (u / DENSITY) % 1.9 < 0.8, (v / DENSITY) % 2.6 < 1.1
        panes = body & across & down & (uniform(rng, (size, size)) > 0.1)
        paint(picture, panes, torch.stack([0.75 * shade, 0.76 * shade, 0.72 * shade]))
        coverage = torch.maximum(coverage, body.float())
    return picture, coverage
