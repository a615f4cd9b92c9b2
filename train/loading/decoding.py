"""Decoding stretches of frames fast: one thread, from a key frame, by swscale."""

import io
from dataclasses import dataclass

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError

__all__ = ["Frames", "decode"]


@dataclass(frozen=True)
class Frames:
    """Consecutive frames, (frames, height, width, 3) uint8 RGB, the first one's index in ``start``.

    A still picture, as a mask may be, is one frame that stands for all.
    """

    start: int
    pixels: NDArray[np.uint8]

    def window(self, first: int, count: int) -> NDArray[np.uint8]:
        """The frames ``first`` to ``first + count`` of the clip."""
        if len(self.pixels) == 1:
            return np.broadcast_to(self.pixels, (count, *self.pixels.shape[1:]))
        return self.pixels[first - self.start : first - self.start + count]


def decode(source: str | io.BytesIO, rate: float, start: int, count: int, exact: bool) -> Frames:
    """Decode ``count`` frames (fewer at the end) at ``rate`` frames a second.

    From ``start`` on if ``exact``, else from the key frame at or before it, which wastes nothing.
    Raises :class:`TemporalCleanError` if there is nothing there.
    """
    pictures: list[NDArray[np.uint8]] = []
    first = start
    try:
        with av.open(source, "r") as container:
            stream = container.streams.video[0]
            # Workers run side by side, one a core: a decoder's own threads would only collide.
            stream.codec_context.thread_count = 1
            if start and stream.time_base:
                container.seek(round(start / rate / stream.time_base), stream=stream)
            scaler = VideoReformatter()
            for frame in container.decode(stream):
                index = round((frame.time or 0.0) * rate)
                if exact and index < start:
                    continue
                first = first if pictures else index
                pictures.append(to_rgb(frame, scaler))
                if len(pictures) == count:
                    break
    except FFmpegError as error:
        raise TemporalCleanError(f"{_name(source)} cannot be decoded: {error}") from error
    if not pictures:
        raise TemporalCleanError(f"{_name(source)} has no frame {start}: it is cut; make it again")
    return Frames(first, np.stack(pictures))


def to_rgb(frame: VideoFrame, scaler: VideoReformatter) -> NDArray[np.uint8]:
    """8-bit RGB of a frame by its own matrix and range; RGB is copied as it is."""
    full = frame.color_range == ColorRange.JPEG
    span = ColorRange.JPEG if full else ColorRange.MPEG
    rgb = scaler.reformat(
        frame,
        format="rgb24",
        interpolation=Interpolation.BICUBIC | Interpolation.ACCURATE_RND,
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=span,
        dst_color_range=ColorRange.JPEG,
    )
    return np.asarray(rgb.to_ndarray(), np.uint8)


def _name(source: str | io.BytesIO) -> str:
    return source if isinstance(source, str) else "a clip of a shard"
