"""Operators that only move values: shapes, slices, pads, shuffles. Numbers: ncnn's operators.md.

A slice with a stride becomes a strided convolution of one weight, which is one.
"""

import numpy as np
import onnx

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.ncnn.blobs import Blobs, attributes, blob_shape, integers
from temporal_clean.realtime.ncnn.writer import Value

__all__ = [
    "concat",
    "gather",
    "pad",
    "reshape",
    "shuffle",
    "slices",
    "split",
    "transpose",
    "unshuffle",
]


def concat(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Along the batch too: then every part keeps its batch axis of one."""
    axis = blobs.axis(node.output[0], attributes(node)["axis"])
    axes = len(blob_shape(blobs.shapes[node.output[0]]))
    parts = [blobs.operand(name, axes) for name in node.input]
    blobs.writer.add("Concat", parts, [node.output[0]], {0: axis})


def split(blobs: Blobs, node: onnx.NodeProto) -> None:
    source = node.input[0]
    axis = blobs.axis(source, attributes(node).get("axis", 0))
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


def slices(blobs: Blobs, node: onnx.NodeProto) -> None:
    shape = blobs.shapes[node.input[0]]
    starts, ends, axes = (integers(blobs, name) for name in node.input[1:4])
    steps = integers(blobs, node.input[4]) if len(node.input) > 4 else [1] * len(axes)
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


def gather(blobs: Blobs, node: onnx.NodeProto) -> None:
    """One index: a crop that loses its axis."""
    axis = attributes(node).get("axis", 0)
    indices = integers(blobs, node.input[1])
    if len(indices) != 1:
        raise TemporalCleanError("Gather of several indices has no ncnn layer")
    inner = blobs.axis(node.input[0], axis)
    crop: dict[int, Value] = {9: indices, 10: [indices[0] + 1], 11: [inner]}
    part = blobs.layer("Crop", blobs.operand(node.input[0]), blobs.new(), crop)
    blobs.reshape(part, node.output[0], blob_shape(blobs.shapes[node.output[0]]))


def reshape(blobs: Blobs, node: onnx.NodeProto) -> None:
    """Also what only adds or drops axes of size one."""
    shape = blob_shape(blobs.shapes[node.output[0]])
    blobs.reshape(blobs.operand(node.input[0]), node.output[0], shape)


def transpose(blobs: Blobs, node: onnx.NodeProto) -> None:
    order = list(attributes(node)["perm"])
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


def pad(blobs: Blobs, node: onnx.NodeProto) -> None:
    mode = attributes(node).get("mode", b"constant").decode()
    kinds = {"constant": 0, "edge": 1, "reflect": 2}
    pads = integers(blobs, node.input[1])
    before, after = pads[: len(pads) // 2], pads[len(pads) // 2 :]
    if any(before[:-2]) or any(after[:-2]):
        raise TemporalCleanError("only rows and columns are padded in ncnn")
    value = blobs.scalar(node.input[2]) if len(node.input) > 2 and node.input[2] else 0.0
    parameters: dict[int, Value] = {0: before[-2], 1: after[-2], 2: before[-1], 3: after[-1]}
    parameters |= {4: kinds[mode], 5: float(value or 0.0)}
    blobs.layer("Padding", blobs.operand(node.input[0]), node.output[0], parameters)


def shuffle(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = attributes(node)
    mode = 0 if a.get("mode", b"DCR") == b"CRD" else 1
    parameters: dict[int, Value] = {0: a["blocksize"], 1: mode}
    blobs.layer("PixelShuffle", blobs.operand(node.input[0]), node.output[0], parameters)


def unshuffle(blobs: Blobs, node: onnx.NodeProto) -> None:
    a = attributes(node)
    mode = 0 if a.get("mode", b"DCR") == b"CRD" else 1
    parameters: dict[int, Value] = {0: a["blocksize"], 1: mode}
    blobs.layer("Reorg", blobs.operand(node.input[0]), node.output[0], parameters)
