"""Tracks that a container cannot hold as they are, converted to what it can."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Protocol

from av import Codec
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.subtitles.subtitle import AssSubtitle

__all__ = ["Converter", "audio_converter", "text_converter"]

AUDIO_ENCODERS = {"webm": "libopus"}  # the others take AAC
SUBTITLE_CODECS = {"matroska": "subrip", "mov": "mov_text", "mp4": "mov_text", "webm": "webvtt"}
TEXT_CODECS = {"ass", "mov_text", "srt", "ssa", "subrip", "text", "webvtt"}
# What text encoders want before they start: a script of the format's version and its columns.
ASS_HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\n"
    b"Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, "
    b"Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, "
    b"Shadow, Alignment, MarginL, MarginR, MarginV, Encoding\r\n"
    b"Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r\n"
    b"\r\n[Events]\r\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)
STYLING = re.compile(rb"\{[^}]*\}")  # ASS override codes
MILLISECOND = Fraction(1, 1000)


class Converter(Protocol):
    """Packets of one track in, packets for the output out; times reduced by ``shift``."""

    codec: str

    def __call__(self, packet: Packet) -> list[Packet]: ...

    def finish(self) -> list[Packet]: ...


@dataclass
class AudioConverter:
    """Decodes and encodes again; the encoder resamples as it needs."""

    target: AudioStream
    shift: Fraction
    codec: str

    def __call__(self, packet: Packet) -> list[Packet]:
        packets: list[Packet] = []
        for frame in packet.decode():
            if frame.pts is not None and frame.time_base:  # type: ignore[union-attr]
                frame.pts -= round(self.shift / frame.time_base)  # type: ignore[union-attr]
            packets += self.target.encode(frame)  # type: ignore[arg-type]
        return packets

    def finish(self) -> list[Packet]:
        """The encoder's last packets."""
        return list(self.target.encode(None))


@dataclass
class TextConverter:
    """Subtitles as plain text: what every format of text subtitles shares."""

    target: Stream
    shift: Fraction
    codec: str

    def __call__(self, packet: Packet) -> list[Packet]:
        lines = [s.dialogue for s in packet.decode() if isinstance(s, AssSubtitle)]
        if not lines or packet.pts is None:
            return []
        text = b"\n".join(STYLING.sub(b"", line).replace(b"\\N", b"\n") for line in lines)
        if self.codec == "mov_text":  # 3GPP TS 26.245, section 5.17: the length, then the text
            text = len(text).to_bytes(2, "big") + text
        converted = Packet(text)
        converted.stream = self.target
        converted.time_base = MILLISECOND
        converted.pts = round((packet.pts * packet.time_base - self.shift) / MILLISECOND)
        converted.dts = converted.pts
        converted.duration = round((packet.duration or 0) * packet.time_base / MILLISECOND)
        return [converted]

    def finish(self) -> list[Packet]:
        """Nothing waits."""
        return []


def audio_converter(
    source: AudioStream, output: OutputContainer, shift: Fraction
) -> Converter | None:
    """A converter to the container's usual sound codec; ``None`` if ffmpeg cannot decode it."""
    if source.codec_context is None:
        return None
    name = AUDIO_ENCODERS.get(output.format.name, "aac")
    rates = Codec(name, "w").audio_rates or [source.sample_rate]
    rate = min(rates, key=lambda r: (r < source.sample_rate, abs(r - source.sample_rate)))
    target: Any = output.add_stream(name, rate=rate, layout=source.layout.name)
    return AudioConverter(target, shift, name)


def text_converter(
    source: SubtitleStream, output: OutputContainer, shift: Fraction
) -> Converter | None:
    """A converter to the container's text subtitles; ``None`` for pictures of text."""
    if source.codec_context is None or source.codec_context.name not in TEXT_CODECS:
        return None
    name = SUBTITLE_CODECS[output.format.name]
    target: Any = output.add_stream(name, time_base=MILLISECOND)
    target.codec_context.subtitle_header = ASS_HEADER
    return TextConverter(target, shift, name)
