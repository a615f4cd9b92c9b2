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
    format: Literal["onnx", "ncnn"] = "onnx",
    overwrite: bool = False,
) -> None:
    """Write the whole step as one ONNX graph (opset 18), its state as inputs and outputs.

    A checkpoint is exported with torch. With a size, or for a model that ships, no torch is
    needed: the shipped graph is fixed to the size. ncnn's form has a size and planar fp32 frames.

    Example: temporal-clean export --model quality --size 1920x1080 --precision fp16 -o q.onnx
    Example: temporal-clean export --size 1280x720 --format ncnn -o fast.param

    Args:
        output: The .onnx file; for ncnn the .param file, and the weights go to .bin beside it.
        model: fast, quality, or the path of a .safetensors checkpoint or a symbolic .onnx graph.
        size: WIDTHxHEIGHT of the frames; without it height and width stay symbolic.
        precision: fp32 or fp16; sampling grids are fp32 in both.
        frames: planar floats, or integer pictures that the graph converts (needs a size).
        inspect: Keep the outputs motion, doubt, surprise and masks (always kept without a size).
        format: onnx, or ncnn for Vulkan (https://github.com/Tencent/ncnn).
        overwrite: Replace what stands under the output's name.
    """
    from temporal_clean.commands.graphs import parse_size, symbolic_graph
    from temporal_clean.commands.progress import say

    require_writable(output, overwrite)
    suffix = ".onnx" if format == "onnx" else ".param"
    if output.suffix != suffix:
        raise TemporalCleanError(f"a graph in {format} form: name it {output.stem}{suffix}")
    if format == "ncnn":
        require_writable(output.with_suffix(".bin"), overwrite)
        if size is None or precision != "fp32" or frames != "planar":
            raise TemporalCleanError("ncnn needs --size WIDTHxHEIGHT, fp32 and planar frames")
    if size is None and frames != "planar":
        raise TemporalCleanError(f"frames '{frames}' need a size: add --size WIDTHxHEIGHT")
    graph = symbolic_graph(model, precision)
    if size is not None:
        from temporal_clean.realtime.graph import GraphRequest, fixed_graph

        width, height = parse_size(size)
        request = GraphRequest(height, width, frames, inspect)
        graph = fixed_graph(graph, request).SerializeToString()
    if format == "ncnn":
        from temporal_clean.realtime.ncnn import ncnn_model

        converted = ncnn_model(graph)
        write_whole(output.with_suffix(".bin"), converted.weights)
        graph = converted.param.encode()
    write_whole(output, graph)
    say(f"{output}: {len(graph) / 1e6:.1f} MB, {size or 'symbolic size'}, {precision}")
