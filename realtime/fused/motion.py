"""The flow's solver as loops over rows: flow/lucas_kanade.py, propagation.py, regularization.py.

Motions are (rows, columns, 2), x then y; pictures are luma and its two slopes, (rows, columns, 3).
"""

import numpy as np
from numba import prange
from numpy.typing import NDArray

from temporal_clean.realtime.fused import constants as k
from temporal_clean.realtime.fused.compiling import F, exp, helper, kernel, loaded
from temporal_clean.realtime.fused.phases import fill
from temporal_clean.realtime.fused.sampling import (
    around,
    between,
    mixed,
    place_of,
    spread,
    sum_of_block,
)

__all__ = [
    "enlarge",
    "enlarge_plane",
    "filter_motion",
    "halve_plane",
    "hann_window",
    "light_and_slopes",
    "propagate",
    "smallest_motion",
    "solve",
    "solve_cells",
]

SCALE, SHARE, LEAST_TEXTURE, FARTHEST_STEP = k.SCALE, k.SHARE, k.LEAST_TEXTURE, k.FARTHEST_STEP
DISTANCE, DECISION = k.NEIGHBOUR_DISTANCE, k.DECISION
OF_SLOPES, LEAST_CONTRAST = k.OF_SLOPES, k.LEAST_CONTRAST
FILTER_DISTANCE, FARTHEST_APART = k.FILTER_DISTANCE, k.FARTHEST_APART
ZERO, ONE, HALF = F(0.0), F(1.0), F(0.5)
PRODUCTS, CANDIDATES, CELLS = 5, k.CANDIDATES, 9


def hann_window(side: int) -> NDArray[np.float32]:
    """One axis of the solver's window; its sum is one."""
    profile = np.hanning(side + 2)[1:-1]
    return (profile / profile.sum()).astype(np.float32)


@kernel
def halve_plane(plane, out):
    for row_index in prange(out.shape[0]):
        y = np.int64(row_index)
        upper, lower = plane[2 * y], plane[2 * y + 1]
        for x in range(out.shape[1]):
            sums = upper[2 * x] + upper[2 * x + 1] + lower[2 * x] + lower[2 * x + 1]
            out[y, x] = sums * F(0.25)


@kernel
def light_and_slopes(plane, out):
    """(rows, columns) to luma and central differences, enlarged in value; slopes at borders 0."""
    rows, columns = plane.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        above, below = plane[max(y - 1, 0)], plane[min(y + 1, rows - 1)]
        here, to = plane[y], out[y]
        inside = SCALE * HALF if 0 < y < rows - 1 else ZERO
        for x in range(columns):
            to[x, 0] = here[x] * SCALE
            to[x, 2] = (below[x] - above[x]) * inside
        for x in range(1, columns - 1):
            to[x, 1] = (here[x + 1] - here[x - 1]) * (SCALE * HALF)
        to[0, 1] = to[columns - 1, 1] = ZERO


@kernel
def smallest_motion(before, out):
    """Motion at 1/4 to 1/16: means of 4x4 cells, in pixels there."""
    for row_index in prange(out.shape[0]):
        y = np.int64(row_index)
        for x in range(out.shape[1]):
            for c in range(2):
                out[y, x, c] = sum_of_block(before[:, :, c], y, x) * F(1.0 / 64.0)


@kernel
def enlarge(motion, scale, out):
    """Twice the size each way (bilinear, half-pixel centres), times ``scale``."""
    for row_index in prange(out.shape[0]):
        y = np.int64(row_index)
        upper, lower, down = between(y, motion.shape[0])
        for c in range(2):
            spread(motion[upper, :, c], motion[lower, :, c], down, scale, out[y, :, c])


@kernel
def enlarge_plane(plane, out):
    """The same of one plane, in a network's numbers, to float32."""
    for row_index in prange(out.shape[0]):
        y = np.int64(row_index)
        upper, lower, down = between(y, plane.shape[0])
        spread(plane[upper], plane[lower], down, ONE, out[y])


