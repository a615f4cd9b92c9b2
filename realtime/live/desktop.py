"""What kind of desktop this is, told without connecting to it."""

import os
import sys
from importlib.util import find_spec

from temporal_clean.errors import TemporalCleanError

__all__ = ["has_wayland", "has_x11", "require_x11"]


def has_x11() -> bool:
    """Whether programs here talk to an X server (under Wayland, games mostly do: XWayland)."""
    return sys.platform not in ("win32", "darwin") and bool(os.environ.get("DISPLAY"))


def has_wayland() -> bool:
    """Whether a Wayland compositor owns the screen."""
    return sys.platform == "linux" and bool(os.environ.get("WAYLAND_DISPLAY"))


def require_x11() -> None:
    """Raise :class:`TemporalCleanError` with the install line if the X11 binding is missing."""
    if find_spec("xcffib") is None:
        raise TemporalCleanError(
            "live use under X11 needs xcffib: pip install 'temporal-clean[live]'"
        )
