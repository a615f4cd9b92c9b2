"""What the control of a session needs from the system: lines to and from the same user alone.

Two ways, one module each: ``unix`` (a socket file) and ``pipe`` (a Windows named pipe). Each
session leaves one file in the user's runtime folder, named by its process id: the way to find it.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from temporal_clean.errors import TemporalCleanError

__all__ = ["PATIENCE", "Channel", "Listener", "Way", "runtime_folder", "system_way"]

# Seconds that either side waits for a line. Answers take milliseconds.
PATIENCE = 5.0


class Channel(Protocol):
    """Two ends that exchange lines."""

    def receive(self, longest: int) -> bytes | None:
        """The next line, without its end; None when the other side has gone.

        Raises :class:`TemporalCleanError` if none came within ``PATIENCE`` or it is too long.
        """
        ...

    def send(self, line: bytes) -> None:
        """Send a line that ends with a newline; raises OSError when the other side has gone."""
        ...

    def hang_up(self) -> None:
        """Let a ``receive`` that waits on another thread return None."""
        ...

    def close(self) -> None:
        """End it; by the thread that uses it. Idempotent."""
        ...


class Listener(Protocol):
    """Where a session is found."""

    def accept(self) -> Channel | None:
        """Wait for the next of the same user's clients; None once closed."""
        ...

    def close(self) -> None:
        """Take the session's file away and let ``accept`` return. Idempotent."""
        ...


@dataclass(frozen=True)
class Way:
    """``suffix`` names the sessions' files; ``listen`` makes one, ``connect`` reaches it.

    ``connect`` raises ConnectionRefusedError or FileNotFoundError if nobody listens any more.
    """

    suffix: str
    listen: Callable[[Path], Listener]
    connect: Callable[[Path], Channel]


def system_way() -> Way:
    """The one for this system."""
    if sys.platform == "win32":
        from temporal_clean.realtime.live.control import pipe

        return Way(".key", pipe.listen, pipe.connect)
    from temporal_clean.realtime.live.control import unix

    return Way(".sock", unix.listen, unix.connect)


def runtime_folder() -> Path:
    """Made if need be, for this user alone: TEMPORAL_CLEAN_RUNTIME if set, else the platform's.

    Raises :class:`TemporalCleanError` if others could write there.
    """
    folder = Path(os.environ.get("TEMPORAL_CLEAN_RUNTIME") or _usual_runtime_folder())
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise TemporalCleanError(
            f"no folder for the control socket at '{folder}': {error.strerror}; "
            "name another one in TEMPORAL_CLEAN_RUNTIME"
        ) from error
    # On Windows the profile's own access list keeps others out; mode bits say nothing there.
    if sys.platform != "win32" and (
        not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077
    ):
        raise TemporalCleanError(
            f"'{folder}' is open to other users: expected a folder of your own with mode 0700; "
            f"run chmod 700 '{folder}', or name another one in TEMPORAL_CLEAN_RUNTIME"
        )
    return folder


def _usual_runtime_folder() -> Path:
    """The platform's; the folder for temporary files where a Linux session has none."""
    import platformdirs

    # Without the variable platformdirs would warn, on every command.
    if sys.platform == "linux" and not os.environ.get("XDG_RUNTIME_DIR"):
        return Path(tempfile.gettempdir()) / f"temporal-clean-{os.geteuid()}"
    return Path(platformdirs.user_runtime_dir("temporal-clean", appauthor=False))
