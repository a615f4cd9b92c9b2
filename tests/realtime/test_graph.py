"""The shipped graphs: fixed to a size without torch, pruned, converting pictures themselves."""

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.cleaner import open_session
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import (
    INSPECTION_OUTPUTS,
    OPSET,
    STATE_INPUTS,
    STATE_OUTPUTS,
    GraphRequest,
    fixed_graph,
    graph_precision,
    padded_size,
)

FAST = assets.graph_path("fast").read_bytes()


@pytest.mark.parametrize("model", assets.MODELS)
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_shipped_graphs_are_symbolic_opset_18_and_read_every_input(
    model: str, precision: str
) -> None:
    content = assets.graph_path(model, precision).read_bytes()
    graph = onnx.load_from_string(content)
    assert {o.domain: o.version for o in graph.opset_import}[""] == OPSET
    assert graph_precision(content) == precision
    assert [i.name for i in graph.graph.input] == ["frame", *STATE_INPUTS]
    frame = graph.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param for d in frame[2:]] == ["16*h", "16*w"]
    read = {name for node in graph.graph.node for name in node.input}
    assert {i.name for i in graph.graph.input} <= read
    assert not [n.op_type for n in graph.graph.node if n.domain not in ("", "ai.onnx")]
    assert b"/network.py" not in content, "a path of the machine that exported"


@pytest.mark.parametrize("model", assets.MODELS)
def test_fp16_graphs_keep_every_sampling_grid_in_fp32(model: str) -> None:
    graph = onnx.load_from_string(assets.graph_path(model, "fp16").read_bytes())
    typed = onnx.shape_inference.infer_shapes(graph).graph
    types = {v.name: v.type.tensor_type.elem_type for v in typed.value_info}
    grids = [node.input[1] for node in typed.node if node.op_type == "GridSample"]
    assert len(grids) >= 6
    assert {types[grid] for grid in grids} == {onnx.TensorProto.FLOAT}


def test_fixing_prunes_inspection_and_leaves_no_symbol() -> None:
    request = GraphRequest(96, 128, "planar")
    plain = fixed_graph(FAST, request).graph
    full = fixed_graph(FAST, GraphRequest(96, 128, "planar", inspect=True)).graph
    assert {o.name for o in plain.output} == {"clean", *STATE_OUTPUTS}
    assert {o.name for o in full.output} == {"clean", *STATE_OUTPUTS, *INSPECTION_OUTPUTS}
    assert len(plain.node) < len(full.node)
    values = (*plain.input, *plain.output)
    assert not [v.name for v in values for d in v.type.tensor_type.shape.dim if d.dim_param]


@settings(max_examples=6, deadline=None)
@given(height=st.integers(64, 150), width=st.integers(64, 150), seed=st.integers(0, 99))
def test_pictures_of_any_size_equal_padded_planes(height: int, width: int, seed: int) -> None:
    """Padding, cropping and conversion inside the graph give what doing it outside gives."""
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    inside = OnnxRuntimeEngine(
        fixed_graph(FAST, GraphRequest(height, width, "rgb8")).SerializeToString()
    )
    tall, wide = padded_size(height, width)
    outside = OnnxRuntimeEngine(
        fixed_graph(FAST, GraphRequest(tall, wide, "planar")).SerializeToString()
    )
    padded = np.pad(picture, ((0, tall - height), (0, wide - width), (0, 0)), mode="edge")
    planes = np.ascontiguousarray(padded.transpose(2, 0, 1)[None].astype(np.float32) / 255.0)
    states = inside.new_state(), outside.new_state()
    for _ in range(2):
        ours = inside.step(picture, states[0]).clean
        theirs = outside.step(planes, states[1]).clean[0, :, :height, :width]
        assert ours.shape == picture.shape
        assert ours.dtype == np.uint8
        # Half a code of rounding, and a hair for the order of operations.
        assert np.abs(ours - theirs.transpose(1, 2, 0) * 255.0).max() < 0.51


def test_bgra_and_16_bits_give_the_same_picture() -> None:
    frames = moving_pattern(GraphRequest(80, 96, "rgb8"), 3)

    def run(frame_format: str, convert) -> list[np.ndarray]:
        graph = fixed_graph(FAST, GraphRequest(80, 96, frame_format)).SerializeToString()
        engine = OnnxRuntimeEngine(graph)
        state = engine.new_state()
        return [engine.step(np.ascontiguousarray(convert(f)), state).clean for f in frames]

    rgb = run("rgb8", lambda f: f)
    bgra = run("bgra8", lambda f: np.dstack([f[..., ::-1], np.full(f.shape[:2], 7, np.uint8)]))
    deep = run("rgb16", lambda f: f.astype(np.uint16) * 257)
    for a, b, c in zip(rgb, bgra, deep, strict=True):
        assert np.array_equal(a, b[..., 2::-1])
        assert (b[..., 3] == 255).all()
        assert np.abs(c / 257.0 - a).max() <= 0.51


def test_bad_requests_say_what_to_do() -> None:
    with pytest.raises(TemporalCleanError, match="at least 64 pixels a side"):
        GraphRequest(63, 640)
    foreign = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])],
        "foreign",
        [onnx.helper.make_tensor_value_info("x", 1, [1])],
        [onnx.helper.make_tensor_value_info("y", 1, [1])],
    )
    content = onnx.helper.make_model(foreign).SerializeToString()
    with pytest.raises(TemporalCleanError, match="not made by 'temporal-clean export'"):
        fixed_graph(content, GraphRequest(64, 64))
    with pytest.raises(TemporalCleanError, match="not made by 'temporal-clean export'"):
        graph_precision(content)


def test_at_half_the_size_only_the_change_is_enlarged() -> None:
    """A quarter of the planes inside; by hand: average, clean, enlarge the difference, add."""
    torch = pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    random = np.random.default_rng(5)
    picture = random.integers(0, 256, (150, 170, 4), np.uint8)
    halved = GraphRequest(150, 170, "bgra8", halved=True)
    assert halved.inner_size() == (80, 96)
    shown = open_session("fast", halved, "onnxruntime").step(picture).clean
    padded = np.pad(picture[..., 2::-1], ((0, 10), (0, 22), (0, 0)), mode="edge")
    full = torch.from_numpy(padded.copy()).permute(2, 0, 1)[None] / 255.0
    small = torch.nn.functional.avg_pool2d(full, 2)
    planar = open_session("fast", GraphRequest(80, 96, "planar"), "onnxruntime")
    change = torch.from_numpy(planar.step(small.numpy()).clean) - small
    large = torch.nn.functional.interpolate(change, scale_factor=2, mode="bilinear")
    expected = (full + large).clamp(0, 1)[0, :, :150, :170].permute(1, 2, 0).numpy() * 255
    assert np.abs(shown[..., 2::-1] - expected).max() <= 1.0
    assert (shown[..., 3] == 255).all()


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"frame_format": "planar"}, "for pictures without maps"),
        ({"inspect": True}, "for pictures without maps"),
        ({"width": 100}, "at least 128 pixels a side"),
    ],
)
def test_half_the_size_has_limits(choices: dict, message: str) -> None:
    with pytest.raises(TemporalCleanError, match=message):
        GraphRequest(**{"height": 200, "width": 200, "halved": True, **choices})
