"""A process that reads the number on the screen over and over, and writes down each change.

    python -m temporal_clean.realtime.live.latency.reader X Y WIDTH HEIGHT MILLISECONDS RECORD.npz

looks every so many milliseconds until its standard input ends; says "looking" once it does. It
shares nothing with the live session: what it sees is what the X server shows.
"""

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import xcffib.xproto as xproto
from numpy.typing import NDArray

from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.latency.barcode import Strip, layout
from temporal_clean.realtime.live.x11.memory import Segment
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["ScreenReader", "main"]

ALL_PLANES = 0xFFFFFFFF
# Between looks before the first number: the engine is being opened and needs the processor.
IDLE_SECONDS = 0.05


class ScreenReader:
    """Reads the barcode of the picture that is on screen at ``place``."""

    def __init__(self, place: Rectangle, display: str | None = None) -> None:
        self.server = Server(display)
        self.place, self.barcode = place, layout(place.width, place.height)
        size = self.barcode.top.width * self.barcode.top.height * 4
        self.segments = [Segment(self.server, size) for _ in range(2)]
        self.requests = self.server.extension("MIT-SHM")

    def look(self) -> int | None:
        """The number on screen now; None if there is none, or a picture is being changed."""
        strips = (self.barcode.top, self.barcode.bottom)
        # Both asked for at once, so that the server has no time in between.
        asked = [
            self._ask(strip, segment) for strip, segment in zip(strips, self.segments, strict=True)
        ]
        for cookie in asked:
            cookie.reply()
        top, bottom = (
            segment.picture(strip.width, strip.height)
            for strip, segment in zip(strips, self.segments, strict=True)
        )
        return self.barcode.read_both(top, bottom)

    def close(self) -> None:
        """End the connection."""
        for segment in self.segments:
            segment.close()
        self.server.close()

    def _ask(self, strip: Strip, segment: Segment) -> Any:
        x, y = self.place.x + strip.x, self.place.y + strip.y
        style = xproto.ImageFormat.ZPixmap
        return self.requests.GetImage(
            self.server.root, x, y, strip.width, strip.height, ALL_PLANES, style, segment.id, 0
        )


def main(place: Rectangle, interval: float, record: Path) -> None:
    """Look until standard input ends; write [number, time] of changes, and the counts of looks.

    Looks are counted from the first number to the last: before and after them no overlay is shown,
    while an engine is opened or a session ends. With the first number an empty
    file appears beside ``record``, with the ending ``.seen``.
    """
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    reader = ScreenReader(place)
    print("looking", flush=True)
    changes: list[tuple[int, float]] = []
    looks = unreadable = 0
    until = looks, unreadable, time.monotonic()
    last: int | None = None
    while not ended.is_set():
        began = time.monotonic()
        number, now = reader.look(), time.monotonic()
        if number is not None and number != last:
            if not changes:
                record.with_suffix(".seen").touch()
            changes.append((number, now))
            last = number
        looks += bool(changes)
        unreadable += bool(changes) and number is None
        if number is not None:
            until = looks, unreadable, now
        pause = interval if changes else max(interval, IDLE_SECONDS)
        ended.wait(max(began + pause - time.monotonic(), 0.0))
    reader.close()
    seen: NDArray[np.float64] = np.array(changes, np.float64).reshape(-1, 2)
    looks, unreadable, end = until
    with record.open("wb") as file:
        np.savez(file, changes=seen, end=end, looks=looks, unreadable=unreadable)


if __name__ == "__main__":
    _, *numbers, milliseconds, target = sys.argv
    x, y, width, height = (int(number) for number in numbers)
    main(Rectangle(x, y, width, height), float(milliseconds) / 1e3, Path(target))
