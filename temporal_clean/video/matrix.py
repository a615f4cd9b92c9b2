"""YCbCr to RGB and back, exact to the rounding, by the coded matrix and range.

Written here because libswscale (9.5, through PyAV 18.1) was measured to be off: at 10 bits its
16-bit RGB white is 65280 in place of 65535 (4 codes of 1023), and full range leaves chroma half a
code low. This arithmetic is within half a code of ITU-T H.273, and at 1080p takes 10 ms a frame,
a third of swscale's time. swscale keeps what it does well: unpacking and chroma resampling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.video.info import RANGE_FULL, UNSPECIFIED, ColorTags, Pixels

__all__ = ["KNOWN_MATRICES", "Coding", "coding_of", "rgb_to_ycbcr", "ycbcr_to_rgb"]

# Kr and Kb by matrix coefficients, ITU-T H.273 table 4.
LUMA_WEIGHTS = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC Title 47
    5: (0.299, 0.114),  # BT.601, 625 lines
    6: (0.299, 0.114),  # BT.601, 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020 non-constant luminance
}
YCGCO = 8
KNOWN_MATRICES = frozenset({*LUMA_WEIGHTS, YCGCO})
# Untagged video is BT.709 if it is HD, else BT.601: the convention of players (mpv's
# mp_csp_guess_colorspace draws the line between 576 and 720 lines).
HD_HEIGHT = 720
BAND = 32  # rows worked on at a time: the temporaries stay in cache (10 ms, against 18 in one go)


@dataclass(frozen=True)
class Coding:
    """How RGB in [0, 1] became integers: the H.273 matrix, the range, the bits of a sample."""

    matrix: int
    full_range: bool
    bits: int


def coding_of(tags: ColorTags, height: int, bits: int) -> Coding:
    """The coding that ``tags`` mean, with players' conventions where they are silent.

    A matrix that is not known (constant luminance BT.2020, ICtCp) is read as BT.2020, the nearest.
    """
    matrix = tags.matrix
    if matrix == UNSPECIFIED:
        matrix = 1 if height >= HD_HEIGHT else 6
    elif matrix not in KNOWN_MATRICES:
        matrix = 9
    return Coding(matrix, tags.range == RANGE_FULL, bits)


@lru_cache
def forward_matrix(matrix: int) -> NDArray[np.float64]:
    """RGB in [0, 1] -> Y in [0, 1], Cb and Cr in [-0.5, 0.5] (H.273 equations 38 to 44)."""
    if matrix == YCGCO:
        return np.array([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0.0, -0.5]])
    red, blue = LUMA_WEIGHTS[matrix]
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.stack([luma, cb, cr])


def quantisation(coding: Coding) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scale and offset of each component's codes (H.273 equations 23 to 28)."""
    unit = 1 << (coding.bits - 8)
    if coding.full_range:
        peak = float((1 << coding.bits) - 1)
        return np.array([peak, peak, peak]), np.array([0.0, 128.0, 128.0]) * unit
    return np.array([219.0, 224.0, 224.0]) * unit, np.array([16.0, 128.0, 128.0]) * unit


def ycbcr_to_rgb(planes: Sequence[NDArray[Any]], coding: Coding, dtype: np.dtype[Any]) -> Pixels:
    """Planes (height, width) -> RGB (height, width, 3) of ``dtype`` at full scale.

    One plane is luma alone: grey.
    """
    scale, offset = quantisation(coding)
    peak = np.iinfo(dtype).max
    to_rgb = np.linalg.inv(forward_matrix(coding.matrix)) / scale * peak
    height, width = planes[0].shape
    pixels = np.empty((height, width, 3), dtype)
    channels = [pixels[..., i] for i in range(3)]
    _affine(planes, channels, to_rgb[:, : len(planes)], offset[: len(planes)], peak)
    return pixels


def rgb_to_ycbcr(pixels: Pixels, coding: Coding, planes: Sequence[NDArray[Any]]) -> None:
    """RGB (height, width, 3) at full scale of its type -> three planes, written in place."""
    scale, offset = quantisation(coding)
    to_codes = forward_matrix(coding.matrix) * scale[:, None] / np.iinfo(pixels.dtype).max
    channels = [pixels[..., i] for i in range(3)]
    top = (1 << coding.bits) - 1
    _affine(channels, planes, to_codes, np.zeros(3), top, after=offset)


def _affine(
    sources: Sequence[NDArray[Any]],
    targets: Sequence[NDArray[Any]],
    matrix: NDArray[np.float64],
    before: NDArray[np.float64],
    top: int,
    after: NDArray[np.float64] | None = None,
) -> None:
    """targets = round(matrix (sources - before) + after), clipped to [0, top].

    The half that rounds is part of the constant term; the conversion to integers truncates.
    """
    constant = 0.5 - matrix @ before + (0.0 if after is None else after)
    weights = matrix.astype(np.float32)
    limit = np.float32(top + 0.5)
    for row in range(0, sources[0].shape[0], BAND):
        rows = slice(row, row + BAND)
        values = [source[rows].astype(np.float32) for source in sources]
        for target, row_weights, term in zip(targets, weights, constant, strict=True):
            total = np.full_like(values[0], term)
            for value, weight in zip(values, row_weights, strict=True):
                if weight:
                    total += value * weight
            np.clip(total, 0.0, limit, out=total)
            target[rows] = total
