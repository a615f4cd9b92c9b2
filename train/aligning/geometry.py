"""How the second recording's pictures lie in the first's: first on thumbnails, then exactly.

Shift in space and offset in time can stand in for each other while a camera pans steadily, so
offsets near the coarse one are tried, each with its own best shift, and the pair that leaves the
least unlike is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from temporal_clean.train.aligning.coarse import CoarseMatch
from temporal_clean.train.aligning.recording import Grey, Recording
from temporal_clean.train.aligning.registration import (
    PLAUSIBLE,
    Registration,
    register,
    shift_between,
)

__all__ = ["MatchedPicture", "Placement", "exact_geometry", "matched_pictures", "rough_geometry"]

SAMPLES = 8
# Thumbnail pixels within which shifts of different frames are the same.
AGREE = 0.25
FARTHEST_LAG = 3
# Lags that leave this little more unlike are told apart at full size only.
AS_GOOD = 1.15
# Scatter of one frame counts at most this, pixels.
MOST_SCATTER = 0.5
# A pixel whose grey level spans less than this over the sampled frames is part of an overlay,
# unless more than this share of the picture is.
STILL_LEVELS, MOST_STILL = 16, 0.3
# Scale that moves no pixel by more than this is none.
LEAST_SCALE = 0.15
# A shift below what can be measured (0.02 pixel) is not worth resampling for.
LEAST_SHIFT = 0.02


@dataclass(frozen=True)
class Placement:
    """``geometry`` from first to second, ``lag`` to be added to the coarse offsets.

    ``spread`` is the scatter of single frames' shifts, in pixels. ``rivals`` are changes of lag
    that fit nearly as well, each with its own shift.
    """

    geometry: Registration
    lag: int
    spread: float = 0.0
    rivals: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class MatchedPicture:
    """Full pictures of a pair, and the second's frame that has the first's number."""

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    numbered: NDArray[np.uint8]


def rough_geometry(first: Grey, second: Grey, coarse: CoarseMatch) -> Placement | None:
    """Geometry in thumbnail pixels, to about a tenth; ``None`` if no pictures fit."""
    places = _lively(first, second, coarse)
    base = _typical([register(first[i], second[j]) for i, j in places])
    if base is None:
        return None
    tried: dict[int, tuple[float, Registration]] = {}
    wanted, best = {-1, 0, 1}, 0
    while wanted:
        for lag in sorted(wanted):
            tried[lag] = _try_lag(first, second, [(i, j + lag) for i, j in places], base)
        best = min(tried, key=lambda lag: tried[lag][0])
        wanted = {k for k in (best - 1, best + 1) if k not in tried and abs(k) <= FARTHEST_LAG}
    near = (lag - best for lag in tried if 0 < abs(lag - best) <= 2)
    rivals = (k for k in near if tried[best + k][0] < AS_GOOD * tried[best][0])
    return Placement(tried[best][1], best, rivals=tuple(rivals))


def _try_lag(
    first: Grey, second: Grey, pairs: Sequence[tuple[int, int]], base: Registration
) -> tuple[float, Registration]:
    """(misfit, geometry) with the pairs' common shift."""
    moved = [base.apply(second[j], first.shape[1:]) / 255 for _, j in pairs]
    shifts = [shift_between(first[i], m) for (i, _), m in zip(pairs, moved, strict=True)]
    dx, dy = _consensus(np.array([[s.dx, s.dy] for s in shifts]))
    fitted = replace(base, dx=base.dx + base.scale_x * dx, dy=base.dy + base.scale_y * dy)
    return _unlikeness(first, second, pairs, fitted), fitted


