"""Means over clips with bootstrap intervals: how far another draw of clips could move them."""

from collections.abc import Mapping, Sequence

import numpy as np

from temporal_clean.evaluation.metrics import METRICS
from temporal_clean.evaluation.results import ClipResult, Figures, Interval

__all__ = ["interval", "pool"]

# Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: percentile interval.
RESAMPLES, COVERAGE = 10_000, 0.95
# What counts up from zero changes by a share as well.
SHARED = frozenset(name for name, metric in METRICS.items() if metric.better == "lower")


def interval(values: Sequence[float], seed: int = 0) -> Interval:
    """The mean of one value a clip, and its 95 % percentile bootstrap interval over clips.

    Without an interval for a single clip. The same values give the same interval.
    """
    data = np.asarray(values, np.float64)
    if len(data) < 2:
        return Interval(float(data.mean()), None, None)
    draws = np.random.default_rng(seed).integers(len(data), size=(RESAMPLES, len(data)))
    tail = (1.0 - COVERAGE) / 2.0
    low, high = np.quantile(data[draws].mean(axis=1), [tail, 1.0 - tail])
    return Interval(float(data.mean()), float(low), float(high))


def pool(clips: Sequence[ClipResult]) -> dict[str, dict[str, Interval]]:
    """Means over clips of ``output``, ``input`` and ``reference``, and of each clip's change.

    ``change`` is output less input, clip by clip; ``relative`` is output / input - 1, of the
    figures that count up from zero. A clip without a figure does not count for it.
    """
    output = _values([clip.output for clip in clips])
    pooled = {"output": _intervals(output)}
    for role in ("input", "reference"):
        if figures := [getattr(clip, role) for clip in clips if getattr(clip, role)]:
            pooled[role] = _intervals(_values(figures))
    pairs = [(clip.output.pooled, clip.input.pooled) for clip in clips if clip.input]
    if pairs:
        pooled["change"] = _intervals(_paired(pairs, lambda ours, before: ours - before))
        shares = _paired(pairs, lambda ours, before: ours / before - 1.0 if before else None)
        pooled["relative"] = _intervals({n: v for n, v in shares.items() if n in SHARED})
    return pooled


def _intervals(values: Mapping[str, Sequence[float]]) -> dict[str, Interval]:
    return {name: interval(found) for name, found in values.items() if found}


def _values(figures: Sequence[Figures]) -> dict[str, list[float]]:
    names = dict.fromkeys(name for one in figures for name in one.pooled)
    return {
        name: [value for one in figures if (value := one.pooled.get(name)) is not None]
        for name in names
    }


def _paired(pairs, combine) -> dict[str, list[float]]:
    names = dict.fromkeys(name for ours, _ in pairs for name in ours)
    found = {name: [] for name in names}
    for ours, before in pairs:
        for name in names:
            a, b = ours.get(name), before.get(name)
            value = None if a is None or b is None else combine(a, b)
            if value is not None:
                found[name].append(value)
    return found
