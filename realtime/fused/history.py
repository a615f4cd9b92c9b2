"""The past brought to the present: what the doubt looks at, the cut, and the warps."""

import numpy as np
from numba import prange

from temporal_clean.realtime.fused.compiling import F, helper, kernel, loaded, stored
from temporal_clean.realtime.fused.finishing import MARGIN
from temporal_clean.realtime.fused.lookup import look_up
from temporal_clean.realtime.fused.phases import to_phases
from temporal_clean.realtime.fused.sampling import mixed, place_of, sum_of_block

__all__ = ["bring_features", "bring_picture", "look_at_differences", "scene_cut", "trust_at_cells"]

ZERO, ONE, HALF, QUARTER = F(0.0), F(1.0), F(0.5), F(0.25)
FIVE = F(5.0)
PHASES = 16


@kernel
def look_at_differences(
    ours, theirs, light, their_light, motion, fine_motion, outlook, slope, tolerance,
    colours, others, prior,
):  # fmt: skip
    """What flow/network.py's SecondThoughts looks at, and its logit before the networks' part.

    ours, theirs: means of 4x4 pixels; light: luma at half the size, where ``fine_motion`` is in its
    pixels; outlook: doubt and context.
    """
    rows, columns = motion.shape[:2]
    context = outlook.shape[2] - 1
    for row_index in prange(rows):
        y = np.int64(row_index)
        for x in range(columns):
            mx, my = motion[y, x, 0], motion[y, x, 1]
            px, py = F(x) + mx, F(y) + my
            ix, across = place_of(px, columns)
            iy, down = place_of(py, rows)
            mean = ZERO
            for c in range(3):
                found = mixed(
                    theirs[c, iy, ix], theirs[c, iy, ix + 1],
                    theirs[c, iy + 1, ix], theirs[c, iy + 1, ix + 1], across, down,
                )  # fmt: skip
                difference = abs(ours[c, y, x] - found)
                colours[y, x, c] = stored(colours, difference * F(10.0))
                mean += difference * F(1.0 / 3.0)
            for i in range(2):
                for j in range(2):
                    v, u = 2 * y + i, 2 * x + j
                    fx, to_right = place_of(F(u) + fine_motion[v, u, 0], 2 * columns)
                    fy, to_below = place_of(F(v) + fine_motion[v, u, 1], 2 * rows)
                    found = mixed(
                        their_light[fy, fx], their_light[fy, fx + 1],
                        their_light[fy + 1, fx], their_light[fy + 1, fx + 1], to_right, to_below,
                    )  # fmt: skip
                    others[y, x, 2 * i + j] = stored(others, abs(light[v, u] - found) * F(10.0))
            for c in range(2):
                tear = motion[y, x, c] - _smoothed(motion, y, x, c)
                others[y, x, 4 + c] = stored(others, tear)
            doubt = loaded(outlook[y, x, 0])
            others[y, x, 6] = stored(others, doubt * F(0.1))
            for c in range(context):
                others[y, x, 7 + c] = stored(others, loaded(outlook[y, x, 1 + c]))
            logit = min(max(slope * (mean - tolerance), F(-8.0)), F(8.0))
            beyond = px < -HALF or px > F(columns) - HALF or py < -HALF or py > F(rows) - HALF
            if beyond:
                logit += F(16.0)
            prior[y, x, 0] = stored(prior, doubt + logit)


@helper
def _smoothed(motion, y, x, c):
    """Binomial mean of 3x3 cells, of those inside the picture."""
    rows, columns = motion.shape[:2]
    total = weights = ZERO
    for i in range(-1, 2):
        for j in range(-1, 2):
            if y + i >= 0 and y + i < rows and x + j >= 0 and x + j < columns:
                weight = (HALF if i == 0 else QUARTER) * (HALF if j == 0 else QUARTER)
                total += motion[y + i, x + j, c] * weight
                weights += weight
    return total / weights


