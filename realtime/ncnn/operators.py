"""Each ONNX operator of the step in ncnn's layers; the numbers are ids of ncnn's operators.md."""

from collections.abc import Callable

import numpy as np
import onnx

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.ncnn import places
from temporal_clean.realtime.ncnn.arithmetic import ARITHMETIC
from temporal_clean.realtime.ncnn.blobs import Blobs, attributes, blob_shape, integers
from temporal_clean.realtime.ncnn.writer import Value

__all__ = ["OPERATORS"]

REDUCTIONS = {"ReduceMean": 3, "ReduceSum": 0, "ReduceMax": 4}


def _convolution(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = attributes(node)
    weight = blobs.constants[node.input[1]]
    bias = blobs.constants[node.input[2]] if len(node.input) > 2 else None
    top, left, bottom, right = a.get("pads", [0, 0, 0, 0])
    (down, across), group = a.get("strides", [1, 1]), a.get("group", 1)
    dilation = a.get("dilations", [1, 1])
    parameters: dict[int, Value] = {
        **{0: weight.shape[0], 1: weight.shape[3], 11: weight.shape[2]},
        **{2: dilation[1], 12: dilation[0], 3: across, 13: down},
        **{4: left, 15: right, 14: top, 16: bottom},
        **{5: int(bias is not None), 6: int(weight.size)},
    }
    kind = "Convolution"
    if group > 1:
        kind, parameters[7] = "ConvolutionDepthWise", group
    blobs.layer(kind, blobs.operand(node.input[0]), node.output[0], parameters)
    blobs.writer.add_weights(weight, tagged=True)
    if bias is not None:
        blobs.writer.add_weights(bias, tagged=False)


def _reduce(blobs: Blobs, node: onnx.NodeProto) -> None:
    operation = REDUCTIONS[node.op_type]
    a = attributes(node)
    axes = a["axes"] if "axes" in a else integers(blobs, node.input[1])
    inner = [blobs.axis(node.input[0], axis) for axis in axes]
    parameters: dict[int, Value] = {0: operation, 1: 0, 3: inner, 4: 1, 5: 1}
    source, target = blobs.operand(node.input[0]), node.output[0]
    if a.get("keepdims", 1):
        blobs.layer("Reduction", source, target, parameters)
        return
    kept = blobs.layer("Reduction", source, blobs.new(), parameters)
    blobs.reshape(kept, target, blob_shape(blobs.shapes[target]))


def _resize(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = attributes(node)
    mode = a.get("mode", b"nearest").decode()
    how = a.get("coordinate_transformation_mode", b"half_pixel").decode()
    if (mode, how) not in (("linear", "half_pixel"), ("nearest", "asymmetric")):
        raise TemporalCleanError(f"Resize {mode} {how} has no ncnn layer")
    _, height, width = blob_shape(blobs.shapes[node.output[0]])
    parameters: dict[int, Value] = {0: 2 if mode == "linear" else 1, 3: height, 4: width}
    blobs.layer("Interp", blobs.operand(node.input[0]), node.output[0], parameters)


def _grid_sample(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = attributes(node)
    modes = {"bilinear": 1, "linear": 1, "nearest": 2, "bicubic": 3, "cubic": 3}
    paddings = {"zeros": 1, "border": 2, "reflection": 3}
    parameters: dict[int, Value] = {
        0: modes[a.get("mode", b"bilinear").decode()],
        1: paddings[a.get("padding_mode", b"zeros").decode()],
        2: a.get("align_corners", 0),
    }
    sources = [blobs.operand(name) for name in node.input]
    blobs.writer.add("GridSample", sources, [node.output[0]], parameters)


def _matmul(blobs: Blobs, node: onnx.NodeProto) -> None:
    axes = max(len(blob_shape(blobs.shapes[name])) for name in node.input)
    sides = [blobs.operand(name, axes) for name in node.input]
    blobs.writer.add("MatMul", sides, [node.output[0]], {0: 0})


def _softmax(blobs: Blobs, node: onnx.NodeProto) -> None:
    axis = blobs.axis(node.input[0], attributes(node).get("axis", -1))
    blobs.layer("Softmax", blobs.operand(node.input[0]), node.output[0], {0: axis, 1: 1})


def _layer_norm(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = attributes(node)
    scale = blobs.constants[node.input[1]]
    shift = blobs.constants[node.input[2]] if len(node.input) > 2 else np.zeros_like(scale)
    if a.get("axis", -1) % len(blobs.shapes[node.input[0]]) != len(blobs.shapes[node.input[0]]) - 1:
        raise TemporalCleanError("LayerNormalization over several axes has no ncnn layer")
    parameters: dict[int, Value] = {0: scale.size, 1: float(a.get("epsilon", 1e-5)), 2: 1}
    blobs.layer("LayerNorm", blobs.operand(node.input[0]), node.output[0], parameters)
    blobs.writer.add_weights(scale, tagged=False)
    blobs.writer.add_weights(shift, tagged=False)


Writer = Callable[[Blobs, onnx.NodeProto], None]


def _each(write: Writer) -> Writer:
    """A layer that knows no batch, once for each of a batch's items."""

    def run(blobs: Blobs, node: onnx.NodeProto) -> None:
        shape = blobs.shapes[node.output[0]]
        if len(shape) < 4 or shape[0] == 1:
            write(blobs, node)
            return
        single = (1, *shape[1:])
        results = []
        for index in range(shape[0]):
            item = onnx.NodeProto()
            item.CopyFrom(node)
            item.input[:] = [
                blobs.items(name)[index]
                if len(blobs.shapes.get(name, ())) == 4 and name not in blobs.constants
                else name
                for name in node.input
            ]
            item.output[:] = [blobs.new(single)]
            write(blobs, item)
            results.append(blobs.operand(item.output[0], len(shape)))
        blobs.writer.add("Concat", results, [node.output[0]], {0: 0})

    return run


OPERATORS: dict[str, Writer] = {
    **ARITHMETIC,
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten"), places.reshape),
    **dict.fromkeys(REDUCTIONS, _reduce),
    "Concat": places.concat,
    "Split": places.split,
    "Slice": places.slices,
    "Gather": places.gather,
    "Transpose": places.transpose,
    "Pad": _each(places.pad),
    "DepthToSpace": _each(places.shuffle),
    "SpaceToDepth": _each(places.unshuffle),
    "Conv": _each(_convolution),
    "Resize": _each(_resize),
    "GridSample": _each(_grid_sample),
    "MatMul": _matmul,
    "Softmax": _softmax,
    "LayerNormalization": _layer_norm,
}
