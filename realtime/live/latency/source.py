"""A process that shows numbered frames in a window, and writes down when it drew each.

    python -m temporal_clean.realtime.live.latency.source TITLE WIDTH HEIGHT FPS RECORD.npy

says its process, window and place as one JSON line once it is drawing, and goes on until its
standard input ends. A plain window lies right above it, below an overlay: what is then read off
the screen is the overlay's picture, or nothing.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import xcffib.xproto as xproto
from numpy.typing import NDArray

from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.latency.barcode import layout
from temporal_clean.realtime.live.x11.canvas import Canvas, bgr_visual, is_completion
from temporal_clean.realtime.live.x11.server import Server
from temporal_clean.realtime.live.x11.windows import ancestors, is_viewable, place_of

__all__ = ["Cover", "Scenery", "SourceWindow", "main"]

# How far the scenery moves a frame, in pixels.
STEP = 3
GREY = 0x505050
# A window manager places a new window within this time.
PLACING_SECONDS = 0.5


class Scenery:
    """A textured background that moves, so that the network has its usual work."""

    def __init__(self, width: int, height: int) -> None:
        self.width = width
        rows, columns = np.mgrid[0:height, 0 : 2 * width].astype(np.float32)
        planes = [
            np.sin(columns * (np.pi * 2 * waves / width) + rows * 0.05 * (channel + 1))
            for channel, waves in enumerate((40, 23, 11))
        ]
        self.texture = np.empty((height, 2 * width, 4), np.uint8)
        self.texture[..., :3] = np.stack(planes, axis=-1) * 90 + 128
        self.texture[..., 3] = 255

    def frame(self, number: int) -> NDArray[np.uint8]:
        """The picture of this frame, its own copy; it comes back after ``width`` steps."""
        left = number * STEP % self.width
        return self.texture[:, left : left + self.width].copy()


class SourceWindow:
    """An ordinary window of a fixed size that a window manager may frame and place."""

    def __init__(self, title: str, width: int, height: int, display: str | None = None) -> None:
        self.server = Server(display)
        self.size = width, height
        core, root = self.server.core, self.server.root
        visual, depth = bgr_visual(self.server)
        colours, self.window = (self.server.connection.generate_id() for _ in range(2))
        core.CreateColormap(xproto.ColormapAlloc._None, colours, root, visual)
        kind, which = xproto.WindowClass.InputOutput, xproto.CW
        core.CreateWindow(
            depth, self.window, root, 0, 0, width, height, 0, kind, visual,
            which.BackPixel | which.BorderPixel | which.EventMask | which.Colormap,
            [0, 0, xproto.EventMask.StructureNotify, colours],
        )  # fmt: skip
        write = self.server.write
        write(self.window, "_NET_WM_NAME", "UTF8_STRING", 8, title.encode())
        write(self.window, "_NET_WM_PID", "CARDINAL", 32, np.uint32(os.getpid()).tobytes())
        # ICCCM 4.1.2.3, WM_NORMAL_HINTS: smallest and largest size are the same (flags 16 and 32).
        hints = np.zeros(18, np.uint32)
        hints[0], hints[5:7], hints[7:9] = 16 | 32, self.size, self.size
        write(self.window, "WM_NORMAL_HINTS", "WM_SIZE_HINTS", 32, hints.tobytes())
        core.MapWindow(self.window)
        self.canvas = Canvas(self.server, self.window, depth)
        self.canvas.grow(width * height * 4)

    def settle(self) -> Rectangle:
        """Wait until a window manager has placed it; where it is."""
        time.sleep(PLACING_SECONDS)
        while not is_viewable(self.server, self.window):
            time.sleep(0.01)
        return place_of(self.server, self.window)

    def draw(self, picture: NDArray[np.uint8]) -> None:
        """Have the server draw a picture, and wait until it has."""
        self.canvas.put(picture, 0, 0)
        while not self.canvas.idle:
            for event in self.events():
                if is_completion(event):
                    self.canvas.completed(event)

    def events(self) -> list[Any]:
        """What has come, after a wait of at most 10 ms."""
        found = self.server.events()
        if not found:
            self.server.wait(0.01)
            found = self.server.events()
        return found

    def close(self) -> None:
        """Take the window away."""
        self.canvas.close()
        self.server.close()


class Cover:
    """A plain window that keeps right above ``target``'s frame, so below any overlay of it.

    Has a connection and a thread of its own; an overlay that was shown anew lies below it for as
    long as the window server takes to tell.
    """

    def __init__(self, target: int, place: Rectangle, display: str | None = None) -> None:
        self.server = Server(display)
        core, root = self.server.core, self.server.root
        self.frame = [target, *ancestors(self.server, target)][-1]
        self.window = self.server.connection.generate_id()
        kind, which = xproto.WindowClass.InputOutput, xproto.CW
        core.CreateWindow(
            self.server.screen.root_depth, self.window, root, *place, 0, kind,
            self.server.screen.root_visual, which.BackPixel | which.OverrideRedirect, [GREY, 1],
        )  # fmt: skip
        core.ChangeWindowAttributes(
            root, xproto.CW.EventMask, [xproto.EventMask.SubstructureNotify]
        )
        core.MapWindow(self.window)
        self._restack()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._keep, name="cover", daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Take it away."""
        self.ended.set()
        self.thread.join()
        self.server.close()

    def _keep(self) -> None:
        while not self.ended.is_set():
            for event in self.server.events():
                between = getattr(event, "above_sibling", None) == self.frame
                if between and event.window != self.window:
                    self._restack()
            self.server.wait(0.1)

    def _restack(self) -> None:
        mask = xproto.ConfigWindow.Sibling | xproto.ConfigWindow.StackMode
        values = [self.frame, xproto.StackMode.Above]
        self.server.core.ConfigureWindow(self.window, mask, values)
        self.server.connection.flush()


def main(title: str, width: int, height: int, fps: float, record: Path) -> None:
    """Draw until standard input ends, then write [number, time] of each frame to ``record``."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    window, scenery = SourceWindow(title, width, height), Scenery(width, height)
    barcode = layout(width, height)
    window.draw(scenery.frame(0))
    place = window.settle()
    cover = Cover(window.window, place)
    said = {"process": os.getpid(), "window": window.window, "place": list(place)}
    print(json.dumps(said), flush=True)
    drawn: list[tuple[int, float]] = []
    due = time.monotonic()
    while not ended.is_set():
        picture = scenery.frame(len(drawn))
        barcode.stamp(picture, len(drawn))
        ended.wait(max(due - time.monotonic(), 0.0))
        drawn.append((len(drawn), time.monotonic()))
        window.draw(picture)
        # A late frame moves all that follow: none is drawn in haste.
        due = max(due + 1 / fps, time.monotonic())
    np.save(record, np.array(drawn, np.float64))
    cover.close()
    window.close()


if __name__ == "__main__":
    _, chosen_title, *numbers, target = sys.argv
    main(chosen_title, int(numbers[0]), int(numbers[1]), float(numbers[2]), Path(target))
