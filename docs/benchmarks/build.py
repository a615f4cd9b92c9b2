"""What each model becomes as one TensorRT engine at 1920x1080 in fp16, and what it multiplies.

python docs/benchmarks/build.py docs/benchmarks/build.json      (needs temporal-clean[rtx]; no GPU)
"""

import datetime
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.machine import processor
from temporal_clean.realtime.bench.counting import count_graph
from temporal_clean.realtime.graph import FrameFormat, GraphRequest, fixed_graph
from temporal_clean.realtime.tensorrt import (
    FLAVOURS,
    build_engine,
    build_report,
    complaints,
    half_grids,
)

FORMATS: tuple[FrameFormat, ...] = ("planar", "bgra8")
WIDTH, HEIGHT = 1920, 1080
# RTX 30, 40 and 50, as the command's own default.
TARGETS = ("sm86", "sm89", "sm120")


def figures(model: str, frame_format: FrameFormat) -> dict[str, Any]:
    """The build's report, the gate's complaints and MAC a pixel; or why it cannot be built."""
    request = GraphRequest(HEIGHT, WIDTH, frame_format)
    symbolic = assets.graph_path(model, "fp16").read_bytes()
    graph = fixed_graph(symbolic, request)
    row = {"model": model, "frames": frame_format}
    row["mac_a_pixel"] = round(count_graph(graph).macs / (WIDTH * HEIGHT))
    try:
        built = build_engine(graph.SerializeToString(), FLAVOURS["tensorrt-rtx"], TARGETS)
    except TemporalCleanError as error:
        return row | {"refused": str(error)}
    report = build_report(
        built,
        model=model,
        symbolic=symbolic,
        request=request,
        precision="fp16",
        flavour=FLAVOURS["tensorrt-rtx"],
        targets=TARGETS,
        arguments=["build", "--model", model, "--size", "1920x1080", "--frames", frame_format],
    )
    kept = ("engines", "layers", "kernels", "kernels_by_part", "scratch_mb", "weights_mb")
    kept += ("engine_mb", "build_s")
    row |= {name: report.as_json()[name] for name in kept}
    return row | {"complaints": complaints(report, half_grids(graph))}


def main() -> None:
    rows = []
    for model in assets.MODELS:
        for frame_format in FORMATS:
            rows.append(figures(model, frame_format))
            print(json.dumps(rows[-1]), flush=True)
    record = {
        "command": "python docs/benchmarks/build.py docs/benchmarks/build.json",
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "versions": {name: version(name) for name in ("tensorrt-rtx", "onnx", "onnxslim")},
        "size": f"{WIDTH}x{HEIGHT}",
        "precision": "fp16",
        "target": TARGETS,
        "megabytes": "of 10^6 bytes; mac_a_pixel of the padded graph over the frame's own pixels",
        "rows": rows,
    }
    Path(sys.argv[1]).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
