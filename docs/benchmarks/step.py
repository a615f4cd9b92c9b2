"""Milliseconds a step for each model, size and engine, and OpenVINO's time by part of the network.

python docs/benchmarks/step.py docs/benchmarks/step.json       (on an otherwise idle machine)
"""

import datetime
import json
import os
import platform
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx

from temporal_clean import assets
from temporal_clean.realtime.cache import cached_graph
from temporal_clean.realtime.engines.choice import candidates
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.openvino import OpenVinoEngine
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest

SIZES = {"480x270": (270, 480), "960x540": (540, 960), "1920x1080": (1080, 1920)}
SCOPES = "pkg.torch.onnx.name_scopes"


def milliseconds(engine, request: GraphRequest, count: int) -> dict[str, float]:
    """p50 and p95 of ``count`` steps over a moving pattern, after three to warm up."""
    frames, state, taken = moving_pattern(request, 4), engine.new_state(), []
    for index in range(count + 3):
        started = time.perf_counter()
        engine.step(frames[index % 4], state)
        taken.append(1e3 * (time.perf_counter() - started))
    p50, p95 = np.percentile(taken[3:], [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def share_by_part(model: str, graph: bytes, precision: str) -> dict[str, float]:
    """Per cent of OpenVINO's node time in flow, spatial, fusion and what lies outside them."""
    import openvino

    parts = {}
    for node in onnx.load(assets.graph_path(model)).graph.node:
        scopes = next((p.value for p in node.metadata_props if p.key == SCOPES), "")
        inside = [p for p in ("flow", "spatial", "fusion") if f"'model.{p}'" in scopes]
        for output in (node.name, *node.output):
            parts[output] = inside[0] if inside else "warps and state"
    core = openvino.Core()
    options = {"INFERENCE_PRECISION_HINT": precision, "PERF_COUNT": True}
    request = core.compile_model(core.read_model(graph), "CPU", options).create_infer_request()
    inputs = {
        i.any_name: np.zeros(i.shape, i.element_type.to_dtype()) for i in request.model_inputs
    }
    times: Counter = Counter()
    for index in range(8):
        request.infer(inputs)
        for node in request.profiling_info if index > 2 else ():
            name = node.node_name.split("/")[0]
            part = parts.get(name, "conversion and layout")
            times[part] += node.real_time.total_seconds()
    return {k: round(100 * v / sum(times.values()), 1) for k, v in times.most_common()}


def main() -> None:
    rows = []
    for model in assets.MODELS:
        for size, (height, width) in SIZES.items():
            request = GraphRequest(height, width)
            graph = cached_graph(assets.graph_path(model).read_bytes(), request)
            count = 30 if height < 1000 else 12
            engines = {f"openvino {p}": OpenVinoEngine(graph, p) for p in candidates("openvino")}
            engines["onnxruntime fp32"] = OnnxRuntimeEngine(graph)
            row = {"model": model, "size": size}
            for name, engine in engines.items():
                row[name] = milliseconds(engine, request, count)
            row["share of time, per cent"] = share_by_part(model, graph, candidates("openvino")[0])
            rows.append(row)
            print(json.dumps(row), flush=True)
    record = {
        "command": "python docs/benchmarks/step.py docs/benchmarks/step.json",
        "date": datetime.date.today().isoformat(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in ("openvino", "onnxruntime", "numpy")},
        "frames": "rgb8 in and out, milliseconds a step",
        "rows": rows,
    }
    Path(sys.argv[1]).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
