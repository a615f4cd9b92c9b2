"""The fusion's last step: history and frame joined, pixel by pixel, and what the next step needs.

Clean pictures and their luma have a margin that repeats their border: lookups need no test there.
"""

import numpy as np
from numba import prange

from temporal_clean.realtime.fused.compiling import F, helper, kernel, loaded, sigmoid, stored
from temporal_clean.realtime.fused.constants import HIGHEST_GATE, LOWEST_GATE
from temporal_clean.realtime.fused.correcting import summarise
from temporal_clean.realtime.fused.phases import QUARTERS, fill, from_phases
from temporal_clean.realtime.fused.pictures import encode_row, luma_row, pixel_row

__all__ = ["MARGIN", "finish", "remember"]

MARGIN = 4
ZERO, ONE, TWO = F(0.0), F(1.0), F(2.0)
GATE = HIGHEST_GATE - LOWEST_GATE


@kernel
def finish(
    pixels, scale, delta, clipped, heads, doubt, usable, cell, past, past_luma, light, colours,
    order, largest, rounding, picture,
):  # fmt: skip
    """clean = frame + (1 - share) delta + trust correction + share (clipped - frame), where share =
    trust * weight (models/fusion.py): ``heads`` are the weight's logits and the correction, doubt
    is in phases of 4x4, ``clipped`` has the frame subtracted already.

    ``past`` (rows, columns, 4) is the clean picture and its luma, with margins, ``past_luma`` the
    luma alone; ``picture`` the clean picture as the caller wants it.
    """
    rows, columns = pixels.shape[1:]
    believed = usable[0]
    for row_index in prange(rows // 4):
        cell_row = np.int64(row_index)
        trust, share = np.empty(columns, np.float32), np.empty(columns, np.float32)
        change, clean = np.empty(columns, np.float32), np.empty((3, columns), np.float32)
        for c in range(3):
            fill(colours[c, cell_row], ZERO)
        for y in range(4 * cell_row, 4 * cell_row + 4):
            from_phases(doubt, 0, y, QUARTERS, trust)
            from_phases(heads, 0, y, cell, share)
            for x in range(columns):
                trust[x] = believed * (ONE - trust[x])
                share[x] = trust[x] * (LOWEST_GATE + GATE * sigmoid(share[x]))
            for c in range(3):
                from_phases(heads, 1 + c, y, cell, change)
                pixel_row(pixels[c, y], scale, clean[c])
                _join(delta[c, y], clipped[c, y], change, trust, share, clean[c])
            summarise(clean, y, light, colours[:, cell_row])
            _keep(clean, past, past_luma, y)
            if y < picture.shape[0]:
                encode_row(clean[0], clean[1], clean[2], order, largest, rounding, picture[y])


@helper
def _join(delta, clipped, change, trust, share, clean):
    for x in range(len(clean)):
        value = clean[x] + loaded(delta[x]) * (ONE - share[x]) + trust[x] * change[x]
        clean[x] = min(max(value + share[x] * loaded(clipped[x]), ZERO), ONE)


@helper
def _keep(clean, past, past_luma, y):
    """A row and its luma, with margins to all sides."""
    columns, at = clean.shape[1], y + MARGIN
    line, luma = past[at], past_luma[at]
    own = luma[MARGIN : MARGIN + columns]
    luma_row(clean[0], clean[1], clean[2], own)
    for x in range(MARGIN):
        luma[x], luma[MARGIN + columns + x] = own[0], own[columns - 1]
    inside = line[MARGIN : MARGIN + columns]
    for x in range(columns):
        inside[x, 0], inside[x, 1] = clean[0, x], clean[1, x]
        inside[x, 2], inside[x, 3] = clean[2, x], own[x]
    for x in range(MARGIN):
        for c in range(4):
            line[x, c], line[MARGIN + columns + x, c] = inside[0, c], inside[columns - 1, c]
    first = 0 if y == 0 else at
    beyond = past.shape[0] if at == past.shape[0] - MARGIN - 1 else at + 1
    for row in range(first, beyond):
        if row != at:
            _copy(line, luma, past[row], past_luma[row])


@helper
def _copy(line, luma, to, to_luma):
    for x in range(len(luma)):
        to_luma[x] = luma[x]
        for c in range(4):
            to[x, c] = line[x, c]


@kernel
def remember(memory, hidden, trust, out):
    """Gated update of the hidden features: candidate's and gate's logits (rows, columns, 2 x
    channels), warped features, trust at 1/4 (models/fusion.py)."""
    rows, columns, channels = hidden.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        for x in range(columns):
            logits, before, to = memory[y, x], hidden[y, x], out[y, x]
            believed = loaded(trust[y, x, 0])
            for c in range(channels):
                candidate = TWO * sigmoid(TWO * loaded(logits[c])) - ONE
                gate = LOWEST_GATE + GATE * sigmoid(loaded(logits[channels + c]))
                fresh = candidate + believed * gate * (loaded(before[c]) - candidate)
                to[c] = stored(out, fresh)
