"""A number in a picture, as black and white cells that survive cleaning, scaling down and noise.

Two strips, at the top and at the bottom, hold the same number: where they differ, the picture was
caught in the middle of a change. Each row of a strip starts with a black and a white cell, against
which the others are judged.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError

__all__ = ["LARGEST_NUMBER", "Barcode", "Strip", "layout"]

# 24 bits of number and 8 of checksum, in two rows: 77 hours at 60 frames a second.
ROWS, COLUMNS, NUMBER_BITS = 2, 16, 24
LARGEST_NUMBER = 2**NUMBER_BITS - 1
REFERENCES = 2
# CRC-8 with the polynomial x^8 + x^2 + x + 1 (ITU-T I.432.1, header error control).
POLYNOMIAL = 0x07
# Not the ends of the range: cleaning may overshoot at edges.
BLACK, WHITE = 32, 224
# Less than this between black and white, or a cell nearer than a fifth of it to their middle, is
# no barcode.
LEAST_CONTRAST, CLEAR = 60.0, 0.2
SMALLEST_CELL, MARGIN = 8, 8


class Strip(NamedTuple):
    """Where a strip lies in the picture, in pixels."""

    x: int
    y: int
    width: int
    height: int


class Barcode(NamedTuple):
    """The two strips of a picture's barcode, and a cell's size in pixels."""

    top: Strip
    bottom: Strip
    cell: int

    def stamp(self, picture: NDArray[np.uint8], number: int) -> None:
        """Write ``number`` (0 to 2^24 - 1) into a (height, width, 4) uint8 picture, in place."""
        cells = np.kron(_cells(number), np.ones((self.cell, self.cell), np.uint8))
        for strip in (self.top, self.bottom):
            rows = slice(strip.y, strip.y + strip.height)
            picture[rows, strip.x : strip.x + strip.width, :3] = cells[..., None]

    def read(self, strip: NDArray[np.uint8]) -> int | None:
        """The number in the pixels of one strip, (height, width, 4); None if there is none."""
        edge = self.cell // 4
        green = strip[..., 1].reshape(ROWS, self.cell, REFERENCES + COLUMNS, self.cell)
        means = green[:, edge:-edge, :, edge:-edge].mean(axis=(1, 3))
        black, white = means[:, 0:1], means[:, 1:2]
        if (white - black).min() < LEAST_CONTRAST:
            return None
        level = (means[:, REFERENCES:] - black) / (white - black) - 0.5
        if np.abs(level).min() < CLEAR:
            return None
        value = int.from_bytes(np.packbits(level.ravel() > 0).tobytes(), "big")
        number, check = value >> 8, value & 0xFF
        return number if checksum(number) == check else None

    def read_both(self, top: NDArray[np.uint8], bottom: NDArray[np.uint8]) -> int | None:
        """The number if both strips hold the same."""
        number = self.read(top)
        return number if number is not None and number == self.read(bottom) else None


def layout(width: int, height: int) -> Barcode:
    """Where the barcode of a picture of this size lies."""
    cells = REFERENCES + COLUMNS
    cell = max(SMALLEST_CELL, min(width, 2 * height) // 40 // 4 * 4)
    strip = cells * cell, ROWS * cell
    if strip[0] + 2 * MARGIN > width or 2 * strip[1] + 3 * MARGIN > height:
        raise TemporalCleanError(
            f"a barcode needs a picture of at least {strip[0] + 2 * MARGIN}x"
            f"{2 * strip[1] + 3 * MARGIN}, got {width}x{height}"
        )
    bottom = height - MARGIN - strip[1]
    return Barcode(Strip(MARGIN, MARGIN, *strip), Strip(MARGIN, bottom, *strip), cell)


def checksum(number: int) -> int:
    """CRC-8 of the number's three bytes."""
    remainder = 0
    for byte in number.to_bytes(3, "big"):
        remainder ^= byte
        for _ in range(8):
            remainder = (remainder << 1) ^ (POLYNOMIAL if remainder & 0x80 else 0)
            remainder &= 0xFF
    return remainder


def _cells(number: int) -> NDArray[Any]:
    """(rows, references + columns) uint8 levels."""
    if not 0 <= number <= LARGEST_NUMBER:
        raise TemporalCleanError(f"a barcode holds 0 to {LARGEST_NUMBER}, got {number}")
    value = (number << 8 | checksum(number)).to_bytes(4, "big")
    bits = np.unpackbits(np.frombuffer(value, np.uint8)).reshape(ROWS, COLUMNS)
    references = np.tile(np.array([0, 1], np.uint8), (ROWS, 1))
    levels = np.concatenate([references, bits], axis=1)
    return np.where(levels, WHITE, BLACK).astype(np.uint8)
