"""What stays as it came: the pixels that a mask marks, such as a game's HUD; and finding them.

The network sees pictures alone and softens a HUD's text with all the rest. Where a game has its HUD
is known after half a minute of play: it stands still while the world moves. A mask of that, made
once, keeps it as it came, as ReShade's UIMask keeps it from its effects.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.boxes import box_sums
from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input, to_8_bits

__all__ = ["Keep", "StillPixels", "still_in", "still_pixels"]

# Pictures compared are so far apart: the world has moved on, digits have hardly changed.
PICTURES_A_SECOND = 15

# The picture moves if so many of its pixels changed: what stands still in another tells nothing.
MOVING_SHARE = 0.3
# Fewer pictures in motion are too few to tell a HUD from a flat wall.
LEAST_PAIRS = 12
# What closes the gaps between letters, and the rim added to it, grow with the picture.
ROWS_A_PIXEL = 270

Mask = NDArray[np.bool_]


class Keep:
    """Puts marked pixels of the picture as it came into the clean one.

    ``mask`` is (height, width), True where to keep; it is stretched to pictures of another size.
    Raises :class:`TemporalCleanError` if it marks nothing.
    """

    def __init__(self, mask: Mask) -> None:
        if mask.ndim != 2 or not mask.any():
            raise TemporalCleanError(
                "the mask of what to keep marks nothing: white is kept, black is cleaned"
            )
        self.mask = mask
        self._size, self._places = (0, 0), np.empty(0, np.intp)

    @classmethod
    def read(cls, path: str | Path) -> "Keep":
        """From a picture, of which what is brighter than half is kept.

        Raises :class:`TemporalCleanError` if it cannot be read or marks nothing.
        """
        with open_input(path) as reader:
            picture = to_8_bits(next(iter(reader)).pixels)
        try:
            return cls(picture.max(axis=2) > 127)
        except TemporalCleanError as error:
            raise TemporalCleanError(f"'{path}': {error}") from error

    def restore(self, before: NDArray[Any], after: NDArray[Any]) -> NDArray[Any]:
        """``after`` with the kept pixels of ``before``, both (height, width, channels); a copy."""
        height, width, channels = before.shape
        if self._size != (height, width):
            self._size, self._places = (height, width), np.flatnonzero(self._at(height, width))
        kept = np.array(after, order="C")
        rows = np.ascontiguousarray(before).reshape(-1, channels)
        kept.reshape(-1, channels)[self._places] = rows[self._places]
        return kept

    def _at(self, height: int, width: int) -> Mask:
        """The mask by its nearest pixels."""
        rows = (np.arange(height) + 0.5) * self.mask.shape[0] / height
        columns = (np.arange(width) + 0.5) * self.mask.shape[1] / width
        return self.mask[rows.astype(np.intp)][:, columns.astype(np.intp)]


@dataclass(frozen=True)
class StillPixels:
    """Where a moving picture stands still: (height, width), in how many pairs of pictures."""

    mask: Mask
    pairs: int


def still_in(
    recording: str | Path,
    start: float | None = None,
    end: float | None = None,
    tolerance: int = 4,
    progress: Callable[[int, int | None], None] | None = None,
) -> StillPixels:
    """:func:`still_pixels` of a video, a folder of pictures or a pattern of their names.

    ``start`` and ``end`` are in seconds. ``progress`` is told (frames read, in all if known).
    """
    with open_input(recording, start, end) as reader:
        rate = float(reader.info.frame_rate or PICTURES_A_SECOND)
        step = max(1, round(rate / PICTURES_A_SECOND))

        def pictures() -> Iterator[NDArray[np.uint8]]:
            for index, frame in enumerate(reader):
                if progress:
                    progress(index + 1, reader.info.frames)
                if index % step == 0:
                    yield to_8_bits(frame.pixels)

        return still_pixels(pictures(), tolerance)


def still_pixels(
    pictures: Iterable[NDArray[np.uint8]], tolerance: int = 4, share: float = 0.6
) -> StillPixels:
    """Find what stands still while the rest moves: HUD, logo, black bars.

    Needs neither OpenCV nor torch, as players have none; ``temporal_clean.train.masks`` sees
    see-through overlays too, in clips to train on.
    ``pictures`` are (height, width, 3) in 8 bits, a tenth of a second or so apart. A pixel stands
    still if no channel changed by more than ``tolerance`` codes in ``share`` of those pairs in
    which the picture moved; specks are dropped, gaps between letters closed, a rim added for
    smoothed edges. Raises :class:`TemporalCleanError` if too little moved or nothing stood still.
    """
    counts: NDArray[np.int32] | None = None
    pairs = 0
    for before, after in pairwise(pictures):
        change = np.maximum(before, after) - np.minimum(before, after)
        still = change.max(axis=2) <= tolerance
        if still.mean() > 1.0 - MOVING_SHARE:
            continue
        counts = still.astype(np.int32) if counts is None else counts + still
        pairs += 1
    if counts is None or pairs < LEAST_PAIRS:
        raise TemporalCleanError(
            f"the picture moves in {pairs} moments of the recording, {LEAST_PAIRS} are needed: "
            "record half a minute of play in which the view turns"
        )
    found = _whole(counts >= share * pairs)
    if not found.any():
        raise TemporalCleanError(
            "nothing stands still while the picture moves: there is no opaque HUD in this recording"
        )
    return StillPixels(found, pairs)


def _whole(still: Mask) -> Mask:
    """Specks out, gaps closed, a rim added."""
    reach = max(1, round(len(still) / ROWS_A_PIXEL))
    closed = _spread(_counted(still, 1) >= 4, 2 * reach)
    closed = ~_spread(~closed, 2 * reach)
    return _spread(closed, reach)


def _spread(mask: Mask, radius: int) -> Mask:
    """Everything within ``radius`` rows and columns of what is marked."""
    return _counted(mask, radius) > 0


def _counted(mask: Mask, radius: int) -> NDArray[np.int32]:
    """How many are marked within ``radius`` rows and columns of each pixel."""
    side = 2 * radius + 1
    return box_sums(np.pad(mask.astype(np.int32), radius), side, side)
