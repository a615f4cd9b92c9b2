"""About which frame of one recording belongs to which of the other: cross-correlation over time.

Each chunk of the first recording is slid along the whole second one; a path over the chunks then
picks offsets that change slowly. Static overlays drop out: what does not change has no say.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from temporal_clean.train.aligning.recording import Grey

__all__ = ["CoarseMatch", "coarse_offsets"]

# 32 x 18 cells: a frame's look, blind to sub-pixel matters and to aliasing.
CELLS = (32, 18)
CHUNK, STRIDE = 32, 16
# Frames between the two whose difference tells motion.
MOTION_STEP = 4
# Least share of a chunk that must lie inside the second recording.
OVERLAP = 0.5
MOST_CHUNKS = 400
# Change of offset allowed from chunk to chunk, and what a frame of it costs in correlation; a
# jump (a hitch that lost many frames) may go anywhere.
MOST_CHANGE, CHANGE_COST, JUMP_COST = 4, 0.02, 0.5


@dataclass(frozen=True, eq=False)
class CoarseMatch:
    """``offset[i]``: second's index less first's, for frame i of the first.

    ``frame_scores`` in [-1, 1] are the correlations along the path, ``score`` their upper quartile
    (a part of the recordings may have no counterpart), ``rival`` that of the best other offsets.
    """

    offset: NDArray[np.int64]
    score: float
    rival: float
    frame_scores: NDArray[np.float64]


def coarse_offsets(first: Grey, second: Grey) -> CoarseMatch:
    """Offsets along the first recording, good to a few frames where something moves."""
    looks = [_looks(thumbnails) for thumbnails in (first, second)]
    stride = max(STRIDE, len(first) // MOST_CHUNKS)
    starts = np.arange(0, max(1, len(first) - CHUNK + 1), stride)
    length = min(CHUNK, len(first))
    slid = [_slide(looks[0], looks[1], int(s), length).astype(np.float32) for s in starts]
    scores: NDArray[Any] = np.stack(slid)
    lags = np.arange(scores.shape[1]) - (len(first) - 1)
    path = _best_path(np.nan_to_num(scores, nan=-1.0))
    along = scores[np.arange(len(starts)), path]
    middles = starts + length / 2
    offset = np.rint(np.interp(np.arange(len(first)), middles, lags[path])).astype(np.int64)
    for before in np.flatnonzero(np.abs(np.diff(lags[path])) > MOST_CHANGE):
        low, high = int(middles[before] - length / 2), int(middles[before + 1] + length / 2)
        split = _split(looks, low, high, *(int(k) for k in lags[path[before : before + 2]]))
        offset[low:split], offset[split:high] = lags[path[before]], lags[path[before + 1]]
    along = np.nan_to_num(along, nan=0.0)
    by_frame = np.interp(np.arange(len(first)), middles, along)
    return CoarseMatch(offset, float(np.percentile(along, 75)), _rival(scores, path), by_frame)


def _looks(thumbnails: Grey) -> list[NDArray[np.float32]]:
    """Two descriptions (frames, numbers): look less its mean over time, and change over 4 frames.

    The look is blurred, so that a few pixels of shift between recordings do not matter.
    """
    small = np.stack(
        [cv2.resize(t.astype(np.float32), CELLS, interpolation=cv2.INTER_AREA) for t in thumbnails]
    )
    look = small.reshape(len(small), -1)
    look = look - look.mean(axis=1, keepdims=True)
    later = np.minimum(np.arange(len(look)) + MOTION_STEP, len(look) - 1)
    return [look - look.mean(axis=0), look[later] - look]


def _slide(
    first: list[NDArray[np.float32]], second: list[NDArray[np.float32]], start: int, length: int
) -> NDArray[np.float64]:
    """Correlation of a chunk at each lag from 1 - len(first) to len(second) - 1; nan outside."""
    total, count = len(first[0]), len(second[0])
    scores = np.full((len(first), total + count - 1), np.nan)
    lags = np.arange(-(total - 1), count)
    for kind, (a, b) in enumerate(zip(first, second, strict=True)):
        product = a[start : start + length] @ b.T
        energy_b = (b.astype(np.float64) ** 2).sum(axis=1)
        energy_a = (a[start : start + length].astype(np.float64) ** 2).sum(axis=1)
        sums, norm_b, norm_a, inside = (np.zeros(length + count - 1) for _ in range(4))
        for row in range(length):
            here = slice(length - 1 - row, length - 1 - row + count)
            sums[here] += product[row]
            norm_b[here] += energy_b
            norm_a[here] += energy_a[row]
            inside[here] += 1
        enough = inside >= OVERLAP * length
        # Noise of 8 bits: 0.29 of a level a number; keeps static chunks near zero.
        floor = inside * a.shape[1] * 0.3**2
        value = sums / np.sqrt((norm_a + floor) * (norm_b + floor))
        lag = np.arange(length + count - 1) - (length - 1) - start
        scores[kind, lag[enough] - lags[0]] = value[enough]
    return scores.mean(axis=0)


def _best_path(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The lag index of each chunk: highest sum of scores, changes of lag costing a little."""
    total, back, lags = scores[0], [], np.arange(scores.shape[1])
    for row in scores[1:]:
        moves = range(-MOST_CHANGE, MOST_CHANGE + 1)
        options = np.stack([_moved(total, m) - CHANGE_COST * abs(m) for m in moves])
        choice = options.argmax(axis=0)
        best, source = options[choice, lags], lags - (choice - MOST_CHANGE)
        jump = total.max() - JUMP_COST > best
        back.append(np.where(jump, total.argmax(), source).astype(np.int32))
        total = np.where(jump, total.max() - JUMP_COST, best) + row
    path = [int(total.argmax())]
    for sources in reversed(back):
        path.append(int(sources[path[-1]]))
    return np.array(path[::-1], np.int64)


def _split(
    looks: list[list[NDArray[np.float32]]], low: int, high: int, before: int, after: int
) -> int:
    """The first frame of low ... high that fits better at the lag ``after`` than at ``before``."""
    frames = np.arange(low, min(high, len(looks[0][0])))
    misses = []
    for lag in (before, after):
        there = np.clip(frames + lag, 0, len(looks[1][0]) - 1)
        miss = ((looks[0][0][frames] - looks[1][0][there]) ** 2).sum(axis=1)
        misses.append(np.where(there == frames + lag, miss, miss.max()))
    gain = np.cumsum(np.concatenate([[0.0], misses[0] - misses[1]]))
    return low + int(gain.argmin())


def _moved(row: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    """Element k is row[k - by]; nothing comes in from outside."""
    moved = np.full_like(row, -1e9)
    if by > 0:
        moved[by:] = row[:-by]
    elif by < 0:
        moved[:by] = row[-by:]
    else:
        moved[:] = row
    return moved


def _rival(scores: NDArray[np.float64], path: NDArray[np.int64]) -> float:
    """Mean over chunks of the best score at least half a chunk away from the path."""
    best = []
    for row, lag in zip(scores, path, strict=True):
        rest = row.copy()
        rest[max(0, lag - CHUNK // 2) : lag + CHUNK // 2 + 1] = np.nan
        if np.isfinite(rest).any():
            best.append(np.nanmax(rest))
    return float(np.percentile(best, 75)) if best else -1.0
