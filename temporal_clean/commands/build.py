"""temporal-clean build"""

import json
from pathlib import Path
from typing import Annotated, Literal

import tyro

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable, write_whole

__all__ = ["build"]


def build(
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    size: str,
    model: str = "fast",
    precision: Literal["fp32", "fp16"] = "fp16",
    frames: Literal["planar", "rgb8", "bgra8"] = "planar",
    target: str = "sm86,sm89,sm120",
    figures: Annotated[Path | None, tyro.conf.arg(name="json")] = None,
    check: bool = False,
    overwrite: bool = False,
) -> None:
    """Build the whole step into one TensorRT engine, ahead of time and without a GPU.

    Needs TensorRT for RTX: pip install 'temporal-clean[rtx]'. No GPU and no driver are needed; the
    engine's kernels are compiled where it runs. Over budget is said in any case; with --check it
    is an error, and no engine is written.

    Example: temporal-clean build --model quality --size 1920x1080 --check -o quality.engine

    Args:
        output: The serialized engine.
        size: WIDTHxHEIGHT of the frames.
        model: fast, quality, or the path of a .safetensors checkpoint or a symbolic .onnx graph.
        precision: fp32 or fp16; sampling grids are fp32 in both.
        frames: planar floats, or integer pictures that the graph converts.
        target: Compute capabilities to build for: sm75 is RTX 20, sm86 RTX 30, sm89 RTX 40, sm120
            RTX 50.
        figures: Write the figures to this file too.
        check: Fail unless it is one engine, with fp32 sampling grids, within the budget of scratch
            (150 MB at 1920x1080 in fp16, in proportion to the pixels at other sizes) and of
            kernels (120).
        overwrite: Replace what stands under the outputs' names.
    """
    from temporal_clean.commands.graphs import parse_size, symbolic_graph
    from temporal_clean.commands.progress import say
    from temporal_clean.realtime.graph import GraphRequest, fixed_graph
    from temporal_clean.realtime.tensorrt import (
        FLAVOURS,
        build_engine,
        build_report,
        complaints,
        half_grids,
        load_flavour,
    )

    for path in (output, *([figures] if figures else [])):
        require_writable(path, overwrite)
    width, height = parse_size(size)
    request = GraphRequest(height, width, frames)
    flavour = FLAVOURS["tensorrt-rtx"]
    load_flavour(flavour)
    symbolic = symbolic_graph(model, precision)
    graph = fixed_graph(symbolic, request)
    targets = target.lower().replace(" ", "").split(",")
    built = build_engine(graph.SerializeToString(), flavour, targets)
    options = {"model": model, "size": size, "precision": precision, "frames": frames}
    options |= {"target": ",".join(targets), "output": str(output)}
    report = build_report(
        built,
        model=model,
        symbolic=symbolic,
        request=request,
        precision=precision,
        flavour=flavour,
        targets=targets,
        arguments=["build", *(word for k, v in options.items() for word in (f"--{k}", v))],
    )
    say("\n".join(report.lines()))
    wrong = complaints(report, half_grids(graph))
    if figures:
        record = report.as_json() | {"complaints": wrong}
        write_whole(figures, json.dumps(record, indent=1).encode() + b"\n")
    if wrong and check:
        listed = "\n".join(f"  {complaint}" for complaint in wrong)
        raise TemporalCleanError(f"the engine fails the check and is not written:\n{listed}")
    for complaint in wrong:
        say(f"over       {complaint}")
    write_whole(output, built.plan)
    say(f"wrote {output}")
