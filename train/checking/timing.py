"""When things happen: temporal offset, cuts, doubled and frozen frames, from small thumbnails."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_OFFSET", "best_offset", "find_cuts", "find_doubled", "stretches"]

MOST_OFFSET = 8  # frames; players' recordings are started by hand, but align comes first
# Frames whose thumbnails change by less than this (codes, mean) show no motion to time by.
STILL = 0.25
# A best match that differs by more than this share of what moments half a clip apart differ by
# is no match.
UNRELATED = 0.7
# A cut: the change is this many codes, and this many times the usual change around it (a fast
# turn of OpenArena reaches 20 codes, but so do its neighbours).
CUT_CODES, CUT_RATIO, AROUND = 10.0, 4.0, 6
# Doubled: the change is under this share of the usual change, within compression noise, while
# the other recording went on.
DOUBLED = 0.15

Thumbnails = NDArray[np.float32]


def best_offset(given: Thumbnails, reference: Thumbnails) -> tuple[int | None, float | None]:
    """Frames by which the input is late, and how much worse the next best offset is (a ratio).

    Both (frames, values). Brightness and contrast are taken out first. (None, None) if the clip
    is too short or too still to tell.
    """
    changes = np.abs(np.diff(reference, axis=0)).mean(axis=1)
    most = min(MOST_OFFSET, len(reference) // 4)
    if most < 1 or (changes > STILL).sum() < 4:
        return None, None
    given, reference = (clip - clip.mean() for clip in (given, reference))
    reference = reference * (given.std() / max(float(reference.std()), 1e-6))
    count = len(reference)
    moving = np.concatenate([changes > STILL, [False]]) | np.concatenate([[False], changes > STILL])
    errors = {}
    for offset in range(-most, most + 1):
        times = np.arange(max(0, -offset), min(count, count - offset))
        times = times[moving[times]]
        if len(times):
            difference = np.abs(given[times + offset] - reference[times])
            errors[offset] = float(np.median(difference.mean(axis=1)))
    if not errors or min(errors.values()) > UNRELATED * _apart(reference):
        return None, None
    # Of equal offsets, the one nearest to 0.
    best = min(errors, key=lambda k: (errors[k], abs(k)))
    others = [error for offset, error in errors.items() if offset != best]
    margin = min(others) / max(errors[best], 1e-6)
    return (best, min(margin, 1e3)) if margin > 1.02 else (None, None)


def _apart(clip: Thumbnails) -> float:
    """Mean difference between frames half a clip apart: what unrelated moments differ by."""
    half = len(clip) // 2
    return float(np.abs(clip[half : 2 * half] - clip[:half]).mean())


def find_cuts(thumbnails: Thumbnails) -> tuple[int, ...]:
    """First frames after a cut: the picture changes at once, and more than around."""
    changes = np.abs(np.diff(thumbnails, axis=0)).mean(axis=1)
    usual = max(_usual(changes), 0.5)
    cuts = []
    for index in np.flatnonzero(changes > CUT_CODES):
        near = np.delete(changes[max(0, index - AROUND) : index + AROUND + 1], min(index, AROUND))
        around = max(float(np.median(near)) if len(near) else 0.0, usual)
        if changes[index] > CUT_RATIO * around:
            cuts.append(int(index) + 1)
    return tuple(cuts)


def find_doubled(changes: Sequence[float], other: Sequence[float]) -> tuple[int, ...]:
    """Frames that repeat the one before. ``changes[t]``: mean change from t-1 to t, in codes.

    Where the ``other`` recording stands still too (a pause), nothing is doubled; bit-exact
    repetitions count unless the other repeats exactly too.
    """
    ours, theirs = np.asarray(changes), np.asarray(other)
    usual = [_usual(clip) for clip in (ours, theirs)]
    stands = (ours <= DOUBLED * usual[0]) & (ours < 1.0)
    went_on = theirs > 2.0 * DOUBLED * usual[1]
    doubled = (stands & went_on & (theirs > 0.05)) | ((ours == 0.0) & (theirs > 0.0))
    return tuple(int(t) for t in np.flatnonzero(doubled) if t > 0)


def _usual(changes: NDArray[np.float64]) -> float:
    moving = changes[changes > 0.05]
    return float(np.median(moving)) if len(moving) else 0.0


def stretches(frames: Sequence[int], shortest: int) -> tuple[tuple[int, int], ...]:
    """Runs of at least ``shortest`` consecutive numbers as (first, last)."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return tuple((a, b) for a, b in runs if b - a + 1 >= shortest)
