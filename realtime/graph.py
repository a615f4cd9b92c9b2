"""From the shipped symbolic graph to one for a given size, without torch.

The shipped graph has symbolic height and width and every output, inspection maps included. Here
it gets its size, loses the outputs nobody asked for, is folded by onnxslim (the same numbers to
6e-5, two seconds) and, where wanted, takes and gives integer pictures of any size itself.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from temporal_clean.errors import TemporalCleanError

__all__ = [
    "INSPECTION_OUTPUTS",
    "STATE_INPUTS",
    "STATE_OUTPUTS",
    "FrameFormat",
    "GraphRequest",
    "fixed_graph",
    "graph_precision",
    "padded_size",
]

FRAME_INPUT, CLEAN_OUTPUT = "frame", "clean"
STATE_INPUTS = ("state_clean", "state_hidden", "state_motion", "state_valid")
STATE_OUTPUTS = ("next_clean", "next_hidden", "next_motion", "next_valid")
INSPECTION_OUTPUTS = (
    "motion",
    "doubt",
    "spatial",
    "mask",
    "weight",
    "spatial_surprise",
    "temporal_surprise",
)
MULTIPLE_OF, MINIMUM_SIZE = 16, 64
OPSET = 18
HALVING = {"kernel_shape": [2, 2], "strides": [2, 2]}

FrameFormat = Literal["planar", "rgb8", "rgb16", "bgra8"]
# Of the formats that the graph converts itself: type, channels in order, largest value.
PICTURES = {
    "rgb8": (TensorProto.UINT8, [0, 1, 2], 255.0),
    "rgb16": (TensorProto.UINT16, [0, 1, 2], 65535.0),
    "bgra8": (TensorProto.UINT8, [2, 1, 0], 255.0),
}


@dataclass(frozen=True)
class GraphRequest:
    """What the fixed graph shall look like.

    ``planar`` frames are (1, 3, height, width) in [0, 1], padded to a multiple of 16 by the
    caller; ``rgb8`` and ``rgb16`` are (height, width, 3) uint8 or uint16, ``bgra8`` is (height,
    width, 4) uint8, of any size from 64 up, padded and cropped inside the graph. ``halved``: the
    networks see pictures averaged to half the size, and what they change there is enlarged and
    added to the picture; a quarter of the work, for live use on slow machines.
    """

    height: int
    width: int
    frame_format: FrameFormat = "rgb8"
    inspect: bool = False
    halved: bool = False

    def __post_init__(self) -> None:
        if self.halved and (self.frame_format == "planar" or self.inspect):
            raise TemporalCleanError(
                "half the size inside is for pictures without maps: expected rgb8, rgb16 or bgra8 "
                f"and no inspection, got {self.frame_format}"
            )
        if min(self.height, self.width) < MINIMUM_SIZE * self.shrink:
            raise TemporalCleanError(
                f"frames of {self.width}x{self.height} are too small: the networks need at least "
                f"{MINIMUM_SIZE * self.shrink} pixels a side; upscale the input first"
            )

    @property
    def shrink(self) -> int:
        """How many pixels of the frame, across or down, are one of the networks'."""
        return 2 if self.halved else 1

    def inner_size(self) -> tuple[int, int]:
        """Height and width of the planes that the networks see."""
        shrunk = (-(-side // self.shrink) for side in (self.height, self.width))
        return padded_size(*shrunk)

    def key(self, graph: bytes) -> str:
        """Name of the cached result: the graph's content and everything that shapes it."""
        import onnxslim

        parts = (repr(self), onnx.__version__, onnxslim.__version__, _source_digest())
        return hashlib.sha256(graph + "|".join(parts).encode()).hexdigest()[:24]


def graph_precision(graph: bytes) -> str:
    """'fp16' or 'fp32', by the type of the graph's state."""
    inputs = {value.name: value for value in onnx.load_from_string(graph).graph.input}
    if "state_clean" not in inputs:
        raise TemporalCleanError(
            "the graph has no input 'state_clean': it was not made by 'temporal-clean export'"
        )
    half = inputs["state_clean"].type.tensor_type.elem_type == TensorProto.FLOAT16
    return "fp16" if half else "fp32"


def padded_size(height: int, width: int) -> tuple[int, int]:
    """The size that the networks see: each side up to the next multiple of 16."""
    return -(-height // MULTIPLE_OF) * MULTIPLE_OF, -(-width // MULTIPLE_OF) * MULTIPLE_OF


def fixed_graph(graph: bytes, request: GraphRequest) -> onnx.ModelProto:
    """The graph for one size, pruned, folded and with its frames in the wanted format."""
    import onnxslim

    model = onnx.load_from_string(graph)
    _keep_outputs(model, request.inspect)
    write_sizes(model, *request.inner_size())
    model = onnxslim.slim(model)
    if not isinstance(model, onnx.ModelProto):
        raise TemporalCleanError("onnxslim gave no graph: reinstall it (pip install -U onnxslim)")
    if request.frame_format != "planar":
        _take_pictures(model.graph, request)
    onnx.checker.check_model(model)
    return model


def _keep_outputs(model: onnx.ModelProto, inspect: bool) -> None:
    wanted = {CLEAN_OUTPUT, *STATE_OUTPUTS, *(INSPECTION_OUTPUTS if inspect else ())}
    kept = [output for output in model.graph.output if output.name in wanted]
    missing = wanted - {output.name for output in kept}
    if missing:
        raise TemporalCleanError(
            f"the graph lacks the outputs {', '.join(sorted(missing))}: it was not made by "
            "'temporal-clean export'; export the model again"
        )
    del model.graph.output[:]
    model.graph.output.extend(kept)


def write_sizes(model: onnx.ModelProto, height: int, width: int) -> None:
    """Put numbers in the place of the symbols 16*h, 4*w and so on."""
    symbols = {"h": height // MULTIPLE_OF, "w": width // MULTIPLE_OF}
    for value in model.graph.input:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                factor, symbol = dimension.dim_param.split("*")
                dimension.dim_value = int(factor) * symbols[symbol]
    # The outputs' sizes follow; some carry symbols of the exporter's own.
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def _take_pictures(graph: onnx.GraphProto, request: GraphRequest) -> None:
    """Conversion from and to integer pictures, padding and cropping as part of the graph."""
    kind, channels, _ = PICTURES[request.frame_format]
    floating = next(i for i in graph.input if i.name == FRAME_INPUT).type.tensor_type.elem_type
    nodes = _Nodes(graph)
    before = _decode_nodes(nodes, request, floating)
    after = _encode_nodes(nodes, request, floating)
    if request.halved:
        before += nodes.chain("frame_full", "frame_planar", [("AveragePool", [], HALVING)])
        after = _enlarge_nodes(nodes, floating) + after
    renamed = {CLEAN_OUTPUT: "clean_planar", FRAME_INPUT: "frame_planar"}
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]
    body = list(graph.node)
    del graph.node[:]
    graph.node.extend([*before, *body, *after])
    depth = 4 if request.frame_format == "bgra8" else len(channels)
    for values, name in ((graph.input, FRAME_INPUT), (graph.output, CLEAN_OUTPUT)):
        picture = helper.make_tensor_value_info(name, kind, [request.height, request.width, depth])
        next(value for value in values if value.name == name).CopyFrom(picture)


class _Nodes:
    """Builds a chain of nodes, each reading what the one before it wrote."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.count = 0

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        self.count += 1
        name = f"picture_constant_{self.count}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def chain(self, first: str, last: str, steps: list[tuple[str, list[str], dict]]) -> list:
        """Nodes (operator, further inputs, attributes) from ``first`` to ``last``."""
        names = [first]
        for _ in steps[:-1]:
            self.count += 1
            names.append(f"picture_{self.count}")
        names.append(last)
        return [
            helper.make_node(operator, [names[index], *inputs], [names[index + 1]], **attributes)
            for index, (operator, inputs, attributes) in enumerate(steps)
        ]


def _decode_nodes(nodes: _Nodes, request: GraphRequest, floating: int) -> list[onnx.NodeProto]:
    """Integer picture to padded planes in [0, 1]; arithmetic in fp32 (65535 is past fp16)."""
    height, width = (side * request.shrink for side in request.inner_size())
    _, channels, largest = PICTURES[request.frame_format]
    pads = [0, 0, 0, 0, 0, 0, height - request.height, width - request.width]
    steps: list[tuple[str, list[str], dict]] = [
        ("Cast", [], {"to": TensorProto.FLOAT}),
        ("Transpose", [], {"perm": [2, 0, 1]}),
        ("Unsqueeze", [nodes.constant([0])], {}),
    ]
    if request.frame_format == "bgra8":
        steps.append(("Gather", [nodes.constant(channels)], {"axis": 1}))
    steps.append(("Mul", [nodes.constant(1.0 / largest, np.float32)], {}))
    if floating != TensorProto.FLOAT:
        steps.append(("Cast", [], {"to": floating}))
    if any(pads):
        steps.append(("Pad", [nodes.constant(pads)], {"mode": "edge"}))
    return nodes.chain(FRAME_INPUT, "frame_full" if request.halved else "frame_planar", steps)


def _enlarge_nodes(nodes: _Nodes, floating: int) -> list[onnx.NodeProto]:
    """What the networks changed at half the size, enlarged and added to the full picture."""
    kind = helper.tensor_dtype_to_np_dtype(floating)
    limits = [nodes.constant(0.0, kind), nodes.constant(1.0, kind)]
    enlarge = ["", nodes.constant([1.0, 1.0, 2.0, 2.0], np.float32)]
    smooth = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
    return [
        helper.make_node("Sub", ["clean_planar", "frame_planar"], ["change_halved"]),
        helper.make_node("Resize", ["change_halved", *enlarge], ["change_full"], **smooth),
        helper.make_node("Add", ["frame_full", "change_full"], ["clean_sum"]),
        helper.make_node("Clip", ["clean_sum", *limits], ["clean_full"]),
    ]


def _encode_nodes(nodes: _Nodes, request: GraphRequest, floating: int) -> list[onnx.NodeProto]:
    """Planes in [0, 1] to the integer picture, cropped, rounded to nearest."""
    kind, channels, largest = PICTURES[request.frame_format]
    crop = [nodes.constant(v) for v in ([0, 0], [request.height, request.width], [2, 3])]
    steps: list[tuple[str, list[str], dict]] = [("Slice", crop, {})]
    if floating != TensorProto.FLOAT:
        steps.append(("Cast", [], {"to": TensorProto.FLOAT}))
    steps += [("Mul", [nodes.constant(largest, np.float32)], {}), ("Round", [], {})]
    if request.frame_format == "bgra8":
        opaque = np.full((1, 1, request.height, request.width), largest)
        steps.append(("Gather", [nodes.constant(channels)], {"axis": 1}))
        steps.append(("Concat", [nodes.constant(opaque, np.float32)], {"axis": 1}))
    steps += [
        ("Squeeze", [nodes.constant([0])], {}),
        ("Transpose", [], {"perm": [1, 2, 0]}),
        ("Cast", [], {"to": kind}),
    ]
    return nodes.chain("clean_full" if request.halved else "clean_planar", CLEAN_OUTPUT, steps)


def _source_digest() -> str:
    """This file is part of what shapes the result."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