@kernel
def solve(ours, theirs, motion, belief, window, dilation, products, out):
    """A step of Lucas and Kanade for each pixel; ``products`` is room for five planes."""
    rows, columns = motion.shape[:2]
    reach = dilation * (len(window) // 2)
    for row_index in prange(rows):
        y = np.int64(row_index)
        _product_row(ours[y], theirs, motion[y], belief[y], y, products[:, y])
    for row_index in prange(rows):
        y = np.int64(row_index)
        sums = np.zeros((PRODUCTS, columns + 2 * reach), np.float32)
        found = np.empty((PRODUCTS, columns), np.float32)
        for p in range(PRODUCTS):
            total = sums[p, reach : reach + columns]
            for tap in range(len(window)):
                row = y + dilation * tap - reach
                if row >= 0 and row < rows:
                    _add(products[p, row], window[tap], total)
            _set(sums[p, :columns], window[0], found[p])
            for tap in range(1, len(window)):
                start = dilation * tap
                _add(sums[p, start : start + columns], window[tap], found[p])
        _step_row(found, motion[y], out[y])


@kernel
def solve_cells(ours, theirs, motion, belief, window, products, out):
    """The same for cells of 2x2 pixels: pictures and belief are twice the size of ``motion``, which
    is in their pixels."""
    rows, columns = motion.shape[:2]
    full_rows, full_columns = belief.shape
    reach = (len(window) - 2) // 2
    for row_index in prange(full_rows):
        y = np.int64(row_index)
        here = np.empty((full_columns, 2), np.float32)
        upper, lower, down = between(y, rows)
        for c in range(2):
            spread(motion[upper, :, c], motion[lower, :, c], down, ONE, here[:, c])
        _product_row(ours[y], theirs, here, belief[y], y, products[:, y])
    for row_index in prange(rows):
        y = np.int64(row_index)
        sums = np.zeros((PRODUCTS, full_columns + 2 * reach), np.float32)
        every_second = np.empty(columns + reach, np.float32)
        found = np.empty((PRODUCTS, columns), np.float32)
        for p in range(PRODUCTS):
            total = sums[p, reach : reach + full_columns]
            for tap in range(len(window)):
                row = 2 * y + tap - reach
                if row >= 0 and row < full_rows:
                    _add(products[p, row], window[tap], total)
            for parity in range(2):
                for x in range(columns + reach):
                    every_second[x] = sums[p, 2 * x + parity]
                for tap in range(parity, len(window), 2):
                    start = tap // 2
                    source = every_second[start : start + columns]
                    if tap == 0:
                        _set(source, window[0], found[p])
                    else:
                        _add(source, window[tap], found[p])
        _step_row(found, motion[y], out[y])


@helper
def _set(source, share, out):
    for x in range(len(out)):
        out[x] = source[x] * share


@helper
def _add(source, share, out):
    for x in range(len(out)):
        out[x] += source[x] * share


@helper
def _product_row(ours, theirs, motion, belief, y, products):
    """The five products of slopes and of slopes with what is sought, of one row."""
    rows, columns = theirs.shape[:2]
    warped = np.empty((3, columns), np.float32)
    _warp_row(theirs.reshape(-1), rows, columns, motion, y, warped)
    for x in range(columns):
        gx = (ours[x, 1] + warped[1, x]) * HALF
        gy = (ours[x, 2] + warped[2, x]) * HALF
        sought = ours[x, 0] - warped[0, x] + gx * motion[x, 0] + gy * motion[x, 1]
        weight = loaded(belief[x])
        wx, wy = gx * weight, gy * weight
        products[0, x] = wx * gx
        products[1, x] = wx * gy
        products[2, x] = wy * gy
        products[3, x] = wx * sought
        products[4, x] = wy * sought


@helper
def _warp_row(flat, rows, columns, motion, y, out):
    """A row of three interleaved planes, looked up where its motion points."""
    step, three = np.uintp(3 * columns), np.uintp(3)
    for x in range(columns):
        ix, across = place_of(F(x) + motion[x, 0], columns)
        iy, down = place_of(F(y) + motion[x, 1], rows)
        a = np.uintp((iy * columns + ix) * 3)
        for c in range(3):
            b = a + step
            out[c, x] = mixed(flat[a], flat[a + three], flat[b], flat[b + three], across, down)
            a += np.uintp(1)


@helper
def _step_row(found, motion, out):
    for x in range(len(out)):
        mx, my = motion[x, 0], motion[x, 1]
        xx, xy, yy = found[0, x], found[1, x], found[2, x]
        share = ONE / (xx + yy + LEAST_TEXTURE)
        right = (found[3, x] - xx * mx - xy * my) * share
        below = (found[4, x] - xy * mx - yy * my) * share
        xx, xy, yy = xx * share + SHARE, xy * share, yy * share + SHARE
        scale = ONE / (xx * yy - xy * xy)
        across = (yy * right - xy * below) * scale
        down = (xx * below - xy * right) * scale
        out[x, 0] = mx + min(max(across, -FARTHEST_STEP), FARTHEST_STEP)
        out[x, 1] = my + min(max(down, -FARTHEST_STEP), FARTHEST_STEP)


@kernel
def propagate(light, their_light, ours, motion, missed, out):
    """Own motion, four neighbours' and none, weighed by what each leaves unexplained over 5x5
    pixels; both lights are planes, ``missed`` is room for seven."""
    rows, columns = light.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        candidates = np.empty((CANDIDATES, 2, columns), np.float32)
        _candidate_row(motion, y, candidates)
        here, slopes, texture = light[y], ours[y], missed[CANDIDATES, y]
        for c in range(CANDIDATES):
            to = missed[c, y]
            _look_up_row(their_light.reshape(-1), rows, columns, candidates[c], y, to)
            for x in range(columns):
                to[x] = abs(to[x] - here[x]) * SCALE
        for x in range(columns):
            texture[x] = (abs(slopes[x, 1]) + abs(slopes[x, 2])) * OF_SLOPES
    for row_index in prange(rows):
        y = np.int64(row_index)
        sums = np.zeros(columns + 4, np.float32)
        means = np.empty((CANDIDATES + 1, columns), np.float32)
        first, last = max(y - 2, 0), min(y + 3, rows)
        for p in range(CANDIDATES + 1):
            total = sums[2 : 2 + columns]
            _set(missed[p, first], ONE, total)
            for row in range(first + 1, last):
                _add(missed[p, row], ONE, total)
            mean = means[p]
            for x in range(columns):
                mean[x] = ((sums[x] + sums[x + 1]) + (sums[x + 2] + sums[x + 3])) + sums[x + 4]
        candidates = np.empty((CANDIDATES, 2, columns), np.float32)
        _candidate_row(motion, y, candidates)
        _choose_row(means, candidates, F(last - first), out[y])


@helper
def _candidate_row(motion, y, out):
    """Motion here, to the left, right, above, below (none beyond the border), and none."""
    rows, columns = motion.shape[:2]
    here = motion[y]
    for c in range(2):
        own, left, right, none = out[0, c], out[1, c], out[2, c], out[5, c]
        for x in range(columns):
            own[x] = here[x, c]
            none[x] = ZERO
        fill(left[:DISTANCE], ZERO)
        fill(right[columns - DISTANCE :], ZERO)
        for x in range(columns - DISTANCE):
            left[x + DISTANCE] = own[x]
            right[x] = own[x + DISTANCE]
        for place, row in ((3, y - DISTANCE), (4, y + DISTANCE)):
            to = out[place, c]
            if row < 0 or row >= rows:
                fill(to, ZERO)
            else:
                other = motion[row]
                for x in range(columns):
                    to[x] = other[x, c]


@helper
def _look_up_row(flat, rows, columns, motion, y, out):
    """A row of one plane looked up where its motion (2, columns) points."""
    for x in range(columns):
        ix, across = place_of(F(x) + motion[0, x], columns)
        iy, down = place_of(F(y) + motion[1, x], rows)
        out[x] = around(flat, columns, ix, iy, across, down)


@helper
def _choose_row(means, candidates, count, out):
    columns = means.shape[1]
    best, factor = np.empty(columns, np.float32), np.empty(columns, np.float32)
    total, weight = np.empty(columns, np.float32), np.empty(columns, np.float32)
    across, down = np.empty(columns, np.float32), np.empty(columns, np.float32)
    for x in range(columns):
        inside = count * F(min(x, 2) + min(columns - 1 - x, 2) + 1)
        factor[x] = DECISION / (means[CANDIDATES, x] + LEAST_CONTRAST * inside)
        best[x] = means[0, x]
        total[x] = across[x] = down[x] = ZERO
    for c in range(1, CANDIDATES):
        for x in range(columns):
            best[x] = min(best[x], means[c, x])
    for c in range(CANDIDATES):
        for x in range(columns):
            weight[x] = exp((best[x] - means[c, x]) * factor[x])
        for x in range(columns):
            total[x] += weight[x]
            across[x] += weight[x] * candidates[c, 0, x]
            down[x] += weight[x] * candidates[c, 1, x]
    for x in range(columns):
        out[x, 0] = across[x] / total[x]
        out[x, 1] = down[x] / total[x]


@kernel
def filter_motion(motion, scale, places, worth, strictness, out):
    """Motion times ``scale`` (to cells), averaged with eight neighbours by likeness, by what their
    place says and by what they are worth; borders repeated."""
    rows, columns = motion.shape[:2]
    for row_index in prange(rows):
        y = np.int64(row_index)
        rights = np.empty((CELLS, columns), np.float32)
        belows = np.empty((CELLS, columns), np.float32)
        logits = np.empty((CELLS, columns), np.float32)
        best = np.empty(columns, np.float32)
        fill(best, F(-1e30))
        here = motion[y]
        for cell in range(CELLS):
            row = min(max(y + FILTER_DISTANCE * (cell // 3 - 1), 0), rows - 1)
            shift = FILTER_DISTANCE * (cell % 3 - 1)
            other, worths = motion[row], worth[row]
            right, below, logit = rights[cell], belows[cell], logits[cell]
            for x in range(columns):
                column = min(max(x + shift, 0), columns - 1)
                right[x] = (other[column, 0] - here[x, 0]) * scale
                below[x] = (other[column, 1] - here[x, 1]) * scale
                logit[x] = loaded(worths[column, 0]) + loaded(places[y, x, cell])
            for x in range(columns):
                right[x] = min(max(right[x], -FARTHEST_APART), FARTHEST_APART)
                below[x] = min(max(below[x], -FARTHEST_APART), FARTHEST_APART)
                logit[x] -= (right[x] * right[x] + below[x] * below[x]) * strictness
                best[x] = max(best[x], logit[x])
        total = np.empty(columns, np.float32)
        across, down = np.empty(columns, np.float32), np.empty(columns, np.float32)
        for row in (total, across, down):
            fill(row, ZERO)
        for cell in range(CELLS):
            right, below, logit = rights[cell], belows[cell], logits[cell]
            for x in range(columns):
                logit[x] = exp(logit[x] - best[x])
            for x in range(columns):
                total[x] += logit[x]
                across[x] += logit[x] * right[x]
                down[x] += logit[x] * below[x]
        for x in range(columns):
            out[y, x, 0] = here[x, 0] * scale + across[x] / total[x]
            out[y, x, 1] = here[x, 1] * scale + down[x] / total[x]
