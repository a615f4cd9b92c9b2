"""Sources that make their own frames: a thread delivers each at its time."""

import threading
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from numpy.typing import NDArray

from temporal_clean.realtime.live.capture.base import CaptureSink
from temporal_clean.realtime.live.events import Closed, Failed

__all__ = ["ClockedCapture", "Timed"]

# A stop is heard within this time.
LONGEST_SLEEP = 0.1
# Later than this, the source's clock is set anew: no burst makes up for a machine that slept.
LATEST = 0.5


class Timed(NamedTuple):
    """A picture, (height, width, 4) BGRA or scRGB, and its time in seconds from the start."""

    picture: NDArray[Any]
    time: float


class ClockedCapture:
    """Delivers what ``frames`` gives, in real time. Subclasses say what that is."""

    description = "clocked frames"

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def frames(self) -> Iterator[Timed]:
        """The frames in order, on the capture's thread; may end."""
        raise NotImplementedError

    def start(self, sink: CaptureSink) -> None:
        """Begin to deliver; from the first frame on, if it was stopped before."""
        self._stopping.clear()
        self._thread = threading.Thread(
            target=self._run, args=(sink,), name="temporal-clean capture", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread. Idempotent."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self, sink: CaptureSink) -> None:
        try:
            self._deliver(sink)
        except Exception as error:  # told, never raised on this thread
            sink.tell(Failed("capture", error))

    def _deliver(self, sink: CaptureSink) -> None:
        started = time.monotonic()
        for picture, due in self.frames():
            while (early := started + due - time.monotonic()) > 0 and not self._stopping.is_set():
                time.sleep(min(early, LONGEST_SLEEP))
            if self._stopping.is_set():
                return
            now = time.monotonic()
            if now - (started + due) > LATEST:
                started = now - due
            sink.deliver(picture, now)
        sink.tell(Closed())
