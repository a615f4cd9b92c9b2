"""Where one picture lies in another: sub-pixel shift and scale.

The two may differ in aliasing, compression, brightness and resolution; black bars are left out,
and a HUD that stays in place is outvoted by the rest.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning.resample import AxisMap, resample
from temporal_clean.train.aligning.tiles import Plane, TileShifts, coarse_shift, tile_shifts

__all__ = ["Registration", "Shift", "active_area", "luma", "register", "shift_between"]

Picture = NDArray[Any]

# BT.709, on display-encoded values.
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Black bars: darker than limited-range black with compression noise, and as flat.
BAR_LEVEL, BAR_RANGE = 24 / 255, 8 / 255
SMALLEST_SIDE = 32
ROUNDS = 6
CONVERGED = 3e-3
# Tiles' votes: no tile counts more than the median one does by this factor (HUD edges are strong).
MOST_VOTE = 2.0
# Tukey's biweight. 4.685 would be 95% efficient on Gaussian scatter (Huber, Robust Statistics);
# tighter, a HUD of 8% of the picture pulls by 0.02 pixel on average instead of 0.04.
BIWEIGHT = 2.5
# A fit needs this agreement before its neighbourhood is searched no further.
PLAUSIBLE = 0.7
SCALES_TRIED = (0.8, 0.9, 1.1, 1.25)


@dataclass(frozen=True)
class Shift:
    """What is at (x, y) in the first picture is at (x + dx, y + dy) in the second; pixels.

    ``confidence`` in [0, 1] is how well the two agree, in the band they share, once aligned: above
    0.8 for renderings of one scene, below 0.5 for unrelated pictures (measured).
    """

    dx: float
    dy: float
    confidence: float


@dataclass(frozen=True)
class Registration:
    """Where the first picture's view lies in the second's.

    Sizes aside, a pixel x (edge coordinates) from the first picture's centre c is at
    ``scale_x * (x - c) + c + dx`` in the second picture stretched to the first one's size: scale 1
    and shift 0 mean the same field of view at whatever resolution. ``dx`` and ``dy`` are in the
    first picture's pixels. ``residual`` is the scatter (pixels, median over tiles) left after the
    fit: rotation, distortion or motion show here. ``confidence`` as in :class:`Shift`.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale_x: float = 1.0
    scale_y: float = 1.0
    residual: float = 0.0
    confidence: float = 0.0

    def axes(self, first: tuple[int, int], second: tuple[int, int]) -> tuple[AxisMap, AxisMap]:
        """Rows' and columns' places in the second picture; sizes are (height, width)."""
        return (
            _axis(first[0], second[0], self.scale_y, self.dy),
            _axis(first[1], second[1], self.scale_x, self.dx),
        )

    def apply(self, second: Picture, size: tuple[int, int]) -> NDArray[np.float32]:
        """The second picture, seen as the first of ``size`` (height, width) sees it."""
        rows, columns = self.axes(size, (second.shape[0], second.shape[1]))
        return resample(second, rows, columns, size)


def shift_between(first: Picture, second: Picture, usable: Picture | None = None) -> Shift:
    """The shift from ``first`` to ``second``: (height, width[, 3]), uint8, uint16 or float [0, 1].

    ``usable`` (height, width) is true where pixels may be compared. Accurate to 0.05 pixel on
    point-sampled against antialiased game pictures. Raises :class:`TemporalCleanError` if the
    sizes differ or are under 32 pixels.
    """
    if first.shape[:2] != second.shape[:2]:
        raise TemporalCleanError(
            f"expected two pictures of one size, got {_size_text(first)} and {_size_text(second)}: "
            "register() takes different sizes"
        )
    planes, area = (luma(first), luma(second)), _usable(first, second, usable)
    start = Registration(*_coarse(*planes, area))
    found = _refine(*planes, area, start, with_scale=False)
    return Shift(found.dx, found.dy, found.confidence)


