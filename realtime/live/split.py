"""A and B in one picture: as it came on the left of a divider, cleaned on the right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError

__all__ = ["split"]

# White of display-encoded SDR, and in scRGB the white of a display of 200 nits (1.0 is 80).
WHITE_SDR, WHITE_SCRGB = 255, 2.5


def split(before: NDArray[Any], after: NDArray[Any], divider: float) -> None:
    """Put ``before`` left of ``divider`` (0 to 1, of the width) into ``after``, in place.

    Two pictures of one size and type, (height, width, 4), uint8 BGRA or float16 scRGB. The
    divider is a white line with a black one beside it, two pixels in all, seen on any picture; at
    0 and 1 there is none.
    """
    if before.shape != after.shape or before.dtype != after.dtype:
        raise TemporalCleanError(
            f"expected two pictures of one size and type, got {before.shape} {before.dtype} and "
            f"{after.shape} {after.dtype}"
        )
    width = after.shape[1]
    column = round(min(max(divider, 0.0), 1.0) * width)
    after[:, :column] = before[:, :column]
    if 0 < column < width:
        after[:, column - 1, :3] = WHITE_SCRGB if after.dtype == np.float16 else WHITE_SDR
        after[:, column, :3] = 0
