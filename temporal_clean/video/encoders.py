"""Which encoder, pixel format and options an output gets."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from av import Codec
from av.codec.codec import UnknownCodecError
from av.video.format import VideoFormat

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.info import (
    BT709,
    MATRIX_RGB,
    RANGE_FULL,
    RANGE_LIMITED,
    SRGB_TRANSFER,
    UNSPECIFIED,
    ColorTags,
    VideoInfo,
)
from temporal_clean.video.mastering import mastering_option
from temporal_clean.video.pixels import depth, has_alpha, is_gray, is_rgb, subsampling

__all__ = ["CONTAINERS", "Encoding", "choose_encoding"]

# Container formats by file name, and the encoders that suit them for 8 bits and for more.
CONTAINERS = {
    ".mkv": "matroska",
    ".mov": "mov",
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".webm": "webm",
}
DEFAULTS = ("libx264", "libx265")
WEBM_DEFAULTS = ("libvpx-vp9", "libsvtav1")

# Visually lossless and fast. x264: CRF 17-18 is "visually lossless or nearly so"
# (trac.ffmpeg.org/wiki/Encode/H.264), 12 leaves room for the faster preset and for fine game
# textures; it coarsens chroma by 6 in 4:4:4, which tinted them by 2 codes until taken back. The
# scales of x265 and AV1 are coarser by about 2 to 6 at equal quality.
OPTIONS = {
    "libx264": {"crf": "12", "preset": "veryfast", "x264-params": "chroma-qp-offset=-6"},
    "libx264rgb": {"crf": "14", "preset": "veryfast"},
    "libx265": {"crf": "16", "preset": "superfast", "x265-params": "log-level=none"},
    "libvpx-vp9": {"crf": "18", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
    "libsvtav1": {"crf": "18", "preset": "9"},
    "ffv1": {"level": "3", "slicecrc": "1", "g": "1"},
    "h264_nvenc": {"rc": "vbr", "cq": "16", "preset": "p4"},
    "hevc_nvenc": {"rc": "vbr", "cq": "18", "preset": "p4"},
    "av1_nvenc": {"rc": "vbr", "cq": "20", "preset": "p4"},
}
FALLBACK_RATE = 60
# Clips shorter than x265's B-frame delay get random decoding times (PyAV 18.1: of 2 frames, one
# run in 12 failed, of 12 frames none).
SHORT_CLIP = 16
# Narrower pictures make x265 write outside its memory (PyAV 18.1; 48x64 crashes, 64x48 does not),
# and SVT-AV1 refuses them.
SMALLEST = {"libx265": 64, "libsvtav1": 64}
# Slices are for threads; FFmpeg's FFV1 refuses its own choice of them at a few sizes under 14
# pixels a side (8x23; of 4:2:0 up to 71x71, ten).
FFV1_SLICED_FROM = 64
# For every other encoder: about twice what YouTube recommends for 1080p60 uploads (12 Mbit/s).
BITS_PER_PIXEL = 0.2
# Encoders that refuse odd sizes with subsampled chroma (the first two tried, the others assumed).
EVEN_ONLY = {"libx264", "libx265", "h264_nvenc", "hevc_nvenc", "av1_nvenc"}
# QuickTime plays H.265 only under this tag (Apple HLS authoring specification, 1.10).
TAGS = {("libx265", "mp4"): "hvc1", ("libx265", "mov"): "hvc1"}
# What RGB becomes where it does not say (IEC 61966-2-1 sRGB, stored as BT.709 YCbCr), with chroma
# where H.264 and H.265 put it by default; BT.2020 primaries take BT.2020's matrix.
DEFAULT_SITING = "left"
BT2020_PRIMARIES = BT2020_MATRIX = 9
SUGGESTIONS = "auto, libx264, libx265, libvpx-vp9, libsvtav1 or ffv1 (lossless, .mkv)"


@dataclass(frozen=True)
class Encoding:
    """An encoder and how it is to be set; ``warnings`` tells what the source loses by it."""

    codec: str
    pixel_format: str
    bits: int
    color: ColorTags
    options: dict[str, str]
    bit_rate: int = 0
    tag: str | None = None
    warnings: list[str] = field(default_factory=list)


def choose_encoding(codec: str, container: str, info: VideoInfo) -> Encoding:
    """The encoding of ``info``'s pictures by ``codec`` (``auto``: chosen here).

    Raises :class:`TemporalCleanError` for an encoder this ffmpeg lacks.
    """
    shorter = min(info.width, info.height)
    if codec == "auto":
        shallow, deep = WEBM_DEFAULTS if container == "webm" else DEFAULTS
        codec = deep if info.bits > 8 and shorter >= SMALLEST[deep] else shallow
    encoder = find_encoder(codec)
    if shorter < (least := SMALLEST.get(encoder.name, 1)):
        raise TemporalCleanError(
            f"{encoder.name} needs pictures of {least}x{least} or more, got "
            f"{info.width}x{info.height}: choose auto or libx264"
        )
    layout = choose_layout(encoder, info)
    options, warnings = choose_options(encoder.name, info)
    rate = float(info.frame_rate or FALLBACK_RATE)
    pixels = round(info.width * info.height * rate)
    return Encoding(
        codec=encoder.name,
        pixel_format=layout.name,
        bits=depth(layout),
        color=output_tags(layout, info),
        options=options,
        bit_rate=0 if encoder.name in OPTIONS else round(pixels * BITS_PER_PIXEL),
        tag=TAGS.get((encoder.name, container)),
        warnings=[
            *loss_warnings(encoder.name, layout, info),
            *shape_warnings(container, info),
            *warnings,
        ],
    )


def choose_layout(encoder: Codec, info: VideoInfo) -> VideoFormat:
    """The encoder's pixel format that loses least."""
    formats = [VideoFormat(f.name) for f in encoder.video_formats or [] if usable(f)]
    formats = formats or [VideoFormat(info.pixel_format)]
    even = [f for f in formats if fits(f, info)] if encoder.name in EVEN_ONLY else formats
    return min(even or formats, key=lambda f: losses(f, info))


