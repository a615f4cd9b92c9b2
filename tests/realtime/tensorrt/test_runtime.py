"""The order of work on the GPU, on a stand-in whose kernels are ONNX Runtime's.

There is no GPU here. Memory is NumPy's, addressed as the GPU's would be; a recorded graph computes
at the addresses that it was recorded with, and recording computes nothing, as on a GPU.
"""

import ctypes
from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines.base import EngineInfo
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest, fixed_graph
from temporal_clean.realtime.tensorrt.runtime import Port, TensorRtEngine

REQUEST = GraphRequest(70, 90, "bgra8")
GRAPH = fixed_graph(assets.graph_path("fast").read_bytes(), REQUEST).SerializeToString()
FRAMES = [
    np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])
    for frame in moving_pattern(GraphRequest(70, 90, "rgb8"), 5)
]


class HostBuffer:
    def __init__(self, size: int) -> None:
        # Not zeros: an engine that forgets to clear would show.
        self.bytes = np.full(size, 123, np.uint8)
        self.address, self.size = self.bytes.ctypes.data, size


class HostDevice:
    """Memory, and one queue that is always done."""

    stream = 7

    def __init__(self) -> None:
        self.recording: list[Callable[[], None]] | None = None
        self.captured = self.launched = 0

    def allocate(self, size: int) -> HostBuffer:
        buffer = HostBuffer(size)
        self.clear(buffer)
        return buffer

    def clear(self, buffer: HostBuffer) -> None:
        buffer.bytes[:] = 0

    def upload(self, array: NDArray, buffer: HostBuffer) -> None:
        assert array.flags.c_contiguous
        buffer.bytes[:] = array.reshape(-1).view(np.uint8)

    def download(self, buffer: HostBuffer, array: NDArray) -> None:
        array.reshape(-1).view(np.uint8)[:] = buffer.bytes

    def synchronise(self) -> None:
        assert self.recording is None, "waiting while recording"

    def capture(self, work: Callable[[], None]) -> Callable[[], None]:
        self.recording = recorded = []
        work()
        self.recording = None
        self.captured += 1

        def launch() -> None:
            self.launched += 1
            for run in recorded:
                run()

        return launch


class HostContext:
    """Computes the graph with ONNX Runtime, between the addresses that it was given."""

    def __init__(self, device: HostDevice) -> None:
        self.device = device
        self.session = onnxruntime.InferenceSession(GRAPH, providers=["CPUExecutionProvider"])
        self.addresses: dict[str, int] = {}
        self.runs = 0

    def ports(self) -> dict[str, Port]:
        kinds = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}
        values = (*self.session.get_inputs(), *self.session.get_outputs())
        return {v.name: Port(tuple(v.shape), np.dtype(kinds[v.type])) for v in values}

    def set_tensor_address(self, name: str, memory: int) -> bool:
        self.addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        assert stream_handle == self.device.stream
        addresses = dict(self.addresses)

        def run() -> None:
            self.runs += 1
            ports = self.ports()
            inputs = [value.name for value in self.session.get_inputs()]
            given = {name: _at(addresses[name], ports[name]).copy() for name in inputs}
            names = [value.name for value in self.session.get_outputs()]
            for name, result in zip(names, self.session.run(names, given), strict=True):
                _at(addresses[name], ports[name])[...] = result

        if self.device.recording is None:
            run()
        else:
            self.device.recording.append(run)
        return True


def _at(address: int, port: Port) -> NDArray:
    memory = (ctypes.c_char * port.size).from_address(address)
    return np.frombuffer(memory, port.dtype).reshape(port.shape)


def opened(record: bool) -> tuple[TensorRtEngine, HostDevice, HostContext]:
    device = HostDevice()
    context = HostContext(device)
    info = EngineInfo("tensorrt-rtx", "0", "fp32", "stand-in")
    return TensorRtEngine(context, device, context.ports(), info, record), device, context


@pytest.fixture(scope="module")
def expected() -> list[np.ndarray]:
    engine = OnnxRuntimeEngine(GRAPH)
    state = engine.new_state()
    return [engine.step(frame, state).clean for frame in FRAMES]


@pytest.mark.parametrize("record", [True, False])
def test_five_recurrent_frames_are_the_references(record: bool, expected) -> None:
    engine, device, context = opened(record)
    state = engine.new_state()
    for frame, right in zip(FRAMES, expected, strict=True):
        clean = engine.step(frame, state).clean
        assert clean.dtype == np.uint8
        assert np.array_equal(clean, right)
    # A to B and B to A once each; all five frames launched, after one run to compile.
    assert (device.captured, device.launched) == ((2, 5) if record else (0, 0))
    assert context.runs == 1 + len(FRAMES)


@pytest.mark.parametrize("record", [True, False])
def test_reset_forgets_at_either_turn(record: bool, expected) -> None:
    engine, _, _ = opened(record)
    state = engine.new_state()
    for steps in (1, 2):
        for frame in FRAMES[1 : 1 + steps]:
            engine.step(frame, state)
        state.reset()
        assert np.array_equal(engine.step(FRAMES[0], state).clean, expected[0])
    assert not np.array_equal(engine.step(FRAMES[0], state).clean, expected[0])


def test_streams_do_not_share_history(expected) -> None:
    engine, device, _ = opened(True)
    first, second = engine.new_state(), engine.new_state()
    for frame, right in zip(FRAMES, expected, strict=True):
        assert np.array_equal(engine.step(frame, first).clean, right)
        engine.step(frame[::-1].copy(), second)
    assert device.captured == 4


def test_results_are_the_callers(expected) -> None:
    engine, _, _ = opened(True)
    state = engine.new_state()
    kept = engine.step(FRAMES[0], state).clean
    engine.step(FRAMES[1], state)
    assert np.array_equal(kept, expected[0])


def test_a_frame_of_another_size_is_refused() -> None:
    engine, _, _ = opened(True)
    with pytest.raises(TemporalCleanError, match=r"expected .* \(70, 90, 4\), got \(64, 64, 4\)"):
        engine.step(np.zeros((64, 64, 4), np.uint8), engine.new_state())
