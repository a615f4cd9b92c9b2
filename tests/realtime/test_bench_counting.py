"""Counts of a graph: by hand on small graphs, and against torch's own counter on the models."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.bench.counting import count_graph
from temporal_clean.realtime.bench.devices import DEVICES
from temporal_clean.realtime.bench.roofline import as_json, floors, model_floors
from temporal_clean.realtime.graph import GraphRequest, fixed_graph

try:
    # Loads Triton, which crashes in a process where Mesa's LLVM came first: before any test runs.
    from torch.utils.flop_counter import FlopCounterMode
except ImportError:
    FlopCounterMode = None


def graph(
    nodes: list[onnx.NodeProto],
    inputs: dict[str, list[int | str]],
    outputs: dict[str, list[int]],
    weights: dict[str, tuple[int, ...]] | None = None,
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """A graph of floats; weights are zeros of the given shapes."""
    values = [
        [helper.make_tensor_value_info(n, kind, s) for n, s in g.items()] for g in (inputs, outputs)
    ]
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    initial = [numpy_helper.from_array(np.zeros(s, dtype), n) for n, s in (weights or {}).items()]
    model = helper.make_graph(nodes, "test", *values, initial)
    return helper.make_model(model, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def conv(x: str, w: str, y: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node("Conv", [x, w], [y], **attributes)


def test_a_convolution_by_hand() -> None:
    """8x6 pixels, 3 to 4 channels, 3x3 kernel, no padding: 6x4 results of 4 channels."""
    model = graph(
        [conv("x", "w", "y")], {"x": [1, 3, 8, 6]}, {"y": [1, 4, 6, 4]}, {"w": (4, 3, 3, 3)}
    )
    cost = count_graph(model)
    assert cost.macs == (6 * 4) * 4 * (3 * 3 * 3)
    moved = 4 * (3 * 8 * 6 + 4 * 3 * 3 * 3 + 4 * 6 * 4)
    assert cost.least_bytes == cost.fused_bytes == cost.unfused_bytes == moved
    assert (cost.nodes, cost.kernels) == (1, 1)


def test_a_matrix_product_and_a_batch_of_them() -> None:
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    model = graph([node], {"a": [2, 5, 7], "b": [2, 7, 3]}, {"c": [2, 5, 3]})
    assert count_graph(model).macs == 2 * 5 * 7 * 3


def test_fusion_saves_what_lies_between() -> None:
    """conv, add, multiply, conv: fused, one write and one read stand between the convolutions."""
    nodes = [
        conv("x", "w", "a", pads=[1] * 4),
        helper.make_node("Add", ["a", "one"], ["b"]),
        helper.make_node("Mul", ["b", "two"], ["c"]),
        conv("c", "w", "y", pads=[1] * 4),
    ]
    shape: list[int | str] = [1, 2, 4, 4]
    weights = {"w": (2, 2, 3, 3), "one": (), "two": ()}
    cost = count_graph(graph(nodes, {"x": shape}, {"y": [1, 2, 4, 4]}, weights))
    plane, kernel = 4 * 2 * 4 * 4, 4 * 2 * 2 * 3 * 3
    assert cost.unfused_bytes == 8 * plane + 2 * kernel + 2 * 4
    assert cost.fused_bytes == 4 * plane + 2 * kernel + 2 * 4
    assert cost.least_bytes == 2 * plane + kernel + 2 * 4
    assert (cost.nodes, cost.kernels) == (4, 2)


def test_parts_of_a_buffer_move_nothing_when_fused() -> None:
    """A tensor split in two, halves swapped and joined, then convolved: one write, one read."""
    nodes = [
        conv("x", "w", "a"),
        helper.make_node("Split", ["a"], ["b", "c"], axis=1, num_outputs=2),
        helper.make_node("Concat", ["c", "b"], ["d"], axis=1),
        conv("d", "w", "y"),
    ]
    model = graph(nodes, {"x": [1, 4, 5, 5]}, {"y": [1, 4, 5, 5]}, {"w": (4, 4, 1, 1)})
    plane, kernel = 4 * 4 * 5 * 5, 4 * 4 * 4
    cost = count_graph(model)
    assert cost.fused_bytes == 4 * plane + 2 * kernel
    assert cost.unfused_bytes == (2 + 2 + 2 + 2) * plane + 2 * kernel


def test_views_are_free_and_halves_are_half() -> None:
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["r"]),
        helper.make_node("Relu", ["r"], ["y"]),
    ]
    full = graph(nodes, {"x": [1, 6, 4]}, {"y": [24]})
    full.graph.initializer.append(numpy_helper.from_array(np.array([24]), "shape"))
    half = onnx.ModelProto()
    half.CopyFrom(full)
    for value in (*half.graph.input, *half.graph.output):
        value.type.tensor_type.elem_type = TensorProto.FLOAT16
    assert count_graph(full).unfused_bytes == 2 * 24 * 4
    assert count_graph(half).unfused_bytes == 2 * 24 * 2


def test_open_sizes_are_refused() -> None:
    model = graph([helper.make_node("Relu", ["x"], ["y"])], {"x": [1, "h"]}, {"y": [1, 4]})
    model.graph.output[0].type.tensor_type.ClearField("shape")
    with pytest.raises(TemporalCleanError, match=r"leaves . sizes open, 'x' first: fix it"):
        count_graph(model)


@settings(max_examples=25, deadline=None)
@given(
    groups=st.integers(1, 3),
    each=st.integers(1, 4),
    out=st.integers(1, 4),
    size=st.integers(1, 3),
    stride=st.integers(1, 2),
    height=st.integers(4, 9),
    transposed=st.booleans(),
)
def test_convolutions_agree_with_torch(
    groups: int, each: int, out: int, size: int, stride: int, height: int, transposed: bool
) -> None:
    torch = pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    assert FlopCounterMode is not None
    kind = torch.nn.ConvTranspose2d if transposed else torch.nn.Conv2d
    layer = kind(groups * each, groups * out, size, stride, groups=groups, bias=False)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        result = layer(torch.zeros(1, groups * each, height, 7))
    node = helper.make_node(
        "ConvTranspose" if transposed else "Conv",
        ["x", "w"],
        ["y"],
        strides=[stride] * 2,
        group=groups,
    )
    model = graph(
        [node],
        {"x": [1, groups * each, height, 7]},
        {"y": list(result.shape)},
        {"w": tuple(layer.weight.shape)},
    )
    assert 2 * count_graph(model).macs == counter.get_total_flops()


@pytest.mark.parametrize("model", assets.MODELS)
def test_models_agree_with_the_cost_command(model: str) -> None:
    """One counts torch's operators, the other the shapes of the shipped graph.

    The fixed graph does once what torch does twice: 4x4 means of both frames, for doubt and for
    scene cuts (18 MAC a pixel), and windows over the same picture in each round of propagation.
    """
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    from temporal_clean.checkpoint import load_checkpoint
    from temporal_clean.cost import count_cost

    height, width = 128, 192
    request = GraphRequest(height, width, "planar")
    counted = count_graph(fixed_graph(assets.graph_path(model).read_bytes(), request))
    whole = count_cost(load_checkpoint(model), height, width)[-1]
    shared = whole.macs_per_pixel - counted.macs / (height * width)
    assert 18.0 <= shared < 23.0


def test_floors_are_divisions_anyone_can_check() -> None:
    """A device of 1 GB/s and 1 TFLOP/s: a giga-MAC takes 2 ms, a megabyte 1 ms."""
    device = replace(DEVICES[0], bandwidth=1.0, throughput=1.0)
    node = [conv("x", "w", "y")]
    model = graph(node, {"x": [1, 8, 50, 50]}, {"y": [1, 8, 50, 50]}, {"w": (8, 8, 1, 1)})
    cost = replace(
        count_graph(model),
        macs=10**9,
        least_bytes=10**6,
        fused_bytes=3 * 10**6,
        unfused_bytes=9 * 10**6,
    )
    found = floors(cost, device)
    assert found.compute_ms == pytest.approx(2.0)
    assert found.floor_ms == pytest.approx(2.0)
    assert found.fused_floor_ms == pytest.approx(3.0)
    assert found.unfused_floor_ms == pytest.approx(9.0)


def test_a_model_has_floors_on_every_device_in_order() -> None:
    one = model_floors("fast", 192, 128)
    assert [f.device for f in one.floors] == [d.name for d in DEVICES]
    assert one.cost.least_bytes < one.cost.fused_bytes < one.cost.unfused_bytes
    assert one.cost.kernels < one.cost.nodes
    record = as_json([one])
    assert all(device["sources"] for device in record["devices"])
    for row in record["models"][0]["floors"]:
        assert row["floor_ms"] <= row["fused_floor_ms"] <= row["unfused_floor_ms"]
        assert f"{one.cost.macs / 1e9:.2f} GMAC" in row["arithmetic"]