def choose_options(codec: str, info: VideoInfo) -> tuple[dict[str, str], list[str]]:
    """The encoder's options, HDR10's metadata among them, and a warning if it cannot keep that."""
    if codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # its only way to keep the terminal clean
    options = dict(OPTIONS.get(codec, {}))
    if codec == "libx265" and (info.frames or 0) < SHORT_CLIP:
        options["x265-params"] += ":bframes=0"
    if codec == "ffv1" and min(info.width, info.height) < FFV1_SLICED_FROM:
        options["slices"] = "1"
    if info.mastering is None:
        return options, []
    if (extra := mastering_option(codec, info.mastering)) is None:
        return options, [f"{codec} does not keep the HDR10 mastering metadata; libx265 does"]
    name, value = extra
    options[name] = ":".join(filter(None, (options.get(name), value)))
    return options, []


def find_encoder(name: str) -> Codec:
    """FFmpeg's encoder of that name.

    Raises :class:`TemporalCleanError` if there is none for video.
    """
    try:
        encoder = Codec(name, "w")
    except UnknownCodecError as error:
        raise TemporalCleanError(
            f"expected a video encoder of this ffmpeg, got {name!r}: choose {SUGGESTIONS}"
        ) from error
    if encoder.type != "video":
        raise TemporalCleanError(
            f"expected a video encoder, got {name!r} for {encoder.type}: choose {SUGGESTIONS}"
        )
    return encoder


def usable(layout: VideoFormat) -> bool:
    """Formats that RGB arrays can be packed into: no hardware surfaces, palettes, alpha, grey."""
    integers = layout.components and max(part.bits for part in layout.components) <= 16
    odd = layout.has_palette or layout.is_bit_stream or layout.is_bayer
    low = layout.components and min(part.bits for part in layout.components) < 8
    awkward = layout.name.startswith(("yuvj", "x2", "xyz")) or "msb" in layout.name
    return bool(integers) and not (odd or low or awkward or has_alpha(layout) or is_gray(layout))


def fits(layout: VideoFormat, info: VideoInfo) -> bool:
    """Whether the picture's size is a whole number of chroma samples."""
    across, down = subsampling(layout)
    return info.width % (1 << across) == 0 and info.height % (1 << down) == 0


def losses(layout: VideoFormat, info: VideoInfo) -> tuple[int, ...]:
    """What a format loses, the worst first, then what it wastes; smaller is better."""
    chroma = (0, 0) if is_rgb(layout) else subsampling(layout)
    pairs = list(zip(chroma, info.subsampling, strict=True))
    return (
        max(info.bits - depth(layout), 0),
        sum(max(have - want, 0) for have, want in pairs),
        int(is_rgb(layout) != info.is_rgb),
        sum(max(want - have, 0) for have, want in pairs),
        max(depth(layout) - info.bits, 0),
    )


def loss_warnings(codec: str, layout: VideoFormat, info: VideoInfo) -> Iterable[str]:
    """What the source loses by the pixel format, a sentence each."""
    if depth(layout) < info.bits:
        yield f"{codec} stores {depth(layout)} of the source's {info.bits} bits a sample"
    chroma = (0, 0) if is_rgb(layout) else subsampling(layout)
    if any(have > want for have, want in zip(chroma, info.subsampling, strict=True)):
        yield f"{codec} stores colour at a lower resolution than the source ({layout.name})"
    elif codec in EVEN_ONLY and chroma != info.subsampling:
        yield (
            f"{codec} needs even sizes to subsample colour: {info.width}x{info.height} is stored "
            f"with full colour resolution ({layout.name})"
        )


def shape_warnings(container: str, info: VideoInfo) -> Iterable[str]:
    """WebM leaves out Matroska's display units (webmproject.org, container guidelines)."""
    if container == "webm" and info.sample_aspect_ratio not in (None, 1):
        yield f"webm does not keep the shape of the pixels ({info.sample_aspect_ratio})"


def output_tags(layout: VideoFormat, info: VideoInfo) -> ColorTags:
    """The source's tags, except where RGB becomes YCbCr or the reverse."""
    if is_rgb(layout):
        return replace(info.color, matrix=MATRIX_RGB, range=RANGE_FULL, siting=None)
    if not info.is_rgb:
        return info.color
    primaries, transfer = info.color.primaries, info.color.transfer
    return ColorTags(
        matrix=BT2020_MATRIX if primaries == BT2020_PRIMARIES else BT709,
        primaries=BT709 if primaries == UNSPECIFIED else primaries,
        transfer=SRGB_TRANSFER if transfer == UNSPECIFIED else transfer,
        range=RANGE_LIMITED,
        siting=DEFAULT_SITING if any(subsampling(layout)) else None,
    )
