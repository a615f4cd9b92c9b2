"""The static metadata of HDR10 video: of the display it was mastered on, and of its content."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame

__all__ = ["Mastering", "has_dynamic_metadata", "mastering_of", "mastering_option"]

# FFmpeg's AVMasteringDisplayMetadata: 10 rationals (x and y of red, green, blue and white, least
# and greatest luminance), then two flags; AVContentLightMetadata: MaxCLL and MaxFALL.
DISPLAY_LAYOUT, CONTENT_LAYOUT = struct.Struct("=22i"), struct.Struct("=2I")
DYNAMIC = (Type.DYNAMIC_HDR_PLUS, Type.DOVI_RPU_BUFFER, Type.DOVI_METADATA)


@dataclass(frozen=True)
class Style:
    """How an encoder takes the metadata: the names, steps a unit, and the number format."""

    option: str
    display: str
    content: str
    chromaticity: int
    luminance: int
    digits: str


# x265 takes H.265's integers (ITU-T H.265, D.3.28), SVT-AV1 plain numbers (their manuals).
STYLES = {
    "libx265": Style("x265-params", "master-display", "max-cll", 50000, 10000, ".0f"),
    "libsvtav1": Style("svtav1-params", "mastering-display", "content-light", 1, 1, ".5f"),
}


@dataclass(frozen=True)
class Mastering:
    """``display`` holds (x, y) of red, green, blue and white, then least and greatest nits.

    ``content`` holds MaxCLL and MaxFALL in nits. Either is ``None`` where the file has none.
    """

    display: tuple[Fraction, ...] | None
    content: tuple[int, int] | None


def mastering_of(frame: VideoFrame) -> Mastering | None:
    """The metadata a decoded frame carries."""
    display = side_data(frame, Type.MASTERING_DISPLAY_METADATA)
    content = side_data(frame, Type.CONTENT_LIGHT_LEVEL)
    if display is None and content is None:
        return None
    values = None if display is None else rationals(bytes(display))
    pair = None if content is None else CONTENT_LAYOUT.unpack(bytes(content)[:8])
    return Mastering(values, pair)


def rationals(data: bytes) -> tuple[Fraction, ...] | None:
    """The ten values of a display; ``None`` if it was described in part only."""
    *numbers, has_primaries, has_luminance = DISPLAY_LAYOUT.unpack(data[: DISPLAY_LAYOUT.size])
    if not (has_primaries and has_luminance):
        return None
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return tuple(Fraction(a, b or 1) for a, b in pairs)


def has_dynamic_metadata(frame: VideoFrame) -> bool:
    """Whether the frame carries HDR10+ or Dolby Vision, which depend on the pixels."""
    return any(side_data(frame, kind) is not None for kind in DYNAMIC)


def side_data(frame: VideoFrame, kind: Type) -> SideData | None:
    """A frame's side data of one kind; PyAV types the container by a subset of its keys."""
    return cast(Mapping[Type, SideData], frame.side_data).get(kind)


def mastering_option(codec: str, mastering: Mastering) -> tuple[str, str] | None:
    """The option, and its value, by which ``codec`` stores it; ``None`` if it cannot."""
    if (style := STYLES.get(codec)) is None:
        return None
    params = []
    if mastering.display:
        scales = (*[style.chromaticity] * 8, style.luminance, style.luminance)
        scaled = (v * scale for v, scale in zip(mastering.display, scales, strict=True))
        rx, ry, gx, gy, bx, by, wx, wy, least, most = (f"{float(v):{style.digits}}" for v in scaled)
        primaries = f"G({gx},{gy})B({bx},{by})R({rx},{ry})WP({wx},{wy})"
        params.append(f"{style.display}={primaries}L({most},{least})")
    if mastering.content:
        params.append(f"{style.content}={mastering.content[0]},{mastering.content[1]}")
    return style.option, ":".join(params)
