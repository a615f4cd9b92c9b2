"""OpenVINO: the default on a plain CPU; bf16 where the processor has it, never an f16 hint."""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.graph import (
    CLEAN_OUTPUT,
    FRAME_INPUT,
    INSPECTION_OUTPUTS,
    STATE_INPUTS,
    STATE_OUTPUTS,
)

__all__ = [
    "OpenVinoEngine",
    "accelerators",
    "compiled_model",
    "fastest_precision",
    "openvino_id",
    "openvino_version",
    "shared_core",
]


@functools.cache
def shared_core() -> Any:
    """The process's one ``openvino.Core``, never freed.

    Each Core's CPU plugin sets the thread's alternate signal stack and puts the one before it back
    when it goes. Two that go in the order in which they came leave a freed one: the next Python
    signal handler (a data loader sets one for SIGCHLD) then ends the process with SIGSEGV. Seen in
    OpenVINO 2026.4; see tests/realtime/test_engines.py.
    """
    import openvino

    return openvino.Core()


def fastest_precision() -> str:
    """bf16 where the processor multiplies in it, else f32; the self-test guards its accuracy."""
    capabilities = shared_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "bf16" if "BF16" in capabilities else "f32"


def accelerators() -> dict[str, str]:
    """OpenVINO's GPUs and NPUs here: its names for them, and theirs in words."""
    names = [
        name for name in shared_core().available_devices if name.split(".")[0] in ("GPU", "NPU")
    ]
    return {name: shared_core().get_property(name, "FULL_DEVICE_NAME") for name in names}


def openvino_id(device: str) -> str:
    """'openvino:gpu', 'openvino:gpu-1', 'openvino:npu', as --engine takes it."""
    return f"openvino:{device.lower().replace('.', '-')}"


def openvino_version() -> str:
    """Without the build's number."""
    import openvino

    return openvino.__version__.split("-")[0]


def compiled_model(model: Any, precision: str, cache: Path | None, device: str = "CPU") -> Any:
    """An ``openvino.Model`` for one stream of frames, from the cache where it is there."""
    properties = {"PERFORMANCE_HINT": "LATENCY"}
    if not device.startswith("NPU"):
        properties["INFERENCE_PRECISION_HINT"] = precision
    if cache:
        properties["CACHE_DIR"] = str(cache)
    return shared_core().compile_model(model, device, properties)


@dataclass
class PingPong:
    """Two sets of state tensors: a step reads ``front`` and writes ``back``, then they swap."""

    front: dict[str, Any]
    back: dict[str, Any]

    def reset(self) -> None:
        valid = self.front["state_valid"]
        # A tensor in a device's memory is written to from one of the host's.
        valid.copy_from(_zeros(valid))


class OpenVinoEngine:
    """One compiled model, one infer request, tensors set by address: nothing is copied.

    ``device`` is OpenVINO's name: CPU, GPU, GPU.1, NPU. On a GPU the state's tensors are its own.
    An NPU takes no precision hint but f16, so it is given none.
    """

    def __init__(
        self, graph: bytes, precision: str, cache: Path | None = None, device: str = "CPU"
    ) -> None:
        import openvino

        self.openvino = openvino
        core = shared_core()
        self.precision = precision
        self.compiled = compiled_model(core.read_model(graph), precision, cache, device)
        self.request = self.compiled.create_infer_request()
        self.name = "openvino" if device == "CPU" else openvino_id(device)
        self.device = core.get_property(device, "FULL_DEVICE_NAME")
        self.context = core.get_default_context(device) if device.startswith("GPU") else None
        # A tensor may go by several names, such as the state's and an inner one.
        names = {name for port in self.compiled.outputs for name in port.names}
        self.maps = [name for name in INSPECTION_OUTPUTS if name in names]

    def new_state(self) -> PingPong:
        return PingPong(self._buffers(), self._buffers())

    def step(self, frame: NDArray, state: PingPong) -> StepResult:
        clean = np.empty_like(frame)
        self.request.set_tensor(FRAME_INPUT, self._tensor(np.ascontiguousarray(frame)))
        self.request.set_tensor(CLEAN_OUTPUT, self._tensor(clean))
        for name, output in zip(STATE_INPUTS, STATE_OUTPUTS, strict=True):
            self.request.set_tensor(name, state.front[name])
            self.request.set_tensor(output, state.back[name])
        self.request.infer()
        state.front, state.back = state.back, state.front
        maps = {name: self.request.get_tensor(name).data.astype(np.float32) for name in self.maps}
        return StepResult(clean, maps)

    def describe(self) -> EngineInfo:
        return EngineInfo(self.name, openvino_version(), self.precision, self.device)

    def _tensor(self, array: NDArray) -> Any:
        return self.openvino.Tensor(array, shared_memory=True)

    def _buffers(self) -> dict[str, Any]:
        ports = {port.any_name: port for port in self.compiled.inputs}
        buffers = {}
        for name in STATE_INPUTS:
            kind, shape = ports[name].element_type, ports[name].shape
            if self.context:
                buffers[name] = self.context.create_tensor(kind, shape, {})
            else:
                buffers[name] = self.openvino.Tensor(kind, shape)
            buffers[name].copy_from(_zeros(buffers[name]))
        return buffers


def _zeros(like: Any) -> Any:
    import openvino

    zeros = openvino.Tensor(like.element_type, like.shape)
    zeros.data[:] = 0.0
    return zeros
