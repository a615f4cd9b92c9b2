"""temporal-clean export"""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable, write_whole

__all__ = ["export"]


def export(
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    model: str = "fast",
    size: str | None = None,
    precision: Literal["fp32", "fp16"] = "fp32",
    frames: Literal["planar", "rgb8", "rgb16", "bgra8"] = "planar",
    inspect: bool = False,
    overwrite: bool = False,
) -> None:
    """Write the whole step as one ONNX graph (opset 18), its state as inputs and outputs.

    A checkpoint is exported with torch. With a size, or for a model that ships, no torch is
    needed: the shipped graph is fixed to the size.

    Example: temporal-clean export --model quality --size 1920x1080 --precision fp16 -o q.onnx

    Args:
        output: The .onnx file.
        model: fast, quality, or the path of a .safetensors checkpoint or a symbolic .onnx graph.
        size: WIDTHxHEIGHT of the frames; without it height and width stay symbolic.
        precision: fp32 or fp16; sampling grids are fp32 in both.
        frames: planar floats, or integer pictures that the graph converts (needs a size).
        inspect: Keep the outputs motion, doubt, surprise and masks (always kept without a size).
        overwrite: Replace what stands under the output's name.
    """
    from temporal_clean.commands.graphs import parse_size, symbolic_graph
    from temporal_clean.commands.progress import say

    require_writable(output, overwrite)
    if output.suffix != ".onnx":
        raise TemporalCleanError(f"the graph is an ONNX file: name it {output.stem}.onnx")
    if size is None and frames != "planar":
        raise TemporalCleanError(f"frames '{frames}' need a size: add --size WIDTHxHEIGHT")
    graph = symbolic_graph(model, precision)
    if size is not None:
        from temporal_clean.realtime.graph import GraphRequest, fixed_graph

        width, height = parse_size(size)
        request = GraphRequest(height, width, frames, inspect)
        graph = fixed_graph(graph, request).SerializeToString()
    write_whole(output, graph)
    say(f"{output}: {len(graph) / 1e6:.1f} MB, {size or 'symbolic size'}, {precision}")
