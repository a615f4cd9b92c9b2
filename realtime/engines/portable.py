"""The same step with fewer kinds of operators, for providers that lack some.

ONNX Runtime's WebGPU provider (0.4) has neither Or nor Round: each would bring a plane to the
processor and back in every frame. Both have an equal in operators that every provider has. And it
gets some convolutions wrong (docs/LOG.md), which have an equal that it gets right.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["GRID_SAMPLE_OPSETS", "portable_graph"]

# DirectML and WebGPU know GridSample of opset 16 to 19 (engines.md); 20 renamed its modes.
GRID_SAMPLE_OPSETS = (16, 19)


Constants = dict[str, TensorProto]


def portable_graph(graph: bytes) -> bytes:
    """Or as the larger of two masks, Round as the floor of x + 1/2 (differs at exact halves),
    windows over 6, 9, 15, 18, ... planes as windows over the next multiple of four."""
    model = onnx.load_from_string(graph)
    nodes = list(model.graph.node)
    constants = {constant.name: constant for constant in model.graph.initializer}
    del model.graph.node[:], model.graph.initializer[:]
    for node in nodes:
        rewrite = REWRITES.get(node.op_type)
        model.graph.node.extend(rewrite(node, constants) if rewrite else [node])
    model.graph.initializer.extend(constants.values())
    return model.SerializeToString()


def _convolution(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    """Input planes whose number three divides and four does not are taken three at a time, wrongly:
    planes of zeros make it a multiple of four."""
    weight = constants.get(node.input[1])
    grouped = any(entry.name == "group" and entry.i > 1 for entry in node.attribute)
    if weight is None or grouped:
        return [node]
    planes, missing = weight.dims[1], -weight.dims[1] % 4
    if planes <= 3 or planes % 3 or not missing or max(weight.dims[2:]) == 1:
        return [node]
    padded, wider, pads = (f"{node.output[0]}_{part}" for part in ("padded", "wider", "pads"))
    zeros = np.pad(numpy_helper.to_array(weight), ((0, 0), (0, missing), (0, 0), (0, 0)))
    constants[wider] = numpy_helper.from_array(zeros, wider)
    constants[pads] = numpy_helper.from_array(np.array([0, 0, 0, 0, 0, missing, 0, 0]), pads)
    changed = onnx.NodeProto()
    changed.CopyFrom(node)
    changed.input[0], changed.input[1] = padded, wider
    return [helper.make_node("Pad", [node.input[0], pads], [padded]), changed]


def _or(node: onnx.NodeProto, _: Constants) -> list[onnx.NodeProto]:
    name = node.output[0]
    floats = [f"{name}_{side}" for side in ("left", "right")]
    return [
        *(
            helper.make_node("Cast", [source], [target], to=TensorProto.FLOAT)
            for source, target in zip(node.input, floats, strict=True)
        ),
        helper.make_node("Max", floats, [f"{name}_larger"]),
        helper.make_node("Cast", [f"{name}_larger"], [name], to=TensorProto.BOOL),
    ]


def _round(node: onnx.NodeProto, constants: Constants) -> list[onnx.NodeProto]:
    """Only the conversion to integer pictures rounds, and it does so in fp32."""
    half = "portable_half"
    constants[half] = numpy_helper.from_array(np.asarray(0.5, np.float32), half)
    raised = f"{node.output[0]}_raised"
    return [
        helper.make_node("Add", [node.input[0], half], [raised]),
        helper.make_node("Floor", [raised], list(node.output)),
    ]


REWRITES = {"Conv": _convolution, "Or": _or, "Round": _round}
