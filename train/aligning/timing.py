"""Which frame belongs to which: a monotone path, with every doubled and dropped frame named.

A path (dynamic programming) either pairs two frames or leaves one out, at a price. What a frame
was left out for is then told apart: it repeats its predecessor (doubled), or the other recording
lacks it (dropped; its own motion then makes a double step). Nothing is named that the pictures
do not show: where nothing moves, no frame can be told from the next, and the stretch is listed as
ambiguous instead.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from temporal_clean.train.aligning.likeness import Band

__all__ = ["Slip", "Timing", "match_times"]

Which = Literal["first", "second"]

# Nats that leaving a frame out costs: about one in 20,000 frames is expected to be lost or
# doubled. The less a frame differs from its predecessor (share of the usual change), the cheaper:
# 1 for an exact copy, 4.3 at a share of 0.04, 9 at the usual change.
SKIP, SKIP_TWIN = 10.0, 1.0
# A hitch that lost many frames is jumped over at this price, and this much for each first frame.
JUMP, JUMP_FRAME = 40.0, 1.0
# A longer gap than this is a jump: its frames are not named one by one; the stretches show it.
LONGEST_NAMED = 12
SHARE_SCALE, SHARE_NATS = 0.005, 1.5
# A twin's change (in its liveliest cell) is under this share of its neighbours'. Measured for
# doubled frames through x264: 0 to 0.014 at CRF 18, to 0.052 and once 0.13 at CRF 26; for others
# from 0.05 (a pause of one map's camera), mostly above 0.3.
TWIN_SHARE = 0.1
NEIGHBOURS = 4
# A placement that is worse by less than this cannot be excluded: likelihood ratio 20.
CERTAIN = 3.0
# How far other placements are sought: frames, and nats lost on the way.
FARTHEST, FARTHEST_COST = 240, 30.0
UNSEEN = 1e6
# Moves of the path.
PAIR, SKIP_FIRST, SKIP_SECOND, LEAP = range(4)


@dataclass(frozen=True)
class Slip:
    """A frame that one recording has more or less often than the other.

    ``doubled``: frame ``index`` of ``recording`` repeats the one before it.
    ``dropped``: ``recording`` lacks a frame just before its frame ``index``; ``other_index`` is
    that frame in the other recording. Any place from ``earliest`` to ``latest`` would fit as well;
    both equal ``index`` when it is certain.
    """

    kind: Literal["doubled", "dropped"]
    recording: Which
    index: int
    other_index: int
    earliest: int
    latest: int

    @property
    def is_certain(self) -> bool:
        """Whether only this frame fits."""
        return self.earliest == self.latest

    def as_json(self) -> dict[str, object]:
        """For clip.json."""
        where = {} if self.is_certain else {"earliest": self.earliest, "latest": self.latest}
        return {"index": self.index, "other_index": self.other_index, **where}


@dataclass(frozen=True, eq=False)
class Timing:
    """``pairs`` (n, 2): indices in first and second, rising. ``slips`` in order of time.

    ``contrast`` (n) tells in nats how much worse the neighbouring frame would fit: below 3 the
    pair could as well be one frame off. ``ambiguous`` lists such stretches as (first pair, last
    pair) of ``pairs``. ``quickest`` is the motion, thumbnail pixels a frame, that a tenth of the
    pairs exceed.
    """

    pairs: NDArray[np.int64]
    contrast: NDArray[np.float64]
    slips: tuple[Slip, ...]
    ambiguous: tuple[tuple[int, int], ...]
    quickest: float


def match_times(band: Band) -> Timing:
    """The best path through ``band`` and what it tells."""
    prices = _prices(band.first_change), _prices(band.second_change)
    pairs = _filled(_best_path(band, *prices))
    pairs, slips = _name(band, pairs, prices)
    contrast = _contrast(band, pairs)
    quickest = float(np.nanpercentile(band.second_motion[pairs[:, 1]], 90)) if len(pairs) else 0.0
    return Timing(pairs, contrast, tuple(slips), _low_stretches(contrast), quickest)


def _filled(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Long stretches that neither recording shares are paired one by one all the same: to judge."""
    parts = [pairs[:1]]
    for before, after in pairwise(pairs):
        missing = int((after - before).min()) - 1
        if missing >= LONGEST_NAMED:
            parts.append(before + 1 + np.arange(missing)[:, None])
        parts.append(after[None])
    return np.concatenate(parts)


