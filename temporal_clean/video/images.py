"""Pictures as input: one file, a folder of them, or a pattern."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Self

from av.error import FFmpegError
from av.video.frame import VideoFrame

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.failures import reason
from temporal_clean.video.info import RANGE_FULL, UNSPECIFIED, ColorTags, Frame, VideoInfo
from temporal_clean.video.matrix import coding_of
from temporal_clean.video.pixels import Unpacker, depth, has_alpha, is_gray, is_rgb, subsampling
from temporal_clean.video.source import color_tags, open_container
from temporal_clean.video.span import Span

__all__ = ["IMAGE_RATE", "IMAGE_SUFFIXES", "ImageReader", "find_images", "numbered"]

IMAGE_RATE = Fraction(60)  # pictures tell no rate; games are mostly recorded at 60
IMAGE_SUFFIXES = frozenset(
    {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tga", ".tif", ".tiff", ".webp"}
)
JFIF_MATRIX = 5  # BT.601 (ITU-T T.871, section 7)
NUMBER = re.compile(r"%0?(\d*)d")


def numbered(name: str) -> re.Pattern[str] | None:
    """The names that a pattern such as ``frame_%04d.png`` stands for, the number as group 1."""
    if (number := NUMBER.search(name)) is None:
        return None
    before, after = re.escape(name[: number.start()]), re.escape(name[number.end() :])
    width = int(number[1] or 1)
    return re.compile(rf"{before}(\d{{{width},}}){after}")


def find_images(path: Path) -> list[Path] | None:
    """The picture files that ``path`` stands for, in order; ``None`` if it stands for a video.

    Raises :class:`TemporalCleanError` for a folder or a pattern without pictures.
    """
    if path.is_file():
        return [path] if path.suffix.lower() in IMAGE_SUFFIXES else None
    if path.is_dir():
        found = [file for file in path.iterdir() if is_image(file)]
    elif pattern := numbered(path.name):
        matches = ((pattern.fullmatch(file.name), file) for file in listing(path.parent))
        return some([f for _, f in sorted((int(m[1]), f) for m, f in matches if m)], path)
    elif any(mark in path.name for mark in "*?["):
        found = [file for file in listing(path.parent, path.name) if is_image(file)]
    else:
        return None
    return some(sorted(found, key=natural), path)


def is_image(file: Path) -> bool:
    """Whether a file is a picture by its suffix, and not hidden."""
    return (
        file.suffix.lower() in IMAGE_SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def listing(folder: Path, pattern: str = "*") -> Iterator[Path]:
    """The files of a folder; none if there is no such folder."""
    return folder.glob(pattern) if folder.is_dir() else iter(())


def natural(path: Path) -> list[tuple[int, str]]:
    """Sorting by the numbers in a name: frame_9 before frame_10."""
    parts = re.findall(r"(\d+)|(\D+)", path.name.lower())
    return [(int(digits or -1), text) for digits, text in parts]


def some(images: list[Path], path: Path) -> list[Path]:
    """``images``, or :class:`TemporalCleanError` if there are none."""
    if images:
        return images
    kinds = " ".join(sorted(IMAGE_SUFFIXES))
    raise TemporalCleanError(f"{path} holds no pictures: expected files with one of {kinds}")


class ImageReader:
    """Picture files as frames ``rate`` a second; iterate once, inside ``with``.

    The same interface as :class:`temporal_clean.video.reader.VideoReader`.
    """

    def __init__(self, path: Path, images: list[Path], span: Span, rate: Fraction) -> None:
        self.path, self.warnings, self.origin = path, list[str](), Fraction(0)
        self.until: Fraction | None = None
        first = ceil((span.start or 0) * rate)
        last = len(images) if span.end is None else ceil(span.end * rate)
        self.images = images[first:last]
        if not self.images:
            raise TemporalCleanError(
                f"{path} has no frames {span}: {len(images)} pictures at {float(rate):g} a second "
                f"last {float(len(images) / rate):.2f} s"
            )
        self.info = describe_image(decode_image(self.images[0]), len(self.images), rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing to close: each file is open only while it is read."""

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that must not be written over, and their folder."""
        return (*self.images, self.images[0].parent) if self.path.is_dir() else (*self.images,)

    def __iter__(self) -> Iterator[Frame]:
        """The pictures in order.

        Raises :class:`TemporalCleanError` if one cannot be read or has another size.
        """
        unpack, info = Unpacker(), self.info
        for index, file in enumerate(self.images):
            frame = decode_image(file)
            if (frame.width, frame.height) != (info.width, info.height):
                raise TemporalCleanError(
                    f"{file} is {frame.width}x{frame.height}, the first picture is "
                    f"{info.width}x{info.height}: give pictures of one size"
                )
            self._warn_of(frame)
            coding = coding_of(image_tags(frame), frame.height, depth(frame.format))
            pixels = unpack(frame, coding, info.dtype)
            yield Frame(pixels, index * info.time_base, index, index, 1, file.stem)

    def _warn_of(self, frame: VideoFrame) -> None:
        sentences = {
            "transparency is dropped: the output is opaque": has_alpha(frame.format),
            "the pictures' rotation tag is not kept": frame.rotation != 0,
        }
        self.warnings += [s for s, so in sentences.items() if so and s not in self.warnings]


def decode_image(file: Path) -> VideoFrame:
    """The picture in a file.

    Raises :class:`TemporalCleanError` if there is none.
    """
    with open_container(file) as container:
        try:
            frame = next(islice(container.decode(video=0), 1), None)
        except (FFmpegError, IndexError) as error:
            raise TemporalCleanError(
                f"{file} is damaged or not a picture ({reason(error)}): replace or remove it"
            ) from error
    if frame is None:
        raise TemporalCleanError(f"{file} is damaged or not a picture: replace or remove it")
    return frame


def image_tags(frame: VideoFrame) -> ColorTags:
    """The tags of a picture; what it does not say is as in JFIF: BT.601, full range."""
    tags = color_tags(frame)
    matrix = JFIF_MATRIX if tags.matrix == UNSPECIFIED else tags.matrix
    return replace(tags, matrix=matrix, range=tags.range or RANGE_FULL)


def describe_image(first: VideoFrame, count: int, rate: Fraction) -> VideoInfo:
    """The record of a row of pictures, from the first; grey ones count as RGB."""
    rgb = is_rgb(first.format) or is_gray(first.format)
    return VideoInfo(
        width=first.width,
        height=first.height,
        frame_rate=rate,
        frames=count,
        duration=count / rate,
        time_base=1 / rate,
        codec="images",
        pixel_format=first.format.name,
        bits=depth(first.format),
        is_rgb=rgb,
        subsampling=(0, 0) if rgb else subsampling(first.format),
        color=image_tags(first),
        is_images=True,
    )
