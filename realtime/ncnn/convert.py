"""From the shipped graph, fixed to a size, to an ncnn model. Needs no torch, no pnnx, no ncnn.

pnnx, ncnn's own converter, was tried first (20261020): it crashed on this graph, and from a torch
trace it gave a model that is silently wrong (batch axes, strided slices, comparisons: it says
'ignore' and goes on). What is written here either has every operator or is refused, and a player
needs nothing but ncnn: the model of a window's size is made when it is first opened.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.realtime.cache import cache_folder, cached_graph, keep_newest
from temporal_clean.realtime.graph import GraphRequest
from temporal_clean.realtime.ncnn.blobs import SIZE_IDS, Blobs, blob_shape
from temporal_clean.realtime.ncnn.operators import OPERATORS
from temporal_clean.realtime.ncnn.unshuffle import join_unshuffles

__all__ = ["ONES", "NcnnModel", "cached_ncnn", "ncnn_model"]

KEPT_MODELS = 24
# What the step hands on unread, all ones (recurrent.State): the engine does it.
ONES = "next_valid"


class NcnnModel(NamedTuple):
    """The two files' content. Blobs are named like the graph's inputs and outputs."""

    param: str
    weights: bytes


def ncnn_model(graph: bytes) -> NcnnModel:
    """Convert a graph of fixed size, fp32, with planar frames."""
    model = onnx.load_from_string(graph)
    _check(model)
    _leave_out_ones(model)
    join_unshuffles(model)
    blobs = Blobs(model)
    for value in model.graph.input:
        shape = blob_shape(blobs.shapes[value.name])
        sizes = dict(zip(SIZE_IDS[len(shape)], reversed(shape), strict=True))
        blobs.writer.add("Input", [], [value.name], sizes)
    for node in model.graph.node:
        OPERATORS[node.op_type](blobs, node)
    results = [value.name for value in model.graph.output]
    return NcnnModel(blobs.writer.text(results), bytes(blobs.writer.weights))


def cached_ncnn(graph: bytes, request: GraphRequest) -> Path:
    """The .param file of the model for a size, its .bin beside it, from the cache if there."""
    folder = cache_folder() / "ncnn"
    folder.mkdir(exist_ok=True)
    path = folder / f"{request.key(graph)}-{_source_digest()}.param"
    if path.is_file() and path.with_suffix(".bin").is_file():
        path.touch()
        return path
    model = ncnn_model(cached_graph(graph, request))
    write_whole(path.with_suffix(".bin"), model.weights)
    write_whole(path, model.param.encode())
    for old in keep_newest(folder.glob("*.param"), KEPT_MODELS):
        old.with_suffix(".bin").unlink(missing_ok=True)
    return path


def _leave_out_ones(model: onnx.ModelProto) -> None:
    """Take out the output ``ONES``, once it is certain that it is what it says."""
    constants = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    # A constant under its own name, or one that a node hands on.
    for node in [n for n in model.graph.node if n.output[0] == ONES and n.op_type == "Identity"]:
        constants[ONES] = constants.get(node.input[0], np.zeros(1))
        model.graph.node.remove(node)
    kept = [output for output in model.graph.output if output.name != ONES]
    left_out = len(kept) < len(model.graph.output)
    if left_out and not (constants.get(ONES, np.zeros(1)) == 1.0).all():
        raise TemporalCleanError(
            f"'{ONES}' is more than ones in this graph: change ONES in realtime/ncnn/convert.py"
        )
    del model.graph.output[:]
    model.graph.output.extend(kept)


def _check(model: onnx.ModelProto) -> None:
    symbols = [
        value.name
        for value in model.graph.input
        if any(d.dim_value == 0 for d in value.type.tensor_type.shape.dim)
    ]
    if symbols:
        raise TemporalCleanError(
            f"ncnn models have a fixed size, and {', '.join(symbols)} has none: add a size"
        )
    kinds = {value.type.tensor_type.elem_type for value in model.graph.input}
    if kinds != {onnx.TensorProto.FLOAT}:
        raise TemporalCleanError("ncnn models are made from fp32 graphs with planar frames")
    missing = sorted({n.op_type for n in model.graph.node} - set(OPERATORS))
    if missing:
        raise TemporalCleanError(
            f"no ncnn layer is known for {', '.join(missing)}: add it to realtime/ncnn/operators.py"
        )


def _source_digest() -> str:
    """The converter is part of what shapes the result."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