def _consensus(shifts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of the most shifts that lie within a quarter of a pixel of one of them.

    Where the runs have parted shifts are anything; those that agree are right.
    """
    near = np.hypot(*(shifts[:, None] - shifts).transpose(2, 0, 1)) < AGREE
    return shifts[near[near.sum(axis=1).argmax()]].mean(axis=0)


def exact_geometry(
    pictures: Sequence[MatchedPicture], start: Registration, ratio: float
) -> Placement:
    """Geometry at full size: medians over the pairs.

    ``start`` is in thumbnail pixels, of which one is ``ratio`` pixels. Scale counts only if it
    moves some pixel visibly.
    """
    guess = replace(start, dx=start.dx * ratio, dy=start.dy * ratio)
    usable = _moving([p.first for p in pictures])
    found = [register(p.first, p.second, usable, guess) for p in pictures]
    good = [r for r in found if r.confidence > PLAUSIBLE] or found
    values = np.array([[r.dx, r.dy, r.scale_x, r.scale_y] for r in good])
    dx, dy, scale_x, scale_y = (float(v) for v in np.median(values, axis=0))
    height, width = pictures[0].first.shape[:2]
    if max(abs(scale_x - 1) * width, abs(scale_y - 1) * height) / 2 < LEAST_SCALE:
        scale_x = scale_y = 1.0
    if scale_x == scale_y == 1.0 and max(abs(dx), abs(dy)) < LEAST_SHIFT:
        dx = dy = 0.0
    scatter = np.minimum(np.hypot(*(values[:, :2] - [dx, dy]).T), MOST_SCATTER).mean()
    residual, confidence = (
        float(np.median([getattr(r, name) for r in good])) for name in ("residual", "confidence")
    )
    return Placement(
        Registration(dx, dy, scale_x, scale_y, residual, confidence), 0, float(scatter)
    )


def _moving(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.bool_] | None:
    """Pixels that change over time: a HUD stays and says nothing of the scene's place.

    ``None``, all pixels, if most of the picture stays.
    """
    grey = [cv2.cvtColor(p, cv2.COLOR_RGB2GRAY) for p in pictures]
    still = (np.max(grey, axis=0).astype(int) - np.min(grey, axis=0)) < STILL_LEVELS
    # Single pixels stay by chance.
    still = cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0
    return None if still.mean() > MOST_STILL else ~still


def matched_pictures(
    first: Recording, second: Recording, pairs: Sequence[tuple[int, int]]
) -> list[MatchedPicture]:
    """The full pictures of a few pairs, read again."""
    last = len(second) - 1
    mine = dict(first.pictures(i for i, _ in pairs))
    other = dict(second.pictures(k for i, j in pairs for k in (j, min(i, last))))
    return [MatchedPicture(mine[i], other[j], other[min(i, last)]) for i, j in pairs]


def _lively(first: Grey, second: Grey, coarse: CoarseMatch) -> list[tuple[int, int]]:
    """Pairs by the coarse offsets, spread over time, each where much changes.

    Only where the coarse match is about as good as at its best: elsewhere the runs may differ.
    """
    trust = coarse.frame_scores
    change = np.array([_change(first, i) for i in range(len(first))])
    there = np.arange(len(first)) + coarse.offset
    margin = FARTHEST_LAG
    usable = (there >= margin) & (there < len(second) - margin) & (trust > 0.8 * trust.max())
    usable[:margin] = usable[len(first) - margin :] = False
    frames = np.flatnonzero(usable)
    parts = np.array_split(frames, min(SAMPLES, len(frames)))
    chosen = [int(part[change[part].argmax()]) for part in parts if len(part)]
    return [(i, int(there[i])) for i in chosen]


def _change(thumbnails: Grey, index: int) -> float:
    """How much a thumbnail differs from the one two before it, a coarse copy of both."""
    a, b = (thumbnails[k, ::4, ::4].astype(np.float32) for k in (index, max(0, index - 2)))
    return float(((a - b) ** 2).mean())


def _typical(found: list[Registration]) -> Registration | None:
    """The median of those that fit."""
    good = [r for r in found if r.confidence > PLAUSIBLE]
    if not good:
        return None
    values = np.array([[r.dx, r.dy, r.scale_x, r.scale_y, r.residual, r.confidence] for r in good])
    return Registration(*(float(v) for v in np.median(values, axis=0)))


def _unlikeness(
    first: Grey, second: Grey, pairs: Sequence[tuple[int, int]], geometry: Registration
) -> float:
    """Misfit of detail after geometry and a fit of brightness."""
    misfits = []
    for i, j in pairs:
        mine = first[i].astype(np.float32)
        moved = geometry.apply(second[j], first.shape[1:])
        a, b = mine - cv2.blur(mine, (31, 31)), moved - cv2.blur(moved, (31, 31))
        gain = float((a * b).sum() / max(float((b * b).sum()), 1e-6))
        misfits.append(float(((a - gain * b) ** 2).mean()))
    # The better half: the others may lie where the runs have parted.
    return float(np.mean(np.sort(misfits)[: (len(misfits) + 1) // 2]))
