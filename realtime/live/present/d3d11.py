"""Presenters on Windows: Direct3D 11, flip model, HDR as scRGB. Not run yet: docs/WINDOWS.md."""

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from temporal_clean.realtime.live.events import Command, CommandGiven, Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle
from temporal_clean.realtime.live.hotkeys import Hotkey
from temporal_clean.realtime.live.windows.hotkeys import Hotkeys
from temporal_clean.realtime.live.windows.plans import (
    is_device_lost,
    overlay_style,
    plan_for,
    window_style,
)
from temporal_clean.realtime.live.windows.surface import NativeWindow, SwapChain, pressed_hotkeys

__all__ = ["Direct3DPresenter"]


class Direct3DPresenter:
    """An overlay over the game (``covers``), or a window beside it that can be closed.

    ``excluded``: kept out of captures of the monitor, which an overlay over one needs. Pictures
    are scaled to their place by the compositor. Lost devices are remade, once a picture.
    """

    formats: tuple[PixelFormat, ...] = ("bgra8", "rgba16f")

    def __init__(
        self, title: str, hotkeys: Mapping[Command, Hotkey], covers: bool, excluded: bool
    ) -> None:
        self.covers = covers
        kind = "overlay" if covers else "window"
        self.description = f"{kind} (Direct3D 11, flip model)"
        style = overlay_style() if covers else window_style()
        self._window = NativeWindow(title, style, layered=covers, excluded=excluded)
        self._chain = SwapChain(self._window.handle)
        self._hotkeys = Hotkeys(hotkeys)
        self.notes: Sequence[str] = tuple(self._hotkeys.refused)
        self._closed = False

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show (height, width, 4) uint8 BGRA or float16 scRGB RGBA, scaled to ``place``."""
        plan = plan_for(picture, self._chain.tearing)
        try:
            self._chain.show(picture, plan)
        except OSError as error:
            if not is_device_lost(error):
                raise
            # A window has one swap chain at a time: the old one goes first.
            self._chain.close()
            self._chain = SwapChain(self._window.handle)
            self._chain.show(picture, plan_for(picture, self._chain.tearing))
        # A window beside the game keeps the place that the player gave it.
        if self.covers or self._window.shown is None:
            self._window.show(place, topmost=self.covers)

    def hide(self) -> None:
        """Take the picture away, so that the game shows through. Idempotent."""
        self._window.hide()

    def poll(self) -> Sequence[Event]:
        """Hotkeys, and the window's being closed, since the last call."""
        events: list[Event] = [
            CommandGiven(command) for command in self._hotkeys.commands(pressed_hotkeys())
        ]
        if not self._closed and not self._window.alive:
            events.append(CommandGiven(Command.QUIT))
        return events

    def close(self) -> None:
        """Hide and free everything. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._hotkeys.close()
        self._chain.close()
        self._window.close()
