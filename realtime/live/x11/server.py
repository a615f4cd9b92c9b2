"""A connection to the X server, and what must be there for live use, told clearly if it is not."""

import os
import select
from typing import Any

import xcffib
import xcffib.composite
import xcffib.damage
import xcffib.randr
import xcffib.res
import xcffib.shape
import xcffib.shm
import xcffib.xfixes
import xcffib.xproto as xproto

from temporal_clean.errors import TemporalCleanError

__all__ = ["EXTENSIONS", "GONE", "SERVER_ENDED", "Server"]

# Name on the wire -> xcffib's key, the version asked for, and what to do where it is missing.
EXTENSIONS: dict[str, tuple[Any, tuple[int, int] | None, str]] = {
    "Composite": (
        xcffib.composite.key,
        (0, 4),
        'enable it in xorg.conf (Section "Extensions": Option "Composite" "Enable"), '
        "or start Xvfb and Xephyr with +extension Composite",
    ),
    "DAMAGE": (
        xcffib.damage.key,
        (1, 1),
        "use an X server with the DAMAGE extension (X.Org, XWayland, Xvfb)",
    ),
    "MIT-SHM": (
        xcffib.shm.key,
        None,
        "run on the machine that runs the X server: shared memory does not pass through ssh -X",
    ),
    "XFIXES": (xcffib.xfixes.key, (5, 0), "use an X server with XFIXES 5 (X.Org, XWayland, Xvfb)"),
    "RANDR": (xcffib.randr.key, (1, 5), "use an X server with RANDR 1.5, or capture a window"),
    "X-Resource": (xcffib.res.key, (1, 2), "use --window TITLE instead of --pid"),
}
# What the server answers when a window has gone in the meantime: games close when they like.
GONE = (
    xproto.WindowError,
    xproto.DrawableError,
    xproto.MatchError,
    xproto.PixmapError,
    xcffib.damage.BadDamageError,
)
SERVER_ENDED = "the connection to the X server is lost: the server has ended"


class Server:
    """A connection of its own to the X server; every thread has its own.

    Raises :class:`TemporalCleanError` where there is none. ``root`` is the screen's root window.
    """

    def __init__(self, display: str | None = None) -> None:
        name = display or os.environ.get("DISPLAY")
        if not name:
            hint = (
                "this is a Wayland session: start XWayland or use the portal (--monitor)"
                if os.environ.get("WAYLAND_DISPLAY")
                else "set DISPLAY, for example DISPLAY=:0"
            )
            raise TemporalCleanError(
                f"expected an X server to talk to, but DISPLAY is unset: {hint}"
            )
        try:
            self.connection: Any = xcffib.connect(display=name)
        except xcffib.ConnectionException:
            raise TemporalCleanError(
                f"no X server answers at DISPLAY={name}: is it running, and may this user use it "
                f"(xauth, xhost)?"
            ) from None
        self.core: Any = self.connection.core
        self.screen: Any = self.connection.setup.roots[self.connection.pref_screen]
        self.root: int = self.screen.root
        self._atoms: dict[str, int] = {}
        self._extensions: dict[str, Any] = {}

    def fileno(self) -> int:
        return self.connection.get_file_descriptor()

    def extension(self, name: str) -> Any:
        """The extension's requests; raises :class:`TemporalCleanError` if it is missing or old."""
        if name not in self._extensions:
            self._extensions[name] = self._open(name)
        return self._extensions[name]

    def _open(self, name: str) -> Any:
        key, version, advice = EXTENSIONS[name]
        if not self.core.QueryExtension(len(name), name).reply().present:
            raise TemporalCleanError(f"the X server lacks {name}, which live use needs: {advice}")
        requests = self.connection(key)
        answer = requests.QueryVersion(*version or ()).reply()
        # Composite, DAMAGE, RANDR and XFIXES name it major_version, X-Resource server_major.
        major = getattr(answer, "major_version", None) or getattr(answer, "server_major", 0)
        minor = getattr(answer, "minor_version", None) or getattr(answer, "server_minor", 0)
        if version and (major, minor) < version:
            raise TemporalCleanError(
                f"the X server has {name} {major}.{minor}, live use needs "
                f"{version[0]}.{version[1]}: {advice}"
            )
        return requests

    def atom(self, name: str) -> int:
        """The number of a name."""
        if name not in self._atoms:
            self._atoms[name] = self.core.InternAtom(False, len(name), name).reply().atom
        return self._atoms[name]

    def read(self, window: int, name: str, length: int = 1024) -> bytes:
        """A property's value, up to ``length`` * 4 bytes; empty where it or the window is not."""
        kind = xproto.GetPropertyType.Any
        try:
            answer = self.core.GetProperty(False, window, self.atom(name), kind, 0, length).reply()
        except GONE:
            return b""
        return bytes(answer.value.buf())

    def write(self, window: int, name: str, kind: str, bits: int, value: bytes) -> None:
        """Set a property of ``bits`` (8 or 32) a value."""
        size = len(value) * 8 // bits
        mode = xproto.PropMode.Replace
        self.core.ChangeProperty(mode, window, self.atom(name), self.atom(kind), bits, size, value)

    def events(self) -> list[Any]:
        """All events that have come; errors about windows that have gone are not worth a word.

        Raises :class:`TemporalCleanError` once the server has ended.
        """
        found = []
        while True:
            try:
                event = self.connection.poll_for_event()
            except GONE:
                continue
            except xcffib.ConnectionException:
                raise TemporalCleanError(SERVER_ENDED) from None
            if event is None:
                return found
            found.append(event)

    def wait(self, seconds: float, *others: int) -> None:
        """Sleep until an event may have come, one of ``others`` is readable, or time is up.

        Only right after ``events`` gave none: what is read already would not wake it.
        """
        self.connection.flush()
        select.select([self.fileno(), *others], [], [], seconds)

    def close(self) -> None:
        """End the connection; the server frees what belonged to it. Idempotent."""
        self.connection.disconnect()
