"""Capture under Wayland: the desktop's portal asks the player, PipeWire brings the frames.

Through pipewire-capture 0.3 (pip install 'temporal-clean[wayland]'). Not run: no Wayland desktop
was at hand; the calls are those of the package's source and documentation. The portal shows a
picker of its own and tells neither the window's place nor its focus, so frames go to a window of
ours or a recording, not to an overlay. Frames are fetched: the package keeps the newest one only,
gives it as often as it is asked, and tells no times; repeats are dropped by the live loop.
"""

import importlib
import threading
import time
from collections.abc import Callable
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import CaptureSink
from temporal_clean.realtime.live.events import Closed, Failed, FocusChanged, Moved
from temporal_clean.realtime.live.frames import Rectangle

__all__ = ["PortalCapture", "ask_portal", "open_stream"]

# Twice as often as frames come at 120 a second: each fetch copies a whole picture.
FETCH_SECONDS = 1 / 240
DEFAULT_FPS = 60.0


def ask_portal() -> Any:
    """The session that the player allowed; raises :class:`TemporalCleanError` if there is none."""
    try:
        pipewire_capture = importlib.import_module("pipewire_capture")
    except ModuleNotFoundError:
        raise
    except ImportError as error:
        raise TemporalCleanError(
            f"PipeWire's own library is missing ({error}): apt-get install libpipewire-0.3-0"
        ) from error
    if not pipewire_capture.is_available():
        raise TemporalCleanError(
            "this desktop has no screen-cast portal: install xdg-desktop-portal and the backend "
            "of your desktop (-gnome, -kde, -wlr)"
        )
    try:
        session = pipewire_capture.PortalCapture().select_window()
    except RuntimeError as error:
        raise TemporalCleanError(f"the desktop's portal refused: {error}") from error
    if session is None:
        raise TemporalCleanError("no window was picked")
    return session


def open_stream(session: Any) -> Any:
    """A started stream of the session; an interval of 0 is all frames there are."""
    pipewire_capture = importlib.import_module("pipewire_capture")
    stream = pipewire_capture.CaptureStream(
        session.fd, session.node_id, session.width, session.height, capture_interval=0.0
    )
    stream.start()
    return stream


class PortalCapture:
    """What the player picks in the desktop's own dialogue, asked once, when this is made."""

    description = "picked window (PipeWire)"

    def __init__(
        self,
        ask: Callable[[], Any] = ask_portal,
        opened: Callable[[Any], Any] = open_stream,
        fps_cap: float | None = None,
    ) -> None:
        self._session, self._open = ask(), opened
        # Asked about twice a frame, a frame waits half a frame time at most.
        self._pause = max(0.5 / (fps_cap or DEFAULT_FPS), FETCH_SECONDS)
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, sink: CaptureSink) -> None:
        """Begin to deliver; see :class:`Capture`."""
        try:
            stream = self._open(self._session)
        except RuntimeError as error:
            raise TemporalCleanError(f"PipeWire gives no frames: {error}") from error
        self._ended.clear()
        # Where it is, only the compositor knows.
        sink.tell(Moved(Rectangle(0, 0, self._session.width, self._session.height)))
        sink.tell(FocusChanged(True))
        self._thread = threading.Thread(
            target=self._run, args=(stream, sink), name="temporal-clean capture", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the thread; no call on the sink afterwards. Idempotent."""
        self._ended.set()
        thread, self._thread = self._thread, None
        if thread:
            thread.join()

    def _run(self, stream: Any, sink: CaptureSink) -> None:
        try:
            while not self._ended.wait(self._pause):
                if stream.window_invalid:
                    sink.tell(_end_of(stream))
                    return
                picture = stream.get_frame()
                if picture is not None:
                    sink.deliver(picture, time.monotonic())
        except Exception as error:  # a stream may fail in any way of the desktop's
            sink.tell(Failed("capture", error))
        finally:
            stream.stop()


def _end_of(stream: Any) -> Closed | Failed:
    """The window was closed, or something went wrong: the stream knows."""
    if stream.error:
        return Failed("capture", TemporalCleanError(f"PipeWire: {stream.error}"))
    return Closed("the picked window is gone")
