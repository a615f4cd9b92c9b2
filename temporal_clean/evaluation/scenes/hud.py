"""A game's HUD: sharp text, bars, a map and a crosshair, some opaque and some see-through."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from temporal_clean.evaluation.scenes.lettering import lettering
from temporal_clean.evaluation.scenes.patterns import Colour

__all__ = ["head_up_display"]

# Samples a pixel each way, as the reference has; text lies on whole pixels, as HUDs lay it.
SIDE = 8
WHITE: Colour = (0.96, 0.97, 0.95)
AMBER: Colour = (1.0, 0.72, 0.15)
DARK: Colour = (0.04, 0.05, 0.06)


class _Sheet:
    """A premultiplied RGBA sheet at ``SIDE`` samples a pixel; ``x`` and ``y`` are in pixels."""

    def __init__(self, height: int, width: int) -> None:
        self.rgba = torch.zeros(4, height * SIDE, width * SIDE)
        self.x = ((torch.arange(width * SIDE) + 0.5) / SIDE)[None]
        self.y = ((torch.arange(height * SIDE) + 0.5) / SIDE)[:, None]

    def fill(self, mask: Bool[Tensor, "..."], colour: Colour, alpha: float = 1.0) -> None:
        ink = torch.tensor([*colour, 1.0])[:, None, None].expand_as(self.rgba)
        self.rgba.lerp_(ink, (mask * alpha).expand_as(self.rgba))

    def box(self, left: float, top: float, width: float, height: float) -> Bool[Tensor, "h w"]:
        across = (self.x >= left) & (self.x < left + width)
        return across & (self.y >= top) & (self.y < top + height)

    def write(self, text: str, left: int, top: int, dot: int, colour: Colour) -> None:
        """Text with a dark shadow a pixel below and right; cropped at the edges."""
        letters = lettering(text, dot * SIDE)
        for shift, ink in ((1, DARK), (0, colour)):
            mask = torch.zeros(self.rgba.shape[1:], dtype=torch.bool)
            y, x = max(0, top + shift) * SIDE, max(0, left + shift) * SIDE
            area = mask[y : y + letters.shape[0], x : x + letters.shape[1]]
            area |= letters[: area.shape[0], : area.shape[1]]
            self.fill(mask, ink)


def head_up_display(height: int, width: int) -> Float[Tensor, "4 height width"]:
    """Premultiplied RGB and coverage; laid out for 320x256, kept to the corners at other sizes."""
    sheet = _Sheet(height, width)
    _map(sheet, min(height, width) * 0.13)
    _compass(sheet, width)
    _crosshair(sheet, height, width)
    _health(sheet, height)
    _ammunition(sheet, height, width)
    _message(sheet, height, width)
    return sheet.rgba.unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE).mean((3, 4))


def _map(sheet: _Sheet, radius: float) -> None:
    centre = radius + 6
    x, y = sheet.x - centre, sheet.y - centre
    away = torch.hypot(x, y)
    disc = away < radius
    sheet.fill(disc, (0.05, 0.12, 0.10), 0.6)
    for slope, offset in ((0.6, 3.0), (-1.4, -5.0), (0.1, -11.0)):
        sheet.fill(disc & ((y - slope * x - offset).abs() < 0.8), (0.70, 0.80, 0.75), 0.8)
    sheet.fill((away - radius).abs() < 1.1, (0.85, 0.92, 0.88))
    for angle in torch.linspace(0, 6.28, 9)[:-1].tolist():
        spot = torch.tensor(angle)
        blip = torch.hypot(x - 0.7 * radius * spot.cos(), y - 0.55 * radius * spot.sin())
        sheet.fill(blip < 1.5, (0.95, 0.25, 0.18))
    sheet.fill((x.abs() * 1.6 - y * 0.8 < 3) & (y.abs() < 3), AMBER)


def _compass(sheet: _Sheet, width: int) -> None:
    half = width * 0.2
    x = sheet.x - width / 2
    sheet.fill(sheet.box(width / 2 - half, 4, 2 * half, 13), DARK, 0.45)
    tick = (x + half) % 5 < 0.7
    sheet.fill(tick & (x.abs() < half) & (sheet.y > 12) & (sheet.y < 16), WHITE, 0.9)
    for letter, place in zip("WNE", (-0.75, 0.0, 0.75), strict=True):
        sheet.write(letter, round(width / 2 + place * half) - 3, 5, 1, WHITE)


def _crosshair(sheet: _Sheet, height: int, width: int) -> None:
    x, y = (sheet.x - width // 2 - 0.5).abs(), (sheet.y - height // 2 - 0.5).abs()
    for thick, colour in ((1.5, DARK), (0.5, (0.5, 1.0, 0.55))):
        sheet.fill((x < thick) & (y > 3) & (y < 9), colour)
        sheet.fill((y < thick) & (x > 3) & (x < 9), colour)
    sheet.fill((x < 0.5) & (y < 0.5), (0.5, 1.0, 0.55))


def _health(sheet: _Sheet, height: int) -> None:
    top = height - 22
    sheet.fill(sheet.box(6, top - 12, 96, 30), DARK, 0.5)
    sheet.write("HEALTH 87", 9, top - 9, 1, WHITE)
    sheet.fill(sheet.box(9, top + 1, 90, 7), DARK)
    part = (sheet.x - 10) % 6 < 5
    sheet.fill(sheet.box(10, top + 2, 76, 5) & part, (0.20, 0.85, 0.30))
    sheet.fill(sheet.box(9, top + 10, 90, 5), DARK)
    sheet.fill(sheet.box(10, top + 11, 52.5, 3), (0.25, 0.55, 0.98))


def _ammunition(sheet: _Sheet, height: int, width: int) -> None:
    left = max(0, width - 92)
    sheet.fill(sheet.box(left - 4, height - 32, 92, 28), DARK, 0.5)
    sheet.write("24", left, height - 26, 2, AMBER)
    sheet.write("/ 180", left + 28, height - 19, 1, WHITE)
    for shell in range(8):
        sheet.fill(sheet.box(left + 28 + 5 * shell, height - 29, 2.5, 7), AMBER)


def _message(sheet: _Sheet, height: int, width: int) -> None:
    text = "REACH THE NORTH GATE  214M"
    left = (width - 6 * len(text)) // 2
    sheet.write(text, left, round(height * 0.72), 1, WHITE)
