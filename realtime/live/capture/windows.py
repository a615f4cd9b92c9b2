"""Windows Graphics Capture through windows-capture 2.0.1: windows and SDR monitors, 8 bits.

Not run yet (docs/WINDOWS.md); signatures are those of the package's own source. A window's picture
has its title bar and frame: what lies outside the game's own area is cut off.
"""

import importlib
import threading
import time
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import CaptureSink
from temporal_clean.realtime.live.events import Closed, Event, Failed, FocusChanged, Moved
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.windows.native import look_at
from temporal_clean.realtime.live.windows.watching import Watcher, crop_to, source_time

__all__ = ["GraphicsCapture", "attempts"]

# Milliseconds. Unset or 0 caps some builds of Windows near 50 to 60 frames a second; exactly 1
# lifts that (Win32CaptureSample issues 92 and 82).
INTERVAL = 1
# What the package says of each argument that this Windows does not know.
UNSUPPORTED = "not supported"


def attempts(target: dict[str, int], cursor: bool) -> list[dict[str, Any]]:
    """Arguments to try in turn: older systems refuse the interval, then the missing border.

    The interval came with Windows 11 24H2, the switch for the yellow border with 11, that for the
    cursor with 10 2004.
    """
    common = {**target, "cursor_capture": cursor}
    return [
        {**common, "draw_border": False, "minimum_update_interval": INTERVAL},
        {**common, "draw_border": False},
        common,
        {**target, "cursor_capture": None},
    ]


class GraphicsCapture:
    """A window by its handle, or a monitor by its number (from 1) and place."""

    def __init__(
        self,
        description: str,
        window: int | None = None,
        monitor: int | None = None,
        place: Rectangle | None = None,
        cursor: bool = False,
    ) -> None:
        self.description = f"{description} (Windows Graphics Capture)"
        self.window, self.monitor, self.place, self.cursor = window, monitor, place, cursor
        self._control: Any = None
        self._watcher: Watcher | None = None
        self._lock = threading.Lock()
        self._sink: CaptureSink | None = None

    def start(self, sink: CaptureSink) -> None:
        """Begin to deliver; see :class:`Capture`."""
        self._sink = sink
        if self.window is not None:
            handle = self.window
            self._watcher = Watcher(lambda: look_at(handle), self._tell)
            self._watcher.start()
        elif self.place is not None:
            sink.tell(Moved(self.place))
            sink.tell(FocusChanged(True))
        target = (
            {"window_hwnd": self.window} if self.window is not None
            else {"monitor_index": self.monitor or 1}
        )  # fmt: skip
        try:
            self._control = self._begin(attempts(target, self.cursor))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; no call on the sink afterwards. Idempotent."""
        with self._lock:
            self._sink = None
        watcher, self._watcher = self._watcher, None
        if watcher:
            watcher.stop()
        control, self._control = self._control, None
        if control:
            control.stop()

    def _begin(self, tries: list[dict[str, Any]]) -> Any:
        windows_capture = importlib.import_module("windows_capture")
        refusal: Exception | None = None
        for arguments in tries:
            try:
                capture = windows_capture.WindowsCapture(**arguments)
                capture.frame_handler, capture.closed_handler = self._arrived, self._closed
                return capture.start_free_threaded()
            except Exception as error:  # the package raises plain Exception, with words
                refusal = error
                if UNSUPPORTED not in str(error):
                    break
        raise TemporalCleanError(f"{self.description} cannot be captured: {refusal}") from refusal

    def _arrived(self, frame: Any, control: Any) -> None:
        """On the package's thread: hand the frame over and return, or the game slows down."""
        time_of = source_time(frame.timespan, time.perf_counter(), time.monotonic())
        picture = self._cut(frame.frame_buffer)
        if picture is None:
            return
        with self._lock:
            if self._sink is None:
                control.stop()
                return
            try:
                self._sink.deliver(picture, time_of)
            except Exception as error:  # told, not raised into foreign code
                self._sink.tell(Failed("capture", error))
                self._sink = None
                control.stop()

    def _cut(self, picture: Any) -> Any:
        """The game's own area of a window's picture; None while it is being resized."""
        look = self._watcher.last if self._watcher else None
        if look is None:
            return picture
        part = crop_to(picture.shape[:2], look.bounds, look.client)
        return None if part is None else picture[part]

    def _closed(self) -> None:
        self._tell(Closed("the game's window is gone"))

    def _tell(self, event: Event) -> None:
        with self._lock:
            if self._sink is not None:
                self._sink.tell(event)