def _prices(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """What leaving each frame out costs, in nats: little for the twin of its predecessor."""
    share = np.nan_to_num(steps / (_around(steps) + 1e-9), nan=np.inf)
    return np.minimum(SKIP, SKIP_TWIN + SHARE_NATS * np.log1p(share / SHARE_SCALE))


def _twins(steps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Frames whose change from the one before is far below that of the frames around."""
    return steps < TWIN_SHARE * _around(steps)


def _around(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lower quartile, over the neighbours before and after, of the change; twins do not matter."""
    padded = np.pad(steps, NEIGHBOURS, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * NEIGHBOURS + 1).copy()
    windows[:, NEIGHBOURS] = np.nan
    windows[np.isnan(windows).all(axis=1)] = 0
    return np.nanpercentile(windows, 40, axis=1)


def _best_path(
    band: Band, skip_first: NDArray[np.float64], skip_second: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Least total of nats and skip prices; what lies before the first pair, after the last: free.

    ``total[k]`` is the cost with first frames up to i and second frames up to
    ``centre[i] - reach + k`` used up. ``resume`` is the cheapest state so far to jump from.
    """
    width, count = band.nats.shape[1], len(skip_second)
    columns = np.arange(width)
    before, steps, origins = np.full(width, np.inf), [], []
    resume, origin, reached = np.inf, (0, 0), 0
    ends: list[tuple[float, int, int]] = []
    for i, nats in enumerate(np.minimum(band.nats, UNSEEN)):
        place = band.centre[i] - band.reach + columns
        real = (place >= 0) & (place < count)
        lead = int(band.centre[i] - band.centre[i - 1]) if i else 0
        # Pair (i, place): at the start of either recording, after the pair before, or by a jump.
        begin = np.where((place == 0) | (i == 0), 0.0, np.inf)
        left = np.minimum(begin, _shifted(before, lead - 1))
        jump = np.where(place > reached, resume + JUMP, np.inf)
        pair = np.where(real, np.minimum(left, jump) + nats, np.inf)
        move = np.where(jump < left, LEAP, PAIR).astype(np.int8)
        # Or leave first frame i out, or, along the row, second frames.
        up = _shifted(before, lead) + skip_first[i]
        move[up < pair] = SKIP_FIRST
        total = np.minimum(pair, up)
        price = np.cumsum(np.where(real, skip_second[np.clip(place, 0, count - 1)], 0.0))
        chained = np.minimum.accumulate(np.where(np.isfinite(total), total - price, np.inf)) + price
        move[chained < total - 1e-9] = SKIP_SECOND
        before = np.where(real, np.minimum(total, chained), np.inf)
        steps.append(move)
        origins.append(origin)
        lowest = int(before.argmin())
        resume += JUMP_FRAME
        if before[lowest] < resume:
            resume, origin, reached = float(before[lowest]), (i, lowest), int(place[lowest])
        final = columns[real] if i == len(band.nats) - 1 else columns[real & (place == count - 1)]
        ends += [(float(before[k]), i, int(k)) for k in final]
    return _trace(band, steps, origins, min(ends)) if ends else np.zeros((0, 2), np.int64)


def _trace(
    band: Band,
    steps: list[NDArray[np.int8]],
    origins: list[tuple[int, int]],
    end: tuple[float, int, int],
) -> NDArray[np.int64]:
    """The pairs on the way that ends at ``end`` (cost, row, column)."""
    _, i, k = end
    pairs = []
    while i >= 0 and 0 <= k < band.nats.shape[1]:
        move, j = int(steps[i][k]), int(band.centre[i]) - band.reach + k
        if move in (PAIR, LEAP):
            pairs.append((i, j))
        if j < 0 or (move == PAIR and (i == 0 or j == 0)):
            break
        lead = int(band.centre[i] - band.centre[i - 1]) if i else 0
        if move == LEAP:
            i, k = origins[i]
        elif move == SKIP_SECOND:
            k -= 1
        else:
            i, k = i - 1, k + lead - (move == PAIR)
    return np.array(pairs[::-1], np.int64).reshape(-1, 2)


def _shifted(row: NDArray[np.float64], by: int) -> NDArray[np.float64]:
    """Element k is row[k + by]; infinite outside."""
    moved = np.full_like(row, np.inf)
    count = len(row) - abs(by)
    if count > 0:
        moved[max(0, -by) : max(0, -by) + count] = row[max(0, by) : max(0, by) + count]
    return moved


def _name(
    band: Band,
    pairs: NDArray[np.int64],
    prices: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> tuple[NDArray[np.int64], list[Slip]]:
    """Each frame left out between pairs, and the pairs with the earlier of two twins used."""
    twins = _twins(band.first_change), _twins(band.second_change)
    named, slips = pairs.copy(), []
    for row in range(1, len(pairs)):
        if np.diff(pairs[row - 1 : row + 1], axis=0).max() > LONGEST_NAMED:
            continue
        for side in (0, 1):
            following = int(pairs[row, side])
            for frame in range(int(pairs[row - 1, side]) + 1, following):
                low, high = _placements(band, pairs, row, side, frame, prices[side])
                if twins[side][frame]:
                    index = frame
                elif frame + 1 == following and twins[side][following]:
                    index, named[row, side] = following, frame
                else:
                    index = None
                slips.append(_slip(side, frame, index, int(pairs[row, 1 - side]), low, high))
    return named, slips


def _slip(side: int, frame: int, twin: int | None, other: int, low: int, high: int) -> Slip:
    """The slip that left ``frame`` of ``side`` out before the pair with ``other``."""
    names: tuple[Which, Which] = ("first", "second")
    if twin is not None:
        by = twin - frame
        return Slip("doubled", names[side], twin, other, low + by, high + by)
    by = other - frame
    return Slip("dropped", names[1 - side], other, frame, low + by, high + by)


def _placements(
    band: Band,
    pairs: NDArray[np.int64],
    row: int,
    side: int,
    frame: int,
    price: NDArray[np.float64],
) -> tuple[int, int]:
    """First and last frame that could have been left out instead, at under 3 nats more.

    Leaving out another frame pairs each frame in between one further along; this is followed up to
    the next slip on either side.
    """
    ends = []
    for way in (-1, 1):
        cost, reached, at = 0.0, frame, row - (way < 0)
        while 0 <= at < len(pairs) and abs(at - row) < FARTHEST:
            mine, theirs = int(pairs[at, side]), int(pairs[at, 1 - side])
            moved = (mine - way, theirs) if side == 0 else (theirs, mine - way)
            cost += band.at(*moved) - band.at(int(pairs[at, 0]), int(pairs[at, 1]))
            if cost > FARTHEST_COST or not np.isfinite(cost):
                break
            if cost + price[mine] - price[frame] < CERTAIN:
                reached = mine
            at += way
            beyond = 0 <= at < len(pairs) and np.abs(np.diff(pairs[[at - way, at]], axis=0)).max()
            if not beyond or beyond > 1:
                break
        ends.append(reached)
    return ends[0], ends[1]


def _contrast(band: Band, pairs: NDArray[np.int64]) -> NDArray[np.float64]:
    """For each pair, how much worse the better of the frames beside it would be, in nats."""
    values = []
    for i, j in pairs:
        here = band.at(i, j)
        beside = [band.at(i, j + d) for d in (-1, 1)] + [band.at(i + d, j) for d in (-1, 1)]
        finite = [b - here for b in beside if np.isfinite(b)]
        values.append(min(finite) if finite else 0.0)
    return np.maximum(np.array(values), 0.0)


def _low_stretches(contrast: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Runs of pairs that could each be one frame off."""
    low = np.concatenate([[0], (contrast < CERTAIN).astype(int), [0]])
    edges = np.flatnonzero(np.diff(low))
    return tuple((int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True))
