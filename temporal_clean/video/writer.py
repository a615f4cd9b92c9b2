"""Writing frames as a video file, with the source's other tracks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from math import lcm
from typing import Any, Protocol, Self

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.error import ArgumentError, FFmpegError
from av.video.stream import VideoStream

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.encoders import CONTAINERS, Encoding, choose_encoding
from temporal_clean.video.failures import cannot_write, reason
from temporal_clean.video.info import Frame, Pixels, VideoInfo
from temporal_clean.video.matrix import coding_of
from temporal_clean.video.pixels import Packer
from temporal_clean.video.places import Place
from temporal_clean.video.reader import VideoReader
from temporal_clean.video.tracks import Tracks

__all__ = ["VideoWriter"]

CLOCKED = ("mp4", "mov")  # movenc.c has the option movie_timescale, 1000 by default
FASTEST_CLOCK = 2**31 - 1
FALLBACK_RATE = Fraction(60)  # a header's hint only: the timestamps say when frames are shown


class Source(Protocol):
    """What a writer asks of its reader."""

    @property
    def info(self) -> VideoInfo: ...

    @property
    def origin(self) -> Fraction: ...


class VideoWriter:
    """A video file that appears under its final name when the ``with`` block ends well.

    ``warnings`` tells what the output lacks of the input; it is complete at the end.
    """

    def __init__(
        self, place: Place, reader: Source, codec: str, options: Mapping[str, str] | None = None
    ) -> None:
        self._place, self._reader, self._info = place, reader, reader.info
        container = CONTAINERS[place.final.suffix.lower()]
        encoding = choose_encoding(codec, container, reader.info)
        self.encoding = replace(encoding, options={**encoding.options, **(options or {})})
        self.warnings = list(self.encoding.warnings)
        self._first_tick = round(reader.origin / reader.info.time_base)
        color, size = self.encoding.color, (reader.info.width, reader.info.height)
        coding = coding_of(color, reader.info.height, self.encoding.bits)
        self._pack = Packer(*size, self.encoding.pixel_format, coding, color.siting)
        self._count, self._tracks = 0, None
        self._output = av.open(
            str(place.partial),
            "w",
            format=container,
            metadata_errors="surrogateescape",
            # No random identifiers: the same input gives the same bytes.
            container_options={"fflags": "+bitexact"},
        )

    def __enter__(self) -> Self:
        try:
            self._place.prepare()
            self._open()
        except (FFmpegError, OSError) as error:
            self._abandon()
            raise cannot_write(self._place.final, error) from error
        except BaseException:
            self._abandon()
            raise
        return self

    def _open(self) -> None:
        """Set up the encoder, then the other tracks: the header knows them all."""
        self._stream = add_video(self._output, self.encoding, self._info, self._place)
        if isinstance(self._reader, VideoReader):
            origin = self._reader.origin if self._reader.trimmed else None
            span = (origin, self._reader.until)
            self._tracks = Tracks(self._reader.path, self._output, *span, self.warnings)
        self._output.container_options.update(exact_offsets(self._output))
        try:
            self._output.start_encoding()
        except (ArgumentError, ValueError) as error:
            raise TemporalCleanError(
                f"{self._place.final.suffix} cannot hold {self.encoding.codec} video with these "
                f"tracks ({reason(error)}): use .mkv, or codec auto"
            ) from error

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._finish()
        except (FFmpegError, OSError) as error:
            raise cannot_write(self._place.final, error) from error
        finally:
            self._abandon()

    def write(self, pixels: Pixels, frame: Frame) -> None:
        """Write the picture that ``frame`` became, at its time.

        Raises :class:`TemporalCleanError` if it cannot be written.
        """
        self._info.check(pixels)
        color, picture = self.encoding.color, self._pack(pixels)
        picture.pts, picture.time_base = frame.ticks - self._first_tick, self._info.time_base
        picture.duration = frame.duration
        picture.colorspace, picture.color_range = color.matrix, color.range
        picture.color_primaries, picture.color_trc = color.primaries, color.transfer
        try:
            self._output.mux(self._stream.encode(picture))
            if self._tracks is not None:
                self._tracks.advance(frame.time)
        except (FFmpegError, OSError) as error:
            raise cannot_write(self._place.final, error) from error
        self._count += 1

    def _finish(self) -> None:
        if not self._count:
            raise TemporalCleanError(f"{self._place.final} was not written: no frame was given")
        self._output.mux(self._stream.encode(None))
        if self._tracks is not None:
            self._tracks.finish()
        self._output.close()
        self._place.commit()

    def _abandon(self) -> None:
        """Close all files, and remove what is unfinished."""
        with suppress(FFmpegError, OSError):
            self._output.close()
        if self._tracks is not None:
            self._tracks.close()
        self._place.discard()


def exact_offsets(output: OutputContainer) -> dict[str, str]:
    """The clock by which MP4 and QuickTime delay tracks: a common one, not milliseconds."""
    if output.format.name not in CLOCKED:
        return {}
    clocks = [s.time_base.denominator for s in output.streams if s.time_base]
    common = lcm(*clocks)
    return {"movie_timescale": str(common if common <= FASTEST_CLOCK else clocks[0])}


def add_video(output: Any, encoding: Encoding, info: VideoInfo, place: Place) -> VideoStream:
    """A stream for the pictures, its encoder open.

    Raises :class:`TemporalCleanError` if the container or the encoder refuses.
    """
    try:
        stream = output.add_stream(
            encoding.codec,
            rate=info.frame_rate or FALLBACK_RATE,
            options=dict(encoding.options),
            width=info.width,
            height=info.height,
            bit_rate=encoding.bit_rate,
            time_base=info.time_base,
        )
    except ValueError as error:
        raise TemporalCleanError(
            f"{place.final.suffix} cannot hold {encoding.codec} video: use .mkv, or codec auto"
        ) from error
    set_up(stream, encoding, info)
    try:
        stream.codec_context.open()
    except FFmpegError as error:
        raise TemporalCleanError(
            f"{encoding.codec} refused video of {info.width}x{info.height} in "
            f"{encoding.pixel_format} ({reason(error)}): choose another codec, such as auto"
        ) from error
    return stream


def set_up(stream: VideoStream, encoding: Encoding, info: VideoInfo) -> None:
    """The encoder's format, colour tags and shape."""
    context, color = stream.codec_context, encoding.color
    context.pix_fmt = encoding.pixel_format
    context.thread_type = "AUTO"  # type: ignore[assignment]
    context.flags |= Flags.frame_duration
    context.colorspace, context.color_range = color.matrix, color.range
    context.color_primaries, context.color_trc = color.primaries, color.transfer
    if color.siting:
        context.options["chroma_sample_location"] = color.siting
    if info.sample_aspect_ratio:
        context.sample_aspect_ratio = info.sample_aspect_ratio
    if encoding.tag:
        context.codec_tag = encoding.tag
    if info.rotation:
        stream.set_display_rotation(info.rotation)
