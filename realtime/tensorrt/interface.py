"""What is used of TensorRT's Python API, written down as types.

The modules are compiled and bring no stubs, so a type checker sees nothing in them. These
protocols stand in; tests/realtime/tensorrt/test_interface.py compares each with the real class.
"""

from typing import Any, Protocol

__all__ = [
    "Builder",
    "Config",
    "Context",
    "Engine",
    "HostMemory",
    "Module",
    "Network",
    "Parser",
    "ParserError",
    "Runtime",
    "RuntimeCache",
    "RuntimeConfig",
    "Tensor",
]


class HostMemory(Protocol):
    """Bytes that TensorRT owns; a buffer to Python (``IHostMemory``)."""

    @property
    def nbytes(self) -> int: ...
    def __buffer__(self, flags: int, /) -> memoryview: ...


class Tensor(Protocol):
    """An input or output of a network (``ITensor``)."""

    name: str
    dtype: Any
    shape: Any


class Network(Protocol):
    """A parsed graph (``INetworkDefinition``)."""

    @property
    def num_inputs(self) -> int: ...
    @property
    def num_outputs(self) -> int: ...
    def get_input(self, index: int) -> Tensor: ...
    def get_output(self, index: int) -> Tensor: ...


class ParserError(Protocol):
    """Why a node was refused (``ParserError``)."""

    def desc(self) -> str: ...
    def node_name(self) -> str: ...
    def node_operator(self) -> str: ...


class Parser(Protocol):
    """``OnnxParser``."""

    @property
    def num_errors(self) -> int: ...
    def parse(self, model: bytes) -> bool: ...
    def get_error(self, index: int) -> ParserError: ...


class Config(Protocol):
    """``IBuilderConfig``; the capabilities are tensorrt_rtx's."""

    profiling_verbosity: Any
    num_compute_capabilities: int

    def set_compute_capability(self, compute_capability: Any, index: int) -> bool: ...


class Builder(Protocol):
    """``Builder``."""

    def create_network(self, flags: int = 0) -> Network: ...
    def create_builder_config(self) -> Config: ...
    def build_serialized_network(self, network: Network, config: Config) -> HostMemory | None: ...


class RuntimeCache(Protocol):
    """Compiled kernels, kept from run to run (``IRuntimeCache``, tensorrt_rtx alone)."""

    def deserialize(self, blob: bytes) -> bool: ...
    def serialize(self) -> HostMemory: ...


class RuntimeConfig(Protocol):
    """``IRuntimeConfig``."""

    def create_runtime_cache(self) -> RuntimeCache: ...
    def set_runtime_cache(self, cache: RuntimeCache) -> bool: ...


class Context(Protocol):
    """``IExecutionContext``."""

    def set_tensor_address(self, name: str, memory: int) -> bool: ...
    def execute_async_v3(self, stream_handle: int) -> bool: ...


class Engine(Protocol):
    """``ICudaEngine``."""

    @property
    def num_io_tensors(self) -> int: ...
    def get_tensor_name(self, index: int) -> str: ...
    def get_tensor_shape(self, name: str) -> Any: ...
    def get_tensor_dtype(self, name: str) -> Any: ...
    def create_runtime_config(self) -> RuntimeConfig: ...
    def create_execution_context(self, runtime_config: RuntimeConfig = ...) -> Context: ...


class Runtime(Protocol):
    """``Runtime``."""

    def deserialize_cuda_engine(self, serialized_engine: bytes) -> Engine | None: ...


class Module(Protocol):
    """tensorrt_rtx or tensorrt."""

    __version__: str
    ILogger: Any
    ProfilingVerbosity: Any
    ComputeCapability: Any

    def Builder(self, logger: Any) -> Builder: ...
    def OnnxParser(self, network: Network, logger: Any) -> Parser: ...
    def Runtime(self, logger: Any) -> Runtime: ...
    def nptype(self, trt_type: Any) -> Any: ...
