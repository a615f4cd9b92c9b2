"""The same step with fewer kinds of operators, for providers that lack some.

ONNX Runtime's WebGPU provider (0.4) has neither Or nor Round: each would bring a plane to the
processor and back in every frame. Both have an equal in operators that every provider has.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

__all__ = ["GRID_SAMPLE_OPSETS", "portable_graph"]

# DirectML and WebGPU know GridSample of opset 16 to 19 (engines.md); 20 renamed its modes.
GRID_SAMPLE_OPSETS = (16, 19)


def portable_graph(graph: bytes) -> bytes:
    """Or as the larger of two masks, Round as the floor of x + 1/2 (differs at exact halves)."""
    model = onnx.load_from_string(graph)
    nodes = list(model.graph.node)
    half = numpy_helper.from_array(np.asarray(0.5, np.float32), "portable_half")
    model.graph.initializer.append(half)
    del model.graph.node[:]
    for node in nodes:
        rewrite = REWRITES.get(node.op_type)
        model.graph.node.extend(rewrite(node) if rewrite else [node])
    return model.SerializeToString()


def _or(node: onnx.NodeProto) -> list[onnx.NodeProto]:
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


def _round(node: onnx.NodeProto) -> list[onnx.NodeProto]:
    """Only the conversion to integer pictures rounds, and it does so in fp32."""
    raised = f"{node.output[0]}_raised"
    return [
        helper.make_node("Add", [node.input[0], "portable_half"], [raised]),
        helper.make_node("Floor", [raised], list(node.output)),
    ]


REWRITES = {"Or": _or, "Round": _round}
