"""What a graph costs by its shapes alone: multiply-accumulates, and bytes through memory.

Bytes come three ways, because how much an engine fuses decides how much it moves:

- ``least``: inputs, state and weights read once, outputs written once. Nothing can move less.
- ``fused``: each heavy node (``HEAVY``) is one kernel, and the light nodes behind it are done where
  its results are; what passes between kernels is written once and read once by each that wants
  it. Slices, splits and concatenations move nothing: kernels read and write parts of a buffer.
- ``unfused``: each node by itself reads all its operands and writes all its results.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import onnx
from onnx import helper

from temporal_clean.errors import TemporalCleanError

__all__ = ["HEAVY", "GraphCost", "count_graph"]

# Nodes whose results need many of their operands' elements: each starts a kernel of its own.
HEAVY = frozenset(
    {
        "AveragePool",
        "Conv",
        "ConvTranspose",
        "Gemm",
        "GlobalAveragePool",
        "GridSample",
        "LayerNormalization",
        "MatMul",
        "MaxPool",
        "ReduceMax",
        "ReduceMean",
        "ReduceSum",
        "Resize",
        "Softmax",
    }
)
# A new name for the same bytes.
VIEWS = frozenset({"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"})
# Parts of a buffer, which a fused kernel reads where they lie; alone they read what they give.
PARTS = frozenset({"Slice", "Split"})
PARTIAL = PARTS | {"Gather"}


@dataclass(frozen=True)
class GraphCost:
    """``macs`` of convolutions and matrix products; bytes as the module says; ``kernels`` fused."""

    macs: int
    least_bytes: int
    fused_bytes: int
    unfused_bytes: int
    nodes: int
    kernels: int


@dataclass(frozen=True)
class Tensor:
    """A value's shape and size in memory."""

    shape: tuple[int, ...]
    bytes: int


def count_graph(model: onnx.ModelProto) -> GraphCost:
    """The cost of one run of a graph whose sizes are all fixed.

    Raises TemporalCleanError where a size is unknown: fix the graph to a size first.
    """
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    tensors, weights = _tensors(graph), {value.name for value in graph.initializer}
    nodes = [node for node in graph.node if node.op_type != "Constant"]
    outputs = {value.name for value in graph.output}
    inputs = {value.name for value in graph.input} - weights
    read_once = {name for node in nodes for name in node.input if name in weights | inputs}
    groups = _kernels(nodes)
    return GraphCost(
        macs=sum(_macs(node, tensors) for node in nodes),
        least_bytes=_bytes(read_once, tensors) + _bytes(outputs, tensors),
        fused_bytes=round(_fused(nodes, groups, tensors, outputs)),
        unfused_bytes=sum(_moved(node, tensors) for node in nodes),
        nodes=len(nodes),
        kernels=len(set(groups)),
    )


