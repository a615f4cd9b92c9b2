"""Sound, subtitles, fonts, chapters: everything of a video file that is not its pictures."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError, InvalidDataError
from av.packet import Packet
from av.stream import AttachmentStream, Discard, Stream
from av.subtitles.stream import SubtitleStream

from temporal_clean.video.convert import Converter, audio_converter, text_converter
from temporal_clean.video.source import MICROSECONDS, open_container

__all__ = ["Tracks"]

# Tags that muxers write themselves, or that describe the source's container.
MUXER_TAGS = {"compatible_brands", "encoder", "major_brand", "minor_version"}
# Muxers that write negative timestamps; the others would delay the pictures to avoid them.
NEGATIVE_TIMES = {"mov", "mp4"}
# What a muxer claims to hold and then refuses (FFmpeg 8.1, movenc.c, mov_init).
UNTRUE = {("mov", "opus"), ("mov", "flac"), ("mov", "truehd")}
LANDING_SECONDS = 1  # sought this much early, so that no packet at the start is missed
STRAY_SECONDS = 10  # how far out of step a file's tracks may lie (FFmpeg's max_interleave_delta)


class Tracks:
    """Carries the other tracks of a file into ``output``, in step with the pictures.

    Packets are copied as they are; a track the container cannot hold is converted if that is
    simple, else left out, which is added to ``warnings``. With an ``origin`` (seconds of the
    source) packets before it are dropped and all times reduced by it; those from ``until`` on are
    dropped.
    """

    def __init__(
        self,
        source: Path,
        output: OutputContainer,
        origin: Fraction | None,
        until: Fraction | None,
        warnings: list[str],
    ) -> None:
        self._output, self._origin, self._until = output, origin, until
        self._warnings = warnings
        self._shift, self._holds = origin or Fraction(0), output.supported_codecs
        self._input = open_container(source)
        self._copies: dict[int, Stream] = {}
        self._converters: dict[int, Converter] = {}
        for stream in self._input.streams:
            self._route(stream)
        self._copy_tags()
        self._packets = self._wanted()
        self._waiting = next(self._packets, None)

    def close(self) -> None:
        """Close the source."""
        self._input.close()

    def advance(self, time: Fraction) -> None:
        """Write the packets that begin before ``time``, seconds of the source."""
        while self._waiting is not None and beginning(self._waiting) < time:
            self._write(self._waiting)
            self._waiting = next(self._packets, None)

    def finish(self) -> None:
        """Write what is left."""
        while self._waiting is not None:
            self._write(self._waiting)
            self._waiting = next(self._packets, None)
        for converter in self._converters.values():
            self._output.mux(converter.finish())

    def _route(self, stream: Stream) -> None:
        """Decide what becomes of a track: copied, converted or left out."""
        stream.discard = Discard.all
        if stream.type == "video" or self._is_chapter_text(stream):
            return
        kind, container = describe_track(stream), self._output.format.name
        if self._can_copy(stream):
            self._keep(stream, copy := self._output.add_stream_from_template(stream))
            self._copies[stream.index] = copy
        elif converter := self._converter(stream):
            self._keep(stream, self._output.streams[-1])
            self._converters[stream.index] = converter
            self._warnings.append(
                f"{kind} was converted to {converter.codec}: {container} cannot hold it"
            )
        else:
            advice = "" if stream.type == "data" or container == "matroska" else "; .mkv can"
            self._warnings.append(f"{kind} is not kept: {container} cannot hold it{advice}")

    def _can_copy(self, stream: Stream) -> bool:
        if isinstance(stream, AttachmentStream):
            return self._output.format.name == "matroska"
        context, container = stream.codec_context, self._output.format.name
        if context is None or (container, context.codec.canonical_name) in UNTRUE:
            return False
        return context.codec.name in self._holds

    def _converter(self, stream: Stream) -> Converter | None:
        if isinstance(stream, AudioStream):
            return audio_converter(stream, self._output, self._shift)
        if isinstance(stream, SubtitleStream):
            return text_converter(stream, self._output, self._shift)
        return None

    def _is_chapter_text(self, stream: Stream) -> bool:
        """MP4 stores chapter titles as a track besides; they come as chapters."""
        return getattr(stream, "name", None) == "bin_data" and bool(self._input.chapters())

    def _keep(self, stream: Stream, target: Stream) -> None:
        stream.discard = Discard.default
        target.metadata.update(plain_tags(stream.metadata))
        target.disposition = stream.disposition

    def _copy_tags(self) -> None:
        self._output.metadata.update(plain_tags(self._input.metadata))
        chapters = []
        for chapter in self._input.chapters():
            base = chapter["time_base"] or Fraction(1)
            start = max(chapter["start"] * base, self._shift) - self._shift
            end = chapter["end"] * base - self._shift
            if self._until is not None:
                end = min(end, self._until - self._shift)
            if end > start:
                ticks = {"start": round(start / base), "end": round(end / base)}
                chapters.append({**chapter, **ticks})
        self._output.set_chapters(chapters)

    def _wanted(self) -> Iterator[Packet]:
        """The packets of the kept tracks that lie between the start and the end."""
        if self._origin is not None:
            self._seek(self._origin)
        for packet in self._whole_packets():
            time = beginning(packet)
            if self._until is not None and time >= self._until:
                if time > self._until + STRAY_SECONDS:
                    return
            elif not self._before_start(packet, time):
                yield packet

    def _whole_packets(self) -> Iterator[Packet]:
        """The packets of the kept tracks up to the end of the file, or to where it is cut."""
        kept = sorted({*self._copies, *self._converters})
        if not kept:
            return
        try:
            for packet in self._input.demux(*(self._input.streams[i] for i in kept)):
                if packet.dts is not None or packet.pts is not None:
                    yield packet
        except InvalidDataError:
            self._warn("sound and subtitles end where the file is cut")

    def _before_start(self, packet: Packet, time: Fraction) -> bool:
        if self._origin is not None:
            return time < self._origin
        priming = self._output.format.name not in NEGATIVE_TIMES
        return priming and time + (packet.duration or 0) * packet.time_base <= 0

    def _seek(self, origin: Fraction) -> None:
        try:
            self._input.seek(max(0, int((origin - LANDING_SECONDS) * MICROSECONDS)))
        except FFmpegError:
            self._input.seek(0)

    def _write(self, packet: Packet) -> None:
        if converter := self._converters.get(packet.stream_index):
            try:
                self._output.mux(converter(packet))
            except InvalidDataError:
                self._warn("damaged sound or subtitles were skipped")
            return
        ticks = round(self._shift / packet.time_base)
        packet.stream = self._copies[packet.stream_index]
        packet.pts = None if packet.pts is None else packet.pts - ticks
        packet.dts = packet.pts if packet.dts is None else packet.dts - ticks
        self._output.mux(packet)

    def _warn(self, sentence: str) -> None:
        if sentence not in self._warnings:
            self._warnings.append(sentence)


def beginning(packet: Packet) -> Fraction:
    """When a packet is presented, seconds of the source."""
    ticks = packet.dts if packet.pts is None else packet.pts
    return (ticks or 0) * packet.time_base


def describe_track(stream: Stream) -> str:
    """``audio track 1 (aac)``."""
    context = stream.codec_context
    name = stream.name if context is None else context.codec.canonical_name
    return f"{stream.type} track {stream.index} ({name or 'unknown format'})"


def plain_tags(tags: dict[str, str]) -> dict[str, str]:
    """Tags worth copying: Matroska's statistics (DURATION, BPS, ...) would no longer be true."""
    statistics = {key for key in tags if key.startswith(("_STATISTICS", "DURATION", "BPS"))}
    statistics |= {key for key in tags if key.startswith("NUMBER_OF_")}
    return {k: v for k, v in tags.items() if k.lower() not in MUXER_TAGS and k not in statistics}
