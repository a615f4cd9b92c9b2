"""Video files and pictures, in and out.

with open_input("clip.mp4") as reader, open_output("clean.mp4", reader) as writer:
    for frame in reader:
        writer.write(clean(frame.pixels), frame)
"""

from fractions import Fraction
from pathlib import Path

from temporal_clean.video.image_writer import ImageWriter
from temporal_clean.video.images import IMAGE_RATE, ImageReader, find_images
from temporal_clean.video.info import ColorTags, Frame, Pixels, VideoInfo, to_8_bits
from temporal_clean.video.places import Kind, find_place
from temporal_clean.video.reader import VideoReader
from temporal_clean.video.span import Span
from temporal_clean.video.writer import VideoWriter

__all__ = [
    "IMAGE_RATE",
    "ColorTags",
    "Frame",
    "Pixels",
    "Reader",
    "VideoInfo",
    "Writer",
    "open_input",
    "open_output",
    "to_8_bits",
]

Reader = VideoReader | ImageReader
Writer = VideoWriter | ImageWriter


def open_input(
    path: str | Path,
    start: float | None = None,
    end: float | None = None,
    image_rate: Fraction = IMAGE_RATE,
) -> Reader:
    """Open a video file, a picture, a folder of pictures or a pattern of their names.

    ``start`` and ``end`` are seconds from the first frame; pictures count ``image_rate`` a second.
    Raises :class:`temporal_clean.errors.TemporalCleanError` if there is nothing to read.
    """
    span, place = Span.of(start, end), Path(path)
    if (images := find_images(place)) is not None:
        return ImageReader(place, images, span, image_rate)
    return VideoReader(place, span)


def open_output(
    path: str | Path, reader: Reader, codec: str = "auto", overwrite: bool = False
) -> Writer:
    """An output for what ``reader`` gives, which appears once its ``with`` block ends well.

    A path ending in .mp4, .m4v, .mov, .mkv or .webm is a video; in a picture's suffix one picture,
    or with ``%04d`` in its name a numbered row; without suffix or with a slash at the end a
    folder of pictures. ``codec`` is ``auto`` (visually lossless), ``ffv1`` (lossless) or any video
    encoder of ffmpeg. Raises :class:`temporal_clean.errors.TemporalCleanError` if it cannot be.
    """
    place = find_place(path, reader.sources, overwrite)
    if place.kind is Kind.VIDEO:
        return VideoWriter(place, reader, codec)
    return ImageWriter(place, reader, codec)
