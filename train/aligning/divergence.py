"""Where two aligned runs show the same thing, and where they part.

Each pair of thumbnails is compared after alignment by three figures: drift (the median of DIS
flow between them: a camera that goes elsewhere), the share of the textured area whose local
structure differs (other content), and the correlation of the worst tile (an object that is
elsewhere, from about a fifth of the picture's height). Pixels that disagree all the time, such as
an overlay on one side, have no say.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from temporal_clean.train.aligning.likeness import Sight
from temporal_clean.train.aligning.recording import Grey
from temporal_clean.train.aligning.timing import Timing

__all__ = ["Agreement", "Limits", "Stretch", "agreement", "find_stretches"]

# Thumbnail pixels. Local structure is taken from windows of 15 above the mean of 15; a tile's from
# 33, blurred by 5 against aliasing, above the mean of 31.
NEAR, TILE, TILE_BLUR, TILE_MEAN = 15, 33, 5, 31
# Texture below this many levels (standard deviation) is left to noise; such areas always agree.
TEXTURE = 3.0
# Local correlation below which structure counts as different.
DIFFERENT = 0.5
# Drift and the worst tile are judged by their median over this many pairs: aliasing and
# compression come and go, a camera or an object that is elsewhere stays.
STEADY = 5
# Pixels whose weight is under this share of the usual one disagree all the time.
OVERLAY = 0.4
# Slips that two locked recordings do not have: more than this many in a window of pairs.
MOST_SLIPS, SLIP_WINDOW = 10, 30


@dataclass(frozen=True)
class Limits:
    """What still counts as the same run.

    ``drift``: at most this many input pixels, but never under ``thumbnail_drift`` thumbnail pixels,
    what DIS resolves there. ``different``: at most this share of the textured area. ``tile``: at
    least this correlation. Measured on three OpenArena maps against the reference, worst of 117
    frames: native drift 0.21, different 0.06, tile 0.5; half resolution 0.43, 0.22, -0.13 (in
    single frames), and different 0.36 at CRF 28. Neighbouring frames in motion drift by 2 and more,
    other content differs by 0.8 and more, another picture in an eighth of the width gives tiles of
    -0.2 to -0.5. ``shortest``: frames of a stretch worth keeping; ``longest_gap``: frames dropped
    in a row that a stretch may bridge.
    """

    drift: float = 0.5
    thumbnail_drift: float = 0.15
    different: float = 0.5
    tile: float = 0.0
    shortest: int = 30
    longest_gap: int = 1


@dataclass(frozen=True, eq=False)
class Agreement:
    """Figures of each pair (n): see the module. ``psnr`` is of thumbnails (low-passed), in dB."""

    drift: NDArray[np.float64]
    different: NDArray[np.float64]
    tile: NDArray[np.float64]
    psnr: NDArray[np.float64]


@dataclass(frozen=True)
class Stretch:
    """Pairs ``start`` to before ``stop`` of a timing: kept, or not and why."""

    start: int
    stop: int
    kept: bool
    reason: str
    figures: dict[str, float]

    def __len__(self) -> int:
        return self.stop - self.start


def agreement(
    first: Grey, second: Grey, pairs: NDArray[np.int64], sight: Sight, ratio: float
) -> Agreement:
    """Compare each pair; ``ratio`` is input pixels per thumbnail pixel."""
    engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    size = first.shape[1:]
    trusted = _trusted(sight, size)
    rows = []
    for i, j in pairs:
        mine, other = first[i].astype(np.float32), sight.moved(second[j], size)
        rows.append(
            (_drift(engine, mine, other, trusted) * ratio, *_structure(mine, other, trusted))
        )
    return Agreement(*(np.array(column) for column in zip(*rows, strict=True)))


def find_stretches(
    timing: Timing, figures: Agreement, limits: Limits, ratio: float
) -> tuple[Stretch, ...]:
    """All pairs, cut into stretches that are kept and stretches that are not, in order."""
    drift = max(limits.drift, limits.thumbnail_drift * ratio)
    drifts, tiles = _steady(figures.drift), _steady(figures.tile)
    # In order of what is said first when several are out.
    tests = [
        (figures.different > limits.different, "other content: {different:.0%} of the detail"),
        (
            _steady(figures.tile) < limits.tile,
            "something is elsewhere: correlation of one place {tile:.2f}",
        ),
        (drifts > drift, "the view drifts apart: {drift:.2f} pixels"),
    ]
    apart = np.any([bad for bad, _ in tests], axis=0)
    irregular = _slip_density(timing, apart) > MOST_SLIPS
    tests.append((irregular, "irregular timing: too many dropped and doubled frames"))
    cause = np.full(len(timing.pairs), -1)
    for number, (bad, _) in reversed(list(enumerate(tests))):
        cause[bad] = number
    stretches: list[Stretch] = []
    for start, stop in _runs(cause >= 0, _gaps(timing.pairs, limits.longest_gap)):
        reason = ""
        if cause[start] >= 0:
            at_start = _means(figures, start, min(stop, start + STEADY))
            at_start |= {"drift": float(drifts[start]), "tile": float(tiles[start])}
            reason = tests[cause[start]][1].format(**at_start)
        elif stop - start < limits.shortest:
            reason = f"good, but under {limits.shortest} frames long"
        if reason and stretches and not stretches[-1].kept:
            last = stretches.pop()
            start, reason = last.start, last.reason
        stretches.append(Stretch(start, stop, not reason, reason, _means(figures, start, stop)))
    return tuple(stretches)


def _steady(values: NDArray[np.float64]) -> NDArray[np.float64]:
    padded = np.pad(values, STEADY // 2, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, STEADY), axis=1)


def _drift(engine: Any, mine: NDArray[Any], other: NDArray[Any], trusted: NDArray[Any]) -> float:
    """Length of the median flow over textured places, in thumbnail pixels."""
    flow = engine.calc(*(np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (mine, other)), None)
    seen = trusted & (_variance(mine) > TEXTURE**2)
    if seen.mean() < 0.01:
        return 0.0
    return float(np.hypot(*np.median(flow[seen], axis=0)))


def _structure(
    mine: NDArray[Any], other: NDArray[Any], trusted: NDArray[Any]
) -> tuple[float, float, float]:
    """(share of textured area that differs, correlation of the worst tile, PSNR)."""
    a, b = (_detail(p, trusted, NEAR) for p in (mine, other))
    power = np.maximum(_mean(a * a, NEAR), 0), np.maximum(_mean(b * b, NEAR), 0)
    textured = (np.maximum(*power) > TEXTURE**2) & trusted
    likeness = _mean(a * b, NEAR) / np.sqrt(np.maximum(power[0] * power[1], 1e-6))
    wrong = ((likeness < DIFFERENT) & textured).astype(np.float32)
    error = float(((mine - other)[trusted] ** 2).mean()) if trusted.any() else 0.0
    psnr = 10 * np.log10(255**2 / max(error, 1e-3))
    return float(wrong.sum() / max(textured.sum(), 1)), _worst_tile(mine, other, trusted), psnr


def _worst_tile(mine: NDArray[Any], other: NDArray[Any], trusted: NDArray[Any]) -> float:
    """Lowest correlation of any textured tile; 1 if there is none."""
    known = trusted.astype(np.float32)
    a, b = (_mean(_detail(p, trusted, TILE_MEAN), TILE_BLUR) * known for p in (mine, other))
    both, mine_power, other_power = (_mean(p, TILE) for p in (a * b, a * a, b * b))
    textured = np.maximum(mine_power, other_power) > (TEXTURE + 1) ** 2
    textured &= _mean(known, TILE) > 0.7
    if not textured.any():
        return 1.0
    # One level of noise on both sides keeps faint texture from counting.
    correlation = (both + 1) / np.sqrt((mine_power + 1) * (other_power + 1))
    return float(correlation[textured].min())


def _detail(plane: NDArray[Any], trusted: NDArray[Any], size: int) -> NDArray[Any]:
    """The plane without its local mean, both over trusted pixels only; zero elsewhere."""
    known = trusted.astype(np.float32)
    mean = _mean(plane * known, size) / np.maximum(_mean(known, size), 1e-3)
    return (plane - mean) * known


def _trusted(sight: Sight, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Pixels that usually agree, inside both views."""
    if sight.weight is None:
        return np.ones(size, bool)
    return sight.weight > OVERLAY * np.median(sight.weight)


