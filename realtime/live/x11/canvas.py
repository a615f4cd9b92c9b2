"""Pictures put into a window through shared memory, two in flight at most."""

from typing import Any

import numpy as np
import xcffib.shm as shm
import xcffib.xproto as xproto
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.x11.memory import Segment
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["Canvas", "bgr_visual", "is_completion"]

BUFFERS = 2


class Canvas:
    """A window's content: ``put`` fills one buffer while the server may still read the other.

    The owner of the connection reads its events and passes them to ``completed``.
    """

    def __init__(self, server: Server, window: int, depth: int) -> None:
        self._server, self._window, self._depth = server, window, depth
        self._requests = server.extension("MIT-SHM")
        self._context = server.connection.generate_id()
        server.core.CreateGC(self._context, window, 0, [])
        self._segments: list[Segment] = []
        self._waiting: list[int] = []
        self._last: tuple[Segment, int, int] | None = None

    @property
    def busy(self) -> bool:
        """Whether all buffers are still to be read by the server."""
        return len(self._waiting) == BUFFERS

    @property
    def idle(self) -> bool:
        """Whether the server is done with all buffers."""
        return not self._waiting

    def fits(self, size: int) -> bool:
        """Whether the buffers hold ``size`` bytes."""
        return bool(self._segments) and len(self._segments[0].bytes) >= size

    def grow(self, size: int) -> None:
        """Make buffers of ``size`` bytes; only while idle."""
        self._release()
        self._segments = [Segment(self._server, size) for _ in range(BUFFERS)]

    def put(self, picture: NDArray[np.uint8], x: int, y: int) -> None:
        """Copy a picture, (height, width, 4) BGRA, and send it to ``x``, ``y`` of the window.

        Only while not busy, and into buffers that fit.
        """
        segment = next(each for each in self._segments if each.id not in self._waiting)
        height, width = picture.shape[:2]
        segment.picture(width, height)[...] = picture
        self._last = segment, width, height
        self._send(x, y)

    def repaint(self, x: int, y: int) -> None:
        """Send the last picture again: a part of the window was uncovered."""
        if self._last and self._last[0].id not in self._waiting:
            self._send(x, y)

    def completed(self, event: Any) -> None:
        """The server is done with a buffer."""
        if event.shmseg in self._waiting:
            self._waiting.remove(event.shmseg)

    def forget(self) -> None:
        """Nothing is shown any more: there is nothing to repaint."""
        self._last = None

    def close(self) -> None:
        """Free everything but the window."""
        self._release()
        self._server.core.FreeGC(self._context)

    def _send(self, x: int, y: int) -> None:
        assert self._last
        segment, width, height = self._last
        size, whole = (width, height), (0, 0, width, height)
        self._requests.PutImage(
            self._window, self._context, *size, *whole, x, y,
            self._depth, xproto.ImageFormat.ZPixmap, True, segment.id, 0,
        )  # fmt: skip
        self._waiting.append(segment.id)

    def _release(self) -> None:
        self._last, self._waiting = None, []
        for segment in self._segments:
            segment.close()
        self._segments = []


def is_completion(event: Any) -> bool:
    """Whether an event is for :meth:`Canvas.completed`."""
    return isinstance(event, shm.CompletionEvent)


def bgr_visual(server: Server) -> tuple[int, int]:
    """A visual with 8 bits a colour in BGRX order, and its depth (24); the screen's own if it is.

    Raises :class:`TemporalCleanError` where the screen has none.
    """
    formats = {kind.depth: kind.bits_per_pixel for kind in server.connection.setup.pixmap_formats}
    found = [
        kind.visual_id
        for allowed in server.screen.allowed_depths
        for kind in allowed.visuals
        if allowed.depth == 24
        and kind._class == xproto.VisualClass.TrueColor
        and (kind.red_mask, kind.green_mask, kind.blue_mask) == (0xFF0000, 0xFF00, 0xFF)
    ]
    if not found or formats.get(24) != 32:
        raise TemporalCleanError(
            "the screen has no 24-bit colour: set DefaultDepth 24 in xorg.conf "
            "(Xvfb -screen 0 1280x720x24)"
        )
    own = server.screen.root_visual
    return (own if own in found else found[0]), 24
