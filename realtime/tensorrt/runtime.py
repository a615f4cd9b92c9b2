"""TensorRT on an NVIDIA GPU, as an engine: state stays on the GPU, one stream, two CUDA graphs.

tensorrt_rtx and tensorrt are served alike. No GPU was at hand: the order of work (buffers,
ping-pong, capture, reset) is tested on a stand-in for device and context that computes with ONNX
Runtime; the calls to TensorRT up to deserialising, which needs the driver, are tested on the real
module; deserialising and after it were not run.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.graph import (
    CLEAN_OUTPUT,
    FRAME_INPUT,
    STATE_INPUTS,
    STATE_OUTPUTS,
)
from temporal_clean.realtime.tensorrt.interface import Context

__all__ = ["Buffer", "Device", "Port", "TensorRtEngine", "TensorRtState"]


@dataclass(frozen=True)
class Port:
    """An input or output of the engine, fixed in shape."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape)) * self.dtype.itemsize


class Buffer(Protocol):
    """Memory on the device."""

    address: int
    size: int


class Device(Protocol):
    """What ``cuda.CudaDevice`` does: memory, copies and one stream in which all is queued."""

    stream: int

    def allocate(self, size: int) -> Any: ...
    def clear(self, buffer: Any) -> None: ...
    def upload(self, array: NDArray, buffer: Any) -> None: ...
    def download(self, buffer: Any, array: NDArray) -> None: ...
    def synchronise(self) -> None: ...
    def capture(self, work: Callable[[], None]) -> Callable[[], None]: ...


@dataclass
class TensorRtState:
    """Two sets of state buffers: a step reads ``sides[turn]`` and writes the other.

    ``graphs`` has the recorded step for each turn, once it was recorded.
    """

    device: Device
    sides: tuple[dict[str, Buffer], dict[str, Buffer]]
    turn: int = 0
    graphs: dict[int, Callable[[], None]] = field(default_factory=dict)

    def reset(self) -> None:
        self.device.clear(self.sides[self.turn]["state_valid"])


class TensorRtEngine:
    """One execution context; frames are copied in and out, the history never leaves the GPU.

    ``record``: each of the two steps (A to B, B to A) is recorded as a CUDA graph when it first
    comes, and launched whole from then on; without it TensorRT queues every kernel in every step.
    """

    def __init__(
        self,
        context: Context,
        device: Device,
        ports: Mapping[str, Port],
        info: EngineInfo,
        record: bool = True,
    ) -> None:
        self.context, self.device, self.info, self.record = context, device, info, record
        self.ports = dict(ports)
        inner = (FRAME_INPUT, *STATE_INPUTS, *STATE_OUTPUTS)
        self.results = [name for name in self.ports if name not in inner]
        names = (FRAME_INPUT, *self.results)
        self.buffers = {name: device.allocate(self.ports[name].size) for name in names}
        # The first run compiles kernels, which must not happen while recording.
        warming = self.new_state()
        self._enqueue(warming)
        device.synchronise()

    def new_state(self) -> TensorRtState:
        return TensorRtState(self.device, (self._side(), self._side()))

    def step(self, frame: NDArray, state: TensorRtState) -> StepResult:
        port = self.ports[FRAME_INPUT]
        if frame.shape != port.shape:
            raise TemporalCleanError(
                f"expected a frame of shape {port.shape}, got {frame.shape}; open the engine for "
                "this size"
            )
        given = np.ascontiguousarray(frame, port.dtype)
        self.device.upload(given, self.buffers[FRAME_INPUT])
        self._launch(state)
        results = {n: np.empty(self.ports[n].shape, self.ports[n].dtype) for n in self.results}
        for name, array in results.items():
            self.device.download(self.buffers[name], array)
        self.device.synchronise()
        state.turn = 1 - state.turn
        clean = results.pop(CLEAN_OUTPUT).astype(frame.dtype, copy=False)
        return StepResult(clean, {k: v.astype(np.float32) for k, v in results.items()})

    def describe(self) -> EngineInfo:
        return self.info

    def _side(self) -> dict[str, Buffer]:
        return {name: self.device.allocate(self.ports[name].size) for name in STATE_INPUTS}

    def _launch(self, state: TensorRtState) -> None:
        if self.record and state.turn not in state.graphs:
            state.graphs[state.turn] = self.device.capture(lambda: self._enqueue(state))
        if self.record:
            state.graphs[state.turn]()
        else:
            self._enqueue(state)

    def _enqueue(self, state: TensorRtState) -> None:
        front, back = state.sides[state.turn], state.sides[1 - state.turn]
        addresses = {name: buffer.address for name, buffer in self.buffers.items()}
        for name, output in zip(STATE_INPUTS, STATE_OUTPUTS, strict=True):
            addresses |= {name: front[name].address, output: back[name].address}
        for name, address in addresses.items():
            if not self.context.set_tensor_address(name, address):
                raise TemporalCleanError(f"TensorRT does not take memory for '{name}'")
        if not self.context.execute_async_v3(self.device.stream):
            raise TemporalCleanError("TensorRT refused to run the step")
