"""What kind of desktop this is, and what live use finds on it."""

import os
import sys
from importlib.util import find_spec

from temporal_clean.errors import TemporalCleanError

__all__ = ["describe_desktop", "has_wayland", "has_x11", "require_x11"]


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


def describe_desktop() -> list[str]:
    """What windows and monitors can be captured by here, a line each; never raises."""
    lines = []
    if sys.platform == "win32":
        lines.append(_part("Windows", "windows_capture", "live"))
    if has_x11():
        lines.append(_x11())
    if has_wayland():
        lines.append(_part("Wayland, by the portal", "pipewire_capture", "wayland"))
    return lines or ["no screen (DISPLAY and WAYLAND_DISPLAY are unset): only --source"]


def _part(name: str, module: str, extra: str) -> str:
    if find_spec(module):
        return f"{name}: {module} is installed"
    return f"{name}: missing: pip install 'temporal-clean[{extra}]'"


def _x11() -> str:
    """The X server's extensions, or what it lacks and what to do."""
    name = f"X11 at {os.environ['DISPLAY']}"
    try:
        require_x11()
        from temporal_clean.realtime.live.x11.server import Server
        from temporal_clean.realtime.live.x11.windows import monitors

        server = Server()
        try:
            for needed in ("Composite", "DAMAGE", "MIT-SHM", "XFIXES"):
                server.extension(needed)
            places = ", ".join(f"{each.width}x{each.height}" for each in monitors(server))
        finally:
            server.close()
    except TemporalCleanError as error:
        return f"{name}: {error}"
    return f"{name}: Composite, DAMAGE, MIT-SHM and XFIXES are there; monitors {places}"
