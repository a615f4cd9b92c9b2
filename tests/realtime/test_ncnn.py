"""The graph as an ncnn model agrees with ONNX Runtime on ncnn's CPU path and under Vulkan."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.cache import cached_graph
from temporal_clean.realtime.engines import open_engine
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.pictures import ConvertingEngine, planar_request
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest, fixed_graph
from temporal_clean.realtime.ncnn import ncnn_model

ncnn = pytest.importorskip("ncnn", reason="pip install 'temporal-clean[vulkan]'")
LAVAPIPE = Path("/usr/share/vulkan/icd.d/lvp_icd.x86_64.json")


def reference_engine(model: str, request: GraphRequest) -> ConvertingEngine:
    """ONNX Runtime on the same planar graph, which is so made only once."""
    graph = cached_graph(assets.graph_path(model).read_bytes(), planar_request(request))
    return ConvertingEngine(OnnxRuntimeEngine(graph), request)


@pytest.mark.parametrize("model", assets.MODELS)
def test_cpu_path_agrees_over_eight_frames_with_maps(model: str) -> None:
    """A size that is padded, and the inspection maps too."""
    request = GraphRequest(70, 90, "rgb16", inspect=True)
    ours = open_engine(model, request, "ncnn").engine
    reference = reference_engine(model, request)
    states = ours.new_state(), reference.new_state()
    changed = 0.0
    for frame in moving_pattern(request, 8):
        result, expected = ours.step(frame, states[0]), reference.step(frame, states[1])
        assert np.abs(result.clean.astype(float) - expected.clean).max() / 65535.0 < 1e-3
        assert {k: v.shape for k, v in result.maps.items()} == {
            k: v.shape for k, v in expected.maps.items()
        }
        assert np.abs(result.maps["weight"] - expected.maps["weight"]).max() < 5e-3
        changed = max(changed, float(expected.maps["weight"].max()))
    assert changed > 0.1, "the history was never used"


def test_reset_and_streams() -> None:
    request = GraphRequest(64, 64, "rgb8")
    engine = open_engine("fast", request, "ncnn").engine
    first, second = engine.new_state(), engine.new_state()
    frames = moving_pattern(request, 2)
    fresh = engine.step(frames[0], first).clean
    engine.step(frames[1], first)
    assert np.array_equal(engine.step(frames[0], second).clean, fresh)
    first.reset()
    assert np.array_equal(engine.step(frames[0], first).clean, fresh)


# In a process of its own: the Vulkan loader reads its environment once.
UNDER_VULKAN = """
import json, sys
import numpy as np
from temporal_clean import assets
from temporal_clean.realtime.cache import cached_graph
from temporal_clean.realtime.engines.choice import open_variant, variants_of
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.pictures import ConvertingEngine, planar_request
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest

found = [variant for variant in variants_of("ncnn") if variant.id == "ncnn:vulkan"]
if not found:
    sys.exit(77)
request = GraphRequest(64, 64, "rgb16")
ours = open_variant(found[0], "fast", request)
graph = cached_graph(assets.graph_path("fast").read_bytes(), planar_request(request))
reference = ConvertingEngine(OnnxRuntimeEngine(graph), request)
states, worst = (ours.new_state(), reference.new_state()), 0.0
for frame in moving_pattern(request, 3):
    difference = ours.step(frame, states[0]).clean - reference.step(frame, states[1]).clean * 1.0
    worst = max(worst, float(np.abs(difference).max() / 65535))
