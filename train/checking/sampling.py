"""Keeping a bounded, even choice of frames from a clip whose length is not known."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Samples", "shrink"]

Pixels = NDArray[np.uint8]

# Runs of neighbours show what changes from frame to frame; runs spread out show the whole clip.
RUN, MOST_RUNS = 8, 8
# Overlays and contact sheets need no more rows than this.
ROWS = 540


@dataclass
class Samples:
    """Runs of ``RUN`` neighbouring frames, evenly spread: at most RUN * MOST_RUNS pairs kept.

    Up to that length every frame is kept; each time the store is full every other run is dropped
    and the distance between runs doubles.
    """

    numbers: list[int] = field(default_factory=list)
    inputs: list[Pixels] = field(default_factory=list)
    references: list[Pixels] = field(default_factory=list)
    every: int = 1

    def add(self, number: int, given: Pixels, reference: Pixels) -> None:
        """Offer a pair of frames, in order."""
        if (number // RUN) % self.every:
            return
        if len(self.numbers) == RUN * MOST_RUNS:
            self.every *= 2
            kept = [k for k, n in enumerate(self.numbers) if (n // RUN) % self.every == 0]
            for name in ("numbers", "inputs", "references"):
                setattr(self, name, [getattr(self, name)[k] for k in kept])
            if (number // RUN) % self.every:
                return
        self.numbers.append(number)
        self.inputs.append(shrink(given))
        self.references.append(shrink(reference))


def shrink(frame: Pixels) -> Pixels:
    """Means over whole blocks of pixels, so that at most ROWS rows are left; always a copy."""
    factor = -(-frame.shape[0] // ROWS)
    if factor == 1:
        return frame.copy()
    height, width = (side // factor for side in frame.shape[:2])
    whole = frame[: height * factor, : width * factor]
    return np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
