"""What became of a game's window, from looks at it: events for the live loop. Portable.

Looks, not SetWinEventHook: an out-of-context hook needs a message loop on its thread, reports a
move no earlier than the next message, says nothing of a window's death in every case, and runs
Python for every window of the desktop. Five cheap calls every 8 ms cost less and miss nothing.
"""

import threading
from collections.abc import Callable
from typing import NamedTuple

from temporal_clean.realtime.live.events import (
    Closed,
    Event,
    Failed,
    FocusChanged,
    Moved,
    Visibility,
)
from temporal_clean.realtime.live.frames import Rectangle

__all__ = ["LOOK_SECONDS", "Look", "Watcher", "crop_to", "events_between", "source_time"]

# Twice a frame time at 60 frames a second.
LOOK_SECONDS = 0.008
# Older times of a frame are of another clock.
OLDEST_SECONDS = 1.0


class Look(NamedTuple):
    """A window at one moment: ``client`` is the game's picture, ``bounds`` has title and frame.

    ``shown`` is False while minimised or on another virtual desktop.
    """

    client: Rectangle
    bounds: Rectangle
    shown: bool
    focused: bool


def events_between(before: Look | None, after: Look | None) -> list[Event]:
    """What to tell the loop; ``before`` is None at the first look, ``after`` once it is gone.

    A minimised window's place is nowhere: where it was stays true until it is back.
    """
    if after is None:
        return [Closed("the game's window is gone")]
    events: list[Event] = []
    if after.shown and (before is None or not before.shown or before.client != after.client):
        events.append(Moved(after.client))
    if before is None or before.shown != after.shown:
        events.append(Visibility(after.shown))
    if before is None or before.focused != after.focused:
        events.append(FocusChanged(after.focused))
    return events


def crop_to(
    size: tuple[int, int], bounds: Rectangle, inner: Rectangle
) -> tuple[slice, slice] | None:
    """Rows and columns of ``inner`` in a picture of ``bounds``; None while they do not fit.

    ``size`` is (height, width) of the picture. A resize reaches the picture a little later or
    earlier than the look: such frames are of two sizes at once and nobody wants them.
    """
    if size != (bounds.height, bounds.width):
        return None
    left, top = inner.x - bounds.x, inner.y - bounds.y
    if left < 0 or top < 0 or left + inner.width > size[1] or top + inner.height > size[0]:
        return None
    if inner.width < 1 or inner.height < 1:
        return None
    return slice(top, top + inner.height), slice(left, left + inner.width)


def source_time(timespan: int, counter: float, now: float) -> float:
    """A frame's time, 100 ns units of the performance counter, on the clock of ``time.monotonic``.

    ``counter`` and ``now`` are ``time.perf_counter()`` and ``time.monotonic()`` at this moment.
    """
    age = counter - timespan * 1e-7
    return now - age if 0.0 <= age <= OLDEST_SECONDS else now


class Watcher:
    """A thread that looks at a window and tells its changes until it is gone or stopped."""

    def __init__(self, look: Callable[[], Look | None], tell: Callable[[Event], None]) -> None:
        self._look, self._tell = look, tell
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.last: Look | None = None

    def start(self) -> None:
        """Look for the first time, here, then from the thread."""
        self._ended.clear()
        self._take(None)
        self._thread = threading.Thread(
            target=self._run, name="temporal-clean watcher", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._ended.set()
        if self._thread and self._thread is not threading.current_thread():
            self._thread.join()
        self._thread = None

    def _run(self) -> None:
        try:
            while self.last is not None and not self._ended.wait(LOOK_SECONDS):
                self._take(self.last)
        except Exception as error:  # a look may fail in any way of the system's
            self._tell(Failed("capture", error))

    def _take(self, before: Look | None) -> None:
        self.last = self._look()
        for event in events_between(before, self.last):
            self._tell(event)
