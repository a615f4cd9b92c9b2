"""How unlike each frame of one recording is to the frames of the other around its counterpart.

Thumbnails are compared after geometry and tone, without their lowest frequencies, each pixel
counting by how well it usually agrees: an overlay that only one recording has drops out.
The unlikeness is turned into nats (log-likelihood ratios) by a noise level measured on the pair
itself, so that what is decided from it has one scale for sharp, aliased and compressed material.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from temporal_clean.train.aligning.recording import Grey
from temporal_clean.train.aligning.registration import Registration

__all__ = ["Band", "Sight", "compare", "fit_sight"]

Values = NDArray[np.float32]

# Thumbnail pixels; what is coarser holds fades, vignettes and errors of tone rather than motion.
BLUR = (31, 31)
BLOCK = 64
CELL = 20
TONE_BINS = 24
# Least noise: rounding to 8 bits on both sides, 2/12 level squared a pixel.
ROUNDING = 2 / 12


@dataclass(frozen=True, eq=False)
class Sight:
    """How thumbnails are compared: the second's view and tone made the first's, pixel weights."""

    geometry: Registration = field(default_factory=Registration)
    tone: Values = field(default_factory=lambda: np.arange(256, dtype=np.float32))
    weight: Values | None = None

    def first(self, thumbnails: Grey) -> Values:
        """(frames, height, width) -> (frames, numbers)."""
        return np.stack([self._numbers(t.astype(np.float32)) for t in thumbnails])

    def second(self, thumbnails: Grey, size: tuple[int, int]) -> Values:
        """As :meth:`first`, on the first's grid of ``size`` (height, width)."""
        return np.stack([self._numbers(self.moved(t, size)) for t in thumbnails])

    def moved(self, thumbnail: Grey, size: tuple[int, int]) -> Values:
        """A second's thumbnail as the first would show it, levels 0 to 255."""
        return self.geometry.apply(self.tone[thumbnail], size)

    def _numbers(self, plane: Values) -> Values:
        detail = plane - cv2.blur(plane, BLUR)
        return (detail if self.weight is None else detail * self.weight).ravel()


@dataclass(frozen=True, eq=False)
class Band:
    """Nats against each pair (i, j) with j = ``centre[i]`` - reach ... ``centre[i]`` + reach.

    ``nats`` (first frames, 2 reach + 1) is 0 at the best and infinite where there is no frame;
    ``first_change`` and ``second_change`` are the squared change from the frame before, a pixel, in
    the cell of the picture that changes most (nan for the first frame): in a doubled frame nothing
    changes anywhere, while in a pause of the camera something still does. ``second_motion`` is the
    movement from the frame before, in thumbnail pixels, as far as it is small.
    """

    nats: NDArray[np.float64]
    centre: NDArray[np.int64]
    first_change: NDArray[np.float64]
    second_change: NDArray[np.float64]
    second_motion: NDArray[np.float64]

    @property
    def reach(self) -> int:
        return self.nats.shape[1] // 2

    def at(self, i: int, j: int) -> float:
        """Nats against the pair (i, j); infinite outside."""
        k = j - int(self.centre[i]) + self.reach if 0 <= i < len(self.nats) else -1
        return float(self.nats[i, k]) if 0 <= k < self.nats.shape[1] else np.inf


def fit_sight(
    first: Grey, second: Grey, pairs: Sequence[tuple[int, int]], geometry: Registration
) -> Sight:
    """Tone and pixel weights from pairs of frames that (about) belong together."""
    size = first.shape[1:]
    plain = Sight(geometry)
    mine = np.stack([first[i].astype(np.float32) for i, _ in pairs])
    moved = np.stack([plain.moved(second[j], size) for _, j in pairs])
    toned = Sight(geometry, _tone(moved, mine))
    detail = toned.first(np.stack([first[i] for i, _ in pairs]))
    miss = detail - toned.second(np.stack([second[j] for _, j in pairs]), size)
    noise = (miss**2).mean(axis=0).reshape(size)
    noise = cv2.blur(noise, (3, 3))
    weight = np.sqrt(np.median(noise) + ROUNDING) / np.sqrt(noise + np.median(noise) + ROUNDING)
    return Sight(geometry, toned.tone, weight.astype(np.float32))


def compare(
    first: Grey,
    second: Grey,
    sight: Sight,
    offset: NDArray[np.int64],
    reach: int,
    doubt: float,
) -> Band:
    """The band around ``offset`` (second's index less first's, a number for each first frame).

    ``doubt`` (thumbnail pixels) is how far one picture may seem shifted by its aliasing, which
    stays for many frames of a slow pan: movements of that size tell little of the time.
    """
    size, count = first.shape[1:], len(second)
    centre = np.arange(len(first)) + offset
    unlike = np.full((len(first), 2 * reach + 1), np.inf)
    first_change = np.full(len(first), np.nan)
    second_steps, second_change, texture = np.full((3, count), np.nan)
    for start in range(0, len(first), BLOCK):
        rows = np.arange(start, min(start + BLOCK, len(first)))
        low = int(np.clip(centre[rows].min() - reach, 0, count))
        high = int(np.clip(centre[rows].max() + reach + 1, 0, count))
        before = 1 if start else 0
        mine = sight.first(first[rows[0] - before : rows[-1] + 1])
        first_change[start + 1 - before : rows[-1] + 1] = _changes(mine, size)[1]
        mine = mine[before:]
        if low >= high:
            continue
        other = sight.second(second[low:high], size)
        second_steps[low + 1 : high], second_change[low + 1 : high] = _changes(other, size)
        texture[low:high] = _texture(other, size)
        table = _squares(mine)[:, None] + _squares(other) - 2.0 * (mine @ other.T)
        for row, i in enumerate(rows):
            places = centre[i] - reach + np.arange(2 * reach + 1)
            inside = (places >= low) & (places < high)
            unlike[i, inside] = table[row, places[inside] - low]
    least = ROUNDING * size[0] * size[1]
    nats = _in_nats(unlike, centre, second_steps, doubt**2 * texture, least)
    motion = np.sqrt(second_steps / np.maximum(texture, least))
    return Band(nats, centre, first_change, second_change, motion)


