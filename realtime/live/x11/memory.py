"""A System V shared-memory segment that the X server reads and writes: MIT-SHM's own kind."""

import ctypes
import ctypes.util
import os
from contextlib import suppress
from typing import Any

import numpy as np
import xcffib
import xcffib.xproto as xproto
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["Segment"]

# <linux/ipc.h>: a new private segment; remove it.
IPC_PRIVATE, IPC_CREAT, IPC_RMID = 0, 0o1000, 0
FAILED = ctypes.c_void_p(-1).value


def _library() -> Any:
    library = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True)
    library.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
    library.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    library.shmat.restype = ctypes.c_void_p
    library.shmdt.argtypes = [ctypes.c_void_p]
    library.shmctl.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    return library


class Segment:
    """``size`` bytes shared with the X server, by the number ``id``.

    Marked for removal as soon as both sides hold it, so that the kernel frees it with the last
    of them, however this process ends.
    """

    def __init__(self, server: Server, size: int) -> None:
        self._shm = server.extension("MIT-SHM")
        self._server = server
        self._library = _library()
        number = self._library.shmget(IPC_PRIVATE, size, IPC_CREAT | 0o600)
        if number < 0:
            raise TemporalCleanError(
                f"no shared memory of {size} bytes: {os.strerror(ctypes.get_errno())}; "
                f"see 'ipcs -l' and /proc/sys/kernel/shmmax"
            )
        try:
            self._address = self._library.shmat(number, None, 0)
            if self._address == FAILED:
                raise TemporalCleanError(
                    f"shared memory cannot be mapped: {os.strerror(ctypes.get_errno())}"
                )
            self.id: int = server.connection.generate_id()
            self._attach(number)
        finally:
            self._library.shmctl(number, IPC_RMID, None)
        buffer = memoryview((ctypes.c_uint8 * size).from_address(self._address))
        self.bytes: NDArray[np.uint8] = np.frombuffer(buffer, np.uint8)

    def picture(self, width: int, height: int) -> NDArray[np.uint8]:
        """The first ``width`` x ``height`` pixels as (height, width, 4) BGRA, in place."""
        return self.bytes[: width * height * 4].reshape(height, width, 4)

    def close(self) -> None:
        """Let go of it; arrays over it are invalid from now on. Once."""
        self.bytes = np.empty(0, np.uint8)
        # A server that has ended holds it no more.
        with suppress(xcffib.ConnectionException):
            self._shm.Detach(self.id)
            self._server.connection.flush()
        self._library.shmdt(self._address)

    def _attach(self, number: int) -> None:
        """Have the server map it; it cannot where it runs on another machine or as another user."""
        try:
            self._shm.Attach(self.id, number, False, is_checked=True).check()
        except xproto.AccessError:
            self._library.shmdt(self._address)
            raise TemporalCleanError(
                "the X server cannot use this process's shared memory: run temporal-clean on the "
                "X server's machine, in the same container and as the same user"
            ) from None
