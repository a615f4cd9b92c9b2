"""What makes a window an overlay: not managed, not clickable, and right above the game's."""

import time
from collections import deque
from typing import Any

import xcffib.shape as shape
import xcffib.xproto as xproto

from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.x11.server import GONE, Server
from temporal_clean.realtime.live.x11.windows import ancestors

__all__ = ["Overlay"]

# Two programs that both want to be on top would go on for ever.
RAISES_A_SECOND = 10


class Overlay:
    """An existing, unmapped window ``window`` as an overlay over ``target``.

    Override-redirect, so that no window manager frames or focuses it, and with an empty input
    shape, so that clicks pass through. It stays right above the frame of ``target``: menus,
    dialogs, window switchers and other overlays above the game stay above it. Without a target it
    stays above everything, as far as other programs do not insist on the same.
    """

    def __init__(self, server: Server, window: int, target: int | None) -> None:
        self._server, self._window, self._target = server, window, target
        self._raises: deque[float] = deque(maxlen=RAISES_A_SECOND)
        self.mapped = False
        self.place = Rectangle(0, 0, 0, 0)
        server.core.ChangeWindowAttributes(window, xproto.CW.OverrideRedirect, [1])
        fixes = server.extension("XFIXES")
        empty = server.connection.generate_id()
        fixes.CreateRegion(empty, 0, [])
        fixes.SetWindowShapeRegion(window, shape.SK.Input, 0, 0, empty)
        fixes.DestroyRegion(empty)
        server.core.ChangeWindowAttributes(
            server.root, xproto.CW.EventMask, [xproto.EventMask.SubstructureNotify]
        )

    def move(self, place: Rectangle) -> None:
        """Be at ``place``, hidden or not."""
        if place != self.place:
            mask = xproto.ConfigWindow
            self._server.core.ConfigureWindow(
                self._window, mask.X | mask.Y | mask.Width | mask.Height, list(place)
            )
            self.place = place

    def show(self, place: Rectangle) -> None:
        """Be at ``place``, mapped; what is drawn next is seen there."""
        self.move(place)
        if not self.mapped:
            self._restack()
            self._server.core.MapWindow(self._window)
            self.mapped = True

    def hide(self) -> None:
        """Be unmapped."""
        if self.mapped:
            self._server.core.UnmapWindow(self._window)
            self.mapped = False

    def handle(self, event: Any) -> None:
        """Take note of an event of the root's: windows that were raised or mapped."""
        if not self.mapped or getattr(event, "window", self._window) == self._window:
            return
        if isinstance(event, xproto.ConfigureNotifyEvent):
            if self._target is None or self._is_between(event) or event.window == self._frame():
                self._restack()
        elif isinstance(event, xproto.MapNotifyEvent) and self._target is None:
            self._restack()

    def _is_between(self, event: Any) -> bool:
        """Whether a program's window came right above the game and below the overlay.

        Not one that is an overlay itself: two would go on for ever.
        """
        return event.above_sibling == self._frame() and not event.override_redirect

    def _frame(self) -> int:
        """The window below the root that holds the target; 0 without one."""
        if self._target is None:
            return 0
        try:
            return [self._target, *ancestors(self._server, self._target)][-1]
        except GONE:
            return 0

    def _restack(self) -> None:
        mask, above = xproto.ConfigWindow, xproto.StackMode.Above
        if frame := self._frame():
            values = [frame, above]
            self._server.core.ConfigureWindow(self._window, mask.Sibling | mask.StackMode, values)
            return
        now = time.monotonic()
        if len(self._raises) == RAISES_A_SECOND and now - self._raises[0] < 1:
            return
        self._raises.append(now)
        self._server.core.ConfigureWindow(self._window, mask.StackMode, [above])