def _tensors(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """Every value of the graph by name."""
    tensors = {}
    for weight in graph.initializer:
        tensors[weight.name] = _tensor(tuple(weight.dims), weight.data_type)
    for value in (*graph.value_info, *graph.input, *graph.output):
        kind = value.type.tensor_type
        tensors[value.name] = _tensor(tuple(d.dim_value for d in kind.shape.dim), kind.elem_type)
    names = {name for node in graph.node for name in (*node.input, *node.output) if name}
    constants = {n.output[0] for n in graph.node if n.op_type == "Constant"}
    unknown = sorted(n for n in names - constants if n not in tensors or 0 in tensors[n].shape)
    unknown = [name for name in unknown if not _is_empty_weight(name, graph)]
    if unknown:
        raise TemporalCleanError(
            f"the graph leaves {len(unknown)} sizes open, '{unknown[0]}' first: fix it to a size "
            "(temporal-clean export --size WIDTHxHEIGHT)"
        )
    return tensors


def _tensor(shape: tuple[int, ...], kind: int) -> Tensor:
    return Tensor(shape, prod(shape) * helper.tensor_dtype_to_np_dtype(kind).itemsize)


def _is_empty_weight(name: str, graph: onnx.GraphProto) -> bool:
    """Resize is given empty tensors for what it shall not use."""
    return any(weight.name == name for weight in graph.initializer)


def _macs(node: onnx.NodeProto, tensors: dict[str, Tensor]) -> int:
    """Products and sums of a convolution or a matrix product; 0 for all else."""
    if node.op_type in ("Conv", "ConvTranspose"):
        # The kernel is (out, in / groups, rows, columns), transposed (in, out / groups, ...).
        kernel = tensors[node.input[1]].shape
        side = node.output[0] if node.op_type == "Conv" else node.input[0]
        return prod(tensors[side].shape) * prod(kernel[1:])
    if node.op_type == "MatMul":
        return prod(tensors[node.output[0]].shape) * tensors[node.input[0]].shape[-1]
    if node.op_type == "Gemm":
        transposed = next((a.i for a in node.attribute if a.name == "transA"), 0)
        inner = tensors[node.input[0]].shape[0 if transposed else 1]
        return prod(tensors[node.output[0]].shape) * inner
    return 0


def _moved(node: onnx.NodeProto, tensors: dict[str, Tensor]) -> int:
    """Bytes that a node by itself reads and writes."""
    if node.op_type in VIEWS:
        return 0
    operands = [name for name in node.input if name in tensors]
    written = _bytes((name for name in node.output if name), tensors)
    if node.op_type in PARTIAL:
        return 2 * written + _bytes(operands[1:], tensors)
    return _bytes(operands, tensors) + written


def _kernels(nodes: list[onnx.NodeProto]) -> list[int]:
    """The kernel of each node: its own if heavy, else the latest of those that it reads from.

    Light nodes that read only the graph's inputs form one kernel before all others. Kernels read
    from earlier ones alone, so they can run in order.
    """
    kernel_of: dict[str, int] = {}
    kernels = []
    for place, node in enumerate(nodes, start=1):
        sources = [kernel_of[name] for name in node.input if name in kernel_of]
        kernel = place if node.op_type in HEAVY else max(sources, default=0)
        kernels.append(kernel)
        kernel_of.update(dict.fromkeys(node.output, kernel))
    return kernels


def _fused(
    nodes: list[onnx.NodeProto],
    kernels: list[int],
    tensors: dict[str, Tensor],
    outputs: set[str],
) -> float:
    """Bytes between kernels: one write of each buffer that leaves its own, one read a reader."""
    home = {name: k for node, k in zip(nodes, kernels, strict=True) for name in node.output}
    buffers = _buffers(nodes, tensors)
    reads: defaultdict[tuple[str, int], float] = defaultdict(float)
    for node, kernel in zip(nodes, kernels, strict=True):
        if node.op_type in VIEWS | PARTS | {"Concat"}:
            continue
        for name in node.input:
            for buffer, size in buffers.get(name, {}).items():
                if home.get(buffer) != kernel:
                    reads[buffer, kernel] += size
    read = sum(min(size, tensors[buffer].bytes) for (buffer, _), size in reads.items())
    given = {buffer for name in outputs for buffer in buffers[name]}
    written = ({buffer for buffer, _ in reads} | given) & set(home)
    # An output that is an input under another name is copied.
    copied = 2 * _bytes(given - set(home), tensors)
    return read + copied + _bytes(written, tensors)


def _buffers(
    nodes: list[onnx.NodeProto], tensors: dict[str, Tensor]
) -> dict[str, dict[str, float]]:
    """Where each value lies once views and parts are seen through: buffers, and bytes of each."""
    lies: dict[str, dict[str, float]] = {name: {name: t.bytes} for name, t in tensors.items()}
    for node in nodes:
        if node.op_type == "Concat":
            whole: defaultdict[str, float] = defaultdict(float)
            for name in node.input:
                for buffer, size in lies[name].items():
                    whole[buffer] += size
            lies[node.output[0]] = dict(whole)
        elif node.op_type in VIEWS | PARTS:
            source = tensors[node.input[0]].bytes
            for name in node.output:
                share = tensors[name].bytes / source
                lies[name] = {b: share * size for b, size in lies[node.input[0]].items()}
    return lies


def _bytes(names: Iterable[str], tensors: dict[str, Tensor]) -> int:
    return sum(tensors[name].bytes for name in names)
