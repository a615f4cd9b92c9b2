"""Rows of pixels from and to the networks' phases: sub-positions of a cell as channels.

Networks see pictures as ``torch.nn.functional.pixel_unshuffle`` gives them: (rows / cell,
columns / cell, planes x cell x cell). ``cell`` is handed around as a tuple of that length, which is
known when a kernel is compiled.
"""

from temporal_clean.realtime.fused.compiling import helper, loaded, stored

__all__ = ["CELLS", "QUARTERS", "WHOLE", "fill", "from_phases", "to_phases"]

CELLS = {side: (0,) * side for side in (1, 2, 4)}
WHOLE, QUARTERS = CELLS[1], CELLS[4]


@helper
def from_phases(network, plane, y, cell, row):
    """One row of pixels of one plane."""
    side = len(cell)
    first = (plane * side + y % side) * side
    source = network[y // side]
    for place in range(source.shape[0]):
        for j in range(side):
            row[place * side + j] = loaded(source[place, first + j])


@helper
def to_phases(row, network, plane, y, cell):
    """The inverse of ``from_phases``."""
    side = len(cell)
    first = (plane * side + y % side) * side
    out = network[y // side]
    for place in range(out.shape[0]):
        for j in range(side):
            out[place, first + j] = stored(network, row[place * side + j])


@helper
def fill(row, value):
    """``row[:] = value``, which takes Numba seconds to compile inside a kernel."""
    for x in range(len(row)):
        row[x] = value