def _variance(plane: NDArray[Any]) -> NDArray[Any]:
    return _mean((plane - _mean(plane, NEAR)) ** 2, NEAR)


def _mean(plane: NDArray[Any], size: int) -> NDArray[Any]:
    return cv2.blur(plane, (size, size))


def _means(figures: Agreement, start: int, stop: int) -> dict[str, float]:
    return {
        name: float(np.mean(getattr(figures, name)[start:stop]))
        for name in ("drift", "different", "tile", "psnr")
    }


def _slip_density(timing: Timing, apart: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Slips within half a window on either side of each pair; none where the runs are apart."""
    pairs, marks = timing.pairs, np.zeros(len(timing.pairs))
    for slip in timing.slips:
        side = 0 if slip.recording == "first" else 1
        row = min(len(pairs) - 1, int(np.searchsorted(pairs[:, side], slip.index)))
        marks[row] += not apart[max(0, row - 1) : row + 2].any()
    return np.convolve(marks, np.ones(SLIP_WINDOW), "same")


def _gaps(pairs: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Pairs before which more frames are missing than a stretch may bridge."""
    missing = np.diff(pairs, axis=0).max(axis=1) - 1
    return np.flatnonzero(missing > longest) + 1


def _runs(bad: NDArray[np.bool_], cuts: NDArray[np.int64]) -> list[tuple[int, int]]:
    edges = {0, len(bad), *(np.flatnonzero(np.diff(bad.astype(int))) + 1), *cuts}
    ordered = sorted(int(e) for e in edges)
    return list(pairwise(ordered))
