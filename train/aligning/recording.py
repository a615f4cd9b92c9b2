"""A recording read once: a small grey picture and the time of each frame, kept in a scratch file.

Ten minutes at 60 Hz are 36,000 frames and 2 GB of scratch space; memory holds a few frames.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning.registration import LUMA
from temporal_clean.video import VideoInfo, open_input, to_8_bits

__all__ = ["THUMBNAIL", "Grey", "Recording", "read_recording"]

Grey = NDArray[np.uint8]

# 320x180 of 1920x1080: means over 6 x 6 pixels, in which a movement of 0.05 pixel is still seen
# over compression noise, because a whole picture's pixels vote.
THUMBNAIL = (320, 180)
SHORTEST = 16
# Seeking costs up to a group of pictures: frames this near to each other are read in one go.
SEEK_FRAMES = 120


@dataclass(frozen=True, eq=False)
class Recording:
    """``thumbnails`` (frames, height, width) uint8 luma of whole frames; ``times`` in seconds."""

    path: Path
    info: VideoInfo
    times: tuple[Fraction, ...]
    thumbnails: Grey

    def __len__(self) -> int:
        return len(self.times)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        return self.info.height, self.info.width

    @property
    def rate(self) -> float:
        """Frames a second, on average."""
        return (len(self) - 1) / max(float(self.times[-1] - self.times[0]), 1e-9)

    def pictures(self, indices: Iterable[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """(index, RGB uint8) of the wanted frames, in rising order; far ones are sought."""
        wanted = sorted(set(indices))
        while wanted:
            run = [wanted.pop(0)]
            while wanted and wanted[0] - run[-1] < SEEK_FRAMES:
                run.append(wanted.pop(0))
            yield from self._read(run)

    def _read(self, run: list[int]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        left, index = set(run), run[0]
        before = self.times[run[0] - 1] if run[0] else self.times[0]
        start = (before + self.times[run[0]]) / 2 - self.times[0] if run[0] else None
        with open_input(self.path, start=None if start is None else float(start)) as reader:
            for index, frame in enumerate(reader, run[0]):
                if index in left:
                    left.discard(index)
                    yield index, to_8_bits(frame.pixels)
                if not left:
                    return
        raise TemporalCleanError(
            f"{self.path} gave fewer frames than at first reading: close what writes to it"
        )


def read_recording(path: Path) -> Recording:
    """Read a video (or a folder of pictures) once, frame by frame.

    Raises :class:`TemporalCleanError` if it cannot be read or holds under 16 frames.
    """
    times: list[Fraction] = []
    scratch = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the array over it
    with open_input(path) as reader:
        width, height = thumbnail_size(reader.info.width, reader.info.height)
        for frame in reader:
            scratch.write(thumbnail(to_8_bits(frame.pixels), (width, height)).tobytes())
            times.append(frame.time)
        info = reader.info
    if len(times) < SHORTEST:
        raise TemporalCleanError(
            f"expected a recording of at least {SHORTEST} frames, {path} has {len(times)}: "
            "record some seconds"
        )
    scratch.flush()
    shape = (len(times), height, width)
    return Recording(path, info, tuple(times), np.memmap(scratch, np.uint8, "r", 0, shape))


def thumbnail(picture: NDArray[np.uint8], size: tuple[int, int]) -> Grey:
    """Luma of an RGB picture averaged down to ``size`` (width, height)."""
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.rint(small.astype(np.float32) @ LUMA).astype(np.uint8)


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) that fits into 320x180 in the same shape, never larger than the frame."""
    ratio = min(1.0, THUMBNAIL[0] / width, THUMBNAIL[1] / height)
    return max(32, round(width * ratio)), max(32, round(height * ratio))
