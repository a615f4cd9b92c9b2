"""The thread behind captures under X11: waits for damage, reads pixels, hands them over."""

import os
import threading
import time
from contextlib import suppress
from typing import Any

import xcffib
import xcffib.damage as damage
import xcffib.xproto as xproto

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import CaptureSink
from temporal_clean.realtime.live.events import Closed, Failed
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.x11.cursor import draw_cursor
from temporal_clean.realtime.live.x11.memory import Segment
from temporal_clean.realtime.live.x11.server import GONE, SERVER_ENDED, Server

__all__ = ["CaptureThread", "check_visual"]

# Of a game that draws faster, frames are left out: reading each of them would cost it time.
FRAMES_A_SECOND = 250.0
# How long the thread sleeps at most without an event.
TICK_SECONDS = 1.0
STOP_SECONDS = 5.0
# An older time of a drawing is one of a server whose clock is not this machine's monotonic one.
OLDEST_SECONDS = 1.0
ALL_PLANES = 0xFFFFFFFF


class CaptureThread:
    """What a window's and a monitor's capture share.

    A subclass sets ``place`` and keeps it, ``visible`` and ``gone`` up to date from events; all of
    it happens on the thread but ``_prepare``, which comes before it.
    """

    def __init__(self, cursor: bool, display: str | None) -> None:
        self._cursor, self._display = cursor, display
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._place = Rectangle(0, 0, 0, 0)
        self._visible, self._gone = True, False
        self._drawn: float | None = None
        self._segment: Segment | None = None

    @property
    def description(self) -> str:
        """The source in words."""
        raise NotImplementedError

    def _prepare(self) -> None:
        """Begin to watch; tell where the source is and whether it has the focus."""
        raise NotImplementedError

    def _handle(self, event: Any) -> None:
        """Take note of an event other than damage."""
        raise NotImplementedError

    def _origin(self) -> tuple[int, int, int]:
        """What to read from, and x and y of the picture within it."""
        raise NotImplementedError

    def start(self, sink: CaptureSink) -> None:
        """Begin to deliver from a thread of its own; raises TemporalCleanError if it cannot."""
        self._server, self._sink = Server(self._display), sink
        self._ended.clear()
        self._gone, self._drawn, self._segment = False, None, None
        try:
            for name in ("MIT-SHM", "DAMAGE", "XFIXES"):
                self._server.extension(name)
            self._prepare()
        except GONE:
            self._server.close()
            raise TemporalCleanError(f"{self.description} has gone: is the game running?") from None
        except TemporalCleanError:
            self._server.close()
            raise
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="capture-x11", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and free everything; no call on the sink afterwards. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._ended.set()
        os.write(self._waker, b"x")
        thread.join(STOP_SECONDS)
        os.close(self._waker)
        os.close(self._wake)

    def _watch_damage(self, drawable: int) -> None:
        """Be told once of drawing to it, and again after each ``_forget_damage``."""
        self._damage = self._server.connection.generate_id()
        requests, level = self._server.extension("DAMAGE"), damage.ReportLevel.NonEmpty
        requests.Create(self._damage, drawable, level, is_checked=True).check()

    def _run(self) -> None:
        try:
            self._deliver(time.monotonic())
            self._loop()
        except Exception as error:
            self._sink.tell(Failed("capture", _in_words(error)))
        finally:
            if self._segment:
                self._segment.close()
            self._server.close()

    def _loop(self) -> None:
        """Take events as they come, and a picture after each drawing, until told to stop."""
        last = 0.0
        while not self._ended.is_set():
            events = self._server.events()
            for event in events:
                if isinstance(event, damage.NotifyEvent):
                    self._drawn = self._drawn or _on_our_clock(event.timestamp)
                else:
                    # What has gone in the meantime is told by an event of its own.
                    with suppress(*GONE):
                        self._handle(event)
            if self._gone:
                self._sink.tell(Closed())
                return
            left = last + 1 / FRAMES_A_SECOND - time.monotonic()
            if self._drawn is not None and left <= 0:
                last, drawn, self._drawn = time.monotonic(), self._drawn, None
                # From here on, the next drawing is told again.
                self._server.extension("DAMAGE").Subtract(self._damage, 0, 0)
                self._deliver(drawn)
            elif not events:
                self._server.wait(TICK_SECONDS if self._drawn is None else left, self._wake)

    def _deliver(self, source_time: float) -> None:
        """Read the picture and hand it over; nothing while it is hidden or has just gone."""
        width, height = self._place.width, self._place.height
        if not self._visible or not width or not height:
            return
        segment = self._memory(width * height * 4)
        drawable, x, y = self._origin()
        style = xproto.ImageFormat.ZPixmap
        try:
            self._server.extension("MIT-SHM").GetImage(
                drawable, x, y, width, height, ALL_PLANES, style, segment.id, 0
            ).reply()
        except GONE:
            # What happened to it comes as an event.
            return
        picture = segment.picture(width, height)
        if self._cursor:
            draw_cursor(self._server, picture, self._place)
        self._sink.deliver(picture, source_time)

    def _memory(self, size: int) -> Segment:
        """Shared memory of at least that size."""
        if self._segment is None or len(self._segment.bytes) < size:
            if self._segment:
                self._segment.close()
            self._segment = None
            self._segment = Segment(self._server, size)
        return self._segment


def check_visual(server: Server, visual: int, depth: int) -> None:
    """Raise :class:`TemporalCleanError` unless pixels of it are 8 bits each of B, G, R and one."""
    formats = {kind.depth: kind.bits_per_pixel for kind in server.connection.setup.pixmap_formats}
    masks = None
    for allowed in server.screen.allowed_depths:
        for kind in allowed.visuals:
            if kind.visual_id == visual:
                masks = kind.red_mask, kind.green_mask, kind.blue_mask
    little = server.connection.setup.image_byte_order == xproto.ImageOrder.LSBFirst
    usual = masks == (0xFF0000, 0xFF00, 0xFF)
    if depth not in (24, 32) or formats.get(depth) != 32 or not usual or not little:
        raise TemporalCleanError(
            f"expected a picture with 24 or 32 bits a pixel in the order BGR, got depth {depth}: "
            f"set the screen to 24 bits (DefaultDepth 24 in xorg.conf; Xvfb -screen 0 1280x720x24)"
        )


def _on_our_clock(timestamp: int) -> float:
    """A time of the server's, milliseconds of the monotonic clock in 32 bits, as time.monotonic."""
    now = time.monotonic()
    age = (int(now * 1000) - timestamp) % 2**32 / 1000
    return now - age if age < OLDEST_SECONDS else now


def _in_words(error: Exception) -> Exception:
    if isinstance(error, xcffib.ConnectionException):
        return TemporalCleanError(SERVER_ENDED)
    return error
