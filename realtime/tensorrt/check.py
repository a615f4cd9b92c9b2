"""The gate: one engine, sampling grids in fp32, scratch and kernels within DESIGN.md's budget."""

from collections.abc import Iterator

import onnx
from onnx import TensorProto

from temporal_clean.realtime.tensorrt.report import BuildReport

__all__ = ["KERNELS", "SCRATCH_MB", "complaints", "half_grids", "scratch_budget"]

# DESIGN.md, Cost: "at most 150 MB of scratch in fp16 at 1080p and about 120 kernels".
SCRATCH_MB, SCRATCH_PIXELS = 150.0, 1920 * 1080
KERNELS = 120
# Between a grid's arithmetic and its GridSample: what moves values without computing.
MOVES = {"Concat", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze", "Transpose"}
MOVES |= {"Unsqueeze", "Expand"}
HALVES = (TensorProto.FLOAT16, TensorProto.BFLOAT16)


def complaints(report: BuildReport, half: list[str]) -> list[str]:
    """A sentence for each thing that is wrong, none if all is well.

    ``half`` are the grids that ``half_grids`` found in the graph.
    """
    found = []
    if report.engines != 1 or report.layers != 1:
        found.append(
            f"not one engine: {report.engines} engine(s) of {report.layers} layers after fusion, "
            "expected 1 of 1 layer; a size left open or an operator that TensorRT runs by itself "
            "splits the graph"
        )
    if half:
        found.append(
            f"{len(half)} sampling grid(s) in fp16, wrong by up to 0.2 px at 1920 columns: "
            f"{', '.join(half)}; compute each grid in fp32 and cast the picture instead"
        )
    budget = scratch_budget(report.width, report.height, report.precision)
    if report.scratch_mb > budget:
        found.append(
            f"scratch memory is {report.scratch_mb:.1f} MB, {report.scratch_mb - budget:.1f} MB "
            f"over the budget of {budget:.1f} MB at {report.width}x{report.height} in "
            f"{report.precision}"
        )
    if report.kernels > KERNELS:
        parts = ", ".join(f"{part} {count}" for part, count in report.kernels_by_part.items())
        found.append(
            f"{report.kernels} kernels, {report.kernels - KERNELS} over the budget of {KERNELS}; "
            f"by part: {parts}"
        )
    return found


def scratch_budget(width: int, height: int, precision: str) -> float:
    """MB. The budget is for 1920x1080 in fp16: in proportion to pixels, and twice for fp32."""
    factor = 2.0 if precision == "fp32" else 1.0
    return SCRATCH_MB * factor * width * height / SCRATCH_PIXELS


def half_grids(model: onnx.ModelProto) -> list[str]:
    """Names of the GridSample nodes whose grid is, or was before a mere cast, half precision."""
    typed = onnx.shape_inference.infer_shapes(model).graph
    values = (*typed.value_info, *typed.input, *typed.output)
    types = {value.name: value.type.tensor_type.elem_type for value in values}
    types |= {weight.name: weight.data_type for weight in typed.initializer}
    makers = {output: node for node in typed.node for output in node.output}
    return [
        node.name or node.output[0]
        for node in typed.node
        if node.op_type == "GridSample"
        and any(types.get(name) in HALVES for name in _sources(node.input[1], makers))
    ]


def _sources(name: str, makers: dict[str, onnx.NodeProto]) -> Iterator[str]:
    """The value itself, and what it was before moves and casts."""
    yield name
    maker = makers.get(name)
    if maker is not None and maker.op_type in MOVES | {"Cast"}:
        inputs = maker.input if maker.op_type == "Concat" else maker.input[:1]
        for source in inputs:
            yield from _sources(source, makers)
