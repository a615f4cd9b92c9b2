"""Writes ncnn's two files: a line of text for each layer, and the weights in the same order.

Formats: ncnn's docs/developer-guide/param-and-model-file-structure.md and operators.md.
"""

import struct
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["LayerWriter", "Value"]

MAGIC = 7767517
# An array parameter is written under -23300 minus its id.
ARRAY = -23300
# Marks weights as plain 32-bit floats.
FLOAT_TAG = struct.pack("<i", 0)

Value = int | float | Sequence[int]


@dataclass
class Layer:
    kind: str
    name: str
    inputs: list[str]
    outputs: list[str]
    parameters: dict[int, Value]


class LayerWriter:
    """Collects layers; a blob with several readers gets the Split layer that ncnn asks for."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []
        self.weights = bytearray()

    def add(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        parameters: Mapping[int, Value] | None = None,
    ) -> str:
        """One layer; returns its first output."""
        name = f"{kind.lower()}_{len(self.layers)}"
        chosen = dict(parameters or {})
        self.layers.append(Layer(kind, name, list(inputs), list(outputs), chosen))
        return outputs[0]

    def add_weights(self, values: NDArray, tagged: bool) -> None:
        """Append to the weights of the layer added last."""
        floats = np.ascontiguousarray(values, np.float32).tobytes()
        self.weights += FLOAT_TAG + floats if tagged else floats

    def text(self, results: Collection[str]) -> str:
        """The .param file; ``results`` are the blobs that somebody will extract."""
        layers = _with_splits(self.layers, results)
        blobs = sum(len(layer.outputs) for layer in layers)
        lines = [str(MAGIC), f"{len(layers)} {blobs}", *(_line(layer) for layer in layers)]
        return "\n".join(lines) + "\n"


def _with_splits(layers: list[Layer], results: Collection[str]) -> list[Layer]:
    """Each reader gets a copy of its own, a result that is read inside too.

    ncnn drops a blob once it is read: extracting it afterwards ends in a crash.
    """
    readers = Counter(name for layer in layers for name in layer.inputs)
    readers.update(results)
    taken: Counter = Counter()
    result = []
    for layer in layers:
        inputs = []
        for name in layer.inputs:
            inputs.append(f"{name}~{taken[name]}" if readers[name] > 1 else name)
            taken[name] += 1
        outputs, splits = [], []
        for name in layer.outputs:
            copies = [f"{name}~{index}" for index in range(readers[name] - (name in results))]
            shared = name in results and bool(copies)
            outputs.append(f"{name}~made" if shared else name)
            if readers[name] > 1:
                tops = [*copies, name] if shared else copies
                splits.append(Layer("Split", f"split_{name}", [outputs[-1]], tops, {}))
        result.append(Layer(layer.kind, layer.name, inputs, outputs, layer.parameters))
        result += splits
    return result


def _line(layer: Layer) -> str:
    counts = [str(len(layer.inputs)), str(len(layer.outputs))]
    parameters = [_parameter(number, value) for number, value in layer.parameters.items()]
    return " ".join([layer.kind, layer.name, *counts, *layer.inputs, *layer.outputs, *parameters])


def _parameter(number: int, value: Value) -> str:
    if isinstance(value, Sequence):
        return f"{ARRAY - number}={len(value)}," + ",".join(str(int(item)) for item in value)
    # Nine digits carry a 32-bit float exactly; the exponent tells ncnn that it is one.
    return f"{number}={value}" if isinstance(value, int) else f"{number}={float(value):.9e}"
