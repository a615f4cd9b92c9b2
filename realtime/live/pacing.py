"""Time between frames: how often the source has one, and no more often than asked for; pure."""

import statistics
from collections import deque

__all__ = ["Cadence", "RateCap"]

# Of the last half second at 60 frames a second.
REMEMBERED = 31
# A frame later than this many intervals means that others were left out.
LATE = 1.5
# Longer waits are a stall, not frames left out: the history is reset by time then.
STALL = 0.1
# How much too early a frame may come and still count as on time, as a share of the cap's interval.
EARLY = 0.1


class Cadence:
    """The source's own rate, from the times of its frames."""

    def __init__(self) -> None:
        self._intervals: deque[float] = deque(maxlen=REMEMBERED)
        self._last: float | None = None

    @property
    def interval(self) -> float | None:
        """Median seconds between frames; ``None`` until a few have come."""
        if len(self._intervals) < REMEMBERED // 4:
            return None
        return statistics.median(self._intervals)

    def advance(self, time: float) -> int:
        """A frame of this time has come: how many frames of the source went by, this one too."""
        last, self._last = self._last, time
        if last is None or time <= last:
            return 1
        waited, usual = time - last, self.interval
        self._intervals.append(waited)
        if usual is None or not LATE * usual <= waited <= STALL:
            return 1
        return round(waited / usual)

    def pause(self, time: float) -> None:
        """Nothing new was to be had until this time: the wait before it says nothing."""
        self._last = time


class RateCap:
    """Lets frames through at most so often, at a steady beat rather than in bursts."""

    def __init__(self, rate: float | None) -> None:
        self._interval = None if rate is None else 1.0 / rate
        self._due: float | None = None

    def allows(self, time: float) -> bool:
        """Whether a frame of this time goes on."""
        if self._interval is None:
            return True
        if self._due is not None and time < self._due - EARLY * self._interval:
            return False
        # The beat goes on from where it was due, unless the source had stopped.
        late = self._due is None or time - self._due > self._interval
        self._due = (time if late or self._due is None else self._due) + self._interval
        return True
