"""Small videos and pictures made on the spot, and an independent reading of the results."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from temporal_clean.video import open_input, open_output

# Kr, Kb of ITU-T H.273 table 4, by matrix code point.
WEIGHTS = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}
Tags = tuple[int, int, int, int]
UNTAGGED: Tags = (2, 2, 2, 0)
AUDIO_RATE = 48000


@dataclass(frozen=True)
class Picture:
    """A decoded picture as FFmpeg gives it; tags are matrix, primaries, transfer and range."""

    layout: str
    planes: tuple[np.ndarray, ...]
    time: Fraction
    tags: Tags


@dataclass(frozen=True)
class Track:
    """A track's codec, tags, and packets as (seconds, bytes)."""

    kind: str
    codec: str
    metadata: dict[str, str]
    packets: list[tuple[Fraction, bytes]]


class Lab:
    """Makes inputs in one folder and reads outputs; only :meth:`copy` uses the code under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __truediv__(self, name: str) -> Path:
        return self.folder / name

    def video(
        self,
        name: str,
        *,
        size: tuple[int, int] = (64, 48),
        count: int = 10,
        layout: str = "yuv420p",
        codec: str = "ffv1",
        tags: Tags = UNTAGGED,
        ticks: Sequence[int] | None = None,
        time_base: Fraction = Fraction(1, 30),
        rate: Fraction = Fraction(30),
        options: dict[str, str] | None = None,
        frames: Callable[[int], VideoFrame] | None = None,
        before: Callable[[Any, Any], None] | None = None,
        after: Callable[[Any], None] | None = None,
    ) -> Path:
        """A video of smooth moving content, or of ``frames``; hooks add other tracks."""
        path = self.folder / name
        with av.open(str(path), "w") as output:
            stream: Any = output.add_stream(
                codec, rate=rate, width=size[0], height=size[1], time_base=time_base
            )
            stream.pix_fmt, stream.options = layout, options or {}
            context = stream.codec_context
            context.colorspace, context.color_primaries, context.color_trc = tags[:3]
            context.color_range = tags[3]
            if before:
                before(output, stream)
            for index in range(count):
                frame = frames(index) if frames else smooth(layout, size, index)
                frame.pts, frame.time_base = (ticks or range(count))[index], time_base
                frame.colorspace, frame.color_range = tags[0], tags[3]
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
            if after:
                after(output)
        return path

    def picture(self, name: str, pixels: np.ndarray, layout: str) -> Path:
        """A picture file by its suffix's encoder; ``layout`` is what ``pixels`` holds."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        codec = {".png": "png", ".bmp": "bmp", ".tif": "tiff", ".jpg": "mjpeg"}[path.suffix]
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), layout)
        frame.pts, frame.color_range = 0, 2
        context: Any = av.CodecContext.create(codec, "w")
        context.width, context.height, context.pix_fmt = frame.width, frame.height, layout
        context.time_base, context.color_range = Fraction(1), 2
        packets = [*context.encode(frame), *context.encode(None)]
        path.write_bytes(b"".join(bytes(packet) for packet in packets))
        return path

    def copy(
        self,
        source: Any,
        target: Any,
        codec: str = "auto",
        overwrite: bool = True,
        stop: Any = None,
        **span: Any,
    ) -> Any:
        """What ``clean`` does, with a network that changes nothing; ``stop`` is raised midway."""
        with (
            open_input(source, **span) as reader,
            open_output(target, reader, codec=codec, overwrite=overwrite) as writer,
        ):
            for frame in reader:
                writer.write(frame.pixels, frame)
                if stop and frame.index >= (reader.info.frames or 0) // 3:
                    raise stop
        return writer

    def read(self, path: Path) -> list[Picture]:
        """All pictures of a file's first video track."""
        with av.open(str(path)) as source:
            return [picture(frame) for frame in source.decode(video=0)]

    def tracks(self, path: Path) -> list[Track]:
        """All tracks beside the video, in order."""
        with av.open(str(path)) as source:
            found = {s.index: track(s) for s in source.streams if s.type in ("audio", "subtitle")}
            for packet in source.demux():
                if packet.pts is not None and packet.stream.index in found:
                    item = (packet.pts * packet.time_base, bytes(packet))
                    found[packet.stream.index].packets.append(item)
        return list(found.values())

    def encode(self, rgb: np.ndarray, matrix: int, full: bool, bits: int) -> np.ndarray:
        """RGB in [0, 1] -> YCbCr codes, unrounded, by the equations of H.273."""
        red, blue = WEIGHTS[matrix]
        luma = red * rgb[..., 0] + (1 - red - blue) * rgb[..., 1] + blue * rgb[..., 2]
        cb, cr = (rgb[..., 2] - luma) / (2 - 2 * blue), (rgb[..., 0] - luma) / (2 - 2 * red)
        unit, peak = 2 ** (bits - 8), 2**bits - 1
        if full:
            return np.stack([luma * peak, cb * peak + 128 * unit, cr * peak + 128 * unit], -1)
        return np.stack([16 + 219 * luma, 128 + 224 * cb, 128 + 224 * cr], -1) * unit

    def frame(self, layout: str, planes: Iterable[np.ndarray]) -> VideoFrame:
        """A frame of these planes."""
        planes = list(planes)
        frame = VideoFrame(planes[0].shape[1], planes[0].shape[0], layout)
        for target, plane in zip(frame.planes, planes, strict=True):
            view(target, plane.dtype)[...] = plane
        return frame

    def sound(self, codec: str, seconds: float, language: str = "eng") -> Any:
        """A hook for :meth:`video`: adds a tone before the pictures are written."""

        def add(output: Any, _: Any) -> None:
            stream = output.add_stream(codec, rate=AUDIO_RATE)
            stream.metadata["language"] = language
            self._sounds.append((stream, seconds))

        self._sounds: list[tuple[Any, float]] = []
        return add

    def play(self, output: Any) -> None:
        """The hook that writes the tones of :meth:`sound`."""
        for stream, seconds in self._sounds:
            for start in range(0, round(seconds * AUDIO_RATE), 1024):
                wave = np.sin(np.arange(start, start + 1024) * 0.05).astype(np.float32) * 0.3
                chunk = av.AudioFrame.from_ndarray(np.stack([wave, wave]), "fltp", "stereo")
                chunk.sample_rate, chunk.pts = AUDIO_RATE, start
                chunk.time_base = Fraction(1, AUDIO_RATE)
                output.mux(stream.encode(chunk))
            output.mux(stream.encode(None))


