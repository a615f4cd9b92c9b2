"""How ONNX tensors become ncnn blobs: no batch axis, at most four dimensions.

A tensor of four axes with batch 1 becomes a blob of three (channels, rows, columns); any other
keeps its axes. Truth values are 0 and 1.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.ncnn.writer import LayerWriter, Value

__all__ = ["Blobs", "attributes", "blob_shape", "integers"]

MOST_AXES = 4
# Ids of w, h, d and c in Reshape and MemoryData, from the innermost axis on, by axes.
SIZE_IDS = {1: (0,), 2: (0, 1), 3: (0, 1, 2), 4: (0, 1, 11, 2)}
# Permute's order types: which input axis becomes w, h, (d), c of the output (operators.md).
ORDERS = {
    2: ("wh", "hw"),
    3: ("whc", "hwc", "wch", "cwh", "hcw", "chw"),
    4: (
        *("whdc", "hwdc", "wdhc", "dwhc", "hdwc", "dhwc", "whcd", "hwcd"),
        *("wchd", "cwhd", "hcwd", "chwd", "wdch", "dwch", "wcdh", "cwdh"),
        *("dcwh", "cdwh", "hdcw", "dhcw", "hcdw", "chdw", "dchw", "cdhw"),
    ),
}
# The axes of a blob from the outermost on.
AXES = {1: "w", 2: "hw", 3: "chw", 4: "cdhw"}


def blob_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """(1, C, H, W) to (C, H, W); a scalar to (1,); the rest as it is."""
    shape = tuple(shape) or (1,)
    if len(shape) > MOST_AXES:
        raise TemporalCleanError(
            f"ncnn has at most {MOST_AXES} axes and the graph a tensor of {shape}: rewrite that "
            "part of the network"
        )
    return shape[1:] if len(shape) == MOST_AXES and shape[0] == 1 else shape


class Blobs:
    """The graph's tensors: shapes, constants, and the layers written so far."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.writer = LayerWriter()
        inferred = onnx.shape_inference.infer_shapes(model).graph
        self.shapes: dict[str, tuple[int, ...]] = {}
        for value in (*inferred.input, *inferred.value_info, *inferred.output):
            sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
            self.shapes[value.name] = tuple(sizes)
        self.constants: dict[str, NDArray] = {
            i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer
        }
        self.shapes |= {name: value.shape for name, value in self.constants.items()}
        self.written: dict[tuple[str, tuple[int, ...]], str] = {}
        self.parts: dict[str, list[str]] = {}
        self.fresh = 0

    def new(self, shape: tuple[int, ...] | None = None) -> str:
        """A name of our own; ``shape`` as in the graph, where the blob stands for a tensor."""
        self.fresh += 1
        name = f"inner_{self.fresh}"
        if shape:
            self.shapes[name] = shape
        return name

    def items(self, name: str) -> list[str]:
        """A batch's items, each a tensor of batch one."""
        if name not in self.parts:
            count, *rest = self.shapes[name]
            cut = [self.new() for _ in range(count)]
            self.writer.add("Slice", [self.operand(name)], cut, {0: [1] * count, 1: 0})
            self.parts[name] = [self.reshape(part, self.new((1, *rest)), rest) for part in cut]
        return self.parts[name]

    def axis(self, name: str, axis: int) -> int:
        """An ONNX axis as ncnn counts it, from the outermost of the blob."""
        shape = self.shapes[name]
        axis %= len(shape)
        dropped = len(shape) - len(blob_shape(shape))
        if axis < dropped:
            raise TemporalCleanError(f"ncnn has no batch axis, and '{name}' is treated along it")
        return axis - dropped

    def scalar(self, name: str) -> float | None:
        """The value of a constant with one element, else None."""
        value = self.constants.get(name)
        return None if value is None or value.size != 1 else float(value.reshape(-1)[0])

    def operand(self, name: str, axes: int | None = None) -> str:
        """The blob of a tensor, constants included, seen with at least ``axes`` axes."""
        shape = blob_shape(self.shapes[name])
        wanted = (1,) * max(0, (axes or 0) - len(shape)) + shape
        if name not in self.constants and wanted == shape:
            return name
        key = (name, wanted)
        if key not in self.written:
            constant = name in self.constants
            self.written[key] = (
                self._constant(name, wanted) if constant else self.reshape(name, self.new(), wanted)
            )
        return self.written[key]

    def reshape(self, source: str, target: str, shape: Sequence[int]) -> str:
        return self.writer.add("Reshape", [source], [target], _sizes(shape))

    def permute(self, source: str, target: str, order: Sequence[int]) -> str:
        """``order`` as NumPy's transpose of the blob."""
        names = AXES[len(order)]
        letters = "".join(names[axis] for axis in reversed(order))
        return self.layer("Permute", source, target, {0: ORDERS[len(order)].index(letters)})

    def layer(
        self, kind: str, source: str, target: str, parameters: dict[int, Value] | None = None
    ) -> str:
        """A layer of one input and one output."""
        return self.writer.add(kind, [source], [target], parameters)

    def _constant(self, name: str, shape: tuple[int, ...]) -> str:
        blob = self.writer.add("MemoryData", [], [self.new()], _sizes(shape))
        self.writer.add_weights(self.constants[name].astype(np.float32), tagged=False)
        return blob


def _sizes(shape: Sequence[int]) -> dict[int, Any]:
    return dict(zip(SIZE_IDS[len(shape)], reversed([int(size) for size in shape]), strict=True))


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """A node's attributes by name; texts are bytes."""
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def integers(blobs: Blobs, name: str) -> list[int]:
    """A constant's values, such as a shape's or axes'."""
    if name not in blobs.constants:
        raise TemporalCleanError(f"'{name}' must be known beforehand: fix the graph to a size")
    return [int(value) for value in blobs.constants[name].reshape(-1)]
