"""A moving test pattern of any size and rate, in SDR or HDR: a source for trying and testing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.color import REFERENCE_WHITE_NITS, SCRGB_UNIT_NITS, decode_curve
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.clocked import ClockedCapture, Timed

__all__ = ["Pattern", "PatternCapture", "draw_world", "parse_pattern"]

FORM = re.compile(
    r"(?P<hdr>hdr-)?pattern(:(?P<width>\d+)x(?P<height>\d+)(@(?P<rate>\d+(\.\d+)?))?)?"
)
# Pixels a frame; the way back and forth differs in length, so that the path does not soon repeat.
ACROSS, DOWN = 2, 1
MARGIN_ACROSS, MARGIN_DOWN = 96, 62
# The pattern's brightest spots in HDR, in nits: a usual highlight.
HIGHLIGHT_NITS = 1000.0


@dataclass(frozen=True)
class Pattern:
    """``pattern:WIDTHxHEIGHT@RATE``; ``hdr-pattern`` gives scRGB with highlights of 1000 nits."""

    width: int = 640
    height: int = 360
    rate: float = 60.0
    hdr: bool = False

    def __str__(self) -> str:
        kind = "hdr-pattern" if self.hdr else "pattern"
        return f"{kind}:{self.width}x{self.height}@{self.rate:g}"


def parse_pattern(text: str) -> Pattern:
    """The pattern that ``--source`` names; raises :class:`TemporalCleanError` on other text."""
    found = FORM.fullmatch(text)
    if found is None:
        raise TemporalCleanError(
            f"no pattern '{text}': expected pattern or hdr-pattern, with a size and a rate if "
            "wanted, like pattern:1280x720@60"
        )
    size = (int(found["width"]), int(found["height"])) if found["width"] else (640, 360)
    rate = float(found["rate"]) if found["rate"] else 60.0
    if min(size) < 64 or max(size) > 16384 or not 1.0 <= rate <= 1000.0:
        raise TemporalCleanError(
            f"'{text}': expected sides of 64 to 16384 pixels and 1 to 1000 frames a second"
        )
    return Pattern(*size, rate, bool(found["hdr"]))


class PatternCapture(ClockedCapture):
    """A window that wanders over a picture of stripes, discs and noise; never twice the same."""

    def __init__(self, pattern: Pattern) -> None:
        super().__init__()
        self.pattern = pattern
        self.description = f"test {pattern}"
        self.world = draw_world(pattern)

    def frames(self) -> Iterator[Timed]:
        """Endless."""
        for index in count():
            yield Timed(self.picture(index), index / self.pattern.rate)

    def picture(self, index: int) -> NDArray[Any]:
        """Frame ``index``: a view into the world, nothing is drawn anew."""
        left = _back_and_forth(index * ACROSS, MARGIN_ACROSS)
        top = _back_and_forth(index * DOWN, MARGIN_DOWN)
        return self.world[top : top + self.pattern.height, left : left + self.pattern.width]


def draw_world(pattern: Pattern) -> NDArray[Any]:
    """What the pattern looks at: fine stripes and rings that alias, flat discs, a noisy corner."""
    height, width = pattern.height + MARGIN_DOWN, pattern.width + MARGIN_ACROSS
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    rings = np.hypot(rows - height / 2, columns - width / 2)
    stripes = np.where((columns * 0.9 + rows * 0.37) % 5 < 2, 0.75, 0.25)
    waves = 0.5 + 0.45 * np.sin(rings * rings / (0.9 * height))
    cells = ((rows // 48 + columns // 64) % 3)[..., None]
    ramp = np.stack([columns / width, rows / height, 1 - columns / width], axis=-1)
    shades = np.where(cells == 0, ramp, np.where(cells == 1, stripes[..., None], waves[..., None]))
    discs = np.hypot(rows % 90 - 45, columns % 120 - 60) < 14
    shades = np.where(discs[..., None], np.array([0.9, 0.55, 0.15]), shades)
    noise = np.random.default_rng(7).random((height, width, 1), np.float32)
    shades = np.where(((rows > 0.8 * height) & (columns < 0.2 * width))[..., None], noise, shades)
    if pattern.hdr:
        return _as_scrgb(shades, discs)
    bgra = np.full((height, width, 4), 255, np.uint8)
    bgra[..., :3] = np.round(shades[..., ::-1] * 255)
    return bgra


def _as_scrgb(shades: NDArray[Any], bright: NDArray[np.bool_]) -> NDArray[np.float16]:
    """Display-encoded shades as light, SDR white at its usual level, with highlights."""
    light = decode_curve(shades) * (REFERENCE_WHITE_NITS / SCRGB_UNIT_NITS)
    light[bright] *= HIGHLIGHT_NITS / REFERENCE_WHITE_NITS / 0.9
    return np.concatenate([light, np.ones_like(light[..., :1])], axis=-1).astype(np.float16)


def _back_and_forth(distance: int, span: int) -> int:
    """0 to ``span`` and back, for ever."""
    place = distance % (2 * span)
    return place if place <= span else 2 * span - place
