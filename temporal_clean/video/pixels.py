"""FFmpeg's frames to RGB arrays, and RGB arrays to the frames that an encoder takes."""

from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from numpy.typing import NDArray

from temporal_clean.video.info import Pixels
from temporal_clean.video.matrix import Coding, rgb_to_ycbcr, ycbcr_to_rgb

__all__ = [
    "Packer",
    "Unpacker",
    "chroma_siting",
    "depth",
    "has_alpha",
    "is_gray",
    "is_rgb",
    "subsampling",
]

# Bicubic: smooth chroma comes back within 1 code through 4:2:0, bilinear within 3 (measured).
RESAMPLING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND
# Deeper or fractional samples (32-bit float) are read as 16 bits, the most a frame carries.
MOST_BITS = 16


def depth(layout: VideoFormat) -> int:
    """Bits of a colour sample, at least 8 and at most 16."""
    if layout.has_palette or layout.is_bit_stream:
        return 8
    return min(MOST_BITS, max(8, max(part.bits for part in layout.components)))


def has_alpha(layout: VideoFormat) -> bool:
    """Whether the format carries transparency."""
    return any(part.is_alpha for part in layout.components)


def is_gray(layout: VideoFormat) -> bool:
    """Whether the format has luma alone."""
    colors = [part for part in layout.components if not part.is_alpha]
    return len(colors) == 1 and not layout.has_palette and not layout.is_bayer


def is_rgb(layout: VideoFormat) -> bool:
    """Whether pixels need no matrix: RGB, palettes, raw sensor data, XYZ."""
    return layout.is_rgb or layout.has_palette or layout.is_bayer or layout.name.startswith("xyz12")


def subsampling(layout: VideoFormat) -> tuple[int, int]:
    """Base-2 logarithms of luma samples per chroma sample, across and down."""
    return (16 // layout.chroma_width(16)).bit_length() - 1, (
        16 // layout.chroma_height(16)
    ).bit_length() - 1


def plane_view(frame: VideoFrame, index: int, bits: int) -> NDArray[Any]:
    """A plane's samples (height, width), without copying."""
    plane = frame.planes[index]
    dtype = np.dtype(np.uint8 if bits <= 8 else np.uint16)
    strides = (plane.line_size, dtype.itemsize)
    return np.ndarray((plane.height, plane.width), dtype, plane, 0, strides)  # type: ignore[arg-type]


def planar(base: str, bits: int) -> str:
    """The little-endian format of this many bits: ``yuv444p`` -> ``yuv444p10le``."""
    return base if bits == 8 else f"{base}{bits}le"


class Unpacker:
    """Frames as decoded -> RGB arrays. Holds swscale's state; one per stream."""

    def __init__(self) -> None:
        self._scaler = VideoReformatter()

    def __call__(self, frame: VideoFrame, coding: Coding, dtype: np.dtype[Any]) -> Pixels:
        """RGB (height, width, 3) of ``dtype`` at full scale, transparency dropped."""
        if is_gray(frame.format):
            gray = self._reformat(frame, planar("gray", coding.bits))
            return ycbcr_to_rgb([plane_view(gray, 0, coding.bits)], coding, dtype)
        if is_rgb(frame.format):
            return rescale(self._rgb(frame), coding.bits, dtype)
        full = self._reformat(frame, planar("yuv444p", coding.bits))
        return ycbcr_to_rgb([plane_view(full, i, coding.bits) for i in range(3)], coding, dtype)

    def _rgb(self, frame: VideoFrame) -> NDArray[Any]:
        """RGB of 8 bits, or of the source's own 9 to 16 bits in uint16."""
        bits = depth(frame.format)
        if bits == 8:
            return self._reformat(frame, "rgb24").to_ndarray()
        if bits == MOST_BITS:
            return self._reformat(frame, "rgb48le").to_ndarray()
        if not frame.format.name.startswith(("gbrp", "gbrap")):
            frame = self._reformat(frame, planar("gbrp", bits))
        return np.ascontiguousarray(frame.to_ndarray()[..., :3])

    def _reformat(self, frame: VideoFrame, name: str) -> VideoFrame:
        return reformat(self._scaler, frame, name)


