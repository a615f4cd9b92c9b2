"""Opening a video file and telling what it holds."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.failures import cannot_open
from temporal_clean.video.info import MATRIX_RGB, RANGE_FULL, UNSPECIFIED, ColorTags, VideoInfo
from temporal_clean.video.mastering import has_dynamic_metadata, mastering_of
from temporal_clean.video.matrix import KNOWN_MATRICES
from temporal_clean.video.pixels import (
    chroma_siting,
    depth,
    has_alpha,
    is_gray,
    is_rgb,
    subsampling,
)
from temporal_clean.video.span import Span

__all__ = ["color_tags", "describe", "input_warnings", "open_container", "open_video"]

# FFmpeg shows any text file as ANSI art through these decoders.
TEXT_ART = {"ansi", "bintext", "idf", "xbin"}
PROGRESSIVE = (0, 1)  # AV_FIELD_UNKNOWN, AV_FIELD_PROGRESSIVE
MICROSECONDS = 1_000_000  # AV_TIME_BASE


def open_container(path: Path) -> InputContainer:
    """Open a media file.

    Raises :class:`TemporalCleanError` if it is missing, empty, cut short or not media. Metadata
    that is not UTF-8 survives as surrogates.
    """
    if not path.exists():
        raise TemporalCleanError(f"{path} does not exist: check the name")
    if not path.stat().st_size:
        raise TemporalCleanError(f"{path} is empty (0 bytes): record or copy it again")
    try:
        return av.open(str(path), metadata_errors="surrogateescape")
    except (FFmpegError, OSError) as error:
        raise cannot_open(path, error) from error


def open_video(path: Path) -> tuple[InputContainer, VideoStream]:
    """Open a video file and choose its stream of pictures, to be decoded on all cores."""
    container = open_container(path)
    try:
        stream = main_video(container, path)
    except BaseException:
        container.close()
        raise
    stream.thread_type = "AUTO"  # type: ignore[assignment]
    return container, stream


def main_video(container: InputContainer, path: Path) -> VideoStream:
    """The stream a player would show, cover pictures aside."""
    streams = [s for s in container.streams.video if not is_cover(s)]
    if not streams:
        kinds = sorted({s.type for s in container.streams if s.type != "video"}) or ["nothing"]
        raise TemporalCleanError(
            f"{path} holds no video, only {' and '.join(kinds)}: give a file with pictures"
        )
    best = container.streams.best("video")
    stream = next((s for s in streams if best is not None and s.index == best.index), streams[0])
    if stream.codec_context is None:
        raise TemporalCleanError(
            f"{path} holds video in a format this ffmpeg cannot decode: convert it first"
        )
    if stream.codec_context.name in TEXT_ART:
        raise TemporalCleanError(f"{path} is a text file, not a video: give a video file")
    return stream


def is_cover(stream: VideoStream) -> bool:
    """Whether the stream is a still picture attached to the file, such as an album's cover."""
    return bool(stream.disposition & Disposition.attached_pic)


def color_tags(frame: VideoFrame) -> ColorTags:
    """The tags of a decoded frame; grey tagged as RGB (PNG does) has no matrix to tell."""
    rgb, full = is_rgb(frame.format), frame.format.name.startswith("yuvj")
    mistaken = int(frame.colorspace) == MATRIX_RGB and not rgb
    return ColorTags(
        matrix=UNSPECIFIED if mistaken else int(frame.colorspace),
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        range=RANGE_FULL if full else int(frame.color_range),
        siting=None if rgb else chroma_siting(frame),
    )


def describe(
    container: InputContainer, stream: VideoStream, first: VideoFrame, span: Span
) -> VideoInfo:
    """The record of a video, from its first decoded frame and its container."""
    timed = stream.start_time is not None
    rate = (stream.average_rate if timed else None) or stream.guessed_rate
    whole = stream_duration(container, stream)
    duration = None if whole is None else span.length(whole)
    untouched = span.start is None and span.end is None
    frames = stream.frames if untouched and stream.frames else None
    if frames is None and duration is not None and rate:
        frames = round(duration * rate)
    return VideoInfo(
        width=first.width,
        height=first.height,
        frame_rate=rate,
        frames=frames,
        duration=duration,
        time_base=stream.time_base or Fraction(1, MICROSECONDS),
        codec=stream.codec_context.name,
        pixel_format=first.format.name,
        bits=depth(first.format),
        is_rgb=is_rgb(first.format),
        subsampling=chroma_detail(first.format),
        color=color_tags(first),
        sample_aspect_ratio=stream.sample_aspect_ratio or None,
        rotation=first.rotation,
        mastering=mastering_of(first),
    )


def chroma_detail(layout: VideoFormat) -> tuple[int, int]:
    """The subsampling an output needs: full for RGB, and for grey as coarse as is common."""
    if is_rgb(layout):
        return (0, 0)
    return (1, 1) if is_gray(layout) else subsampling(layout)


def stream_duration(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """Seconds of the stream, else of the whole file; ``None`` if the file does not say."""
    if stream.duration and stream.time_base:
        return stream.duration * stream.time_base
    if tag := stream.metadata.get("DURATION"):  # Matroska's statistics tag, 00:01:02.345000000
        hours, minutes, seconds = tag.split(":")
        return Fraction(hours) * 3600 + Fraction(minutes) * 60 + Fraction(seconds)
    return Fraction(container.duration, MICROSECONDS) if container.duration else None


def input_warnings(
    container: InputContainer, stream: VideoStream, first: VideoFrame, info: VideoInfo
) -> Iterator[str]:
    """What of the input will not come through, a sentence each."""
    if has_alpha(first.format):
        yield "transparency is dropped: the output is opaque"
    if first.interlaced_frame or stream.codec_context.field_order not in PROGRESSIVE:
        yield "the video is interlaced: its fields are cleaned as one picture; deinterlace it first"
    if has_dynamic_metadata(first):
        yield "dynamic HDR metadata (HDR10+ or Dolby Vision) is not kept: it described the source"
    others = [s for s in container.streams.video if s.index != stream.index]
    if covers := sum(is_cover(s) for s in others):
        yield f"{covers} cover picture(s) are not kept"
    if more := len(others) - covers:
        yield f"only one video track is cleaned; {more} more are not kept"
    if info.color.matrix not in {MATRIX_RGB, UNSPECIFIED, *KNOWN_MATRICES}:
        yield (
            f"colour matrix {info.color.matrix} (ITU-T H.273) is read as BT.2020: colours may "
            "shift slightly"
        )
