"""Captures under X11: a window's own pixels wherever it is, or a monitor's.

A window is redirected by XComposite, and its pixmap read through shared memory each time XDamage
says that it was drawn to; nothing that lies above it, an overlay least of all, is in the picture.
The pixmap is named anew after a resize and when the window is mapped again: the old one still
answers then, with stale pixels. A monitor's picture is the screen's, with all that is on it.

One frame is one drawing request of the game, as OpenGL's and Vulkan's are; a program that paints
in many small steps can be caught in the middle of them.
"""

from typing import Any

import xcffib.composite as composite
import xcffib.xproto as xproto

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.x11_thread import CaptureThread, check_visual
from temporal_clean.realtime.live.events import FocusChanged, Moved, Visibility
from temporal_clean.realtime.live.x11.server import GONE
from temporal_clean.realtime.live.x11.windows import (
    ancestors,
    is_viewable,
    monitors,
    place_of,
    title_of,
)

__all__ = ["MonitorCapture", "WindowCapture"]


class WindowCapture(CaptureThread):
    """A window by its number (see :mod:`temporal_clean.realtime.live.x11.windows`).

    Without a ``title`` it is the window's own.

    With ``cursor`` the pointer is drawn into the picture: for recordings and windows, since over
    the game itself the real one is seen anyway.
    """

    def __init__(
        self,
        window: int,
        cursor: bool = False,
        display: str | None = None,
        title: str | None = None,
    ) -> None:
        super().__init__(cursor, display)
        self.window, self._title = window, title

    @property
    def description(self) -> str:
        return f'window "{self._title or hex(self.window)}" (X11)'

    def _prepare(self) -> None:
        self._pixmap = 0
        self._watched: set[int] = set()
        self._focused: bool | None = None
        shape = self._server.core.GetGeometry(self.window).reply()
        visual = self._server.core.GetWindowAttributes(self.window).reply().visual
        check_visual(self._server, visual, shape.depth)
        self._title = self._title or title_of(self._server, self.window)
        self._server.extension("Composite").RedirectWindow(
            self.window, composite.Redirect.Automatic, is_checked=True
        ).check()
        self._watch_damage(self.window)
        self._server.core.ChangeWindowAttributes(
            self._server.root, xproto.CW.EventMask, [xproto.EventMask.PropertyChange]
        )
        self._watch_surroundings()
        self._visible = is_viewable(self._server, self.window)
        self._place = place_of(self._server, self.window)
        self._name_pixmap()
        self._sink.tell(Moved(self._place))
        if not self._visible:
            self._sink.tell(Visibility(False))
        self._look_at_focus()

    def _handle(self, event: Any) -> None:
        if isinstance(event, xproto.DestroyNotifyEvent):
            self._gone = self._gone or event.window == self.window
        elif isinstance(event, xproto.FocusInEvent | xproto.FocusOutEvent):
            self._look_at_focus()
        elif isinstance(event, xproto.PropertyNotifyEvent):
            if event.atom == self._server.atom("_NET_ACTIVE_WINDOW"):
                self._look_at_focus()
        elif isinstance(event, xproto.ReparentNotifyEvent):
            self._watch_surroundings()
            self._look_again(mapped=False)
        elif isinstance(event, xproto.ConfigureNotifyEvent):
            self._look_again(mapped=False)
        elif isinstance(event, xproto.MapNotifyEvent | xproto.UnmapNotifyEvent):
            self._look_again(mapped=isinstance(event, xproto.MapNotifyEvent))

    def _origin(self) -> tuple[int, int, int]:
        return self._pixmap, self._border, self._border

    def _watch_surroundings(self) -> None:
        """Be told of the window's changes and of those of the frames around it."""
        notify = xproto.EventMask.StructureNotify
        masks = dict.fromkeys(ancestors(self._server, self.window), notify)
        masks[self.window] = notify | xproto.EventMask.FocusChange
        for window in self._watched - masks.keys():
            masks[window] = xproto.EventMask.NoEvent
        for window, mask in masks.items():
            self._server.core.ChangeWindowAttributes(window, xproto.CW.EventMask, [mask])
        self._watched = {window for window, mask in masks.items() if mask}

    def _look_again(self, mapped: bool) -> None:
        """Tell what became of place and visibility; the pixmap is a new one after some changes."""
        visible = is_viewable(self._server, self.window)
        place = place_of(self._server, self.window)
        changed = visible != self._visible
        if visible and (changed or mapped or place[2:] != self._place[2:]):
            self._name_pixmap()
        if place != self._place:
            self._place = place
            self._sink.tell(Moved(place))
        if changed:
            self._visible = visible
            self._sink.tell(Visibility(visible))

    def _name_pixmap(self) -> None:
        """Get hold of the pixmap that the window draws into now; none while it is hidden."""
        if self._pixmap:
            self._server.core.FreePixmap(self._pixmap)
        self._pixmap = 0
        self._border = self._server.core.GetGeometry(self.window).reply().border_width
        if not is_viewable(self._server, self.window):
            return
        pixmap = self._server.connection.generate_id()
        try:
            self._server.extension("Composite").NameWindowPixmap(
                self.window, pixmap, is_checked=True
            ).check()
        except GONE:
            # Hidden since: it is named when it is mapped.
            return
        self._pixmap = pixmap

    def _look_at_focus(self) -> None:
        """Tell whether keys go to the window or one within it, if that changed.

        Without a window manager the focus follows the pointer (PointerRoot): taken as the game's.
        """
        focus = self._server.core.GetInputFocus().reply().focus
        if focus in (xproto.InputFocus._None, xproto.InputFocus.PointerRoot):
            focused = focus == xproto.InputFocus.PointerRoot
        else:
            try:
                focused = self.window in (focus, *ancestors(self._server, focus))
            except GONE:
                focused = False
        if focused != self._focused:
            self._focused = focused
            self._sink.tell(FocusChanged(focused))


class MonitorCapture(CaptureThread):
    """A monitor of the screen, counted from 1; its picture has everything that is on it.

    An overlay there would be in its own picture: :func:`open_presenter` refuses it.
    """

    def __init__(self, number: int, cursor: bool = False, display: str | None = None) -> None:
        super().__init__(cursor, display)
        self.number = number

    @property
    def description(self) -> str:
        return f"monitor {self.number} (X11)"

    def _prepare(self) -> None:
        check_visual(self._server, self._server.screen.root_visual, self._server.screen.root_depth)
        found = monitors(self._server)
        if not 1 <= self.number <= len(found):
            raise TemporalCleanError(
                f"expected a monitor from 1 to {len(found)}, got {self.number}; there are "
                + ", ".join(f"{i}: {p.width}x{p.height}" for i, p in enumerate(found, 1))
            )
        self._place = found[self.number - 1]
        self._watch_damage(self._server.root)
        self._server.core.ChangeWindowAttributes(
            self._server.root, xproto.CW.EventMask, [xproto.EventMask.StructureNotify]
        )
        self._sink.tell(Moved(self._place))
        self._sink.tell(FocusChanged(True))

    def _handle(self, event: Any) -> None:
        if isinstance(event, xproto.ConfigureNotifyEvent):
            found = monitors(self._server)
            self._gone = len(found) < self.number
            if not self._gone and found[self.number - 1] != self._place:
                self._place = found[self.number - 1]
                self._sink.tell(Moved(self._place))

    def _origin(self) -> tuple[int, int, int]:
        return self._server.root, self._place.x, self._place.y
