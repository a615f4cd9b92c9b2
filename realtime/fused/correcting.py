"""The spatial cleaner's last step: what its networks predict, applied to the pixels."""

import numpy as np
from numba import prange

from temporal_clean.realtime.fused.compiling import F, helper, kernel, sigmoid, stored
from temporal_clean.realtime.fused.phases import WHOLE, fill, from_phases, to_phases
from temporal_clean.realtime.fused.pictures import luma_row, pixel_row

__all__ = ["correct", "summarise"]

ZERO, ONE, HALF, QUARTER = F(0.0), F(1.0), F(0.5), F(0.25)


@kernel
def correct(pixels, scale, luma, heads, cell, delta, given, light, colours):
    """delta = mask * (correction + steered filters), of the networks' phases (mask's logits,
    correction, filters: models/spatial.py, models/filters.py); the picture, pixels plus that in
    [0, 1], as the next network takes it, its luma at half the size and means of 4x4 pixels."""
    rows, columns = luma.shape
    for row_index in prange(rows // 4):
        cell_row = np.int64(row_index)
        mask, change = np.empty(columns, np.float32), np.empty(columns, np.float32)
        filtered, weights = np.empty(columns, np.float32), np.empty(columns, np.float32)
        picture = np.empty((3, columns), np.float32)
        for c in range(3):
            fill(colours[c, cell_row], ZERO)
        for y in range(4 * cell_row, 4 * cell_row + 4):
            here = luma[y]
            from_phases(heads, 0, y, cell, mask)
            for x in range(columns):
                mask[x] = sigmoid(mask[x])
            from_phases(heads, 4, y, cell, weights)
            for x in range(1, columns - 1):
                second = (here[x - 1] + here[x + 1]) * QUARTER - here[x] * HALF
                filtered[x] = weights[x] * second
            last = columns - 1
            filtered[0] = weights[0] * (here[1] - here[0]) * QUARTER
            filtered[last] = weights[last] * (here[last - 1] - here[last]) * QUARTER
            from_phases(heads, 5, y, cell, weights)
            above, below = luma[max(y - 1, 0)], luma[min(y + 1, rows - 1)]
            for x in range(columns):
                filtered[x] += weights[x] * ((above[x] + below[x]) * QUARTER - here[x] * HALF)
            for c in range(3):
                from_phases(heads, 1 + c, y, cell, change)
                pixel_row(pixels[c, y], scale, picture[c])
                _apply(mask, change, filtered, delta[c, y], picture[c])
                to_phases(picture[c], given, c, y, WHOLE)
            summarise(picture, y, light, colours[:, cell_row])


@helper
def _apply(mask, change, filtered, delta, picture):
    for x in range(len(picture)):
        change[x] = mask[x] * (change[x] + filtered[x])
        delta[x] = stored(delta, change[x])
        picture[x] = min(max(picture[x] + change[x], ZERO), ONE)


@helper
def summarise(picture, y, light, colours):
    """Adds a row (3, columns) to the luma at half the size and to the means of 4x4 pixels."""
    columns = picture.shape[1]
    luma = np.empty(columns, np.float32)
    luma_row(picture[0], picture[1], picture[2], luma)
    out = light[y // 2]
    if y % 2 == 0:
        for x in range(columns // 2):
            out[x] = (luma[2 * x] + luma[2 * x + 1]) * QUARTER
    else:
        for x in range(columns // 2):
            out[x] += (luma[2 * x] + luma[2 * x + 1]) * QUARTER
    for c in range(3):
        row, means = picture[c], colours[c]
        for x in range(columns // 4):
            sums = (row[4 * x] + row[4 * x + 1]) + (row[4 * x + 2] + row[4 * x + 3])
            means[x] += sums * F(1.0 / 16.0)
