"""From the shipped symbolic graph to one for a given size, without torch.

The shipped graph has symbolic height and width and every output, inspection maps included. Here
it gets its size, loses the outputs nobody asked for, is folded by onnxslim (the same numbers to
6e-5, two seconds) and, where wanted, takes and gives 8-bit pictures of any size itself.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

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
    "padded_size",
]

FRAME_INPUT, CLEAN_OUTPUT = "frame", "clean"
STATE_INPUTS = ("state_frame", "state_clean", "state_hidden", "state_valid")
STATE_OUTPUTS = ("next_frame", "next_clean", "next_hidden", "next_valid")
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

FrameFormat = Literal["planar", "rgb8", "bgra8"]


@dataclass(frozen=True)
class GraphRequest:
    """What the fixed graph shall look like.

    ``planar`` frames are (1, 3, height, width) in [0, 1], padded to a multiple of 16 by the
    caller; ``rgb8`` and ``bgra8`` are (height, width, 3 or 4) uint8 of any size from 64 up,
    padded and cropped inside the graph.
    """

    height: int
    width: int
    frame_format: FrameFormat = "rgb8"
    inspect: bool = False

    def __post_init__(self) -> None:
        if min(self.height, self.width) < MINIMUM_SIZE:
            raise TemporalCleanError(
                f"frames of {self.width}x{self.height} are too small: the networks need at least "
                f"{MINIMUM_SIZE} pixels a side; upscale the input first"
            )

    def key(self, graph: bytes) -> str:
        """Name of the cached result: the graph's content and everything that shapes it."""
        import onnxslim

        parts = (repr(self), onnx.__version__, onnxslim.__version__, _source_digest())
        return hashlib.sha256(graph + "|".join(parts).encode()).hexdigest()[:24]


def padded_size(height: int, width: int) -> tuple[int, int]:
    """The size that the networks see: each side up to the next multiple of 16."""
    return -(-height // MULTIPLE_OF) * MULTIPLE_OF, -(-width // MULTIPLE_OF) * MULTIPLE_OF


def fixed_graph(graph: bytes, request: GraphRequest) -> onnx.ModelProto:
    """The graph for one size, pruned, folded and with its frames in the wanted format."""
    import onnxslim

    model = onnx.load_from_string(graph)
    _keep_outputs(model, request.inspect)
    _write_sizes(model, *padded_size(request.height, request.width))
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


def _write_sizes(model: onnx.ModelProto, height: int, width: int) -> None:
    """Put numbers in the place of the symbols 16*h, 4*w and so on."""
    symbols = {"h": height // MULTIPLE_OF, "w": width // MULTIPLE_OF}
    for value in (*model.graph.input, *model.graph.output):
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param:
                factor, symbol = dimension.dim_param.split("*")
                dimension.dim_value = int(factor) * symbols[symbol]
    del model.graph.value_info[:]


def _take_pictures(graph: onnx.GraphProto, request: GraphRequest) -> None:
    """Conversion from and to 8-bit pictures, padding and cropping as part of the graph."""
    channels = 3 if request.frame_format == "rgb8" else 4
    picture = [request.height, request.width, channels]
    floating = next(i for i in graph.input if i.name == FRAME_INPUT).type.tensor_type.elem_type
    nodes = _Nodes(graph, helper.tensor_dtype_to_np_dtype(floating))
    before = _decode_nodes(nodes, request, floating)
    after = _encode_nodes(nodes, request)
    # next_frame is the frame itself: it stays planar, for the next step's flow.
    for node in graph.node:
        node.output[:] = ["clean_planar" if n == CLEAN_OUTPUT else n for n in node.output]
        node.input[:] = [
            {CLEAN_OUTPUT: "clean_planar", FRAME_INPUT: "frame_planar"}.get(n, n)
            for n in node.input
        ]
    body = list(graph.node)
    del graph.node[:]
    graph.node.extend([*before, *body, *after])
    _retype(graph.input, FRAME_INPUT, picture)
    _retype(graph.output, CLEAN_OUTPUT, picture)


class _Nodes:
    """Adds constants to the graph and builds nodes that use them."""

    def __init__(self, graph: onnx.GraphProto, dtype: np.dtype) -> None:
        self.graph, self.dtype = graph, dtype

    def constant(self, name: str, value: object, dtype: object = None) -> str:
        array = np.asarray(value, dtype=dtype or self.dtype)
        self.graph.initializer.append(numpy_helper.from_array(array, f"picture_{name}"))
        return f"picture_{name}"

    def integers(self, name: str, values: list[int]) -> str:
        return self.constant(name, values, np.int64)


def _decode_nodes(nodes: _Nodes, request: GraphRequest, floating: int) -> list[onnx.NodeProto]:
    height, width = padded_size(request.height, request.width)
    bottom, right = height - request.height, width - request.width
    channels = [0, 1, 2] if request.frame_format == "rgb8" else [2, 1, 0]
    result = [
        helper.make_node("Cast", [FRAME_INPUT], ["in_float"], to=floating),
        helper.make_node("Transpose", ["in_float"], ["in_planes"], perm=[2, 0, 1]),
    ]
    planes = "in_planes"
    if request.frame_format == "bgra8":
        planes = "in_rgb"
        order = nodes.integers("in_order", channels)
        result.append(helper.make_node("Gather", ["in_planes", order], [planes], axis=0))
    batch = nodes.integers("batch_axis", [0])
    scale = nodes.constant("decode", 1.0 / 255.0)
    scaled = "in_scaled" if bottom or right else "frame_planar"
    result.append(helper.make_node("Unsqueeze", [planes, batch], ["in_batch"]))
    result.append(helper.make_node("Mul", ["in_batch", scale], [scaled]))
    if bottom or right:
        pads = nodes.integers("pads", [0, 0, 0, 0, 0, 0, bottom, right])
        result.append(helper.make_node("Pad", [scaled, pads], ["frame_planar"], mode="edge"))
    return result


def _encode_nodes(nodes: _Nodes, request: GraphRequest) -> list[onnx.NodeProto]:
    starts, ends = (
        nodes.integers("starts", [0, 0]),
        nodes.integers("ends", [request.height, request.width]),
    )
    axes = nodes.integers("axes", [2, 3])
    result = [
        helper.make_node("Slice", ["clean_planar", starts, ends, axes], ["out_cropped"]),
        helper.make_node("Mul", ["out_cropped", nodes.constant("encode", 255.0)], ["out_scaled"]),
        helper.make_node("Round", ["out_scaled"], ["out_rounded"]),
        helper.make_node("Squeeze", ["out_rounded", "picture_batch_axis"], ["out_planes"]),
    ]
    planes = "out_planes"
    if request.frame_format == "bgra8":
        planes = "out_bgra"
        order = nodes.integers("out_order", [2, 1, 0])
        alpha = nodes.constant("alpha", np.full((1, request.height, request.width), 255.0))
        result.append(helper.make_node("Gather", ["out_planes", order], ["out_bgr"], axis=0))
        result.append(helper.make_node("Concat", ["out_bgr", alpha], [planes], axis=0))
    result.append(helper.make_node("Transpose", [planes], ["out_picture"], perm=[1, 2, 0]))
    result.append(helper.make_node("Cast", ["out_picture"], [CLEAN_OUTPUT], to=TensorProto.UINT8))
    return result


def _retype(values: object, name: str, shape: list[int]) -> None:
    for index, value in enumerate(values):  # type: ignore[arg-type]
        if value.name == name:
            picture = helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
            values[index].CopyFrom(picture)  # type: ignore[index]


def _source_digest() -> str:
    """This file is part of what shapes the result."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]
