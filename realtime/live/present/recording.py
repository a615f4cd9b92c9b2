"""A presenter that shows as another does and writes what is shown to a video file.

The file is written on a thread of its own. What it cannot keep up with is left out and counted;
the picture on the screen never waits.
"""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle, pixel_format
from temporal_clean.realtime.live.hdr import HdrComposer
from temporal_clean.realtime.live.present.base import Presenter
from temporal_clean.video.generated import Generated
from temporal_clean.video.info import Frame, VideoInfo
from temporal_clean.video.places import Kind, find_place
from temporal_clean.video.writer import VideoWriter

__all__ = ["Recording"]

# Pictures that may wait for the encoder: a quarter of a second at 60 frames a second, and 130 MB
# at 1080p.
WAITING = 16
# Ticks a second of the file's timestamps: Matroska keeps milliseconds, MP4 any clock.
CLOCK = 1000


class Shown(NamedTuple):
    """A picture and when it was shown."""

    picture: NDArray[Any]
    time: float


class Recording:
    """Wraps a presenter. Another size of picture begins another file, ``name-2``, ``name-3``.

    HDR is recorded as SDR, brighter than white as white. ``dropped`` counts pictures that the
    encoder had no time for. Raises :class:`TemporalCleanError` at once if the file cannot be.
    """

    def __init__(self, inner: Presenter, path: Path, overwrite: bool) -> None:
        self.inner, self.path, self.overwrite = inner, path, overwrite
        self.formats: tuple[PixelFormat, ...] = inner.formats
        self.covers = inner.covers
        self.dropped, self.written = 0, 0
        self.files: list[Path] = []
        if find_place(path, (), overwrite).kind is not Kind.VIDEO:
            raise TemporalCleanError(f"expected the name of a video such as .mkv, got '{path}'")
        self._queue: queue.Queue[Shown | None] = queue.Queue(WAITING)
        self._error: Exception | None = None
        self._composer: HdrComposer | None = None
        self._thread = threading.Thread(target=self._run, name="temporal-clean recorder")

    @property
    def description(self) -> str:
        return f"{self.inner.description}, recorded to '{self.path.name}'"

    @property
    def notes(self) -> Sequence[str]:
        return self.inner.notes

    def outcome(self) -> list[str]:
        """How the recording went, in sentences, once it is closed."""
        if self._error is not None:
            return [f"the recording stopped: {self._error}"]
        if not self.files:
            return ["nothing was recorded: no picture was shown"]
        left_out = f", {self.dropped} left out for want of time" if self.dropped else ""
        names = " ".join(str(file) for file in self.files)
        return [f"recorded {self.written} frames{left_out}: {names}"]

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show, and leave the picture for the encoder if it has room."""
        self.inner.show(picture, place)
        if not self._thread.ident:
            self._thread.start()
        if self._queue.full():
            self.dropped += 1
        else:
            self._queue.put(Shown(picture.copy(), time.monotonic()))

    def hide(self) -> None:
        self.inner.hide()

    def poll(self) -> Sequence[Event]:
        return self.inner.poll()

    def close(self) -> None:
        """Write what waits still, finish the file, close the inner presenter."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self.inner.close()

    def _run(self) -> None:
        """Write file after file; once one fails the rest is left out, the show goes on."""
        try:
            first = self._queue.get()
            while first is not None:
                first = self._write_file(first)
        except Exception as error:  # told at the end: a full disk must not end the game
            self._error = error
            while self._queue.get() is not None:
                self.dropped += 1

    def _write_file(self, first: Shown) -> Shown | None:
        """All pictures of one size; gives the first of another, or ``None`` at the end."""
        height, width = first.picture.shape[:2]
        path = self.path
        if self.files:
            path = path.with_stem(f"{path.stem}-{len(self.files) + 1}")
        source = Timed(width, height)
        with VideoWriter(find_place(path, (), self.overwrite), source, "auto") as writer:
            shown, tick = first, -1
            while shown is not None and shown.picture.shape[:2] == (height, width):
                # Two pictures within a tick of the clock still need different timestamps.
                tick = max(round((shown.time - first.time) * CLOCK), tick + 1)
                rgb = self._as_rgb(shown.picture)
                writer.write(rgb, Frame(rgb, Fraction(tick, CLOCK), self.written, tick))
                self.written += 1
                shown = self._queue.get()
        self.files.append(path)
        return shown

    def _as_rgb(self, picture: NDArray[Any]) -> NDArray[np.uint8]:
        if pixel_format(picture) == "rgba16f":
            self._composer = self._composer or HdrComposer()
            picture = self._composer.to_sdr(picture)
        return np.ascontiguousarray(picture[..., 2::-1])


class Timed:
    """Stands where a writer expects its reader: frames of one size, at times of their own."""

    def __init__(self, width: int, height: int) -> None:
        self.origin = Fraction(0)
        constant = Generated(width, height, Fraction(60)).info
        self.info: VideoInfo = replace(constant, frame_rate=None, time_base=Fraction(1, CLOCK))