def _in_nats(
    unlike: NDArray[np.float64],
    centre: NDArray[np.int64],
    second_steps: NDArray[np.float64],
    doubt: NDArray[np.float64],
    least: float,
) -> NDArray[np.float64]:
    """Unlikeness above the row's and the column's best, over twice the noise along the motion.

    The noise is measured where it matters: along the direction in which the second recording
    changes from frame to frame. There (unlike[j -+ 1] - unlike[j] - |step|^2) / (2 |step|) has the
    noise's standard deviation, whatever the motion; relative to the misfit it is one figure for
    the recording, taken by the median deviation. ``doubt`` (second frames) is added to its square.
    """
    rows, reach = np.arange(len(unlike)), unlike.shape[1] // 2
    seen = np.isfinite(unlike).any(axis=1)
    best = np.where(seen, unlike.argmin(axis=1), reach)
    floor = _smooth(np.maximum(unlike[rows, best], least))
    ratios = []
    for side in (-1, 1):
        inner = rows[seen & (best + side >= 0) & (best + side <= 2 * reach)]
        j = centre[inner] + best[inner] - reach
        step = second_steps[np.clip(j + (side > 0), 0, len(second_steps) - 1)]
        rise = unlike[inner, best[inner] + side] - unlike[inner, best[inner]]
        ratios.append((rise - step) / (2 * np.sqrt(step * floor[inner]) + 1e-9))
    ratio = np.concatenate(ratios)
    ratio = ratio[np.isfinite(ratio)]
    spread = 1.4826 * np.median(np.abs(ratio - np.median(ratio))) if len(ratio) else 1.0
    # Never below the noise of independent pixels.
    noise = 2 * floor * max(spread**2, 1 / (least / ROUNDING))
    noise += 2 * np.nan_to_num(doubt)[np.clip(centre + best - reach, 0, len(doubt) - 1)]
    row_best = np.where(seen, unlike[rows, best], 0)
    column_best = np.full(len(second_steps) + 1, np.inf)
    places = centre[:, None] - reach + np.arange(2 * reach + 1)
    inside = np.isfinite(unlike)
    np.minimum.at(column_best, places[inside], unlike[inside])
    both = np.full_like(unlike, np.inf)
    above = unlike - row_best[:, None] / 2
    both[inside] = (above[inside] - column_best[places[inside]] / 2) / np.broadcast_to(
        noise[:, None], unlike.shape
    )[inside]
    return np.maximum(both, 0)


def _tone(source: Values, target: Values) -> Values:
    """For each level of the second, the first's usual level: rising, by medians in bins."""
    source, target = source[:, ::4, ::4].ravel(), target[:, ::4, ::4].ravel()
    levels = np.quantile(source, np.linspace(0, 1, TONE_BINS + 1))
    levels = np.unique(np.round(levels, 2))
    places, values = [], []
    for low, high in pairwise(levels):
        inside = (source >= low) & (source <= high)
        if inside.sum() >= 50:
            places.append(float(np.median(source[inside])))
            values.append(float(np.median(target[inside])))
    if len(places) < 4:
        return np.arange(256, dtype=np.float32)
    return _extended(np.array(places), np.maximum.accumulate(values))


def _extended(places: NDArray[np.float64], values: NDArray[np.float64]) -> Values:
    """The curve at 0 ... 255, continued in a straight line beyond what was seen."""
    slope = np.clip((values[-1] - values[0]) / max(places[-1] - places[0], 1.0), 0.5, 2.0)
    levels = np.arange(256)
    curve = np.interp(levels, places, values)
    curve = np.where(levels < places[0], values[0] + slope * (levels - places[0]), curve)
    curve = np.where(levels > places[-1], values[-1] + slope * (levels - places[-1]), curve)
    return curve.astype(np.float32)


def _changes(
    block: Values, size: tuple[int, int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Squared change of each row but the first from the one before: total, and most of any cell."""
    squares = np.diff(block, axis=0) ** 2
    rows, columns = size[0] // CELL, size[1] // CELL
    cells = squares.reshape(-1, *size)[:, : rows * CELL, : columns * CELL]
    means = cells.reshape(-1, rows, CELL, columns, CELL).mean(axis=(2, 4))
    return squares.sum(axis=1, dtype=np.float64), means.reshape(len(squares), -1).max(axis=1)


def _texture(block: Values, size: tuple[int, int]) -> NDArray[np.float64]:
    """Squared change of each row if its picture moved by a pixel, mean of across and down."""
    planes = block.reshape(-1, *size)
    across, down = np.diff(planes, axis=2), np.diff(planes, axis=1)
    both = [np.einsum("tij,tij->t", d, d).astype(np.float64) for d in (across, down)]
    return (both[0] + both[1]) / 2


def _squares(block: Values) -> NDArray[np.float64]:
    return np.einsum("ij,ij->i", block, block).astype(np.float64)


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running median over 17 frames, of finite values."""
    finite = values[np.isfinite(values)]
    filled = np.where(np.isfinite(values), values, np.median(finite) if len(finite) else 1.0)
    padded = np.pad(filled, 8, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 17), axis=1)
