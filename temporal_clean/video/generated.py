"""Frames that no file gave: what a writer must know of them."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Self

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.info import (
    BT709,
    MATRIX_RGB,
    RANGE_FULL,
    SRGB_TRANSFER,
    ColorTags,
    Frame,
    Pixels,
    VideoInfo,
)
from temporal_clean.video.places import Kind, find_place
from temporal_clean.video.writer import VideoWriter

__all__ = ["FrameWriter", "Generated", "write_frames"]


class Generated:
    """Stands where a writer expects its reader: 8-bit sRGB frames of one size at a constant rate.

    ``frames`` is how many there will be, as far as known.
    """

    def __init__(self, width: int, height: int, rate: Fraction, frames: int | None = None) -> None:
        self.origin, self.sources = Fraction(0), tuple[Path, ...]()
        self.info = VideoInfo(
            width=width,
            height=height,
            frame_rate=rate,
            frames=frames,
            duration=None if frames is None else frames / rate,
            time_base=1 / rate,
            codec="generated",
            pixel_format="rgb24",
            bits=8,
            is_rgb=True,
            subsampling=(0, 0),
            color=ColorTags(MATRIX_RGB, BT709, SRGB_TRANSFER, RANGE_FULL),
        )


class FrameWriter:
    """A video of (height, width, 3) uint8 RGB frames, lossless by default; use it with ``with``.

    ``options`` are added to the encoder's own. The same frames give the same bytes. Raises
    :class:`TemporalCleanError` if the file cannot be written, or if no frame came.
    """

    def __init__(
        self,
        path: Path,
        rate: Fraction,
        codec: str = "ffv1",
        options: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> None:
        self._place = find_place(path, (), overwrite)
        if self._place.kind is not Kind.VIDEO:
            raise TemporalCleanError(f"expected the name of a video such as .mkv, got {path}")
        self._rate, self._codec, self._options = rate, codec, options or {}
        self._writer: VideoWriter | None = None
        self.count = 0

    def write(self, pixels: Pixels) -> None:
        """Append a frame, of the first one's size."""
        if self._writer is None:
            source = Generated(pixels.shape[1], pixels.shape[0], self._rate)
            self._writer = VideoWriter(self._place, source, self._codec, self._options)
            self._writer.__enter__()
        time = self.count / self._rate
        self._writer.write(pixels, Frame(pixels, time, self.count, self.count, 1))
        self.count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if self._writer is not None:
            self._writer.__exit__(kind, *rest)
        elif kind is None:
            raise TemporalCleanError(f"{self._place.final} was not written: no frame was given")


def write_frames(
    path: Path,
    frames: Iterable[Pixels],
    rate: Fraction,
    codec: str = "ffv1",
    options: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> int:
    """Write all ``frames`` by a :class:`FrameWriter`; how many they were."""
    with FrameWriter(path, rate, codec, options, overwrite) as writer:
        for pixels in frames:
            writer.write(pixels)
    return writer.count
