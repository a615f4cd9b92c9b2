"""Timing several things so that what the machine does meanwhile hits all of them alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Timing", "Workload", "interleave", "summary"]

# A workload's turn, and what it may take in all; a slow one still gets LEAST_FRAMES.
TURN_S, TOTAL_S, LEAST_FRAMES = 0.3, 3.0, 3
# Above this a step is so long that a frame to warm the caches up again would tell nothing.
LONG_S = 1.0


@dataclass(frozen=True)
class Workload:
    """Something whose speed is asked for: ``step`` takes the next frame and returns when done."""

    name: str
    step: Callable[[], object]


@dataclass(frozen=True)
class Timing:
    """Milliseconds a frame over ``frames`` of them; ``fps`` is one over the mean."""

    frames: int
    p50: float
    p95: float
    p99: float
    fps: float


def interleave(workloads: Sequence[Workload], frames: int) -> dict[str, Timing | str]:
    """Time at most ``frames`` steps of each, in turns of a fraction of a second.

    After three steps to warm up, workloads take turns until each has its frames or its share of
    seconds; the first frame of a turn finds the caches full of another's data and does not count.
    What raises is out, with the reason in its place.
    """
    taken: dict[str, list[float]] = {}
    failed: dict[str, Timing | str] = {}
    for one in workloads:
        try:
            first = _timed(one)
            # One that takes seconds is not asked again.
            taken[one.name] = [first if first > LONG_S else min(_timed(one), _timed(one))]
        except Exception as error:  # an engine may fail in any way of its own: it is left out
            failed[one.name] = _reason(error)
    # The warm-up said how long a frame takes; it is no measurement itself.
    typical = {name: times.pop() for name, times in taken.items()}
    while waiting := [w for w in workloads if w.name in taken and _wants(taken[w.name], frames)]:
        for one in waiting:
            times = taken[one.name]
            try:
                if typical[one.name] < LONG_S:
                    one.step()
                turn = max(1, round(TURN_S / typical[one.name]))
                times += [_timed(one) for _ in range(min(turn, frames - len(times)))]
            except Exception as error:
                failed[one.name] = _reason(error)
                del taken[one.name]
    return failed | {name: summary(times) for name, times in taken.items()}


def summary(seconds: Sequence[float]) -> Timing:
    """Percentiles and rate of the times of single frames."""
    p50, p95, p99 = (round(float(v), 3) for v in np.percentile(seconds, [50, 95, 99]) * 1e3)
    return Timing(len(seconds), p50, p95, p99, round(len(seconds) / sum(seconds), 2))


def _wants(times: list[float], frames: int) -> bool:
    if len(times) >= frames:
        return False
    return sum(times) < TOTAL_S or len(times) < LEAST_FRAMES


def _timed(one: Workload) -> float:
    started = time.perf_counter()
    one.step()
    return time.perf_counter() - started


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
