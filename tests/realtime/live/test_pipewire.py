"""The portal's capture, from recorded sequences of its stream; the real package where it is."""

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.choose import open_capture
from temporal_clean.realtime.live.capture.pipewire import PortalCapture, ask_portal
from temporal_clean.realtime.live.events import Closed, Event, Failed, FocusChanged, Moved
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.choose import open_presenter


@dataclass
class Session:
    width: int = 640
    height: int = 360


class Stream:
    """Plays what a stream gave: None before the first frame, frames, then the window's end."""

    def __init__(self, *frames: Any, error: str | None = None) -> None:
        self.frames, self.error, self.stopped = list(frames), error, False

    @property
    def window_invalid(self) -> bool:
        return not self.frames

    def get_frame(self) -> Any:
        return self.frames.pop(0)

    def stop(self) -> None:
        self.stopped = True


class Sink:
    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []
        self.events: list[Event] = []

    def deliver(self, picture: np.ndarray, source_time: float) -> None:
        assert 0 <= time.monotonic() - source_time < 5
        self.pictures.append(picture)

    def tell(self, event: Event) -> None:
        self.events.append(event)


def run(stream: Stream, fps_cap: float | None = None) -> Sink:
    sink = Sink()
    capture = PortalCapture(Session, lambda _: stream, fps_cap)
    capture.start(sink)
    end = time.monotonic() + 20
    while not isinstance(sink.events[-1], Closed | Failed):
        assert time.monotonic() < end
        time.sleep(0.005)
    capture.stop()
    capture.stop()
    assert stream.stopped
    return sink


def picture(number: int, height: int = 4) -> np.ndarray:
    return np.full((height, 6, 4), number, np.uint8)


def test_frames_come_in_order_resizes_too_until_the_window_goes() -> None:
    sink = run(Stream(None, picture(1), picture(2), picture(3, height=8)))
    assert [(p[0, 0, 0], len(p)) for p in sink.pictures] == [(1, 4), (2, 4), (3, 8)]
    assert sink.events[:2] == [Moved(Rectangle(0, 0, 640, 360)), FocusChanged(True)]
    assert sink.events[2:] == [Closed("the picked window is gone")]


def test_a_streams_error_is_told_in_its_words() -> None:
    (failed,) = run(Stream(error="no supported format")).events[2:]
    assert isinstance(failed, Failed)
    assert "PipeWire: no supported format" in str(failed.error)


def test_a_start_that_fails_says_why_and_may_be_tried_again() -> None:
    streams = iter([RuntimeError("connection refused"), Stream()])

    def opened(_: Any) -> Stream:
        found = next(streams)
        if isinstance(found, Exception):
            raise found
        return found

    capture = PortalCapture(Session, opened)
    with pytest.raises(TemporalCleanError, match="PipeWire gives no frames: connection refused"):
        capture.start(Sink())
    capture.start(Sink())
    capture.stop()


@pytest.fixture
def wayland(monkeypatch) -> Callable[[], PortalCapture]:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    monkeypatch.delenv("DISPLAY", raising=False)
    return lambda: PortalCapture(Session, lambda _: Stream())


def test_an_overlay_over_nobody_knows_where_is_refused(wayland) -> None:
    with pytest.raises(TemporalCleanError, match="Wayland tells no program where another's window"):
        open_presenter(LiveOptions(pick=True, presenter="overlay"), wayland())


def test_titles_cannot_be_asked_for_under_wayland(wayland) -> None:
    with pytest.raises(TemporalCleanError, match="cannot be captured on this system"):
        open_capture(LiveOptions(window="game"))


def test_the_package_has_what_is_called() -> None:
    install = "pip install 'temporal-clean[wayland]', apt-get install libpipewire-0.3-0"
    package = pytest.importorskip("pipewire_capture", reason=install, exc_type=ImportError)
    assert list(inspect.signature(package.CaptureStream).parameters) == [
        *("fd", "node_id", "width", "height", "capture_interval")
    ]
    for name in ("start", "get_frame", "window_invalid", "error", "stop"):
        assert hasattr(package.CaptureStream, name)
    for name in ("fd", "node_id", "width", "height"):
        assert hasattr(package.PortalSession, name)
    assert hasattr(package.PortalCapture, "select_window")
    # No session bus here: the package says that there is no portal, and we say what to install.
    if not package.is_available():
        with pytest.raises(TemporalCleanError, match="install xdg-desktop-portal"):
            ask_portal()
