"""ONNX Runtime on the CPU: the reference that other engines are tested against."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.graph import (
    CLEAN_OUTPUT,
    FRAME_INPUT,
    STATE_INPUTS,
    STATE_OUTPUTS,
)

__all__ = ["OnnxRuntimeEngine"]


@dataclass
class PingPong:
    """Two sets of state buffers: a step reads ``front`` and writes ``back``, then they swap."""

    front: dict[str, object]
    back: dict[str, object]

    def reset(self) -> None:
        valid = self.front["state_valid"]
        valid.update_inplace(np.zeros(valid.shape(), _numpy_type(valid)))  # type: ignore[attr-defined]


class OnnxRuntimeEngine:
    """IO binding with state buffers that never leave the runtime."""

    def __init__(self, graph: bytes) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._adopt(
            onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        )

    def _adopt(self, session: Any) -> None:
        """Step on this session from now on."""
        import onnxruntime

        self.runtime, self.session = onnxruntime, session
        self.inputs = {value.name: value for value in session.get_inputs()}
        self.outputs = {value.name: value for value in session.get_outputs()}
        self.precision = "fp16" if "float16" in self.inputs["state_clean"].type else "fp32"

    def new_state(self) -> PingPong:
        return PingPong(self._buffers(), self._buffers())

    def step(self, frame: NDArray, state: PingPong) -> StepResult:
        binding = self.session.io_binding()
        binding.bind_cpu_input(FRAME_INPUT, frame)
        for name, output in zip(STATE_INPUTS, STATE_OUTPUTS, strict=True):
            binding.bind_ortvalue_input(name, state.front[name])
            binding.bind_ortvalue_output(output, state.back[name])
        free = [name for name in self.outputs if name not in STATE_OUTPUTS]
        for name in free:
            binding.bind_output(name, "cpu")
        self.session.run_with_iobinding(binding)
        values = binding.get_outputs()
        # Outputs come in the order in which they were bound: four of state, then the free ones.
        results = dict(zip(free, values[len(STATE_OUTPUTS) :], strict=True))
        arrays = {name: value.numpy() for name, value in results.items()}
        state.front, state.back = state.back, state.front
        clean = arrays.pop(CLEAN_OUTPUT)
        return StepResult(clean, {k: v.astype(np.float32) for k, v in arrays.items()})

    def describe(self) -> EngineInfo:
        return EngineInfo("onnxruntime", self.runtime.__version__, self.precision, "CPU")

    def _buffers(self) -> dict[str, object]:
        buffers = {}
        for name in STATE_INPUTS:
            value = self.inputs[name]
            dtype = np.float16 if "float16" in value.type else np.float32
            buffers[name] = self._buffer(name, np.zeros(value.shape, dtype))
        return buffers

    def _buffer(self, name: str, values: NDArray) -> object:
        """One part of the state, beginning with these values."""
        return self.runtime.OrtValue.ortvalue_from_numpy(values)


def _numpy_type(value: object) -> np.dtype:
    return onnx.helper.tensor_dtype_to_np_dtype(value.element_type())  # type: ignore[attr-defined]