def register(
    first: Picture,
    second: Picture,
    usable: Picture | None = None,
    start: Registration | None = None,
) -> Registration:
    """Shift and scale along each axis; the pictures may differ in size.

    ``usable`` (height, width of ``first``) is true where pixels may be compared; ``start`` is a
    first guess. Without one, the whole views are compared first, then the views inside their black
    bars, then a few scales. Raises :class:`TemporalCleanError` for pictures under 32 pixels.
    """
    planes, area = (luma(first), luma(second)), _usable(first, None, usable)
    best = Registration()
    for guess in [start] if start is not None else _guesses(*planes):
        view = guess.apply(planes[1], planes[0].shape)
        dx, dy = (0.0, 0.0) if start is not None else _coarse(planes[0], view, area)
        begun = replace(guess, dx=guess.dx + dx * guess.scale_x, dy=guess.dy + dy * guess.scale_y)
        found = _refine(*planes, area, begun, with_scale=True)
        best = max(best, found, key=lambda r: r.confidence)
        if best.confidence > PLAUSIBLE:
            break
    return best


def luma(picture: Picture) -> Plane:
    """Display-encoded luma (height, width) in [0, 1] of uint8, uint16 or float RGB or grey.

    Raises :class:`TemporalCleanError` for other shapes and pictures under 32 pixels.
    """
    if picture.ndim not in (2, 3) or (picture.ndim == 3 and picture.shape[2] != 3):
        raise TemporalCleanError(
            f"expected a picture (height, width[, 3]), got shape {picture.shape}: pass RGB or grey"
        )
    if min(picture.shape[:2]) < SMALLEST_SIDE:
        raise TemporalCleanError(
            f"expected pictures of at least {SMALLEST_SIDE} pixels a side, got "
            f"{_size_text(picture)}: smaller ones cannot be registered"
        )
    full = np.iinfo(picture.dtype).max if picture.dtype.kind in "ui" else 1
    plane = picture.astype(np.float32) / np.float32(full)
    return plane if plane.ndim == 2 else plane @ LUMA


def active_area(plane: Plane) -> tuple[slice, slice]:
    """Rows and columns inside black bars of a luma picture (or of many pictures' maximum).

    The whole picture if less than half of it would be left.
    """
    rows, columns = (_inside_bars(plane, axis) for axis in (1, 0))
    left = (rows.stop - rows.start) * (columns.stop - columns.start)
    if 2 * left < plane.size:
        return slice(0, plane.shape[0]), slice(0, plane.shape[1])
    return rows, columns


def _inside_bars(plane: Plane, axis: int) -> slice:
    high, low = plane.max(axis=axis), plane.min(axis=axis)
    lit = np.flatnonzero((high > BAR_LEVEL) | (high - low > BAR_RANGE))
    return slice(int(lit[0]), int(lit[-1]) + 1) if len(lit) else slice(0, len(high))


def _usable(first: Picture, second: Picture | None, given: Picture | None) -> NDArray[np.bool_]:
    """Where the given pictures may be compared: inside their black bars and the given mask."""
    usable = np.zeros(first.shape[:2], bool)
    usable[active_area(luma(first))] = True
    if second is not None:
        inside = np.zeros_like(usable)
        inside[active_area(luma(second))] = True
        usable &= inside
    return usable if given is None else usable & given.astype(bool)


def _guesses(first: Plane, second: Plane) -> list[Registration]:
    """Whole on whole, active area on active area, then other scales."""
    bars = _area_on_area(first, second)
    return [
        Registration(),
        *([bars] if bars != Registration() else []),
        *(Registration(scale_x=s, scale_y=s) for s in SCALES_TRIED),
    ]


def _area_on_area(first: Plane, second: Plane) -> Registration:
    """The registration that lays the views inside black bars on each other."""
    scales, shifts = [], []
    for axis, (a, b) in enumerate(zip(active_area(first), active_area(second), strict=True)):
        size, ratio = first.shape[axis], first.shape[axis] / second.shape[axis]
        scale = (b.stop - b.start) * ratio / (a.stop - a.start)
        centres = (b.start + b.stop) / 2 * ratio - size / 2, (a.start + a.stop) / 2 - size / 2
        scales.append(scale)
        shifts.append(centres[0] - scale * centres[1])
    return Registration(shifts[1], shifts[0], scales[1], scales[0])


def _coarse(first: Plane, second: Plane, usable: NDArray[np.bool_]) -> tuple[float, float]:
    """Whole-picture shift of the part inside the bars; masked pixels are made flat."""
    rows, columns = np.flatnonzero(usable.any(1)), np.flatnonzero(usable.any(0))
    if len(rows) < SMALLEST_SIDE or len(columns) < SMALLEST_SIDE:
        return 0.0, 0.0
    part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    flat = [np.where(usable, p, p[usable].mean())[part] for p in (first, second)]
    return coarse_shift(flat[0], flat[1])


