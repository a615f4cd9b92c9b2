"""Presenters under X11 by shared memory: an overlay over the game, or a window beside it.

Pictures are shown pixel for pixel, never scaled; the OpenGL presenter scales. Both kinds leave the
keyboard where it is.
"""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto as xproto
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command, CommandGiven, Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle
from temporal_clean.realtime.live.hotkeys import Hotkey
from temporal_clean.realtime.live.x11.canvas import Canvas, bgr_visual, is_completion
from temporal_clean.realtime.live.x11.hotkeys import Hotkeys
from temporal_clean.realtime.live.x11.overlay import Overlay
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["OverlayPresenter", "WindowPresenter"]

# A server that takes this long to read a picture does not answer at all.
PATIENCE_SECONDS = 2.0


class SharedMemoryPresenter:
    """What both kinds share: the window, its pictures, its events and the hotkeys."""

    formats: tuple[PixelFormat, ...] = ("bgra8",)
    covers: bool = False

    def __init__(self, hotkeys: Mapping[Command, Hotkey], display: str | None) -> None:
        self._server = Server(display)
        try:
            self._server.extension("MIT-SHM")
            self._server.extension("XFIXES")
            visual, depth = bgr_visual(self._server)
        except TemporalCleanError:
            self._server.close()
            raise
        self._hotkeys = Hotkeys(hotkeys, display)
        self.notes: Sequence[str] = tuple(self._hotkeys.refused)
        self.window = self._create(visual, depth)
        self._canvas = Canvas(self._server, self.window, depth)
        self._events: deque[Any] = deque()
        self._closed = False

    def _create(self, visual: int, depth: int) -> int:
        """A window of one pixel, not mapped."""
        core, root = self._server.core, self._server.root
        colours, window = (self._server.connection.generate_id() for _ in range(2))
        core.CreateColormap(xproto.ColormapAlloc._None, colours, root, visual)
        kind, which = xproto.WindowClass.InputOutput, xproto.CW
        events = xproto.EventMask.Exposure | xproto.EventMask.StructureNotify
        core.CreateWindow(
            depth, window, root, 0, 0, 1, 1, 0, kind, visual,
            which.BackPixel | which.BorderPixel | which.EventMask | which.Colormap,
            [0, 0, events, colours],
        )  # fmt: skip
        return window

    def poll(self) -> Sequence[Event]:
        """Hotkeys, and the window's being closed, since the last call."""
        self._pump()
        found: list[Event] = [CommandGiven(command) for command in self._hotkeys.poll()]
        while self._events:
            found += self._handle(self._events.popleft())
        self._server.connection.flush()
        return found

    def close(self) -> None:
        """Hide and free everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._hotkeys.close()
        # Where the server has ended, so has the window.
        with suppress(xcffib.ConnectionException):
            self._canvas.close()
            self._server.core.DestroyWindow(self.window, is_checked=True).check()
        self._server.close()

    def _handle(self, event: Any) -> list[Event]:
        """What an event means to the session."""
        if isinstance(event, xproto.ExposeEvent) and event.count == 0:
            self._canvas.repaint(*self._corner())
        return []

    def _corner(self) -> tuple[int, int]:
        """Where the last picture is within the window."""
        return 0, 0

    def _pump(self) -> None:
        """Read the server's events: buffers that are free again at once, the rest for ``poll``."""
        for event in self._server.events():
            if is_completion(event):
                self._canvas.completed(event)
            else:
                self._events.append(event)

    def _make_room(self, size: int) -> None:
        """Wait for a free buffer of ``size`` bytes; raises TemporalCleanError if none is."""
        self._pump()
        fits = self._canvas.fits(size)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._canvas.busy if fits else not self._canvas.idle:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TemporalCleanError(
                    f"the X server has not taken a picture for {PATIENCE_SECONDS:g} s: is it "
                    f"overloaded or suspended?"
                )
            self._server.wait(left)
            self._pump()
        if not fits:
            self._canvas.grow(size)


