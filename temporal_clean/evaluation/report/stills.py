"""Small pictures of a report as data addresses: exact crops, and thumbnails to find them by."""

import base64

import av
import numpy as np

from temporal_clean.compare.stills import QUALITIES, Pixels

__all__ = ["Area", "Picture", "exact", "locator"]

Area = tuple[int, int, int, int]  # x, y, width, height in pixels
Picture = dict[str, object]

THUMBNAIL = 320  # pixels across, at most: sharp on a phone's screen at 200 CSS pixels and under


def exact(pixels: Pixels) -> Picture:
    """A picture as it is, lossless, with its size."""
    height, width = pixels.shape[:2]
    return {"src": _address("lossless", pixels), "width": width, "height": height}


def locator(pixels: Pixels, area: Area) -> Picture:
    """A small view of a whole frame, and ``area`` of it in fractions of the frame."""
    height, width = pixels.shape[:2]
    x, y, w, h = area
    box = [x / width, y / height, w / width, h / height]
    small = _address("medium", _smaller(pixels))
    return {"src": small, "width": width, "height": height, "box": [round(v, 5) for v in box]}


def _smaller(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    if width <= THUMBNAIL:
        return pixels
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    across = max(1, round(height * THUMBNAIL / width))
    smaller = frame.reformat(THUMBNAIL, across, interpolation="AREA")
    return smaller.to_ndarray(format="rgb24").astype(np.uint8)


def _address(quality: str, pixels: Pixels) -> str:
    storage = QUALITIES[quality]
    text = base64.b64encode(storage.encode(pixels)).decode("ascii")
    return f"data:{storage.mime};base64,{text}"