def view(plane: Any, dtype: Any) -> np.ndarray:
    dtype = np.dtype(dtype)
    return np.ndarray(
        (plane.height, plane.width), dtype, plane, 0, (plane.line_size, dtype.itemsize)
    )


def sample_type(layout: Any) -> Any:
    return np.uint8 if max(part.bits for part in layout.components) <= 8 else np.uint16


def smooth(layout: str, size: tuple[int, int], index: int) -> VideoFrame:
    """Slow waves, inside every gamut and range, moving with ``index``."""
    if layout in ("bgr0", "rgb24"):
        return smooth("gbrp", size, index).reformat(format=layout)
    frame = VideoFrame(*size, layout)
    bits = max(part.bits for part in frame.format.components)
    for number, plane in enumerate(frame.planes):
        target = view(plane, sample_type(frame.format))
        y, x = np.mgrid[0 : plane.height, 0 : plane.width]
        down, across = frame.height / plane.height, frame.width / plane.width
        wave = np.sin((x * across + 3 * index) / 19 + number) * np.cos(y * down / 23)
        target[...] = np.rint((0.5 + (0.25 if number == 0 else 0.06) * wave) * (2**bits - 1))
    return frame


def picture(frame: VideoFrame) -> Picture:
    packed = len(frame.planes) == 1 and len(frame.format.components) > 1
    planes = (
        (frame.to_ndarray(format="rgb24"),)
        if packed
        else tuple(view(plane, sample_type(frame.format)).copy() for plane in frame.planes)
    )
    tags = (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range)
    time = (frame.pts or 0) * (frame.time_base or Fraction(0))
    return Picture(frame.format.name, planes, time, tags)


def track(stream: Any) -> Track:
    name = stream.codec_context.codec.canonical_name
    return Track(stream.type, name, dict(stream.metadata), [])


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory in an empty folder."""
    return Lab(tmp_path)


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A laboratory that hypothesis may use again and again."""
    return Lab(tmp_path_factory.mktemp("lab"))
