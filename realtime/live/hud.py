"""The HUD: lines of text on a dark, translucent panel, drawn into a picture with NumPy alone."""

from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["draw_hud", "text_mask"]

# Of hud_font.hex: a cell's size, and what a code point that it lacks is shown as.
CELL_WIDTH, CELL_HEIGHT, UNKNOWN = 9, 15, "?"
# A character is this high or higher, as a part of the picture's height: 15 pixels up to 1439 rows,
# 30 from 1440 on, 45 from 2880 on.
ROWS_A_STEP = 1440
MARGIN, PADDING = 8, 6
# Blue, green, red and alpha, or the other way round.
TEXT = (235, 245, 235, 255)
# scRGB of the text's white (1.0 is 80 nits), and what the panel is at most, be it over the sun.
WHITE_SCRGB, GROUND_SCRGB = 2.5, 0.6


def draw_hud(picture: NDArray[Any], lines: Sequence[str]) -> None:
    """Draw ``lines`` at the top left of ``picture``, in place.

    (height, width, 4), uint8 BGRA or float16 RGBA in scRGB. What does not fit is cut off. No line,
    no panel. Characters outside Latin-1 become '?'.
    """
    if not lines:
        return
    scale = 1 + picture.shape[0] // ROWS_A_STEP
    bright = picture.dtype == np.float16
    ink = _ink(tuple(lines), scale, bright)
    panel = picture[MARGIN * scale :, MARGIN * scale :][: ink.shape[0], : ink.shape[1]]
    # Three eighths of what lies behind is seen: dark enough for white text on a bright sky, and
    # darker than the text everywhere, so that the brighter of both is the text.
    if bright:
        dark = np.minimum(panel * np.float16(0.375), np.float16(GROUND_SCRGB))
    else:
        dark = (panel >> 2) + (panel >> 3)
    np.maximum(dark, ink[: panel.shape[0], : panel.shape[1]], out=panel)


@lru_cache(maxsize=4)
def _ink(lines: tuple[str, ...], scale: int, bright: bool) -> NDArray[Any]:
    """The panel's text in its colour, on nothing: (height, width, 4)."""
    colour = np.array(TEXT, np.uint8)
    if bright:
        colour = (colour / colour.max() * WHITE_SCRGB).astype(np.float16)
    return text_mask(lines, scale)[..., None] * colour


def text_mask(lines: tuple[str, ...], scale: int) -> NDArray[np.bool_]:
    """Where the panel's text is: True on its pixels, with the padding around it."""
    glyphs = _glyphs()
    columns = max(len(line) for line in lines)
    mask = np.zeros((len(lines) * CELL_HEIGHT, columns * CELL_WIDTH), np.bool_)
    for row, line in enumerate(lines):
        for column, character in enumerate(line):
            top, left = row * CELL_HEIGHT, column * CELL_WIDTH
            glyph = glyphs.get(character, glyphs[UNKNOWN])
            mask[top : top + CELL_HEIGHT, left : left + CELL_WIDTH] = glyph
    padded = np.pad(mask, PADDING)
    return padded.repeat(scale, axis=0).repeat(scale, axis=1)


@lru_cache(maxsize=1)
def _glyphs() -> dict[str, NDArray[np.bool_]]:
    """The font: each character's (15, 9) pixels."""
    text = files("temporal_clean.realtime.live").joinpath("hud_font.hex").read_text("ascii")
    found = {"\N{NO-BREAK SPACE}": np.zeros((CELL_HEIGHT, CELL_WIDTH), np.bool_)}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        code, _, digits = line.partition(":")
        rows = [int(digits[start : start + 3], 16) for start in range(0, len(digits), 3)]
        bits = np.array(rows)[:, None] >> np.arange(11, 11 - CELL_WIDTH, -1)
        found[chr(int(code, 16))] = (bits & 1).astype(np.bool_)
    return found
