"""What travels through the live loop: a picture with its place in time, and places on screen."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Frame", "PixelFormat", "Rectangle", "pixel_format"]

# bgra8: display-encoded SDR. rgba16f: scRGB, linear, 1.0 is 80 nits.
PixelFormat = Literal["bgra8", "rgba16f"]


class Rectangle(NamedTuple):
    """Pixels of the screen, origin at its top left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Frame:
    """One captured picture.

    ``picture`` is (height, width, 4): uint8 BGRA, or float16 RGBA in scRGB. ``generation`` counts
    resizes and changes of format: what an older one made is never shown. ``sequence`` counts
    the source's frames within the run, those that never came among them, so that a difference
    tells how many were missed. Times are seconds of ``time.monotonic``: when the source had the
    frame (as well as that is known), and when the capture handed it over. ``moving_time`` is
    ``source_time`` less all time for which the source only repeated its picture.
    """

    picture: NDArray[Any]
    generation: int
    sequence: int
    source_time: float
    arrive_time: float
    moving_time: float


def pixel_format(picture: NDArray[Any]) -> PixelFormat:
    """By the type of a picture's values."""
    return "rgba16f" if picture.dtype == np.float16 else "bgra8"
