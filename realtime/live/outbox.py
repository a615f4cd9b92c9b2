"""Finished pictures on their way to the main thread: one at a time, newest wins."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from temporal_clean.realtime.live.actions import Ticket
from temporal_clean.realtime.live.stats import LiveStats

__all__ = ["Outbox", "Output"]


@dataclass(frozen=True, eq=False)
class Output:
    """A picture to be shown, nobody else's from now on. ``again``: it was shown before."""

    picture: NDArray[Any]
    ticket: Ticket
    source_time: float
    again: bool = False


class Outbox:
    """Holds one output; ``wake`` tells the main thread of it."""

    def __init__(self, stats: LiveStats, wake: Callable[[], None]) -> None:
        self._stats, self._wake = stats, wake
        self._lock = threading.Lock()
        self._output: Output | None = None

    def put(self, output: Output) -> None:
        """Leave an output in place of one that nobody took."""
        with self._lock:
            replaced, self._output = self._output, output
            if replaced is not None and not replaced.again:
                if output.ticket.sequence == replaced.ticket.sequence:  # only drawn anew
                    self._output = replace(output, again=False)
                else:
                    self._stats.dropped("superseded")
        self._wake()

    def take(self) -> Output | None:
        """The newest output, once."""
        with self._lock:
            output, self._output = self._output, None
        return output
