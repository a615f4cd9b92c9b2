"""Each ONNX operator of the step in ncnn's layers; the numbers are ids of operators.md.

Where ncnn has no such layer the same arithmetic is written with those it has: comparisons as a
clipped steep line, logic as the larger or smaller of two masks, a strided slice as a strided
convolution with a one.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.ncnn.blobs import Blobs, blob_shape
from temporal_clean.realtime.ncnn.writer import Value

__all__ = ["OPERATORS"]

UNARY = {
    "Abs": 0,
    "Neg": 1,
    "Floor": 2,
    "Ceil": 3,
    "Sqrt": 5,
    "Exp": 7,
    "Log": 8,
    "Reciprocal": 15,
    "Tanh": 16,
}
PLAIN = {"Sigmoid": "Sigmoid", "Erf": "Erf", "Relu": "ReLU"}
BINARY = {"Add": 0, "Sub": 1, "Mul": 2, "Div": 3, "Max": 4, "Min": 5, "Pow": 6, "Or": 4, "And": 5}
# With the constant on the left: constant - x and so on.
REVERSED = {1: 7, 3: 8, 6: 9}
SQUARE, MULTIPLY, ADD, MEAN, SUM, LARGEST = 4, 2, 0, 3, 0, 4
# x > y as min(max((x - y) * STEEP, 0), 1): exact unless x and y are within 1e-20 of each other.
STEEP = 1e20
BEYOND = 2**30


def _attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _values(blobs: Blobs, name: str) -> list[int]:
    if name not in blobs.constants:
        raise TemporalCleanError(f"'{name}' must be known beforehand: fix the graph to a size")
    return [int(value) for value in blobs.constants[name].reshape(-1)]


def _unary(blobs: Blobs, node: onnx.NodeProto) -> None:
    source = blobs.operand(node.input[0])
    blobs.layer("UnaryOp", source, node.output[0], {0: UNARY[node.op_type]})


def _plain(blobs: Blobs, node: onnx.NodeProto) -> None:
    blobs.layer(PLAIN[node.op_type], blobs.operand(node.input[0]), node.output[0])


def _leaky(blobs: Blobs, node: onnx.NodeProto) -> None:
    slope = float(_attributes(node).get("alpha", 0.01))
    blobs.layer("ReLU", blobs.operand(node.input[0]), node.output[0], {0: slope})


def _binary(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Both sides with as many axes, so that ncnn broadcasts as NumPy does."""
    left, right = node.input
    operation, target = BINARY[node.op_type], node.output[0]
    if (value := blobs.scalar(right)) is not None and left not in blobs.constants:
        if node.op_type == "Pow" and value == 2.0:
            blobs.layer("UnaryOp", left, target, {0: SQUARE})
        else:
            blobs.layer("BinaryOp", left, target, {0: operation, 1: 1, 2: value})
    elif (value := blobs.scalar(left)) is not None and right not in blobs.constants:
        operation = REVERSED.get(operation, operation)
        blobs.layer("BinaryOp", right, target, {0: operation, 1: 1, 2: value})
    else:
        axes = max(len(blob_shape(blobs.shapes[name])) for name in (left, right))
        sides = [blobs.operand(name, axes) for name in (left, right)]
        blobs.writer.add("BinaryOp", sides, [target], {0: operation})


