"""Space-time slices: a stretch of one row, frame under frame, where the input flickers most."""

import numpy as np
from numpy.typing import NDArray

from temporal_clean.evaluation.report.shown import Shown
from temporal_clean.evaluation.report.stills import Area, exact, locator

__all__ = ["slice_area", "slices"]

ACROSS = 160  # pixels of the row: at 2x it fits a phone of 360 CSS pixels, and three fit a desktop
EDGE = 2  # rows at the border left out: scaling and motion leave marks there that nobody looks at


def slices(shown: Shown) -> dict[str, object] | None:
    """The row over time of every video, and where it lies; None for a clip of one frame."""
    if shown.length < 2:
        return None
    judged = "input" if "input" in shown.roles else "output"
    x, y, width, _ = area = slice_area(shown, judged)
    return {
        "row": y,
        "from": x,
        "to": x + width - 1,
        "judged": judged,
        "locator": locator(shown.pixels(judged)[0], area),
        "pictures": {
            role: exact(np.stack([frame[y, x : x + width] for frame in shown.pixels(role)]))
            for role in shown.roles
        },
    }


def slice_area(shown: Shown, role: str) -> Area:
    """The row with most flicker in a video, one pixel high, and its busiest ``ACROSS`` pixels."""
    energy = _flicker(shown, role)
    height, width = energy.shape
    inside = energy[EDGE:-EDGE] if height > 2 * EDGE else energy
    row = int(np.argmax(inside.sum(1))) + (height - len(inside)) // 2
    across = min(ACROSS, width)
    sums = np.cumsum(np.pad(energy[row], (1, 0)))
    return int(np.argmax(sums[across:] - sums[:-across])), row, across, 1


def _flicker(shown: Shown, role: str) -> NDArray[np.float64]:
    """(height, width): energy of what comes and goes at every pixel, summed over frames.

    With a reference, of the change of the error from frame to frame, which leaves out what really
    moves. Without one, of the second difference in time, which steady motion adds little to.
    """
    frames = shown.pixels(role)
    references = shown.pixels("reference") if "reference" in shown.roles else None
    energy = np.zeros(frames[0].shape[:2])
    earlier: list[NDArray[np.float32]] = []
    for k, frame in enumerate(frames):
        now = frame.astype(np.float32)
        if references is not None:
            now = now - references[k]
        if references is not None and earlier:
            energy += np.square(now - earlier[-1]).sum(-1)
        elif references is None and len(earlier) == 2:
            energy += np.square(now - 2 * earlier[1] + earlier[0]).sum(-1)
        earlier = [*earlier[-1:], now]
    return energy
