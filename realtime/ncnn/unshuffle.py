"""Pixel unshuffling as torch exports it, over six axes, joined to one node: ncnn has four axes."""

import onnx

__all__ = ["join_unshuffles"]

# (batch, channel, row, y, column, x) to (batch, channel, y, x, row, column).
ORDER = [0, 1, 3, 5, 2, 4]


def join_unshuffles(model: onnx.ModelProto) -> None:
    """Reshape, Transpose and Reshape become SpaceToDepth with channels before places (CRD)."""
    nodes = list(model.graph.node)
    makers = {output: node for node in nodes for output in node.output}
    readers: dict[str, int] = {}
    for name in (name for node in nodes for name in node.input):
        readers[name] = readers.get(name, 0) + 1
    shapes = _shapes(model)
    gone: list[str] = []
    for index, last in enumerate(nodes):
        middle = makers.get(last.input[0]) if last.op_type == "Reshape" else None
        if middle is None or middle.op_type != "Transpose" or _order(middle) != ORDER:
            continue
        first = makers[middle.input[0]]
        block = shapes[middle.input[0]][3]
        if readers[middle.input[0]] == readers[last.input[0]] == 1:
            nodes[index] = onnx.helper.make_node(
                "SpaceToDepth", [first.input[0]], list(last.output), blocksize=block, mode="CRD"
            )
            gone += [*first.output, *middle.output]
    del model.graph.node[:]
    model.graph.node.extend(n for n in nodes if n.output[0] not in gone)


def _order(node: onnx.NodeProto) -> list[int]:
    return [int(axis) for attribute in node.attribute for axis in attribute.ints]


def _shapes(model: onnx.ModelProto) -> dict[str, list[int]]:
    inferred = onnx.shape_inference.infer_shapes(model).graph
    return {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*inferred.value_info, *inferred.input, *inferred.output)
    }
