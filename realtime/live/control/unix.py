"""The control's lines over a Unix socket file that only its own user can reach.

Three locks: the folder has mode 0700, the socket 0600, and the kernel's word on who is at the
other end (SO_PEERCRED, where there is one) is asked on both sides.
"""

import contextlib
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.control.channels import PATIENCE
from temporal_clean.realtime.live.control.requests import refusal

__all__ = ["connect", "listen"]

assert sys.platform != "win32", "Windows has no Unix sockets in Python: control/pipe.py"

# Seconds between looks at whether the session has ended.
TICK = 0.2
# struct ucred of unix(7): process, user and group id.
CREDENTIALS = struct.Struct("3i")


class SocketChannel:
    """Lines over a connected stream socket."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.buffer = b""

    def receive(self, longest: int) -> bytes | None:
        deadline = time.monotonic() + PATIENCE
        while b"\n" not in self.buffer:
            if len(self.buffer) > longest:
                raise TemporalCleanError(f"a line has at most {longest} bytes")
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                received = self.socket.recv(4096)
            except TimeoutError as error:
                raise TemporalCleanError(f"no whole line came in {PATIENCE:.0f} s") from error
            if not received:  # gone: what stands without a newline is its last line
                line, self.buffer = self.buffer, b""
                return line or None
            self.buffer += received
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def send(self, line: bytes) -> None:
        self.socket.settimeout(PATIENCE)
        self.socket.sendall(line)

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):  # the other side may have gone first
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.socket.close()


class SocketListener:
    """A listening socket under its final name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.closed = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # Under a name of its own until it listens, so that no client takes it for a dead one.
        early = path.with_suffix(".new")
        early.unlink(missing_ok=True)
        try:
            self.socket.bind(str(early))
            early.chmod(0o600)
            self.socket.listen(64)
            early.rename(path)
        except OSError as error:
            self.socket.close()
            raise TemporalCleanError(
                f"no control socket at '{path}': {error.strerror or error}; "
                "name a shorter or writable folder in TEMPORAL_CLEAN_RUNTIME"
            ) from error
        self.socket.settimeout(TICK)

    def accept(self) -> SocketChannel | None:
        while not self.closed.is_set():
            try:
                connected, _ = self.socket.accept()
            except TimeoutError:
                continue
            except OSError:
                break
            channel = SocketChannel(connected)
            if same_user(connected):
                return channel
            with contextlib.suppress(OSError):
                channel.send(refusal("this session belongs to another user"))
            channel.close()
        return None

    def close(self) -> None:
        if not self.closed.is_set():
            self.closed.set()
            self.path.unlink(missing_ok=True)
            self.socket.close()


def same_user(connected: socket.socket) -> bool:
    """Whether the process at the other end runs as this user; files' modes alone elsewhere."""
    if sys.platform != "linux":
        return True
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return CREDENTIALS.unpack(raw)[1] == os.geteuid()


def listen(path: Path) -> SocketListener:
    """Be found at ``path``."""
    return SocketListener(path)


def connect(path: Path) -> SocketChannel:
    """Reach the session at ``path``."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.settimeout(PATIENCE)
        connected.connect(str(path))
        if not same_user(connected):
            raise TemporalCleanError(f"'{path}' belongs to another user's process")
    except BaseException:
        connected.close()
        raise
    return SocketChannel(connected)