print(json.dumps([worst, str(ours.describe())]))
"""


# Half a minute when nothing else runs, most of it compiling shaders.
@pytest.mark.timeout(900)
def test_vulkan_agrees_under_lavapipe() -> None:
    """Three frames, as each takes seconds there."""
    if not LAVAPIPE.is_file():
        pytest.skip("no Vulkan device: apt-get install mesa-vulkan-drivers")
    environment = os.environ | {"VK_ICD_FILENAMES": str(LAVAPIPE)}
    run = subprocess.run(
        [sys.executable, "-c", UNDER_VULKAN], capture_output=True, text=True, env=environment
    )
    if run.returncode == 77:
        pytest.skip("ncnn sees no Vulkan device: apt-get install libvulkan1 mesa-vulkan-drivers")
    assert run.returncode == 0, run.stderr
    worst, words = json.loads(run.stdout.splitlines()[-1])
    assert worst < 1e-3
    assert "llvmpipe" in words
    assert "fp32" in words


def small_graph(nodes: list, constants: dict[str, np.ndarray], shape: list[int]) -> bytes:
    """x to y through ``nodes``."""
    values = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, shape),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, None),
    ]
    weights = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", values[:1], values[1:], weights)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10
    ).SerializeToString()


def node(kind: str, inputs: str, output: str, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


INTEGERS = {
    name: np.array(value, np.int64)
    for name, value in {"two": [2], "three": [3], "minus": [-1], "none": [0], "one": [1]}.items()
}
PLANES = np.random.default_rng(5).normal(size=(1, 4, 6, 8)).astype(np.float32)
# Operators whose ncnn form is not one layer, or whose order of places could be wrong.
CASES = {
    "shuffle": [node("DepthToSpace", "x", "y", blocksize=2, mode="CRD")],
    "shuffle-depth-first": [node("DepthToSpace", "x", "y", blocksize=2, mode="DCR")],
    "every second row": [node("Slice", "x none big two two", "y")],
    "rows from the end": [node("Slice", "x minus big two", "y")],
    "one channel": [node("Gather", "x at", "y", axis=1)],
    "comparison": [
        node("Greater", "x half", "a"),
        node("Less", "x half", "b"),
        node("Or", "a b", "c"),
        node("Not", "c", "d"),
        node("Where", "a x half", "e"),
        node("Cast", "d", "f", to=1),
        node("Sub", "e f", "y"),
    ],
    "at least": [
        node("GreaterOrEqual", "x half", "a"),
        node("LessOrEqual", "x half", "b"),
        node("And", "a b", "c"),
        node("Cast", "c", "y", to=1),
    ],
    "broadcast": [node("ReduceMean", "x one", "m", keepdims=1), node("Sub", "x m", "y")],
    "constant on the left": [node("Div", "half x", "y")],
    "plane of constants": [node("Mul", "x plane", "y")],
    "transpose": [node("Transpose", "x", "y", perm=[0, 2, 3, 1])],
    "transpose back": [node("Transpose", "x", "y", perm=[0, 3, 1, 2])],
    "edge": [node("Pad", "x pads", "y", mode="edge")],
    "larger": [node("Resize", "x  scales", "y", mode="linear")],
    "unshuffle": [
        node("Reshape", "x six", "a"),
        node("Transpose", "a", "b", perm=[0, 1, 3, 5, 2, 4]),
        node("Reshape", "b deep", "y"),
    ],
    "batches": [
        node("Concat", "x x", "a", axis=0),
        node("Split", "a", "b", axis=0, num_outputs=2),
        node("Slice", "a one two none", "d"),
        node("Sub", "b d", "y"),
    ],
    "candidates": [
        node("Mul", "x half", "b"),
        node("Concat", "x b x", "all", axis=0),
        node("Slice", "all none two one", "first"),
        node("Transpose", "first", "pairs", perm=[0, 2, 3, 1]),
        node("GridSample", "all pairs", "warped", mode="bilinear", padding_mode="border"),
        node("Pad", "warped pads", "padded", mode="edge"),
        node("Conv", "padded box", "y"),
    ],
    "soft choice": [node("Softmax", "x", "y", axis=1)],
    "windows": [
        node("Reshape", "x wide", "a"),
        node("Transpose", "a", "b", perm=[0, 1, 3, 2]),
        node("MatMul", "a b", "c"),
        node("Softmax", "c", "y", axis=-1),
    ],
}
CASES["larger"][0].input[:] = ["x", "", "scales"]
CASES["batches"][1].output[:] = ["b", "c"]
CONSTANTS = INTEGERS | {
    "big": np.array([2**40], np.int64),
    "at": np.array(2, np.int64),
    "half": np.array(0.5, np.float32),
    "plane": np.linspace(-1, 1, 48, dtype=np.float32).reshape(1, 1, 6, 8),
    "pads": np.array([0, 0, 1, 2, 0, 0, 3, 1], np.int64),
    "box": np.random.default_rng(6).normal(size=(3, 4, 3, 3)).astype(np.float32),
    "scales": np.array([1, 1, 2, 2], np.float32),
    "six": np.array([1, 4, 3, 2, 4, 2], np.int64),
    "deep": np.array([1, 16, 3, 4], np.int64),
    "wide": np.array([2, 4, 4, 6], np.int64),
}


@pytest.mark.parametrize("case", CASES)
def test_operator_agrees(case: str, tmp_path) -> None:
    x = PLANES.copy()
    x[0, 0, 0, :4] = 0.5
    used = {name for n in CASES[case] for name in n.input}
    constants = {k: v for k, v in CONSTANTS.items() if k in used}
    graph = small_graph(CASES[case], constants, list(x.shape))
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    expected = session.run(None, {"x": x})[0]
    model = ncnn_model(graph)
    (tmp_path / "m.param").write_text(model.param)
    (tmp_path / "m.bin").write_bytes(model.weights)
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    assert net.load_param(str(tmp_path / "m.param")) == 0
    assert net.load_model(str(tmp_path / "m.bin")) == 0
    extractor = net.create_extractor()
    extractor.input("x", ncnn.Mat(x[0]).clone())
    failed, blob = extractor.extract("y")
    assert failed == 0
    assert np.allclose(np.array(blob).reshape(expected.shape), expected, atol=1e-5)


SYMBOLIC = assets.graph_path("fast").read_bytes()
SIX_AXES = {"s": np.array([1, 2, 2, 3, 2, 8], np.int64)}
REFUSED = {
    "no ncnn layer is known for CumSum, Det": small_graph(
        [node("CumSum", "x one", "a"), node("Det", "a", "y")], {"one": np.array(1)}, [1, 4, 6, 6]
    ),
    "at most 4 axes": small_graph(
        [node("Reshape", "x s", "a"), node("Neg", "a", "y")], SIX_AXES, [1, 4, 6, 8]
    ),
    "no batch axis": small_graph([node("Softmax", "x", "y", axis=0)], {}, [1, 4, 6, 8]),
    "fixed size, and frame": SYMBOLIC,
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_ncnn_cannot_do_is_refused(message: str) -> None:
    with pytest.raises(TemporalCleanError, match=message):
        ncnn_model(REFUSED[message])


def test_half_precision_graphs_are_refused() -> None:
    graph = assets.graph_path("fast", "fp16").read_bytes()
    half = fixed_graph(graph, GraphRequest(64, 64, "planar")).SerializeToString()
    with pytest.raises(TemporalCleanError, match="fp32 graphs"):
        ncnn_model(half)


def test_the_state_that_the_engine_hands_on_is_checked() -> None:
    """A step whose next_valid is not ones any more must not run with the old shortcut."""
    request = GraphRequest(64, 64, "planar")
    graph = fixed_graph(assets.graph_path("fast").read_bytes(), request)
    ncnn_model(graph.SerializeToString())
    for constant in graph.graph.initializer:
        if constant.name == "next_valid":
            constant.CopyFrom(numpy_helper.from_array(np.zeros(1, np.float32), constant.name))
    with pytest.raises(TemporalCleanError, match="'next_valid' is more than ones"):
        ncnn_model(graph.SerializeToString())
