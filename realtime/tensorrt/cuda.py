"""The few calls of the CUDA runtime that an engine needs, through cuda-bindings.

Here no GPU was at hand: all is run up to the first call that needs the driver, which says that
there is none; what ``CudaDevice`` does after it was not run.
"""

import importlib
import importlib.util
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError

__all__ = ["CudaBuffer", "CudaDevice", "Gpu", "require_gpu"]

INSTALL = "pip install cuda-bindings"


@dataclass(frozen=True)
class Gpu:
    """``capability`` is the compute capability without its point: 89 for an RTX 4090."""

    name: str
    capability: int


def require_gpu() -> Gpu:
    """The first NVIDIA GPU; raises TemporalCleanError that says what is missing."""
    runtime = _runtime()
    try:
        count = _ok(runtime, runtime.cudaGetDeviceCount())
    except TemporalCleanError as error:
        raise TemporalCleanError(
            f"no NVIDIA GPU can be used here: {error}; install the GPU's driver, or choose "
            "--engine auto"
        ) from error
    if count == 0:
        raise TemporalCleanError("no NVIDIA GPU was found here: choose --engine auto")
    properties = _ok(runtime, runtime.cudaGetDeviceProperties(0))
    return Gpu(properties.name.decode(), 10 * properties.major + properties.minor)


class CudaBuffer:
    """Memory on the GPU, freed with this object; ``address`` and ``size`` in bytes."""

    def __init__(self, runtime: Any, size: int) -> None:
        pointer = _ok(runtime, runtime.cudaMalloc(size))
        self.address, self.size = int(pointer), size
        weakref.finalize(self, runtime.cudaFree, pointer)


class CudaDevice:
    """The first GPU and one stream on it, in which everything below is queued."""

    def __init__(self) -> None:
        self.runtime = _runtime()
        self.handle = self._call("cudaStreamCreateWithFlags", self.runtime.cudaStreamNonBlocking)
        self.stream = int(self.handle)
        weakref.finalize(self, self.runtime.cudaStreamDestroy, self.handle)

    def allocate(self, size: int) -> CudaBuffer:
        """Zeros."""
        buffer = CudaBuffer(self.runtime, size)
        self.clear(buffer)
        return buffer

    def clear(self, buffer: CudaBuffer) -> None:
        """All bytes zero."""
        self._call("cudaMemsetAsync", buffer.address, 0, buffer.size, self.handle)

    def upload(self, array: NDArray, buffer: CudaBuffer) -> None:
        """Copy a contiguous array to the GPU; it may change once ``synchronise`` returned."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        target, source = buffer.address, array.ctypes.data
        self._call("cudaMemcpyAsync", target, source, array.nbytes, kind, self.handle)

    def download(self, buffer: CudaBuffer, array: NDArray) -> None:
        """Fill a contiguous array from the GPU; it is there once ``synchronise`` returned."""
        kind = self.runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        target, source = array.ctypes.data, buffer.address
        self._call("cudaMemcpyAsync", target, source, array.nbytes, kind, self.handle)

    def synchronise(self) -> None:
        """Wait until all that was queued is done."""
        self._call("cudaStreamSynchronize", self.handle)

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        """Record what ``work`` queues as a CUDA graph; the result queues it again at once."""
        mode = self.runtime.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        self._call("cudaStreamBeginCapture", self.handle, mode)
        try:
            work()
        finally:
            recorded = self._call("cudaStreamEndCapture", self.handle)
        ready = self._call("cudaGraphInstantiate", recorded, 0)

        def launch() -> None:
            self._call("cudaGraphLaunch", ready, self.handle)

        weakref.finalize(launch, self.runtime.cudaGraphExecDestroy, ready)
        self._call("cudaGraphDestroy", recorded)
        return launch

    def _call(self, name: str, *arguments: Any) -> Any:
        return _ok(self.runtime, getattr(self.runtime, name)(*arguments))


def _runtime() -> Any:
    if importlib.util.find_spec("cuda") is None:
        raise TemporalCleanError(f"running on an NVIDIA GPU needs cuda-bindings: {INSTALL}")
    try:
        return importlib.import_module("cuda.bindings.runtime")
    except ImportError as error:
        raise TemporalCleanError(
            f"running on an NVIDIA GPU needs cuda-bindings ({error}): {INSTALL}"
        ) from error


def _ok(runtime: Any, result: tuple[Any, ...]) -> Any:
    """What a call gave besides its error code; raises TemporalCleanError if that is one."""
    code, *values = result
    if code != runtime.cudaError_t.cudaSuccess:
        text = runtime.cudaGetErrorString(code)[1].decode()
        raise TemporalCleanError(f"CUDA says '{text}' ({code.name})")
    return values[0] if values else None