@kernel
def scene_cut(ours, theirs, motion, doubt, coarse, sums, usable, given):
    """``usable`` (1 element) times 1 - temporal_clean/history.py's scene_cut; ours and theirs are
    means of 4x4 pixels, ``coarse`` and ``sums`` room for 16x16 means and sums of their rows;
    ``given`` is the result as the networks take it."""
    rows, columns = coarse.shape[1:3]
    for row_index in prange(rows):
        y = np.int64(row_index)
        for x in range(columns):
            for c in range(3):
                coarse[0, y, x, c] = sum_of_block(ours[c], y, x) * F(1.0 / 16.0)
                coarse[1, y, x, c] = sum_of_block(theirs[c], y, x) * F(1.0 / 16.0)
    for row_index in prange(rows):
        y = np.int64(row_index)
        for k in range(7):
            sums[y, k] = ZERO
        for x in range(columns):
            sums[y, 6] += sum_of_block(doubt[:, :, 0], y, x)
            mx, my = sum_of_block(motion[:, :, 0], y, x), sum_of_block(motion[:, :, 1], y, x)
            ix, across = place_of(F(x) + mx * F(1.0 / 64.0), columns)
            iy, down = place_of(F(y) + my * F(1.0 / 64.0), rows)
            for c in range(3):
                coarse[2, y, x, c] = mixed(
                    coarse[1, iy, ix, c], coarse[1, iy, ix + 1, c],
                    coarse[1, iy + 1, ix, c], coarse[1, iy + 1, ix + 1, c], across, down,
                )  # fmt: skip
                sums[y, c] += coarse[0, y, x, c]
                sums[y, 3 + c] += coarse[2, y, x, c]
    count = F(rows * columns)
    means = np.zeros(7, np.float32)
    for y in range(rows):
        for k in range(7):
            means[k] += sums[y, k] / (count * F(16.0) if k == 6 else count)
    common = own = other = ZERO
    for y in range(rows):
        for x in range(columns):
            for c in range(3):
                a = coarse[0, y, x, c] - means[c]
                b = coarse[2, y, x, c] - means[3 + c]
                common += a * b
                own += a * a
                other += b * b
    share = ONE / (count * F(3.0))
    floor = F((2.0 / 255.0) ** 2)
    correlation = (common * share + floor) / np.sqrt(own * share * other * share + floor * floor)
    unrelated = min(max((HALF - correlation) * F(5.0) + HALF, ZERO), ONE)
    doubted = min(max((means[6] - F(0.85)) * F(10.0) + HALF, ZERO), ONE)
    usable[0] *= ONE - max(unrelated, doubted)
    given[0, 0, 0] = stored(given, usable[0])


@kernel
def trust_at_cells(doubt, usable, motion, trust, next_motion):
    """At 1/4: usable * (1 - doubt), and the motion to remember."""
    rows, columns = motion.shape[:2]
    for row_index in prange(rows):
        y = np.int64(row_index)
        for x in range(columns):
            trust[y, x, 0] = stored(trust, usable[0] * (ONE - loaded(doubt[y, x, 0])))
            next_motion[y, x, 0] = motion[y, x, 0] * usable[0]
            next_motion[y, x, 1] = motion[y, x, 1] * usable[0]


@kernel
def bring_features(features, motion, out):
    """Hidden features at 1/4 (rows, columns, channels) looked up bilinearly."""
    rows, columns, channels = features.shape
    for row_index in prange(rows):
        y = np.int64(row_index)
        for x in range(columns):
            ix, across = place_of(F(x) + motion[y, x, 0], columns)
            iy, down = place_of(F(y) + motion[y, x, 1], rows)
            a, b = features[iy, ix], features[iy, ix + 1]
            c, d = features[iy + 1, ix], features[iy + 1, ix + 1]
            to = out[y, x]
            for k in range(channels):
                found = mixed(loaded(a[k]), loaded(b[k]), loaded(c[k]), loaded(d[k]), across, down)
                to[k] = stored(out, found)


@helper
def _cubic_row(t, taps):
    """Weights of four taps, the second at distance t to the left (Keys 1981, a = -0.75)."""
    a = F(-0.75)
    for x in range(len(t)):
        far, near = t[x] + ONE, ONE - t[x]
        first = ((a * far - F(5.0) * a) * far + F(8.0) * a) * far - F(4.0) * a
        second = ((a + F(2.0)) * t[x] - (a + F(3.0))) * t[x] * t[x] + ONE
        third = ((a + F(2.0)) * near - (a + F(3.0))) * near * near + ONE
        taps[x, 0], taps[x, 1], taps[x, 2] = first, second, third
        taps[x, 3] = ONE - first - second - third


@helper
def _motion_row(motion, y, upsampling, detail, out):
    """Motion of a row of cells, in pixels, in phases (columns, 32): LearnedUpsampling."""
    rows, columns = motion.shape[:2]
    above, here, below = motion[max(y - 1, 0)], motion[y], motion[min(y + 1, rows - 1)]
    for x in range(columns):
        left, right = max(x - 1, 0), min(x + 1, columns - 1)
        to, own = out[x], detail[x]
        for k in range(len(to)):
            to[k] = loaded(own[k])
        for c in range(2):
            w = upsampling[c]
            a, b, d = above[left, c], above[x, c], above[right, c]
            e, f, g = here[left, c], here[x, c], here[right, c]
            h, i, j = below[left, c], below[x, c], below[right, c]
            for k in range(len(to)):
                top = a * w[0, k] + b * w[1, k] + d * w[2, k]
                middle = e * w[3, k] + f * w[4, k] + g * w[5, k]
                to[k] += (top + middle) + (h * w[6, k] + i * w[7, k] + j * w[8, k])


