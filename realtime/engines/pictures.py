"""Integer pictures to planes and back in NumPy, for engines whose graph takes planes only."""

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.engines.base import Engine, EngineInfo, EngineState, StepResult
from temporal_clean.realtime.graph import PICTURES, GraphRequest

__all__ = [
    "ConvertingEngine",
    "doubled",
    "halved",
    "planar_request",
    "to_picture",
    "to_planes",
]


class ConvertingEngine:
    """A planar engine that takes and gives what ``request`` says, like every other engine."""

    def __init__(self, inner: Engine, request: GraphRequest) -> None:
        self.inner, self.request = inner, request

    def new_state(self) -> EngineState:
        return self.inner.new_state()

    def step(self, frame: NDArray, state: EngineState) -> StepResult:
        full = to_planes(frame, self.request)
        planes = halved(full) if self.request.halved else full
        result = self.inner.step(planes, state)
        clean = result.clean
        if self.request.halved:
            clean = full + doubled(clean - planes)
        return StepResult(to_picture(clean, self.request), result.maps)

    def describe(self) -> EngineInfo:
        return self.inner.describe()


def planar_request(request: GraphRequest) -> GraphRequest:
    """The same step on padded planes."""
    return GraphRequest(*request.inner_size(), "planar", request.inspect)


def to_planes(frame: NDArray, request: GraphRequest) -> NDArray[np.float32]:
    """(1, 3, height, width) in [0, 1], padded at the right and bottom by repeating the edge."""
    if request.frame_format == "planar":
        return np.ascontiguousarray(frame, np.float32)
    _, channels, largest = PICTURES[request.frame_format]
    height, width = (side * request.shrink for side in request.inner_size())
    planes = frame[..., channels].transpose(2, 0, 1).astype(np.float32)
    planes *= np.float32(1.0 / largest)
    pads = ((0, 0), (0, height - request.height), (0, width - request.width))
    return np.ascontiguousarray(np.pad(planes, pads, mode="edge")[None])


def to_picture(planes: NDArray, request: GraphRequest) -> NDArray:
    """Cropped and rounded to nearest; alpha, where the format has it, opaque."""
    if request.frame_format == "planar":
        return planes
    _, channels, largest = PICTURES[request.frame_format]
    kind = np.uint16 if request.frame_format == "rgb16" else np.uint8
    cropped = planes[0, channels, : request.height, : request.width].astype(np.float32)
    values = np.rint(np.clip(cropped, 0.0, 1.0) * np.float32(largest)).transpose(1, 2, 0)
    if request.frame_format == "bgra8":
        values = np.concatenate([values, np.full_like(values[..., :1], largest)], axis=-1)
    return np.ascontiguousarray(values.astype(kind))


def halved(planes: NDArray) -> NDArray:
    """Means of 2x2 pixels, as the graph's own AveragePool."""
    batch, channels, height, width = planes.shape
    blocks = planes.reshape(batch, channels, height // 2, 2, width // 2, 2)
    return np.ascontiguousarray(blocks.mean(axis=(3, 5)))


def doubled(planes: NDArray) -> NDArray:
    """Twice the size each way, linear with half-pixel centres, as the graph's own Resize."""
    for axis in (2, 3):
        ends = [(0, 0)] * 4
        ends[axis] = (1, 1)
        spread = np.moveaxis(np.pad(planes, ends, mode="edge"), axis, 0)
        near = 0.75 * spread[1:-1]
        pairs = np.stack([near + 0.25 * spread[:-2], near + 0.25 * spread[2:]], axis=1)
        planes = np.moveaxis(pairs.reshape(-1, *spread.shape[1:]), 0, axis)
    return planes
