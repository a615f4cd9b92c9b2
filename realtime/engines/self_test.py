"""Does an engine compute what the reference computes? Three recurrent frames decide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.engines.base import Engine
from temporal_clean.realtime.graph import PICTURES, GraphRequest

__all__ = ["Verdict", "compare_to_reference", "moving_pattern"]

# bf16 keeps 8 bits: measured here 2e-4 to 3e-4 mean, 5e-3 at worst ('doctor' prints it); a wrong
# operator or a broken state is tens of times worse.
LARGEST_MEAN, LARGEST_ERROR = 2e-3, 6e-2


@dataclass(frozen=True)
class Verdict:
    """Whether the engine may be used, and the figures in words."""

    passed: bool
    text: str


def compare_to_reference(candidate: Engine, reference: Engine, request: GraphRequest) -> Verdict:
    """Step both over the same moving pattern, history included."""
    states = candidate.new_state(), reference.new_state()
    largest = PICTURES[request.frame_format][2]
    worst, mean = 0.0, 0.0
    for frame in moving_pattern(request, frames=3):
        ours = candidate.step(frame, states[0]).clean.astype(np.float64)
        theirs = reference.step(frame, states[1]).clean.astype(np.float64)
        difference = np.abs(ours - theirs) / largest
        worst, mean = max(worst, float(difference.max())), max(mean, float(difference.mean()))
    passed = mean <= LARGEST_MEAN and worst <= LARGEST_ERROR
    verb = "agrees with" if passed else "differs from"
    return Verdict(
        passed, f"{verb} ONNX Runtime over 3 frames (mean {mean:.1e}, largest {worst:.1e})"
    )


def moving_pattern(request: GraphRequest, frames: int) -> list[NDArray]:
    """Stripes and blobs that drift by 0.3 and 0.1 px a frame, so that history is believed."""
    kind = np.uint16 if request.frame_format == "rgb16" else np.uint8
    largest = PICTURES[request.frame_format][2]
    rows, columns = np.mgrid[0 : request.height, 0 : request.width].astype(np.float64)
    result = []
    for index in range(frames):
        x, y = columns + 0.3 * index, rows + 0.1 * index
        planes = [np.sin(x * 0.9 + y * 0.2), np.sin(y * 0.5 - x * 0.1), np.sin(x * y * 0.004)]
        result.append((np.stack(planes, axis=-1) * 0.45 + 0.5) * largest)
    return [np.round(picture).astype(kind) for picture in result]
