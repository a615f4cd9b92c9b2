"""Where a lookup reads and how sizes change: what the kernels share (flow/warping.py, pooling.py).

Arrays may be a network's: elements are ``loaded``.
"""

import numpy as np

from temporal_clean.realtime.fused.compiling import F, helper, loaded

__all__ = ["around", "between", "mixed", "place_of", "spread", "sum_of_block"]


@helper
def place_of(position, length):
    """The first of the two places around a position, and how far towards the second; borders are
    repeated. Whatever the number is, no place outside is ever named."""
    position = min(max(position, F(0.0)), F(length - 1))
    first = max(min(int(position), length - 2), 0)
    return first, position - F(first)


@helper
def mixed(a, b, c, d, across, down):
    """Between four neighbours, bilinear: a and b above, c and d below."""
    above, below = a + (b - a) * across, c + (d - c) * across
    return above + (below - above) * down


@helper
def around(flat, columns, x, y, across, down):
    """The same of a plane laid out flat, from column x and row y on."""
    first, step, one = np.uintp(y * columns + x), np.uintp(columns), np.uintp(1)
    return mixed(
        flat[first], flat[first + one], flat[first + step], flat[first + step + one], across, down
    )


@helper
def between(place, length):
    """The two places at half the size around this one, and how far towards the second."""
    first = max((place + 1) // 2 - 1, 0)
    second = min((place + 1) // 2, length - 1)
    return first, second, F(0.25) if place % 2 == 1 else F(0.75)


@helper
def spread(upper, lower, down, scale, out):
    """A row twice as wide (bilinear, half-pixel centres), times ``scale``, that lies ``down``
    between two rows."""
    a = loaded(upper[0])
    before = (a + (loaded(lower[0]) - a) * down) * scale
    out[0] = before
    columns = len(upper)
    for x in range(1, columns):
        a = loaded(upper[x])
        here = (a + (loaded(lower[x]) - a) * down) * scale
        out[2 * x - 1] = before + (here - before) * F(0.25)
        out[2 * x] = before + (here - before) * F(0.75)
        before = here
    out[2 * columns - 1] = before


@helper
def sum_of_block(plane, y, x):
    """Of 4x4 elements."""
    total = F(0.0)
    for i in range(4):
        for j in range(4):
            total += loaded(plane[4 * y + i, 4 * x + j])
    return total
