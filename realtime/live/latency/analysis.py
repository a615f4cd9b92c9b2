"""From two records, frames drawn and frames seen, to latency, drops, repeats and order."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from temporal_clean.errors import TemporalCleanError

__all__ = ["LatencyReport", "Sighting", "analyse"]

# A frame on screen for longer than this many times its due was shown again in place of another.
HELD = 1.5


class Sighting(NamedTuple):
    """A frame's number, and a time in seconds of the machine's monotonic clock."""

    number: int
    time: float


@dataclass(frozen=True)
class LatencyReport:
    """What was measured; times in milliseconds.

    Of the frames drawn between the first and the last that were seen: ``seen``, ``dropped`` (never
    on screen), ``repeats`` (frame times for which an older frame stayed in place of the next) and
    ``out_of_order`` (an older frame after a newer one). ``latency`` runs from just before a frame
    was drawn to the first look that found it on screen, so it is up to ``resolution``, the time
    between looks, too long. ``unreadable`` counts looks that found no number, or two.
    """

    drawn: int
    seen: int
    dropped: int
    repeats: int
    out_of_order: int
    frame_time: float
    resolution: float
    looks: int
    unreadable: int
    latency: dict[str, float]
    latencies: tuple[float, ...]

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "latencies": [round(value, 3) for value in self.latencies]}


def analyse(
    drawn: Sequence[Sighting],
    changes: Sequence[Sighting],
    end: float,
    looks: int,
    unreadable: int,
    warm_up: float = 0.0,
) -> LatencyReport:
    """``drawn`` are all frames drawn; ``changes`` the looks at which the number on screen changed.

    ``looks`` and ``unreadable`` count from the first number seen to the last, at ``end``. Of the
    first ``warm_up`` seconds nothing else is judged. Raises :class:`TemporalCleanError` if too
    little was seen to tell anything.
    """
    times = dict(drawn)
    changes = [change for change in changes if change.number in times]
    looking = end - changes[0].time if changes else 0.0
    changes = [change for change in changes if change.time >= changes[0].time + warm_up]
    first_seen: dict[int, float] = {}
    for change in changes:
        first_seen.setdefault(change.number, change.time)
    if len(first_seen) < 3:
        raise TemporalCleanError(
            f"only {len(first_seen)} numbered frames were seen on screen in {looks} looks: is the "
            "overlay shown, and nothing in front of it?"
        )
    low, high = min(first_seen), max(first_seen)
    due = [number for number in times if low <= number <= high]
    frame_time = float(np.median(np.diff([time for _, time in drawn])))
    latencies = [1e3 * (time - times[number]) for number, time in sorted(first_seen.items())]
    numbers = [change.number for change in changes]
    # The last frame's stay has no end: looking stopped.
    stays = [after.time - before.time for before, after in pairwise(changes)]
    repeats = sum(round(stay / frame_time) - 1 for stay in stays if stay > HELD * frame_time)
    return LatencyReport(
        drawn=len(due),
        seen=len(first_seen),
        dropped=len(due) - len(first_seen),
        repeats=repeats,
        out_of_order=sum(after < before for before, after in pairwise(numbers)),
        frame_time=round(1e3 * frame_time, 3),
        resolution=round(1e3 * looking / max(looks, 1), 3),
        looks=looks,
        unreadable=unreadable,
        latency=_percentiles(latencies),
        latencies=tuple(latencies),
    )


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    shown = {"min": 0, "p50": 50, "p95": 95, "p99": 99, "max": 100}
    return {name: round(float(np.percentile(values, at)), 3) for name, at in shown.items()}