@kernel
def bring_picture(
    past, past_luma, motion, upsampling, detail, pixels, scale, luma, mean, reach, cell,
    history, clipped, differences,
):  # fmt: skip
    """The previous clean picture warped to now, sharply in luma, and clipped to what the frame
    shows nearby; and the differences that the fusion looks at (temporal_clean/history.py,
    models/neighbourhood.py, models/fusion.py).

    ``past`` as ``finish`` leaves it; ``upsampling`` is (2, 9, 32), for motion in cells;
    ``clipped`` has the frame subtracted.
    """
    rows, columns = luma.shape
    flat, flat_luma, line = past.reshape(-1), past_luma.reshape(-1), past_luma.shape[1]
    for row_index in prange(motion.shape[0]):
        cell_row = np.int64(row_index)
        phases = np.empty((motion.shape[1], 2 * PHASES), np.float32)
        _motion_row(motion, cell_row, upsampling, detail[cell_row], phases)
        start, place = np.empty(columns, np.int64), np.empty((2, columns), np.float32)
        taps, found = np.empty((2, columns, 4), np.float32), np.empty((columns, 4), np.float32)
        excess, row = np.empty(columns, np.float32), np.empty(columns, np.float32)
        for i in range(4):
            y = 4 * cell_row + i
            for cell_column in range(motion.shape[1]):
                own = phases[cell_column]
                for j in range(4):
                    place[0, 4 * cell_column + j] = own[4 * i + j]
                    place[1, 4 * cell_column + j] = own[PHASES + 4 * i + j]
            _find_row(place, y, rows, columns, line, start, taps)
            right, below = place[0], place[1]
            right_taps, below_taps, to = taps[0].reshape(-1), taps[1].reshape(-1), found.reshape(-1)
            for x in range(columns):
                look_up(
                    flat, flat_luma, start[x], np.int64(line), right[x], below[x], right_taps,
                    below_taps, x, to,
                )  # fmt: skip
            _clip_row(found, mean[y], reach[y], excess)
            for c in range(3):
                for x in range(columns):
                    row[x] = found[x, c]
                to_phases(row, history, c, y, cell)
                _subtract(row, excess, pixels[c, y], scale, clipped[c, y])
                to_phases(row, differences, c, y, cell)
            for x in range(columns):
                excess[x] *= FIVE
                row[x] = (luma[y, x] - past_luma[y + MARGIN, x + MARGIN]) * FIVE
            to_phases(excess, differences, 3, y, cell)
            to_phases(row, differences, 4, y, cell)


@helper
def _find_row(place, y, rows, columns, line, start, taps):
    """Motion in ``place`` to where a pixel's taps begin and what each of them counts; ``place``
    becomes how far it lies towards the second of the middle two."""
    _place_row(place[0], F(0.0), ONE, F(columns + 1))
    _place_row(place[1], F(y), ZERO, F(rows + 1))
    right, below = place[0], place[1]
    for x in range(columns):
        # Whatever a number is, its pixel lies in the picture: nothing outside is ever read.
        ix = max(min(np.int32(right[x]), np.int32(columns + 5)), np.int32(2))
        iy = max(min(np.int32(below[x]), np.int32(rows + 5)), np.int32(2))
        start[x] = np.int64(iy) * line + np.int64(ix)
        right[x] -= F(ix)
        below[x] -= F(iy)
    for axis in range(2):
        _cubic_row(place[axis], taps[axis])


@helper
def _place_row(place, first, step, farthest):
    """Motion to a place within the margins, counted from the margin's border."""
    for x in range(len(place)):
        position = place[x] + (first + F(np.int32(x)) * step)
        place[x] = min(max(position, F(-2.0)), farthest) + F(MARGIN)


@helper
def _clip_row(found, mean, reach, excess):
    for x in range(len(excess)):
        light = found[x, 3]
        excess[x] = light - min(max(light, mean[x] - reach[x]), mean[x] + reach[x])


@helper
def _subtract(found, excess, pixels, scale, clipped):
    for x in range(len(found)):
        found[x] = found[x] - excess[x] - F(pixels[x]) * scale
    for x in range(len(found)):
        clipped[x] = stored(clipped, found[x])
        found[x] *= FIVE