def _refine(
    first: Plane, second: Plane, usable: NDArray[np.bool_], start: Registration, with_scale: bool
) -> Registration:
    """Tile shifts and a robust fit, repeated on the view resampled by what was found."""
    found = start
    for _ in range(ROUNDS):
        view, inside = found.apply(second, first.shape), _inside(found, first.shape, second.shape)
        tiles = tile_shifts(first, view, usable & inside)
        if tiles is None:
            return replace(found, confidence=0.0)
        fit = _fit(tiles, first.shape, with_scale)
        found = Registration(
            found.dx + found.scale_x * fit.dx,
            found.dy + found.scale_y * fit.dy,
            found.scale_x * fit.scale_x,
            found.scale_y * fit.scale_y,
            fit.residual,
            fit.confidence,
        )
        grown = max(abs(fit.scale_x - 1), abs(fit.scale_y - 1)) * max(first.shape) / 2
        if max(abs(fit.dx), abs(fit.dy), grown / 4) < CONVERGED:
            break
    return found


def _inside(
    found: Registration, size: tuple[int, int], other: tuple[int, int]
) -> NDArray[np.bool_]:
    """Pixels whose place in the second picture exists."""
    marks = []
    for axis, count, limit in zip(found.axes(size, other), size, other, strict=True):
        place = axis.scale * (np.arange(count) + 0.5) + axis.offset
        marks.append((place >= -1) & (place <= limit + 1))
    return np.outer(*marks)


def _fit(tiles: TileShifts, size: tuple[int, int], with_scale: bool) -> Registration:
    """Shift, and scale about the centre, that most tiles agree on (iterated biweight)."""
    centre = np.array([size[1] / 2, size[0] / 2])
    vote = 1 / (tiles.error**2 + 1e-4) * np.clip(tiles.agreement, 1e-3, 1)
    vote = np.minimum(vote, MOST_VOTE * np.median(vote))
    values, misses, along = [], [], tiles.centre - centre
    for axis in (0, 1):
        basis = np.ones((len(vote), 1))
        # Scale needs tiles far enough apart to be seen at all.
        if with_scale and np.ptp(along[:, axis]) > size[1 - axis] / 4 and len(vote) > 5:
            basis = np.stack([np.ones(len(vote)), along[:, axis]], axis=1)
        solution, miss = _robust_line(basis, tiles.shift[:, axis], vote)
        values.append((float(solution[0]), float(solution[1]) if len(solution) > 1 else 0.0))
        misses.append(miss)
    scatter = np.hypot(*misses)
    trusted = vote * (scatter <= 3 * np.median(scatter) + 1e-6)
    confidence = float(np.average(tiles.agreement, weights=trusted))
    (dx, grow_x), (dy, grow_y) = values
    residual = float(np.median(scatter))
    return Registration(dx, dy, 1 + grow_x, 1 + grow_y, residual, max(0.0, confidence))


def _robust_line(
    basis: NDArray[np.float64], values: NDArray[np.float64], vote: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients by iterated reweighting from the weighted median, and the misses."""
    order = np.argsort(values)
    middle = values[order][np.searchsorted(np.cumsum(vote[order]), vote.sum() / 2)]
    solution = np.zeros(basis.shape[1])
    solution[0] = middle
    for _ in range(10):
        miss = values - basis @ solution
        spread = 1.4826 * np.median(np.abs(miss)) + 1e-3
        trust = np.clip(1 - (miss / (BIWEIGHT * spread)) ** 2, 0, None) ** 2 * vote
        root = np.sqrt(trust)[:, None]
        solution = np.linalg.lstsq(basis * root, values * root[:, 0], rcond=None)[0]
    return solution, values - basis @ solution


def _axis(count: int, other: int, scale: float, shift: float) -> AxisMap:
    ratio = other / count
    return AxisMap(ratio * scale, ratio * (count / 2 * (1 - scale) + shift))


def _size_text(picture: Picture) -> str:
    return f"{picture.shape[1]}x{picture.shape[0]}"
