"""Other networks as step graphs with random weights: for their speed, not for their pictures.

They keep the contract of our own graphs (``realtime/graph.py``): a frame and four state tensors in,
a clean frame and the next state out. So every engine runs them as it runs ours.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from temporal_clean.realtime.graph import (
    CLEAN_OUTPUT,
    FRAME_INPUT,
    OPSET,
    STATE_INPUTS,
    STATE_OUTPUTS,
)

__all__ = ["StepNet"]

# Below He initialisation's sqrt(2): what a recurrent net keeps must fade, not grow.
GAIN = 0.9


@dataclass
class StepNet:
    """Builds a step graph node by node; tensors go by name, ``channels`` knows how many each has.

    ``hidden`` and ``motion`` are (channels, stride): the sizes of these state tensors.
    """

    height: int
    width: int
    hidden: tuple[int, int]
    motion: tuple[int, int] = (2, 4)
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(0)
        self.channels |= {FRAME_INPUT: 3, "state_clean": 3}
        self.channels |= {"state_hidden": self.hidden[0], "state_motion": self.motion[0]}

    def node(self, kind: str, inputs: list[str], channels: int, **attributes: Any) -> str:
        """One node of one output."""
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        self.channels[name] = channels
        return name

    def constant(self, value: NDArray) -> str:
        """A weight."""
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def conv(
        self, x: str, out: int, act: str = "", size: int = 3, stride: int = 1, groups: int = 1
    ) -> str:
        """A convolution that keeps the size (over ``stride``), then Relu or LeakyRelu."""
        fan_in = self.channels[x] // groups * size * size
        kernel = self.random.standard_normal((out, self.channels[x] // groups, size, size))
        weights = self.constant((kernel * GAIN / fan_in**0.5).astype(np.float32))
        bias = self.constant(np.zeros(out, np.float32))
        pads = [size // 2] * 4
        y = self.node(
            "Conv", [x, weights, bias], out, pads=pads, strides=[stride] * 2, group=groups
        )
        return self.node(act, [y], out) if act else y

    def cat(self, *parts: str) -> str:
        """Channels behind one another."""
        return self.node("Concat", list(parts), sum(self.channels[p] for p in parts), axis=1)

    def add(self, a: str, b: str) -> str:
        """a + b"""
        return self.node("Add", [a, b], self.channels[a])

    def scale(self, x: str, factor: NDArray | float) -> str:
        """x times a constant."""
        constant = self.constant(np.asarray(factor, np.float32))
        return self.node("Mul", [x, constant], self.channels[x])

    def shuffle(self, x: str) -> str:
        """Twice the size from a quarter of the channels, as torch's pixel_shuffle."""
        return self.node("DepthToSpace", [x], self.channels[x] // 4, blocksize=2, mode="CRD")

    def shrink(self, x: str, factor: int) -> str:
        """Means of blocks."""
        sides = [factor, factor]
        return self.node("AveragePool", [x], self.channels[x], kernel_shape=sides, strides=sides)

    def resize(self, x: str, height: int, width: int) -> str:
        """Bilinear, to a given size."""
        size = self.constant(np.array([1, self.channels[x], height, width], np.int64))
        inputs = [x, "", "", size]
        return self.node("Resize", inputs, self.channels[x], mode="linear")

    def warp(self, x: str, flow: str, height: int, width: int) -> str:
        """x read at each place plus its flow in pixels, bilinear, the edge repeated."""
        rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        grid = self.constant(np.stack([columns, rows], axis=-1)[None].astype(np.float32))
        pixels = np.array([2.0 / max(width - 1, 1), 2.0 / max(height - 1, 1)])
        moved = self.scale(self.node("Transpose", [flow], 2, perm=[0, 2, 3, 1]), pixels)
        places = self.node("Add", [moved, grid], 2)
        return self.node(
            "GridSample",
            [x, places],
            self.channels[x],
            mode="bilinear",
            padding_mode="border",
            align_corners=1,
        )

    def remembered(self, name: str) -> str:
        """A state tensor, zero while the state is not valid."""
        return self.node("Mul", [name, "state_valid"], self.channels[name])

    def model(
        self, clean: str, past: str, hidden: str, motion: str = "state_motion"
    ) -> onnx.ModelProto:
        """The graph that gives ``clean`` and remembers the other three."""
        one = self.constant(np.ones(1, np.float32))
        ends = zip((CLEAN_OUTPUT, *STATE_OUTPUTS), (clean, past, hidden, motion, one), strict=True)
        self.nodes += [helper.make_node("Identity", [name], [end]) for end, name in ends]
        full = [1, 3, self.height, self.width]
        smaller = (
            [1, channels, self.height // stride, self.width // stride]
            for channels, stride in (self.hidden, self.motion)
        )
        shapes = (full, full, *smaller, [1])
        graph = helper.make_graph(
            self.nodes,
            "step",
            [_value(n, s) for n, s in zip((FRAME_INPUT, *STATE_INPUTS), shapes, strict=True)],
            [_value(n, s) for n, s in zip((CLEAN_OUTPUT, *STATE_OUTPUTS), shapes, strict=True)],
            self.weights,
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=10)


def _value(name: str, shape: list[int]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
