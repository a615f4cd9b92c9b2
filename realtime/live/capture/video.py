"""A video file as a live source: its frames in real time, once or for ever."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from temporal_clean.realtime.live.capture.clocked import ClockedCapture, Timed
from temporal_clean.video import open_input, to_8_bits

__all__ = ["VideoCapture"]


class VideoCapture(ClockedCapture):
    """Any video that ffmpeg reads, or a row of pictures, at its own frame rate; 8 bits, no sound.

    Raises :class:`TemporalCleanError` at once if it cannot be read. HDR files are shown by their
    code values, without a tone curve.
    """

    def __init__(self, path: str | Path, loop: bool = False) -> None:
        super().__init__()
        self.path, self.loop = Path(path), loop
        with open_input(self.path) as reader:
            self.info = reader.info
        self.description = f"video '{self.path.name}'"

    def frames(self) -> Iterator[Timed]:
        """All frames, again and again if it loops."""
        begun = 0.0
        while True:
            lasted = 0.0
            for picture, due in self._once():
                lasted = due
                yield Timed(picture, begun + due)
            if not self.loop:
                return
            begun += lasted + 1.0 / float(self.info.frame_rate or 60)

    def _once(self) -> Iterator[Timed]:
        """The file's frames as BGRA, all in one array: the sink copies."""
        picture = np.full((self.info.height, self.info.width, 4), 255, np.uint8)
        with open_input(self.path) as reader:
            first = None
            for frame in reader:
                first = frame.time if first is None else first
                picture[..., :3] = to_8_bits(frame.pixels)[..., ::-1]
                yield Timed(picture, float(frame.time - first))
