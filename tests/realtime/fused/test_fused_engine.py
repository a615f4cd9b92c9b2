"""The fused engine: every frame format, odd sizes, and graphs that it cannot take apart."""

import subprocess
import sys

import numpy as np
import onnx
import pytest

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines.fused_engine import FusedEngine
from temporal_clean.realtime.engines.kinds import shipped_graph
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.pictures import to_planes
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.fused.parts import take_apart
from temporal_clean.realtime.graph import GraphRequest


def frames_of(request: GraphRequest) -> list[np.ndarray]:
    """The self-test's pattern in the request's format."""
    kind = request.frame_format
    source = GraphRequest(request.height, request.width, "rgb16" if kind == "rgb16" else "rgb8")
    frames = moving_pattern(source, 3)
    if kind == "bgra8":
        return [np.dstack([f[..., ::-1], np.full_like(f[..., :1], 7)]) for f in frames]
    return [to_planes(frame, source) for frame in frames] if kind == "planar" else frames


def steps(engine, frames: list[np.ndarray]) -> np.ndarray:
    state = engine.new_state()
    return np.stack([engine.step(frame, state).clean for frame in frames])


@pytest.mark.parametrize("frame_format", ["rgb8", "rgb16", "bgra8"])
@pytest.mark.parametrize("halved", [False, True])
def test_it_agrees_with_the_reference(frame_format, halved) -> None:
    """Of a size that is no multiple of anything."""
    compare("fast", GraphRequest(135, 171, frame_format, halved=halved))


def test_planes_too() -> None:
    compare("fast", GraphRequest(64, 80, "planar"))


def test_quality_too() -> None:
    compare("quality", GraphRequest(70, 131))


def compare(model: str, request: GraphRequest) -> None:
    frames = frames_of(request)
    ours = steps(FusedEngine(assets.graph_path(model).read_bytes(), request, "f32"), frames)
    theirs = steps(OnnxRuntimeEngine(shipped_graph(model, request)), frames)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64))
    one_code = {"planar": 1e-4, "rgb16": 8.0}.get(request.frame_format, 1.0)
    assert difference.max() <= one_code
    assert difference.mean() < 0.01 * one_code
    if request.frame_format == "bgra8":
        assert (ours[..., 3] == 255).all()


def test_a_cut_leaves_no_trace_of_the_past() -> None:
    request = GraphRequest(96, 128)
    engine = FusedEngine(assets.graph_path("fast").read_bytes(), request, "f32")
    before, after = moving_pattern(request, 2)
    after = 255 - np.roll(after[::-1], 40, axis=1)
    state, fresh = engine.new_state(), engine.new_state()
    for _ in range(3):
        engine.step(before, state)
    cut, alone = engine.step(after, state).clean, engine.step(after, fresh).clean
    assert np.abs(cut.astype(int) - alone).max() <= 1
    cut, alone = engine.step(after, state).clean, engine.step(after, fresh).clean
    assert np.abs(cut.astype(int) - alone).max() <= 1


def test_what_it_gives_is_the_callers() -> None:
    request = GraphRequest(64, 64)
    engine = FusedEngine(assets.graph_path("fast").read_bytes(), request, "f32")
    state = engine.new_state()
    frame = moving_pattern(request, 1)[0]
    first = engine.step(frame, state).clean
    kept = first.copy()
    engine.step(255 - frame, state)
    assert np.array_equal(first, kept)


def test_a_foreign_graph_is_refused() -> None:
    model = onnx.load(assets.graph_path("fast"))
    for parameter in model.graph.initializer:
        parameter.name = parameter.name.replace("spatial.mask", "spatial.veil")
    for node in model.graph.node:
        node.input[:] = [name.replace("spatial.mask", "spatial.veil") for name in node.input]
    with pytest.raises(TemporalCleanError, match=r"no .*spatial\.mask.*choose another --engine"):
        take_apart(model.SerializeToString(), 64, 64)


COLD = """
import sys, time
from temporal_clean.realtime.engines import open_engine
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest

request = GraphRequest(64, 64)
engine = open_engine("fast", request, "fused").engine
engine.step(moving_pattern(request, 1)[0], engine.new_state())
print("torch" in sys.modules)
"""


def test_it_needs_no_torch() -> None:
    command = [sys.executable, "-c", COLD]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (result.returncode, result.stdout.strip()) == (0, "False"), result.stderr
