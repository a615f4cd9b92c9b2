"""The networks cut out of the shipped graph, each a graph of its own.

The exporter keeps the names of parameters: a value is found by the parameter that makes or reads
it, so retrained models and other sizes of the same architecture need nothing new here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.fused.constants import LUMA
from temporal_clean.realtime.graph import write_sizes

__all__ = ["MotionParameters", "Parts", "take_apart"]


@dataclass(frozen=True)
class MotionParameters:
    """What the flow has learned outside its networks, as flow/network.py names it."""

    strictness: float
    photometric_slope: float
    photometric_tolerance: float
    # (2 x 16, 2, 3, 3): motion at 1/4 to motion in phases.
    upsampling: NDArray[np.float32]


@dataclass(frozen=True)
class Parts:
    """Graphs with inputs and outputs named by their role; pictures go in as phases of ``cell``.

    ``spatial``: frame to heads (mask's logits, correction, filters), tokens, surprise, features
    and, where the model has that level, half.
    ``context``: picture to belief_16, belief_8, belief_4, outlook (doubt, context), places, worth,
    motion_detail.
    ``doubt``: colours, others, prior to doubt and doubt_phases, in [0, 1].
    ``fusion``: differences, past, hidden, coarse_trust, usable and what spatial handed on to heads
    (the weight's logits, correction) and memory (logits of candidate and gate).
    """

    spatial: bytes
    context: bytes
    doubt: bytes
    fusion: bytes
    motion: MotionParameters
    cell: int


def take_apart(graph: bytes, height: int, width: int) -> Parts:
    """The shipped graph's networks for planes of this size (multiples of 16)."""
    find = _Finder(onnx.load_from_string(graph), height, width)
    for tokens in ("model.spatial.tokens", "model.fusion.tokens"):
        _join_tokens(find, tokens)
    cell = 2 if find.has("spatial.decoder.up_to_half.weight") else 4

    heads = find.joined("spatial.mask", "spatial.correction", "spatial.filters.weights")
    finest = find.maker(heads).input[0]
    handed_on = {
        "tokens": find.convolution("spatial.surprise.embed.weight").input[0],
        "surprise": "spatial_surprise",
    }
    if cell == 2:
        handed_on["features"] = find.convolution("spatial.decoder.up_to_half.weight").input[0]
        handed_on["half"] = finest
    else:
        handed_on["features"] = finest
    pictures = {"frame": 1, "picture": 1, "past": cell, "differences": cell}
    spatial = find.part({"frame": ("frame", 3)}, {"heads": heads, **handed_on}, pictures)

    looks = [
        find.reader(find.convolution(f"flow.context.looks.{k}.leave.weight").output[0], "Split")
        for k in range(3)
    ]
    context = find.part(
        {"picture": ("spatial", 3)},
        {
            **{
                f"belief_{4 << k}": find.reader(look.output[1], "Sigmoid").output[0]
                for k, look in enumerate(looks)
            },
            "outlook": find.reader(looks[0].output[2], "Concat").output[0],
            "places": find.convolution("flow.regularize.places.weight").output[0],
            "worth": find.convolution("flow.regularize.worth.weight").output[0],
            "motion_detail": find.convolution("flow.motion_upsampling.correct.weight").output[0],
        },
        pictures,
    )

    look = find.convolution("flow.second_thoughts.look.bias", place=2)
    others = find.maker(find.other_input(find.reader(look.output[0], "Add"), look.output[0]))
    correct = find.convolution("flow.second_thoughts.correct.weight")
    doubted = find.reader(correct.output[0], "Add")
    enlarged = find.convolution("flow.doubt_upsampling.interpolate.weight")
    doubt = find.part(
        {
            "colours": (look.input[0], 3),
            "others": (others.input[0], find.inputs_of(others)),
            "prior": (find.other_input(doubted, correct.output[0]), 1),
        },
        {
            "doubt": find.sigmoid_of(doubted.output[0]),
            "doubt_phases": find.sigmoid_of(find.reader(enlarged.output[0], "Add").output[0]),
        },
        pictures,
    )

    gather = find.maker(find.convolution("fusion.gather.weight").input[0])
    shapes = find.shapes_of(spatial)
    fusion = find.part(
        {
            "differences": (find.convolution("fusion.compare.weight").input[0], 5),
            "past": (find.convolution("model.fusion.tokens.colour", prefix="").input[0], 3),
            "hidden": (
                find.reader("state_hidden", "GridSample").output[0],
                find.outputs_of("fusion.candidate.weight"),
            ),
            "coarse_trust": (gather.input[-1], 1),
            "usable": (find.maker("next_motion").input[1], [1, 1, 1, 1]),
            **{name: (value, shapes[name]) for name, value in handed_on.items()},
        },
        {
            "heads": find.joined("fusion.weight", "fusion.correction"),
            "memory": find.joined("fusion.candidate", "fusion.keep"),
        },
        pictures,
    )
    motion = MotionParameters(
        float(find.value("model.flow.regularize.strictness")),
        float(find.value("model.flow.second_thoughts.photometric_slope")),
        float(find.value("model.flow.second_thoughts.photometric_tolerance")),
        find.value("model.flow.motion_upsampling.interpolate.weight"),
    )
    return Parts(
        spatial.SerializeToString(),
        context.SerializeToString(),
        doubt.SerializeToString(),
        fusion.SerializeToString(),
        motion,
        cell,
    )


class _Finder:
    """Looks up and cuts a graph by the names of its parameters."""

    def __init__(self, model: ModelProto, height: int, width: int) -> None:
        self.model, self.height, self.width = model, height, width
        self.parameters = {value.name: value for value in model.graph.initializer}
        self.index()

    def index(self) -> None:
        self.makers = {name: node for node in self.model.graph.node for name in node.output}
        self.readers: dict[str, list[NodeProto]] = {}
        for node in self.model.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def has(self, parameter: str) -> bool:
        return f"model.{parameter}" in self.parameters

    def value(self, parameter: str) -> NDArray:
        if parameter not in self.parameters:
            raise _unknown(f"parameter '{parameter}'")
        return numpy_helper.to_array(self.parameters[parameter])

    def convolution(self, parameter: str, place: int = 1, prefix: str = "model.") -> NodeProto:
        """The convolution that reads this parameter, as weight (1) or bias (2)."""
        name = prefix + parameter
        for node in self.readers.get(name, []):
            if node.op_type == "Conv" and len(node.input) > place and node.input[place] == name:
                return node
        raise _unknown(f"convolution of '{name}'")

    def reader(self, value: str, operator: str) -> NodeProto:
        for node in self.readers.get(value, []):
            if node.op_type == operator:
                return node
        raise _unknown(f"{operator} of '{value}'")

    def maker(self, value: str) -> NodeProto:
        if value not in self.makers:
            raise _unknown(f"value '{value}'")
        return self.makers[value]

    def other_input(self, node: NodeProto, known: str) -> str:
        return next(name for name in node.input if name != known)

    def inputs_of(self, convolution: NodeProto) -> int:
        """Channels that a convolution reads."""
        return self._dimensions(convolution.input[1])[1]

    def outputs_of(self, parameter: str) -> int:
        return self._dimensions(f"model.{parameter}")[0]

    def _dimensions(self, parameter: str) -> Sequence[int]:
        if parameter not in self.parameters:
            raise _unknown(f"parameter '{parameter}'")
        return self.parameters[parameter].dims

    def add(self, node: NodeProto) -> str:
        self.model.graph.node.append(node)
        self.index()
        return node.output[0]

    def sigmoid_of(self, value: str) -> str:
        return self.add(helper.make_node("Sigmoid", [value], [f"{value}_sigmoid"]))

    def joined(self, *heads: str) -> str:
        """One pointwise convolution in the place of several that read the same."""
        weights, biases, source = [], [], ""
        for head in heads:
            prefix = head if self.has(f"{head}.weight") else f"{head}.convolution"
            source = self.convolution(f"{prefix}.weight").input[0]
            weights.append(self.value(f"model.{prefix}.weight"))
            biases.append(self.value(f"model.{prefix}.bias"))
        name = "+".join(heads)
        inputs = [source, self.parameter(f"{name}.weight", np.concatenate(weights))]
        inputs.append(self.parameter(f"{name}.bias", np.concatenate(biases)))
        return self.add(helper.make_node("Conv", inputs, [name], kernel_shape=[1, 1]))

    def parameter(self, name: str, value: NDArray) -> str:
        self.parameters[name] = numpy_helper.from_array(value.astype(np.float32), name)
        return name

    def shapes_of(self, part: ModelProto) -> dict[str, list[int]]:
        inferred = onnx.shape_inference.infer_shapes(part)
        return {
            value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
            for value in inferred.graph.output
        }

    def part(
        self,
        inputs: Mapping[str, tuple[str, int | list[int]]],
        outputs: Mapping[str, str],
        pictures: Mapping[str, int],
    ) -> ModelProto:
        """What leads from some values to others, both named by their roles, folded.

        Inputs have a shape or channels: at 1/4, or at full size if they are ``pictures``, which
        then go in as phases of so many pixels.
        """
        import onnxslim

        roles = {value: role for role, (value, _) in inputs.items()}
        wanted, stack = set(), list(outputs.values())
        while stack:
            value = stack.pop()
            node = self.makers.get(value)
            if value not in roles and node is not None and id(node) not in wanted:
                wanted.add(id(node))
                stack.extend(node.input)
        nodes = []
        for node in self.model.graph.node:
            if id(node) in wanted:
                copy = NodeProto()
                copy.CopyFrom(node)
                copy.input[:] = [roles.get(name, name) for name in node.input]
                nodes.append(copy)
        for role, value in outputs.items():
            nodes.append(helper.make_node("Identity", [value], [role]))
        read = {name for node in nodes for name in node.input}
        declared = []
        for role, (_, shape) in inputs.items():
            if isinstance(shape, int):
                share = 1 if role in pictures else 4
                shape = [1, shape, self.height // share, self.width // share]
            declared.append(helper.make_tensor_value_info(role, TensorProto.FLOAT, shape))
        # Some shapes are read off the whole step's inputs.
        declared += [v for v in self.model.graph.input if v.name in read and v.name not in inputs]
        graph = helper.make_graph(
            nodes,
            "part",
            declared,
            [helper.make_tensor_value_info(role, TensorProto.FLOAT, None) for role in outputs],
            [value for name, value in self.parameters.items() if name in read],
        )
        opsets = list(self.model.opset_import)
        model = helper.make_model(graph, opset_imports=opsets, ir_version=self.model.ir_version)
        model.functions.extend(self.model.functions)
        write_sizes(model, self.height, self.width)
        model = onnxslim.slim(model)
        assert isinstance(model, ModelProto)
        read = {name for node in model.graph.node for name in node.input}
        kept = [value for value in model.graph.input if value.name in read]
        if stray := [value.name for value in kept if value.name not in inputs]:
            raise _unknown(f"part without '{stray[0]}'")
        del model.graph.input[:]
        model.graph.input.extend(kept)
        for role in set(pictures) & set(inputs):
            _read_phases(model, role, pictures[role])
        return model


def _read_phases(model: ModelProto, picture: str, cell: int) -> None:
    """Convolutions of a picture's pixels made ones of its cells: the same products and zeros."""
    parameters = {value.name: value for value in model.graph.initializer}
    shape = next(v for v in model.graph.input if v.name == picture).type.tensor_type.shape
    for dimension, factor in zip(shape.dim[1:], (cell**2, 1 / cell, 1 / cell), strict=True):
        dimension.dim_value = round(dimension.dim_value * factor)
    for node in model.graph.node:
        if picture not in node.input:
            continue
        if node.op_type != "Conv":
            raise _unknown(f"convolution where {node.op_type} reads '{picture}'")
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        stride, pad = attributes["strides"][0], attributes.get("pads", [0])[0]
        weight = numpy_helper.to_array(parameters[node.input[1]])
        outs, planes, side, _ = weight.shape
        taps = np.arange(side) - pad
        cells, phases = taps // cell - (-pad // cell), taps % cell
        reach = int(cells[-1]) + 1
        folded = np.zeros((outs, planes, cell, cell, reach, reach), np.float32)
        for y in range(side):
            for x in range(side):
                folded[:, :, phases[y], phases[x], cells[y], cells[x]] = weight[:, :, y, x]
        folded = folded.reshape(outs, planes * cell**2, reach, reach)
        name = f"{node.input[1]} of {picture} in cells"
        model.graph.initializer.append(numpy_helper.from_array(folded, name))
        node.input[1] = name
        before, steps = -(-pad // cell), stride // cell
        after = reach - steps - before
        del node.attribute[:]
        for key, value in (
            ("kernel_shape", [reach, reach]),
            ("strides", [steps, steps]),
            ("pads", [before, before, after, after]),
        ):
            node.attribute.append(helper.make_attribute(key, value))


def _join_tokens(find: _Finder, tokens: str) -> None:
    """One convolution of RGB in the place of one of luma and one of colours."""
    colour = find.convolution(f"{tokens}.colour", prefix="")
    light = find.convolution(f"{tokens}.light", prefix="")
    joined = find.reader(colour.output[0], "Concat")
    luma = np.asarray(LUMA, np.float32).reshape(1, 3, 1, 1)
    weights = [find.value(light.input[1]) * luma, find.value(colour.input[1])]
    grey = find.value(light.input[2])
    bias = np.concatenate([grey, np.zeros(len(weights[1]), np.float32)])
    inputs = [colour.input[0], find.parameter(f"{tokens}.weight", np.concatenate(weights))]
    inputs.append(find.parameter(f"{tokens}.bias", bias))
    joined.CopyFrom(
        helper.make_node("Conv", inputs, list(joined.output), strides=[8, 8], kernel_shape=[8, 8])
    )
    find.index()


def _unknown(what: str) -> TemporalCleanError:
    return TemporalCleanError(
        f"the graph has no {what}: the fused engine knows the step as this version exports it; "
        "export the model again ('temporal-clean export'), or choose another --engine"
    )
