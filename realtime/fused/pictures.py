"""Integer pictures to planes and back, and what the clip knows of a picture.

Pictures between the networks are planar, (3, rows, columns) in float32.
"""

import numpy as np
from numba import prange

from temporal_clean.realtime.fused.compiling import F, helper, kernel
from temporal_clean.realtime.fused.constants import CLIP_DEVIATIONS, LUMA
from temporal_clean.realtime.fused.phases import WHOLE, to_phases
from temporal_clean.realtime.fused.sampling import between, spread

__all__ = [
    "decode",
    "encode_enlarged",
    "encode_row",
    "halve",
    "local_range",
    "luma_row",
    "pixel_row",
]

RED, GREEN, BLUE = LUMA
ZERO, ONE = F(0.0), F(1.0)


@helper
def luma_row(red, green, blue, out):
    for x in range(len(out)):
        out[x] = RED * red[x] + GREEN * green[x] + BLUE * blue[x]


@helper
def pixel_row(pixels, scale, out):
    """A row of stored pixels in [0, 1]."""
    for x in range(len(out)):
        out[x] = F(pixels[x]) * scale


@kernel
def decode(picture, order, scale, pixels, luma, given):
    """picture (height, width, 3 or 4) to planes of the same numbers, padded by repeating the edge;
    times ``scale`` it lies in [0, 1], so does its luma, and so it is given to the networks;
    ``order`` has the channels."""
    height, width = picture.shape[:2]
    rows, columns = luma.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        source = picture[min(y, height - 1)]
        for c in range(3):
            here, channel = pixels[c, y], order[c]
            for x in range(width):
                here[x] = source[x, channel]
            for x in range(width, columns):
                here[x] = here[width - 1]
        _hand_over_row(pixels, y, scale, luma[y], given)


@kernel
def halve(picture, order, scale, pixels, luma, given):
    """The same of the sums of 2x2 pixels, padded likewise."""
    height, width = picture.shape[:2]
    rows, columns = luma.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        upper, lower = picture[min(2 * y, height - 1)], picture[min(2 * y + 1, height - 1)]
        for c in range(3):
            here, channel = pixels[c, y], order[c]
            for x in range(columns):
                left, right = min(2 * x, width - 1), min(2 * x + 1, width - 1)
                sums = F(upper[left, channel]) + F(upper[right, channel])
                here[x] = sums + (F(lower[left, channel]) + F(lower[right, channel]))
        _hand_over_row(pixels, y, scale, luma[y], given)


@helper
def _hand_over_row(pixels, y, scale, luma, given):
    row = np.empty((3, len(luma)), np.float32)
    for c in range(3):
        pixel_row(pixels[c, y], scale, row[c])
        to_phases(row[c], given, c, y, WHOLE)
    luma_row(row[0], row[1], row[2], luma)


@kernel
def local_range(luma, mean, reach, scratch):
    """Mean of 3x3 pixels and how far history may lie from it, borders repeated."""
    rows, columns = luma.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        _box(luma[max(y - 1, 0)], luma[y], luma[min(y + 1, rows - 1)], mean[y])
        for x in range(columns):
            scratch[y, x] = abs(luma[y, x] - mean[y, x])
    for row_index in prange(rows):
        y = np.int64(row_index)
        _box(scratch[max(y - 1, 0)], scratch[y], scratch[min(y + 1, rows - 1)], reach[y])
        for x in range(columns):
            reach[y, x] *= CLIP_DEVIATIONS


@helper
def _box(above, here, below, out):
    last = len(out) - 1
    ninth = F(1.0 / 9.0)
    for x in range(1, last):
        out[x] = (
            (above[x - 1] + above[x] + above[x + 1])
            + (here[x - 1] + here[x] + here[x + 1])
            + (below[x - 1] + below[x] + below[x + 1])
        ) * ninth
    for end, inner in ((0, 1), (last, last - 1)):
        outer = above[end] + here[end] + below[end]
        out[end] = (outer + outer + above[inner] + here[inner] + below[inner]) * ninth


@helper
def encode_row(red, green, blue, order, largest, rounding, out):
    """A row in [0, 1] to a picture's, cropped, rounded to nearest; a fourth channel is opaque."""
    r, g, b = order
    for x in range(out.shape[0]):
        out[x, r] = red[x] * largest + rounding
        out[x, g] = green[x] * largest + rounding
        out[x, b] = blue[x] * largest + rounding
        if out.shape[1] == 4:
            out[x, 3] = largest


@kernel
def encode_enlarged(frame, frame_scale, pixels, scale, clean, order, largest, rounding, picture):
    """The frame plus what changed at half the size, enlarged (bilinear, half pixels)."""
    rows, columns = pixels.shape[1:]
    width = picture.shape[1]
    for row_index in prange(picture.shape[0]):
        y = np.int64(row_index)
        upper, lower, down = between(y, rows)
        sums = np.empty((3, 2 * columns), np.float32)
        source = frame[y]
        for c in range(3):
            above, below = np.empty(columns, np.float32), np.empty(columns, np.float32)
            for x in range(columns):
                above[x] = clean[upper, x, c] - F(pixels[c, upper, x]) * scale
                below[x] = clean[lower, x, c] - F(pixels[c, lower, x]) * scale
            out, channel = sums[c], order[c]
            spread(above, below, down, ONE, out)
            for x in range(width):
                out[x] = min(max(F(source[x, channel]) * frame_scale + out[x], ZERO), ONE)
        encode_row(sums[0], sums[1], sums[2], order, largest, rounding, picture[y])
