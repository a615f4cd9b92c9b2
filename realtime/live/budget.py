"""Is there time to clean? From a better model to a faster one, to a lower size, to none, and back.

Pure: step times and a clock go in, a level comes out.
"""

import statistics
from collections import deque
from typing import NamedTuple

__all__ = ["Budget", "Level", "levels_for"]

# Median of a quarter of a second at 60 frames a second: a hitch of the game changes nothing.
WINDOW = 15
# Down when a step takes more of the time between frames than this, up when the better level
# would take less than that: far enough apart that a level does not swing.
FULL, ROOMY = 0.95, 0.7
# Seconds of room before a better level is tried; doubled when it did not hold for this long.
PATIENCE, HELD, LONGEST_PATIENCE = 5.0, 10.0, 120.0
# Switched off, one step a second is tried; so many in a row within this share bring it back.
PROBE_EVERY, PROBES, PROBE_SHARE = 1.0, 3, 0.8
# Of a step: 'quality' takes twice 'fast' at 480x270 to 1920x1080 (README, OpenVINO bf16); half the
# size inside takes 0.27 of the whole at 480x270 (120 of 449 ms, ONNX Runtime).
COST_OF_QUALITY, COST_OF_HALF = 2.0, 0.3


class Level(NamedTuple):
    """A model, whether it works at half the size inside, and what a step costs beside others."""

    model: str
    halved: bool
    cost: float

    def __str__(self) -> str:
        return f"{self.model} at half the size" if self.halved else self.model


def levels_for(model: str, adaptive: bool) -> tuple[Level, ...]:
    """The levels from what was asked for down; one only unless ``adaptive``."""
    cost = COST_OF_QUALITY if model == "quality" else 1.0
    levels = [Level(model, False, cost)]
    if adaptive and model == "quality":
        levels.append(Level("fast", False, 1.0))
    if adaptive:
        levels.append(Level(levels[-1].model, True, COST_OF_HALF))
    return tuple(levels)


class Budget:
    """Watches step times against the time between frames.

    ``level`` is the one of ``levels`` (dearest first) to work at; ``over`` says that even the
    last is slower than ``slowest`` seconds a frame and cleaning had better stop.
    """

    def __init__(self, levels: tuple[Level, ...], slowest: float) -> None:
        self.levels, self.slowest = levels, slowest
        self.over = False
        self._allowed, self._place = levels, 0
        self._times: deque[float] = deque(maxlen=WINDOW)
        self._room_since: float | None = None
        self._rose_at: float | None = None
        self._patience = PATIENCE
        self._good_probes = 0
        self._next_probe = 0.0

    @property
    def level(self) -> Level:
        """Where to work now."""
        return self._allowed[self._place]

    def start_afresh(self) -> None:
        """Frames are of another size: what was measured no longer counts."""
        self._allowed, self._place = self.levels, self.levels.index(self.level)
        self.over, self._good_probes = False, 0
        self._forget()

    def hold(self, level: Level) -> None:
        """No other level can be had: stay at this one."""
        self._allowed, self._place = (level,), 0
        self._forget()

    def probe_due(self, now: float) -> bool:
        """Whether to try a step although cleaning is off; at most once for each time it is due."""
        if not self.over or now < self._next_probe:
            return False
        self._next_probe = now + PROBE_EVERY
        return True

    def observe(self, seconds: float, interval: float | None, now: float) -> None:
        """A step at the present level took ``seconds``; frames come every ``interval``."""
        if self.over:
            self._observe_probe(seconds)
            return
        self._times.append(seconds)
        if len(self._times) < WINDOW:
            return
        median = statistics.median(self._times)
        last = self._place == len(self._allowed) - 1
        if not last and interval and median > FULL * interval:
            self._fall(now)
        elif last and median > self.slowest:
            self.over, self._good_probes, self._next_probe = True, 0, now + PROBE_EVERY
            self._forget()
        elif self._place > 0 and interval and self._better(median) < ROOMY * interval:
            self._wait_to_rise(now)
        else:
            self._room_since = None

    def _observe_probe(self, seconds: float) -> None:
        self._good_probes = self._good_probes + 1 if seconds < PROBE_SHARE * self.slowest else 0
        if self._good_probes >= PROBES:
            self.over = False
            self._forget()

    def _better(self, median: float) -> float:
        """What a step would take one level up."""
        return median * self._allowed[self._place - 1].cost / self.level.cost

    def _fall(self, now: float) -> None:
        if self._rose_at is not None and now - self._rose_at < HELD:
            self._patience = min(2.0 * self._patience, LONGEST_PATIENCE)
        self._place += 1
        self._forget()

    def _wait_to_rise(self, now: float) -> None:
        if self._room_since is None:
            self._room_since = now
        elif now - self._room_since >= self._patience:
            self._place -= 1
            self._rose_at = now
            self._forget()

    def _forget(self) -> None:
        self._times.clear()
        self._room_since = None