def _compare(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Greater, and Less with its sides changed; the OrEqual ones are one minus the opposite."""
    swapped = node.op_type in ("Less", "GreaterOrEqual")
    left, right = reversed(node.input) if swapped else node.input
    difference, steep, target = blobs.new(), blobs.new(), node.output[0]
    _binary(blobs, onnx.helper.make_node("Sub", [left, right], [difference]))
    blobs.layer("BinaryOp", difference, steep, {0: MULTIPLY, 1: 1, 2: STEEP})
    if not node.op_type.endswith("OrEqual"):
        blobs.layer("Clip", steep, target, {0: 0.0, 1: 1.0})
        return
    opposite = blobs.layer("Clip", steep, blobs.new(), {0: 0.0, 1: 1.0})
    blobs.layer("BinaryOp", opposite, target, {0: REVERSED[1], 1: 1, 2: 1.0})


def _not(blobs: Blobs, node: onnx.NodeProto) -> None:
    blobs.layer("BinaryOp", node.input[0], node.output[0], {0: REVERSED[1], 1: 1, 2: 1.0})


def _where(blobs: Blobs, node: onnx.NodeProto) -> None:
    """mask * a + (1 - mask) * b, for finite a and b."""
    mask, chosen, other = node.input
    inverse = blobs.new()
    blobs.shapes[inverse] = blobs.shapes[mask]
    _not(blobs, onnx.helper.make_node("Not", [mask], [inverse]))
    parts = [blobs.new(), blobs.new()]
    _binary(blobs, onnx.helper.make_node("Mul", [mask, chosen], [parts[0]]))
    _binary(blobs, onnx.helper.make_node("Mul", [inverse, other], [parts[1]]))
    blobs.writer.add("BinaryOp", parts, [node.output[0]], {0: ADD})


def _clip(blobs: Blobs, node: onnx.NodeProto) -> None:
    limits: dict[int, Value] = {}
    for number, name in enumerate(node.input[1:]):
        if name:
            limits[number] = float(blobs.constants[name].reshape(-1)[0])
    blobs.layer("Clip", blobs.operand(node.input[0]), node.output[0], limits)


def _convolution(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = _attributes(node)
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


def _concat(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Along the batch too: then every part keeps its batch axis of one."""
    axis = blobs.axis(node.output[0], _attributes(node)["axis"])
    axes = len(blob_shape(blobs.shapes[node.output[0]]))
    parts = [blobs.operand(name, axes) for name in node.input]
    blobs.writer.add("Concat", parts, [node.output[0]], {0: axis})


def _split(blobs: Blobs, node: onnx.NodeProto) -> None:
    source = node.input[0]
    axis = blobs.axis(source, _attributes(node).get("axis", 0))
    shapes = [blobs.shapes[name] for name in node.output]
    axes = len(blob_shape(blobs.shapes[source]))
    sizes = [shape[axis - axes] for shape in shapes]
    # A part of a batch that has become one loses that axis.
    short = [len(blob_shape(shape)) < axes for shape in shapes]
    parts = [blobs.new() if s else n for s, n in zip(short, node.output, strict=True)]
    blobs.writer.add("Slice", [blobs.operand(source)], parts, {0: sizes, 1: axis})
    for part, name, shape in zip(parts, node.output, shapes, strict=True):
        if part != name:
            blobs.reshape(part, name, blob_shape(shape))


def _slice(blobs: Blobs, node: onnx.NodeProto) -> None:
    shape = blobs.shapes[node.input[0]]
    starts, ends, axes = (_values(blobs, name) for name in node.input[1:4])
    steps = _values(blobs, node.input[4]) if len(node.input) > 4 else [1] * len(axes)
    inner = [blobs.axis(node.input[0], axis) for axis in axes]
    # ncnn counts from the end with negative numbers and takes no end beyond the size.
    sizes = [shape[axis] for axis in axes]
    starts = [s + n if s < 0 else min(s, n) for s, n in zip(starts, sizes, strict=True)]
    ends = [e + n if e < 0 else min(e, n) for e, n in zip(ends, sizes, strict=True)]
    source, target = blobs.operand(node.input[0]), node.output[0]
    crop: dict[int, Value] = {9: starts, 10: ends, 11: inner}
    if set(steps) == {1}:
        wanted = blob_shape(blobs.shapes[target])
        if len(wanted) == len(blob_shape(shape)):
            blobs.layer("Crop", source, target, crop)
        else:  # one of a batch
            blobs.reshape(blobs.layer("Crop", source, blobs.new(), crop), target, wanted)
        return
    _strided(blobs, blobs.layer("Crop", source, blobs.new(), crop), node, inner, steps)


def _strided(
    blobs: Blobs, source: str, node: onnx.NodeProto, axes: list[int], steps: list[int]
) -> None:
    """Every n-th row and column by a depthwise convolution of one weight, which is one."""
    channels, *plane = blob_shape(blobs.shapes[node.input[0]])
    stride = dict(zip(axes, steps, strict=True))
    if len(plane) != 2 or stride.get(0, 1) != 1 or min(steps) < 1:
        raise TemporalCleanError(f"a slice with steps {steps} has no ncnn layer")
    parameters: dict[int, Value] = {0: channels, 1: 1, 3: stride.get(2, 1), 13: stride.get(1, 1)}
    parameters |= {6: channels, 7: channels}
    blobs.layer("ConvolutionDepthWise", source, node.output[0], parameters)
    blobs.writer.add_weights(np.ones(channels), tagged=True)


def _gather(blobs: Blobs, node: onnx.NodeProto) -> None:
    """One index: a crop that loses its axis."""
    axis = _attributes(node).get("axis", 0)
    indices = _values(blobs, node.input[1])
    if len(indices) != 1:
        raise TemporalCleanError("Gather of several indices has no ncnn layer")
    inner = blobs.axis(node.input[0], axis)
    crop: dict[int, Value] = {9: indices, 10: [indices[0] + 1], 11: [inner]}
    part = blobs.layer("Crop", blobs.operand(node.input[0]), blobs.new(), crop)
    blobs.reshape(part, node.output[0], blob_shape(blobs.shapes[node.output[0]]))


def _reshape(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Also what only adds or drops axes of size one."""
    shape = blob_shape(blobs.shapes[node.output[0]])
    blobs.reshape(blobs.operand(node.input[0]), node.output[0], shape)


def _same(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Casts too: every blob is fp32. Times one makes a blob of its own."""
    source = blobs.operand(node.input[0])
    blobs.layer("BinaryOp", source, node.output[0], {0: MULTIPLY, 1: 1, 2: 1.0})


def _transpose(blobs: Blobs, node: onnx.NodeProto) -> None:
    order = list(_attributes(node)["perm"])
    source = blobs.operand(node.input[0])
    shape, result = blobs.shapes[node.input[0]], blobs.shapes[node.output[0]]
    moved = [axis for axis in order if shape[axis] > 1]
    if moved == sorted(moved):  # only axes of size one move
        blobs.reshape(source, node.output[0], blob_shape(result))
        return
    if len(blob_shape(shape)) < len(shape):
        if order[0] != 0:
            raise TemporalCleanError("a transpose that moves the batch axis has no ncnn layer")
        order = [axis - 1 for axis in order[1:]]
    blobs.permute(source, node.output[0], order)


def _reduce(blobs: Blobs, node: onnx.NodeProto) -> None:
    operation = {"ReduceMean": MEAN, "ReduceSum": SUM, "ReduceMax": LARGEST}[node.op_type]
    a = _attributes(node)
    axes = a["axes"] if "axes" in a else _values(blobs, node.input[1])
    inner = [blobs.axis(node.input[0], axis) for axis in axes]
    parameters: dict[int, Value] = {0: operation, 1: 0, 3: inner, 4: 1, 5: 1}
    source, target = blobs.operand(node.input[0]), node.output[0]
    if a.get("keepdims", 1):
        blobs.layer("Reduction", source, target, parameters)
        return
    kept = blobs.layer("Reduction", source, blobs.new(), parameters)
    blobs.reshape(kept, target, blob_shape(blobs.shapes[target]))


def _resize(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = _attributes(node)
    mode = a.get("mode", b"nearest").decode()
    how = a.get("coordinate_transformation_mode", b"half_pixel").decode()
    if (mode, how) not in (("linear", "half_pixel"), ("nearest", "asymmetric")):
        raise TemporalCleanError(f"Resize {mode} {how} has no ncnn layer")
    _, height, width = blob_shape(blobs.shapes[node.output[0]])
    parameters: dict[int, Value] = {0: 2 if mode == "linear" else 1, 3: height, 4: width}
    blobs.layer("Interp", blobs.operand(node.input[0]), node.output[0], parameters)


def _pad(blobs: Blobs, node: onnx.NodeProto) -> None:
    mode = _attributes(node).get("mode", b"constant").decode()
    kinds = {"constant": 0, "edge": 1, "reflect": 2}
    pads = _values(blobs, node.input[1])
    before, after = pads[: len(pads) // 2], pads[len(pads) // 2 :]
    if any(before[:-2]) or any(after[:-2]):
        raise TemporalCleanError("only rows and columns are padded in ncnn")
    value = blobs.scalar(node.input[2]) if len(node.input) > 2 and node.input[2] else 0.0
    parameters: dict[int, Value] = {0: before[-2], 1: after[-2], 2: before[-1], 3: after[-1]}
    parameters |= {4: kinds[mode], 5: float(value or 0.0)}
    blobs.layer("Padding", blobs.operand(node.input[0]), node.output[0], parameters)


def _shuffle(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = _attributes(node)
    mode = 0 if a.get("mode", b"DCR") == b"CRD" else 1
    parameters: dict[int, Value] = {0: a["blocksize"], 1: mode}
    blobs.layer("PixelShuffle", blobs.operand(node.input[0]), node.output[0], parameters)


def _unshuffle(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = _attributes(node)
    mode = 0 if a.get("mode", b"DCR") == b"CRD" else 1
    parameters: dict[int, Value] = {0: a["blocksize"], 1: mode}
    blobs.layer("Reorg", blobs.operand(node.input[0]), node.output[0], parameters)


def _grid_sample(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = _attributes(node)
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
    axis = blobs.axis(node.input[0], _attributes(node).get("axis", -1))
    blobs.layer("Softmax", blobs.operand(node.input[0]), node.output[0], {0: axis, 1: 1})


def _layer_norm(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = _attributes(node)
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
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(PLAIN, _plain),
    **dict.fromkeys(BINARY, _binary),
    **dict.fromkeys(("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), _compare),
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten"), _reshape),
    **dict.fromkeys(("Identity", "Cast"), _same),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax"), _reduce),
    "LeakyRelu": _leaky,
    "Not": _not,
    "Where": _where,
    "Clip": _clip,
    "Conv": _each(_convolution),
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Gather": _gather,
    "Transpose": _transpose,
    "Resize": _each(_resize),
    "Pad": _each(_pad),
    "DepthToSpace": _each(_shuffle),
    "SpaceToDepth": _each(_unshuffle),
    "GridSample": _each(_grid_sample),
    "MatMul": _matmul,
    "Softmax": _softmax,
    "LayerNormalization": _layer_norm,
}
