"""What a live session did, counted while it runs, and as plain JSON values."""

import threading
from collections import Counter, deque
from typing import Any

from temporal_clean.realtime.live.histogram import Histogram

__all__ = ["LiveStats"]

# What the HUD tells of: a second at 240 frames a second, four at 60.
RECENT = 240
PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}


class LiveStats:
    """Counters and times of one session, from any thread; memory does not grow.

    ``captured`` counts what the source delivered, ``duplicates`` among it, ``cleaned`` what the
    network made, ``shown`` what went to the screen, each frame once. ``dropped`` and ``resets``
    are counts by reason. Percentiles are within 0.5 %; see :class:`Histogram`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._resets: Counter[str] = Counter()
        self._hidden: Counter[str] = Counter()
        self._step, self._latency = Histogram(), Histogram()
        self._recent_step: deque[float] = deque(maxlen=RECENT)
        self._recent_latency: deque[float] = deque(maxlen=RECENT)
        self._shown_at: deque[float] = deque(maxlen=RECENT)
        self._captured_at: deque[float] = deque(maxlen=RECENT)
        self._sizes: dict[str, None] = {}
        self._messages: deque[str] = deque(maxlen=RECENT)
        self.engine = ""
        self.started: float | None = None
        self.ended: float | None = None

    def captured(self, now: float, duplicate: bool = False) -> None:
        """The source delivered a picture, perhaps the one it had delivered before."""
        with self._lock:
            self._counts["captured"] += 1
            self._counts["duplicates"] += duplicate
            if not duplicate:
                self._captured_at.append(now)

    def cleaned(self, milliseconds: float) -> None:
        """The network made a frame."""
        with self._lock:
            self._counts["cleaned"] += 1
            self._step.add(milliseconds)
            self._recent_step.append(milliseconds)

    def shown(self, now: float, latency_milliseconds: float | None) -> None:
        """A picture went to the screen; without latency if it is one shown before, redrawn."""
        with self._lock:
            if latency_milliseconds is None:
                self._counts["redrawn"] += 1
                return
            self._counts["shown"] += 1
            self._latency.add(latency_milliseconds)
            self._recent_latency.append(latency_milliseconds)
            self._shown_at.append(now)

    def dropped(self, reason: str, count: int = 1) -> None:
        """Frames that were not shown."""
        with self._lock:
            self._dropped[reason] += count

    def reset(self, reason: str) -> None:
        """The network's history was forgotten."""
        with self._lock:
            self._resets[reason] += 1

    def hidden(self, reason: str) -> None:
        """The overlay was taken away."""
        with self._lock:
            self._hidden[reason] += 1

    def size(self, width: int, height: int, pixel_format: str) -> None:
        """Frames are of this size from now on."""
        with self._lock:
            self._sizes[f"{width}x{height} {pixel_format}"] = None

    def message(self, text: str) -> None:
        """Something that the player was told."""
        with self._lock:
            self._messages.append(text)

    def record(self, now: float) -> dict[str, Any]:
        """Everything as JSON values; ``now`` counts unless the session has ended."""
        until = now if self.ended is None else self.ended
        with self._lock:
            counts = {
                name: self._counts[name]
                for name in ("captured", "duplicates", "cleaned", "shown", "redrawn")
            }
            return {
                **counts,
                "dropped": dict(sorted(self._dropped.items())),
                "resets": dict(sorted(self._resets.items())),
                "hidden": dict(sorted(self._hidden.items())),
                "step_ms": _summary(self._step),
                "latency_ms": _summary(self._latency),
                "engine": self.engine,
                "sizes": list(self._sizes),
                "messages": list(self._messages),
                "duration": round(until - self.started, 3) if self.started is not None else 0.0,
            }

    def hud_lines(self, now: float) -> list[str]:
        """The last few seconds in words."""
        with self._lock:
            step, latency = _recent(self._recent_step), _recent(self._recent_latency)
            incoming, outgoing = _rate(self._captured_at, now), _rate(self._shown_at, now)
            dropped, resets = _counted(self._dropped), _counted(self._resets)
        return [
            self.engine,
            f"in {incoming:.0f}  out {outgoing:.0f} frames/s",
            f"step {step} ms  latency {latency} ms (p50/p95)",
            f"dropped {dropped}",
            f"resets {resets}",
        ]


def _summary(histogram: Histogram) -> dict[str, float | None]:
    values = histogram.percentiles(list(PERCENTILES.values()))
    return {
        name: None if value is None else round(value, 3)
        for name, value in zip(PERCENTILES, values, strict=True)
    }


def _recent(values: deque[float]) -> str:
    if not values:
        return "-/-"
    ordered = sorted(values)
    return f"{ordered[len(ordered) // 2]:.1f}/{ordered[len(ordered) * 95 // 100]:.1f}"


def _rate(times: deque[float], now: float) -> float:
    """Frames a second over the last second of those remembered."""
    return float(sum(now - time <= 1.0 for time in times))


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in counts.most_common(3)) or "none"
