"""Reading a video file: its frames as RGB, in order, one at a time."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Self

from av.video.frame import VideoFrame

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.decoder import Decoder
from temporal_clean.video.info import Frame
from temporal_clean.video.matrix import coding_of
from temporal_clean.video.pixels import Unpacker
from temporal_clean.video.source import describe, input_warnings
from temporal_clean.video.span import Span

__all__ = ["VideoReader"]


class VideoReader:
    """A video file as RGB frames; iterate once, inside ``with``.

    ``warnings`` tells what a user should know; it is complete once the frames have been read.
    ``origin`` is the source's time that becomes 0 in the output: the first frame's if a start was
    given (``trimmed``), else 0, which leaves timestamps as they are. ``until`` is the source's time
    of the end.
    """

    def __init__(self, path: Path, span: Span) -> None:
        self.path, self._decoder = path, Decoder(path)
        self.trimmed = span.start is not None
        try:
            self._begin(span)
        except BaseException:
            self.close()
            raise

    def _begin(self, span: Span) -> None:
        """Decode up to the first frame wanted: only then is it known what the file gives."""
        decoder = self._decoder
        frames = decoder.frames()
        if (first := next(frames, None)) is None:
            raise TemporalCleanError(
                f"{self.path} has no picture that can be decoded: it is damaged or cut short; "
                "record or copy it again"
            )
        self.info = describe(decoder.container, decoder.stream, first, span)
        self.warnings = [*input_warnings(decoder.container, decoder.stream, first, self.info)]
        clip_start, wanted = decoder.time(first), first
        self.until = None if span.end is None else clip_start + span.end
        if span.start is not None:
            frames = decoder.frames_from(clip_start + span.start, first)
            wanted = next(frames, None)
        if wanted is None or (self.until is not None and decoder.time(wanted) >= self.until):
            raise TemporalCleanError(
                f"{self.path} has no frames {span}: choose a part inside the clip"
            )
        self.origin = decoder.time(wanted) if self.trimmed else Fraction(0)
        self._frames = chain([wanted], frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; iterating is over."""
        self._decoder.close()

    @property
    def other_tracks(self) -> set[str]:
        """The kinds of sound and text beside the pictures: ``audio``, ``subtitle``."""
        return {s.type for s in self._decoder.container.streams} & {"audio", "subtitle"}

    @property
    def sources(self) -> tuple[Path, ...]:
        """The files that must not be written over."""
        return (self.path,)

    def __iter__(self) -> Iterator[Frame]:
        """The frames in order of presentation.

        Raises :class:`TemporalCleanError` if the picture's size changes or reading fails midway.
        """
        unpack, info = Unpacker(), self.info
        coding = coding_of(info.color, info.height, info.bits)
        ticks: int | None = None
        for index, frame in enumerate(self._frames):
            if self.until is not None and self._decoder.time(frame) >= self.until:
                return
            if (frame.width, frame.height) != (info.width, info.height):
                raise self._size_changed(frame)
            ticks = self._next_tick(frame, ticks)
            pixels = unpack(frame, coding, info.dtype)
            yield Frame(pixels, ticks * info.time_base, index, ticks, frame.duration or 0)
        self.warnings += self._decoder.warnings()

    def _size_changed(self, frame: VideoFrame) -> TemporalCleanError:
        return TemporalCleanError(
            f"{self.path} changes size from {self.info.width}x{self.info.height} to "
            f"{frame.width}x{frame.height} at {float(self._decoder.time(frame)):.3f} s: "
            "clean the parts apart, with start and end"
        )

    def _next_tick(self, frame: VideoFrame, last: int | None) -> int:
        """The frame's timestamp, made to rise where a damaged file's does not."""
        ticks = frame.pts or 0
        if last is None or ticks > last:
            return ticks
        sentence = "some timestamps do not rise: those frames were put just after the last"
        if sentence not in self.warnings:
            self.warnings.append(sentence)
        return last + 1
