"""Desktop duplication through windows-capture 2.0.1: monitors in HDR, and windows on them.

Not run yet (docs/WINDOWS.md). Windows Graphics Capture gives 8 bits; this gives what the monitor
gets, scRGB in half floats while HDR is on. A window is cut out of its monitor, so what lies over
it is in the picture too; our own overlay is left out by WDA_EXCLUDEFROMCAPTURE.
"""

import importlib
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import CaptureSink
from temporal_clean.realtime.live.events import Failed, FocusChanged, Moved
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.windows.native import look_at
from temporal_clean.realtime.live.windows.watching import Watcher, crop_to

__all__ = ["DuplicationCapture", "in_our_format", "open_session"]

TIMEOUT_MILLISECONDS = 16
# Between attempts while the desktop is locked, asks for permission, or changes its mode.
RETRY_SECONDS, PATIENCE_SECONDS = 0.25, 60.0
# What the package says when the duplication is lost: mode changes, full-screen, UAC, lock screen.
LOST = "access lost"


def open_session(monitor: int) -> Any:
    """The package's session for a monitor, counted from 1."""
    return importlib.import_module("windows_capture").DxgiDuplicationSession(monitor)


def in_our_format(pixels: NDArray[Any], colour_format: str) -> NDArray[Any]:
    """BGRA bytes or scRGB RGBA half floats, whatever the duplication gives."""
    if colour_format == "rgba8":
        return pixels[..., [2, 1, 0, 3]]
    if (colour_format, pixels.dtype) in (("bgra8", np.uint8), ("rgba16f", np.float16)):
        return pixels
    raise TemporalCleanError(
        f"the desktop is {colour_format}: expected bgra8, rgba8 or rgba16f; set the monitor to "
        "8 bits a colour, or switch HDR on"
    )


class DuplicationCapture:
    """A monitor by its number (from 1) and place, or the window ``window`` on it."""

    def __init__(
        self,
        description: str,
        monitor: int,
        place: Rectangle,
        window: int | None = None,
        opened: Callable[[int], Any] = open_session,
    ) -> None:
        self.description = f"{description} (desktop duplication)"
        self.monitor, self.place, self.window, self._open = monitor, place, window, opened
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._watcher: Watcher | None = None

    def start(self, sink: CaptureSink) -> None:
        """Begin to deliver; see :class:`Capture`."""
        self._ended.clear()
        session = self._open(self.monitor)
        if self.window is not None:
            handle = self.window
            self._watcher = Watcher(lambda: look_at(handle), sink.tell)
            self._watcher.start()
        else:
            sink.tell(Moved(self.place))
            sink.tell(FocusChanged(True))
        self._thread = threading.Thread(
            target=self._run, args=(session, sink), name="temporal-clean capture", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the threads; no call on the sink afterwards. Idempotent."""
        self._ended.set()
        watcher, self._watcher = self._watcher, None
        if watcher:
            watcher.stop()
        thread, self._thread = self._thread, None
        if thread:
            thread.join()

    def _run(self, session: Any, sink: CaptureSink) -> None:
        try:
            while not self._ended.is_set():
                frame = self._next(session)
                if frame is not None:
                    picture = in_our_format(frame.to_numpy(), frame.color_format)
                    self._hand_over(picture, sink)
        except Exception as error:  # the package raises plain Exception, with words
            sink.tell(Failed("capture", error))

    def _next(self, session: Any) -> Any:
        """The next frame, None if nothing changed; a lost duplication is made anew."""
        try:
            return session.acquire_frame(TIMEOUT_MILLISECONDS)
        except Exception as error:  # as above
            if LOST not in str(error):
                raise
        until = time.monotonic() + PATIENCE_SECONDS
        while not self._ended.wait(RETRY_SECONDS):
            try:
                session.recreate()
                return None
            except Exception as error:  # while the desktop is another's, every attempt fails
                if time.monotonic() > until:
                    raise TemporalCleanError(
                        f"{self.description} did not come back: {error}"
                    ) from error
        return None

    def _hand_over(self, picture: NDArray[Any], sink: CaptureSink) -> None:
        now = time.monotonic()
        if self._watcher is None:
            sink.deliver(picture, now)
            return
        look = self._watcher.last
        part = crop_to(picture.shape[:2], self.place, look.client) if look and look.shown else None
        if part is not None:
            sink.deliver(picture[part], now)
