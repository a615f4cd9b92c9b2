"""The control's lines over a Windows named pipe. Not run on Windows; tested here over AF_UNIX.

Python has no Unix sockets on Windows, and a pipe of multiprocessing.connection carries the default
access list: other users may read, and a name is anyone's to take. So a session writes a random key
into a file in the user's own folder, which the profile keeps from others, and lets nobody in who
does not prove to hold it: an HMAC over a fresh number and the pipe's name. Written out here because
multiprocessing's own handshake waits for ever on a client that says nothing.
"""

import contextlib
import hmac
import secrets
import threading
import time
from multiprocessing.connection import Client
from multiprocessing.connection import Listener as ConnectionListener
from pathlib import Path
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.realtime.live.control.channels import PATIENCE

__all__ = ["KeyedListener", "PipeChannel", "connect", "connect_to", "listen"]

KEY_BYTES = 32
# Seconds between looks at whether another thread hung up.
TICK = 0.2


class PipeChannel:
    """One message a line. A server's channel lets nothing pass before the key is proved."""

    # PipeConnection on Windows has the methods of Connection, but no common class to name.
    def __init__(self, connection: Any, proof: bytes | None = None) -> None:
        self.connection = connection
        self.hung_up = threading.Event()
        self.awaited = proof

    def receive(self, longest: int) -> bytes | None:
        if self.awaited is not None:
            proof, self.awaited = self.awaited, None
            if not hmac.compare_digest(self._message(len(proof)) or b"", proof):
                raise TemporalCleanError("this session belongs to another user")
        message = self._message(longest)
        return None if message is None else message.rstrip(b"\n")

    def number(self) -> bytes:
        """The server's fresh number, with which it greets."""
        return self._message(KEY_BYTES) or b""

    def _message(self, longest: int) -> bytes | None:
        deadline = time.monotonic() + PATIENCE
        try:
            while not self.connection.poll(TICK):
                if self.hung_up.is_set():
                    return None
                if time.monotonic() > deadline:
                    raise TemporalCleanError(f"no whole line came in {PATIENCE:.0f} s")
            return self.connection.recv_bytes(longest + 1)
        except EOFError:
            return None
        except OSError as error:
            # The one way in which multiprocessing tells a message that is too long.
            if str(error) == "bad message length":
                raise TemporalCleanError(f"a line has at most {longest} bytes") from error
            return None

    def send(self, line: bytes) -> None:
        self.connection.send_bytes(line)

    def hang_up(self) -> None:
        self.hung_up.set()

    def close(self) -> None:
        self.connection.close()


class KeyedListener:
    """A pipe (or, in tests, a socket) whose clients must hold the key in ``path``."""

    def __init__(self, path: Path, address: str) -> None:
        self.path, self.address = path, address
        self.key = secrets.token_bytes(KEY_BYTES)
        self.closed = threading.Event()
        try:
            # On Windows refused if anyone holds the name: FILE_FLAG_FIRST_PIPE_INSTANCE.
            self.listener = ConnectionListener(address, backlog=64)
        except OSError as error:
            raise TemporalCleanError(
                f"the control pipe '{address}' is taken: {error.strerror or error}"
            ) from error
        write_whole(path, self.key)

    def accept(self) -> PipeChannel | None:
        while not self.closed.is_set():
            try:
                connection = self.listener.accept()
            except OSError:  # that client left before it was let in
                continue
            if self.closed.is_set():
                connection.close()
                break
            number = secrets.token_bytes(KEY_BYTES)
            with contextlib.suppress(OSError):  # a client that has gone is found by receive
                connection.send_bytes(number)
            return PipeChannel(connection, proof_of(self.key, number, self.address))
        return None

    def close(self) -> None:
        if self.closed.is_set():
            return
        self.closed.set()
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # wakes accept, which waits without end
            Client(self.address).close()
        self.listener.close()


def proof_of(key: bytes, number: bytes, address: str) -> bytes:
    """What only the key's holder can say of this number; the address stops a passing-on."""
    return hmac.digest(key, number + address.encode(), "sha256")


def connect_to(path: Path, address: str) -> PipeChannel:
    """Reach the session whose key lies at ``path``."""
    key = path.read_bytes()
    channel = PipeChannel(Client(address))
    channel.send(proof_of(key, channel.number(), address))
    return channel


def pipe_name(path: Path) -> str:
    """The pipe of the session whose file is ``path``, named after its process."""
    return rf"\\.\pipe\temporal-clean-{path.stem}"


def listen(path: Path) -> KeyedListener:
    """Be found by the file at ``path``."""
    return KeyedListener(path, pipe_name(path))


def connect(path: Path) -> PipeChannel:
    """Reach the session of the file at ``path``."""
    return connect_to(path, pipe_name(path))
