"""Frames that no file gave: what a writer must know of them."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.info import BT709, RANGE_FULL, ColorTags, Frame, Pixels, VideoInfo
from temporal_clean.video.info import MATRIX_RGB, SRGB_TRANSFER
from temporal_clean.video.places import Kind, find_place
from temporal_clean.video.writer import VideoWriter

__all__ = ["Generated", "write_frames"]


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


def write_frames(
    path: Path,
    frames: Iterable[Pixels],
    rate: Fraction,
    codec: str = "ffv1",
    options: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> int:
    """Write (height, width, 3) uint8 RGB frames as a video, lossless by default; how many it took.

    ``options`` are added to the encoder's own. The same frames give the same bytes. Raises
    :class:`TemporalCleanError` if there is no frame or the file cannot be written.
    """
    place = find_place(path, (), overwrite)
    if place.kind is not Kind.VIDEO:
        raise TemporalCleanError(f"expected the name of a video such as .mkv, got {path}")
    iterator = iter(frames)
    if (first := next(iterator, None)) is None:
        raise TemporalCleanError(f"{path} was not written: no frame was given")
    source = Generated(first.shape[1], first.shape[0], rate)
    with VideoWriter(place, source, codec, options or {}) as writer:
        writer.write(first, Frame(first, Fraction(0), 0, 0, 1))
        count = 1
        for pixels in iterator:
            writer.write(pixels, Frame(pixels, count / rate, count, count, 1))
            count += 1
    return count
