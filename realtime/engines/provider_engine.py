"""ONNX Runtime on a graphics card or NPU: state in the device's memory, no node left silently.

ONNX Runtime gives operators that a provider lacks to the processor without a word. Here the
placement is read back after the session is made: an engine whose work lies on the processor is
refused, one with a few small operators there says so.
"""

import inspect
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.cache import cache_folder
from temporal_clean.realtime.engines.base import EngineInfo
from temporal_clean.realtime.engines.devices import CPU_PROVIDER
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.providers import Found

__all__ = ["OnnxProviderEngine", "provider_options", "refusal"]

# Operators that read or write whole feature maps many times over: none may run on the processor.
HEAVY = {"Conv", "ConvTranspose", "MatMul", "Gemm", "GridSample", "Resize", "Softmax", "Einsum"}
# Every operator on the processor is a copy there and back in each frame.
LARGEST_SHARE = 0.02
RECORD_PLACEMENT = "session.record_ep_graph_assignment_info"
NO_FALLBACK = "session.disable_cpu_ep_fallback"


class OnnxProviderEngine(OnnxRuntimeEngine):
    """A session on one device; steps as the reference does, on that device's buffers."""

    def __init__(self, graph: bytes, found: Found) -> None:
        self.found = found
        self._adopt(_session(graph, found))
        provider = found.choice.device.provider
        if self.session.get_providers()[0] != provider:
            raise TemporalCleanError(
                f"ONNX Runtime opened {self.session.get_providers()[0]} instead of {provider}: "
                "the provider's library or driver failed to load"
            )
        self.left = _left_to_processor(self.session)
        self.memory = _memory(self.session)

    def describe(self) -> EngineInfo:
        words = str(self.found.choice.device)
        if self.left:
            names = ", ".join(f"{count} {name}" for name, count in sorted(self.left.items()))
            words += f", on the processor: {names}"
        if not self.memory:
            words += ", state through host memory"
        return EngineInfo(self.found.choice.id, self.runtime.__version__, self.precision, words)

    def _buffer(self, name: str, values: NDArray) -> object:
        if not self.memory:
            return super()._buffer(name, values)
        buffer = self.runtime.OrtValue.ortvalue_from_shape_and_type(
            values.shape, values.dtype.type, memory_info=self.memory[name]
        )
        buffer.update_inplace(values)
        return buffer


def provider_options(provider: str, kind: str) -> dict[str, str]:
    """What each provider is told: full precision where it would lower it, where to cache."""
    if provider == "OpenVINOExecutionProvider" and kind != "npu":
        # Its GPU plugin computes in f16 otherwise, wrong by 5e-2; an NPU takes nothing else.
        hint = {kind.upper(): {"INFERENCE_PRECISION_HINT": "f32"}}
        return {"load_config": json.dumps(hint)}
    if provider == "NvTensorRTRTXExecutionProvider":
        return {"nv_runtime_cache_path": str(cache_folder() / "tensorrt-rtx-provider")}
    if provider == "QNNExecutionProvider":
        backend = "htp" if kind == "npu" else "gpu"
        return {"backend_type": backend, "htp_performance_mode": "burst"}
    return {}


def refusal(placed: Mapping[str, Counter]) -> str:
    """Why a placement (provider to operators) is not what was asked for; '' if it is."""
    left = placed.get(CPU_PROVIDER, Counter())
    total = sum(sum(operators.values()) for operators in placed.values())
    heavy = sorted(set(left) & HEAVY)
    if heavy:
        return f"it would leave {', '.join(heavy)} to the processor"
    if sum(left.values()) > LARGEST_SHARE * total:
        return f"it would leave {sum(left.values())} of {total} operators to the processor"
    return ""


def _session(graph: bytes, found: Found) -> Any:
    import onnxruntime

    device = found.choice.device
    settings = provider_options(device.provider, device.kind)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if device.provider == "DmlExecutionProvider":
        # Both are conditions of the DirectML provider.
        options.enable_mem_pattern = False
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    if hasattr(onnxruntime.InferenceSession, "get_provider_graph_assignment_info"):
        options.add_session_config_entry(RECORD_PLACEMENT, "1")
    else:
        options.add_session_config_entry(NO_FALLBACK, "1")
    if found.handle is not None:
        options.add_provider_for_devices([found.handle], settings)
        return onnxruntime.InferenceSession(graph, options)
    session = onnxruntime.InferenceSession(graph, options, [(device.provider, settings)])
    session.disable_fallback()
    return session


def _left_to_processor(session: Any) -> Counter:
    """Operators on the processor, checked; an older runtime has refused them by itself."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return Counter()
    placed: dict[str, Counter] = {}
    for part in session.get_provider_graph_assignment_info():
        operators = Counter(node.op_type for node in part.get_nodes())
        placed.setdefault(part.ep_name, Counter()).update(operators)
    why = refusal(placed)
    if why:
        raise TemporalCleanError(f"the provider cannot run the whole step: {why}")
    return placed.get(CPU_PROVIDER, Counter())


def _memory(session: Any) -> dict[str, Any]:
    """Where each input lives, by name; empty where the runtime cannot allocate there."""
    import onnxruntime

    allocate = onnxruntime.OrtValue.ortvalue_from_shape_and_type
    if "memory_info" not in inspect.signature(allocate).parameters:
        return {}
    names = [value.name for value in session.get_inputs()]
    return dict(zip(names, session.get_input_memory_infos(), strict=True))
