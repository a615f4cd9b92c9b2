"""Sums over all boxes of a plane, in time that does not grow with the box."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["box_sums"]


def box_sums(plane: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """The sum over each box of a (rows, columns) plane, at the place of its top left corner.

    (rows - height + 1, columns - width + 1): boxes lie inside the plane. By a summed-area table
    (Crow, SIGGRAPH 1984).
    """
    sums = np.pad(plane, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    boxes = sums[height:, width:] - sums[:-height, width:]
    return boxes - sums[height:, :-width] + sums[:-height, :-width]
