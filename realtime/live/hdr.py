"""HDR frames for an engine that sees SDR, and back: color.ScRgb by tables, for live speed.

A float16 has 65,536 values, and so has a 16-bit code: every curve of ``temporal_clean.color`` is
taken once for each of them, so a frame costs look-ups instead of powers and logarithms, with the
same result. Pixels that the network left alone keep their bits.
"""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.color import (
    REFERENCE_WHITE_NITS,
    SCRGB_UNIT_NITS,
    ScRgb,
    decode_curve,
    look,
)
from temporal_clean.errors import TemporalCleanError

__all__ = ["HdrComposer"]

Half = NDArray[np.float16]
Codes = NDArray[np.uint16]

LARGEST_CODE = 65535
# Rows at a time: what they need stays in a core's cache.
ROWS = 16
# scRGB 1.0 is 80 nits; a display's SDR white lies above that (Windows offers 80 to 480 nits).
DARKEST_WHITE, BRIGHTEST_WHITE = SCRGB_UNIT_NITS, 1000.0


class HdrComposer:
    """Between scRGB frames, (height, width, 4) float16 RGBA, and an engine's rgb16 frames.

    ``white_nits`` is the display's SDR white level: what the network sees as 1.
    """

    def __init__(self, white_nits: float = REFERENCE_WHITE_NITS) -> None:
        if not DARKEST_WHITE <= white_nits <= BRIGHTEST_WHITE:
            raise TemporalCleanError(
                f"expected an SDR white level of {DARKEST_WHITE:g} to {BRIGHTEST_WHITE:g} nits, "
                f"got {white_nits:g}: see the display's HDR settings"
            )
        self.white_nits = white_nits
        white = ScRgb(white_nits).white
        with np.errstate(invalid="ignore", over="ignore"):  # infinities and NaNs are values too
            halves = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
            seen = look(halves[:, None].repeat(3, 1), halves[:, None].repeat(3, 1) / white)
        shown = seen.shown[:, 0]
        self._halves = halves
        self._codes = np.rint(shown * LARGEST_CODE).astype(np.uint16)
        self._bytes = np.rint(shown * 255).astype(np.uint8)
        self._trust = seen.mask[:, 0].astype(np.float32)
        codes = np.arange(65536, dtype=np.float32) / np.float32(LARGEST_CODE)
        self._light = (decode_curve(codes) * white).astype(np.float32)

    def encode(self, picture: Half) -> Codes:
        """The picture as the engine shall see it, (height, width, 3) display-encoded SDR.

        Brighter than white is shown as white, not-a-number as black.
        """
        keys = _keys(picture)
        result = np.empty((*picture.shape[:2], 3), np.uint16)
        for rows in _blocks(len(picture)):
            result[rows] = _read(self._codes, keys[rows, :, :3])
        return result

    def compose(self, picture: Half, seen: Codes, clean: Codes) -> Half:
        """The picture with what the engine changed from ``seen``, which ``encode`` gave.

        out = x + m (g(clean) - g(seen)): see ``temporal_clean.color``. Alpha stays.
        """
        keys = _keys(picture)
        result = np.empty_like(picture)
        for rows in _blocks(len(picture)):
            change = _read(self._light, seen[rows])
            change -= _read(self._light, clean[rows])
            trust = _read(self._trust, keys[rows])
            # The mask of color.look, which falls with distance: the smallest of the channels'.
            least = np.minimum(np.minimum(trust[..., 0], trust[..., 1]), trust[..., 2])
            light = _read(self._halves, keys[rows])
            # A channel at a time: over an inner axis of 3, NumPy was seven times slower. Taken
            # away, not added: -0.0 - 0.0 keeps its sign, so that no change changes no bit.
            with np.errstate(invalid="ignore"):  # a NaN of the picture stays one
                for channel in range(3):
                    light[..., channel] -= change[..., channel] * least
            result[rows] = light
        return result

    def to_sdr(self, picture: Half) -> NDArray[np.uint8]:
        """For 'force SDR': (height, width, 4) uint8 BGRA, opaque, SDR white at 255.

        SDR content is exact; what is brighter than white is clipped, as an 8-bit capture of an
        HDR desktop would have it.
        """
        keys = _keys(picture)
        result = np.empty(picture.shape, np.uint8)
        for rows in _blocks(len(picture)):
            result[rows, :, :3] = _read(self._bytes, keys[rows, :, 2::-1])
        result[..., 3] = 255
        return result


def _read(table: NDArray[Any], keys: Codes) -> NDArray[Any]:
    """The table's values; 'clip' skips the check of bounds, which 16 bits cannot leave."""
    return np.take(table, keys, mode="clip")


def _keys(picture: Half) -> Codes:
    """The picture's bits, by which the tables are read."""
    if picture.dtype != np.float16 or picture.ndim != 3 or picture.shape[2] != 4:
        raise TemporalCleanError(
            f"expected an scRGB picture of (height, width, 4) float16, got {picture.shape} "
            f"{picture.dtype}"
        )
    return picture.view(np.uint16)


def _blocks(height: int) -> list[slice]:
    edges = [*range(0, height, ROWS), height]
    return [slice(top, bottom) for top, bottom in itertools.pairwise(edges)]
