"""What is known of an input, and of each of its frames: named records."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.mastering import Mastering

__all__ = ["ColorTags", "Frame", "Pixels", "VideoInfo", "to_8_bits"]

Pixels = NDArray[np.uint8] | NDArray[np.uint16]

# Code points of ITU-T H.273, which FFmpeg's AVCOL_* enumerations repeat.
UNSPECIFIED = 2
MATRIX_RGB = 0
RANGE_UNSPECIFIED, RANGE_LIMITED, RANGE_FULL = 0, 1, 2  # FFmpeg's AVColorRange
# IEC 61966-2-1 sRGB has the primaries of BT.709.
BT709, SRGB_TRANSFER = 1, 13


@dataclass(frozen=True)
class ColorTags:
    """The colour tags of a stream, as the integers of ITU-T H.273 and FFmpeg's AVCOL_*.

    ``matrix``, ``primaries`` and ``transfer`` are 2 and ``range`` is 0 where a file does not say.
    ``siting`` is where the samples of subsampled chroma lie, in FFmpeg's words (``left``,
    ``topleft``, ...), ``None`` for the centre, full chroma or a file that does not say.
    """

    matrix: int = UNSPECIFIED
    primaries: int = UNSPECIFIED
    transfer: int = UNSPECIFIED
    range: int = RANGE_UNSPECIFIED
    siting: str | None = None


@dataclass(frozen=True)
class VideoInfo:
    """An opened input: a video's first stream of pictures, or a row of image files.

    ``frames`` and ``duration`` (seconds) are best estimates of what the reader will give, after
    its ``start`` and ``end``; ``None`` where the file does not tell. ``subsampling`` holds the
    base-2 logarithms of luma samples per chroma sample, across and down: (1, 1) is 4:2:0.
    ``rotation`` is in degrees counter-clockwise, to be applied by players. ``mastering`` is the
    static metadata of HDR10.
    """

    width: int
    height: int
    frame_rate: Fraction | None
    frames: int | None
    duration: Fraction | None
    time_base: Fraction
    codec: str
    pixel_format: str
    bits: int
    is_rgb: bool
    subsampling: tuple[int, int]
    color: ColorTags
    sample_aspect_ratio: Fraction | None = None
    rotation: int = 0
    is_images: bool = False
    mastering: Mastering | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the pixels: uint8 for sources of 8 bits, else uint16 at full scale."""
        return np.dtype(np.uint8 if self.bits <= 8 else np.uint16)

    def check(self, pixels: NDArray[Any]) -> None:
        """Raise :class:`TemporalCleanError` unless ``pixels`` is a picture of this video."""
        shape = (self.height, self.width, 3)
        if pixels.shape != shape or pixels.dtype != self.dtype:
            raise TemporalCleanError(
                f"expected a picture of {shape} {self.dtype}, got {pixels.shape} {pixels.dtype}: "
                "write what was read, in its size and type"
            )


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture: RGB (height, width, 3), C-contiguous, uint8 or uint16 at full scale 65535.

    ``time`` is the source's timestamp in seconds; ``ticks`` and ``duration`` are the timestamp and
    the length in units of the input's ``time_base`` (length 0 if the source does not say).
    ``name`` is the image file's stem, empty for video.
    """

    pixels: Pixels
    time: Fraction
    index: int
    ticks: int
    duration: int = 0
    name: str = ""


def to_8_bits(pixels: Pixels) -> NDArray[np.uint8]:
    """Pictures of full scale 65535 rounded to full scale 255; 8-bit ones as they are."""
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
