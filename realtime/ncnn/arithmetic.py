"""Arithmetic, comparisons and logic of one place at a time, in ncnn's layers.

ncnn has neither comparisons nor logic: a comparison becomes a clipped steep line, logic the larger
or smaller of two masks. Numbers are ids of ncnn's operators.md.
"""

from collections.abc import Callable

import onnx

from temporal_clean.realtime.ncnn.blobs import Blobs, attributes, blob_shape
from temporal_clean.realtime.ncnn.writer import Value

__all__ = ["ARITHMETIC"]

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
SQUARE, MULTIPLY, ADD = 4, 2, 0
# x > y as min(max((x - y) * STEEP, 0), 1): exact unless x and y are within 1e-20 of each other.
STEEP = 1e20


def _unary(blobs: Blobs, node: onnx.NodeProto) -> None:
    source = blobs.operand(node.input[0])
    blobs.layer("UnaryOp", source, node.output[0], {0: UNARY[node.op_type]})


def _plain(blobs: Blobs, node: onnx.NodeProto) -> None:
    blobs.layer(PLAIN[node.op_type], blobs.operand(node.input[0]), node.output[0])


def _leaky(blobs: Blobs, node: onnx.NodeProto) -> None:
    slope = float(attributes(node).get("alpha", 0.01))
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


def _same(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Casts too: every blob is fp32. Times one makes a blob of its own."""
    source = blobs.operand(node.input[0])
    blobs.layer("BinaryOp", source, node.output[0], {0: MULTIPLY, 1: 1, 2: 1.0})


ARITHMETIC: dict[str, Callable[[Blobs, onnx.NodeProto], None]] = {
    **dict.fromkeys(UNARY, _unary),
    **dict.fromkeys(PLAIN, _plain),
    **dict.fromkeys(BINARY, _binary),
    **dict.fromkeys(("Greater", "Less", "GreaterOrEqual", "LessOrEqual"), _compare),
    **dict.fromkeys(("Identity", "Cast"), _same),
    "LeakyRelu": _leaky,
    "Not": _not,
    "Where": _where,
    "Clip": _clip,
}
