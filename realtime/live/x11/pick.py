"""Choosing a window by clicking it, as xwininfo does."""

import xcffib.xproto as xproto

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.x11.server import GONE, Server
from temporal_clean.realtime.live.x11.windows import Window, client_of, describe

__all__ = ["pick_window"]

# <X11/cursorfont.h>; a glyph's mask comes after it.
CROSSHAIR = 34
LEFT_BUTTON = 1
# How long a sleep without events lasts: so that Ctrl+C is heard.
TICK_SECONDS = 0.2
# Menus hold the pointer for as long as they are open.
GRAB_ATTEMPTS = 25


def pick_window(server: Server) -> Window:
    """Wait for a click of the left button and return the window under it; others cancel.

    The click reaches no program. Raises :class:`TemporalCleanError` if another program holds the
    pointer, if it was cancelled, or if there was no window.
    """
    cursor = _crosshair(server)
    try:
        _grab(server, cursor)
        frame = _clicked(server)
    finally:
        server.core.UngrabPointer(xproto.Time.CurrentTime)
        server.core.FreeCursor(cursor)
        server.connection.flush()
    if frame == xproto.Window._None:
        raise TemporalCleanError("there is no window where you clicked: click into the game")
    try:
        return describe(server, client_of(server, frame))
    except GONE:
        raise TemporalCleanError("the window that you clicked has gone: pick again") from None


def _crosshair(server: Server) -> int:
    font, cursor = server.connection.generate_id(), server.connection.generate_id()
    server.core.OpenFont(font, len("cursor"), "cursor")
    black, white = (0, 0, 0), (65535, 65535, 65535)
    server.core.CreateGlyphCursor(cursor, font, font, CROSSHAIR, CROSSHAIR + 1, *black, *white)
    server.core.CloseFont(font)
    return cursor


def _grab(server: Server, cursor: int) -> None:
    mask = xproto.EventMask.ButtonPress | xproto.EventMask.ButtonRelease
    mode = xproto.GrabMode.Async
    for _ in range(GRAB_ATTEMPTS):
        answer = server.core.GrabPointer(
            False, server.root, mask, mode, mode, server.root, cursor, xproto.Time.CurrentTime
        ).reply()
        if answer.status == xproto.GrabStatus.Success:
            return
        server.wait(TICK_SECONDS)
    raise TemporalCleanError(
        "another program holds the pointer (an open menu, or the game itself): let go of it, "
        "or use --window TITLE"
    )


def _clicked(server: Server) -> int:
    """The window below the root that was clicked; waits for the button's release as well."""
    frame = xproto.Window._None
    while True:
        for event in server.events():
            if isinstance(event, xproto.ButtonPressEvent):
                if event.detail != LEFT_BUTTON:
                    raise TemporalCleanError("picking a window was cancelled")
                frame = event.child
            elif isinstance(event, xproto.ButtonReleaseEvent):
                return frame
        server.wait(TICK_SECONDS)
