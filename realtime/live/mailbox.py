"""A mailbox of size one between the capture's thread and the processing one; newest wins.

Three slots hold pictures, each owned by exactly one party at any time: the writer, the mailbox
itself, or the reader, who keeps its slot until it takes the next. So nobody waits for anybody.
"""

import ctypes
import sys
import threading
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.live.frames import Frame

__all__ = ["Mailbox", "Owner", "Slot", "same_bytes"]

SLOTS = 3

_memcmp = ctypes.CDLL("msvcrt" if sys.platform == "win32" else None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
_memcmp.restype = ctypes.c_int


class Owner(Enum):
    """Who may touch a slot."""

    NOBODY = "nobody"
    WRITER = "writer"
    MAILBOX = "mailbox"
    READER = "reader"


@dataclass(eq=False)
class Slot:
    """Room for a picture, its owner, and once it is published the frame around it."""

    picture: NDArray[Any]
    owner: Owner = Owner.NOBODY
    frame: Frame | None = None


class Mailbox:
    """One writing thread, one reading thread; the reader is woken by frames and by ``poke``."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._slots = [Slot(np.empty((0, 0, 4), np.uint8)) for _ in range(SLOTS)]
        self._latest: Slot | None = None  # published last
        self._poked, self._closed = False, False

    def write(self, picture: NDArray[Any]) -> Slot:
        """A slot with a copy of the picture, to be published or discarded by the writer."""
        with self._changed:
            # There always is one: at most one slot each is the mailbox's and the reader's.
            slot = next(slot for slot in self._slots if slot.owner is Owner.NOBODY)
            slot.owner, slot.frame = Owner.WRITER, None
        if slot.picture.shape != picture.shape or slot.picture.dtype != picture.dtype:
            slot.picture = np.empty(picture.shape, picture.dtype)
        np.copyto(slot.picture, picture)
        return slot

    def repeats(self, slot: Slot) -> bool:
        """Whether the writer's picture is, byte for byte, the one published last."""
        return self._latest is not None and same_bytes(slot.picture, self._latest.picture)

    def publish(self, slot: Slot, frame: Frame) -> bool:
        """The writer's picture becomes the newest frame; True if one is lost that nobody took."""
        with self._changed:
            lost = [s for s in self._slots if s.owner is Owner.MAILBOX]
            for old in lost:
                old.owner = Owner.NOBODY
            slot.owner, slot.frame, self._latest = Owner.MAILBOX, frame, slot
            self._changed.notify_all()
        return bool(lost)

    def discard(self, slot: Slot) -> None:
        """The writer's picture is of no use."""
        with self._changed:
            slot.owner = Owner.NOBODY

    def take(self, timeout: float) -> Frame | None:
        """The newest frame, the reader's until it takes another; ``None`` if none came in time.

        A poke or the mailbox's end gives ``None`` at once; the slot in hand stays the reader's.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._poked or self._closed or self._ready(), timeout)
            self._poked = False
            if self._closed or not (ready := self._ready()):
                return None
            for slot in self._slots:
                if slot.owner is Owner.READER:
                    slot.owner = Owner.NOBODY
            ready[0].owner = Owner.READER
            return ready[0].frame

    def poke(self) -> None:
        """Wake the reader."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def close(self) -> None:
        """No frame is given out any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def owners(self) -> list[Owner]:
        """Of the three slots."""
        with self._changed:
            return [slot.owner for slot in self._slots]

    def _ready(self) -> list[Slot]:
        return [slot for slot in self._slots if slot.owner is Owner.MAILBOX]


def same_bytes(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Exact, by memcmp: it ends at the first difference, which moving pictures have early.

    Both C-contiguous. Nothing is allocated, and other threads run meanwhile.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    return _memcmp(first.ctypes.data, second.ctypes.data, first.nbytes) == 0