def reformat(scaler: VideoReformatter, frame: VideoFrame, name: str) -> VideoFrame:
    """Unpack or resample chroma; the same matrix and range on both sides leave values alone."""
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj")
    span = ColorRange.JPEG if full else ColorRange.MPEG
    return scaler.reformat(
        frame,
        format=name,
        interpolation=RESAMPLING,
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU709,
        src_color_range=span,
        dst_color_range=span,
    )


def rescale(samples: Any, bits: int, dtype: np.dtype[Any], target_bits: int | None = None) -> Any:
    """Samples of ``bits`` bits -> ``target_bits`` (all of ``dtype``), rounded.

    Going to more bits and back is lossless.
    """
    target = target_bits or np.iinfo(dtype).bits
    if bits == target:
        return samples.astype(dtype, copy=False)
    return rescale_table(bits, target).astype(dtype)[samples]


@lru_cache
def rescale_table(bits: int, target_bits: int) -> NDArray[np.uint16]:
    """round(value * target peak / peak) for every value of ``bits`` bits."""
    peak, target = (1 << bits) - 1, (1 << target_bits) - 1
    values = np.arange(peak + 1, dtype=np.int64)
    return ((2 * values * target + peak) // (2 * peak)).astype(np.uint16)


class Packer:
    """RGB arrays -> frames of one pixel format, for an encoder.

    ``siting`` is where subsampled chroma is to lie, in FFmpeg's words; ``None`` is the centre.
    """

    def __init__(
        self, width: int, height: int, layout: str, coding: Coding, siting: str | None
    ) -> None:
        self._layout, self._coding = VideoFormat(layout, width, height), coding
        self._scaler = VideoReformatter()
        if not is_rgb(self._layout):
            self._full = blank(width, height, planar("yuv444p", coding.bits), siting)
            self._full.color_range = ColorRange.JPEG if coding.full_range else ColorRange.MPEG

    def __call__(self, pixels: Pixels) -> VideoFrame:
        """A new frame; ``pixels`` is (height, width, 3) at full scale of uint8 or uint16."""
        if is_rgb(self._layout):
            return self._pack_rgb(pixels)
        self._full.make_writable()
        planes = [plane_view(self._full, i, self._coding.bits) for i in range(3)]
        rgb_to_ycbcr(pixels, self._coding, planes)
        return reformat(self._scaler, self._full, self._layout.name)

    def _pack_rgb(self, pixels: Pixels) -> VideoFrame:
        bits, source = self._coding.bits, np.iinfo(pixels.dtype).bits
        packed = rescale(pixels, source, np.dtype(np.uint8 if bits == 8 else np.uint16), bits)
        name = {8: "rgb24", MOST_BITS: "rgb48le"}.get(bits, f"gbrp{bits}le")
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(packed), name)
        return reformat(self._scaler, frame, self._layout.name)


def blank(width: int, height: int, layout: str, siting: str | None) -> VideoFrame:
    """A frame to be filled that carries ``siting``, which PyAV can set through a filter only."""
    frame = VideoFrame(width, height, layout)
    frame.pts = 0
    if siting is None:
        return frame
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(width=width, height=height, format=frame.format, time_base=Fraction(1)),
        graph.add("setparams", f"chroma_location={siting}"),
        graph.add("buffersink"),
    ).configure()
    graph.vpush(frame)
    return graph.vpull()


def chroma_siting(frame: VideoFrame) -> str | None:
    """Where the chroma samples of a decoded frame lie; ``None`` for the centre or not told.

    PyAV does not expose the tag, but swscale obeys it: one coloured chroma sample, upsampled,
    shows by its centre of gravity where the tag puts it.
    """
    across, down = subsampling(frame.format)
    if not (across or down):
        return None
    scaler, size = VideoReformatter(), 32
    sample = scaler.reformat(frame, size, size, "yuv420p")
    middle = size // 4
    plane_view(sample, 1, 8)[...] = 128
    plane_view(sample, 1, 8)[middle, middle] = 255
    spread = plane_view(reformat(VideoReformatter(), sample, "yuv444p"), 1, 8).astype(np.int64)
    weight = spread - 128
    grid = np.arange(size)
    x = float((weight.sum(0) * grid).sum() / weight.sum()) - 2 * middle
    y = float((weight.sum(1) * grid).sum() / weight.sum()) - 2 * middle
    names = {(0, 1): "left", (0, 0): "topleft", (1, 0): "top", (0, 2): "bottomleft"}
    return names.get((round(2 * x), round(2 * y)))
