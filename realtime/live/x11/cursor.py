"""The pointer's image, blended into a captured picture: captures of a window leave it out."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["blend", "draw_cursor"]


def draw_cursor(server: Server, picture: NDArray[np.uint8], place: Rectangle) -> None:
    """Draw the pointer into ``picture``, whose top left is at ``place`` on the screen."""
    found = server.extension("XFIXES").GetCursorImage().reply()
    pixels = np.array(list(found.cursor_image), np.uint32)
    image = pixels.view(np.uint8).reshape(found.height, found.width, 4)
    blend(picture, image, found.x - found.xhot - place.x, found.y - found.yhot - place.y)


def blend(picture: NDArray[np.uint8], image: NDArray[Any], x: int, y: int) -> None:
    """Lay ``image``, BGRA with colours multiplied by alpha, over ``picture`` at ``x``, ``y``.

    In place; what lies outside is cut off.
    """
    height, width = picture.shape[:2]
    left, top = max(x, 0), max(y, 0)
    right, bottom = min(x + image.shape[1], width), min(y + image.shape[0], height)
    if left >= right or top >= bottom:
        return
    over = image[top - y : bottom - y, left - x : right - x].astype(np.uint16)
    under = picture[top:bottom, left:right]
    kept = (under * (255 - over[..., 3:]) + 127) // 255
    under[...] = np.minimum(over + kept, 255)