class OverlayPresenter(SharedMemoryPresenter):
    """Over the window ``target``, or above everything without one; see :class:`Overlay`."""

    covers = True
    description = "overlay (X11, shared memory)"

    def __init__(
        self,
        target: int | None,
        hotkeys: Mapping[Command, Hotkey],
        display: str | None = None,
    ) -> None:
        super().__init__(hotkeys, display)
        # Mapped, it keeps what is on the screen until its picture comes: no flash of black.
        none = [xproto.BackPixmap._None]
        self._server.core.ChangeWindowAttributes(self.window, xproto.CW.BackPixmap, none)
        self._overlay = Overlay(self._server, self.window, target)
        self._server.write(self.window, "_NET_WM_NAME", "UTF8_STRING", 8, b"temporal-clean overlay")
        self._server.connection.flush()

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show a picture, (height, width, 4) uint8 BGRA, with its top left at ``place``'s."""
        height, width = picture.shape[:2]
        self._make_room(picture.nbytes)
        self._overlay.show(Rectangle(place.x, place.y, width, height))
        self._canvas.put(picture, 0, 0)
        self._server.connection.flush()

    def hide(self) -> None:
        """Unmap the overlay, so that the game shows through. Idempotent."""
        self._overlay.hide()
        self._canvas.forget()
        self._server.connection.flush()

    def _handle(self, event: Any) -> list[Event]:
        self._overlay.handle(event)
        return super()._handle(event)


class WindowPresenter(SharedMemoryPresenter):
    """A window with a title that can be moved, resized and closed, black around the picture.

    The first picture decides its size; later ones stand in its middle, pixel for pixel, and what
    does not fit is cut off. It asks the window manager to leave the keyboard with the game.
    """

    description = "window (X11, shared memory)"

    def __init__(
        self, title: str, hotkeys: Mapping[Command, Hotkey], display: str | None = None
    ) -> None:
        super().__init__(hotkeys, display)
        self._size = (0, 0)
        self._shown: tuple[int, int] | None = None
        write, number = self._server.write, np.uint32
        write(self.window, "_NET_WM_NAME", "UTF8_STRING", 8, title.encode())
        write(self.window, "WM_NAME", "STRING", 8, title.encode("latin-1", "replace"))
        write(self.window, "WM_CLASS", "STRING", 8, b"temporal-clean\0temporal-clean\0")
        closing = np.array([self._server.atom("WM_DELETE_WINDOW")], number)
        write(self.window, "WM_PROTOCOLS", "ATOM", 32, closing.tobytes())
        # ICCCM 4.1.2.4, InputHint with input false; EWMH: no focus for a window without user time.
        write(self.window, "WM_HINTS", "WM_HINTS", 32, np.array([1, *[0] * 8], number).tobytes())
        write(self.window, "_NET_WM_USER_TIME", "CARDINAL", 32, np.zeros(1, number).tobytes())
        self._server.connection.flush()

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show a picture, (height, width, 4) uint8 BGRA, in the middle of the window."""
        height, width = picture.shape[:2]
        self._make_room(picture.nbytes)
        if self._size == (0, 0):
            self._size = width, height
            mask = xproto.ConfigWindow
            self._server.core.ConfigureWindow(
                self.window, mask.Width | mask.Height, [width, height]
            )
        if self._shown is None:
            self._server.core.MapWindow(self.window)
        elif self._shown != (width, height):
            self._server.core.ClearArea(False, self.window, 0, 0, 0, 0)
        self._shown = width, height
        self._canvas.put(picture, *self._corner())
        self._server.connection.flush()

    def hide(self) -> None:
        """Unmap the window. Idempotent."""
        if self._shown:
            self._server.core.UnmapWindow(self.window)
        self._shown = None
        self._canvas.forget()
        self._server.connection.flush()

    def _corner(self) -> tuple[int, int]:
        if self._shown is None:
            return 0, 0
        return (self._size[0] - self._shown[0]) // 2, (self._size[1] - self._shown[1]) // 2

    def _handle(self, event: Any) -> list[Event]:
        if isinstance(event, xproto.ConfigureNotifyEvent):
            if self._size != (event.width, event.height):
                self._size = event.width, event.height
                self._server.core.ClearArea(True, self.window, 0, 0, 0, 0)
        elif isinstance(event, xproto.ClientMessageEvent):
            words = event.data.data32
            if words[0] == self._server.atom("WM_DELETE_WINDOW"):
                return [CommandGiven(Command.QUIT)]
        return super()._handle(event)
