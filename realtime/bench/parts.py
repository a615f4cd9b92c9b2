"""Where OpenVINO's time goes: flow, warps and state, spatial cleaner, fusion, conversion."""

from collections import Counter

import numpy as np
import onnx

from temporal_clean import assets
from temporal_clean.realtime.cache import cached_graph
from temporal_clean.realtime.engines.openvino import shared_core
from temporal_clean.realtime.graph import GraphRequest

__all__ = ["PARTS", "share_by_part"]

# The exporter notes of which module each node is; onnxslim drops the note, OpenVINO keeps the name.
SCOPES = "pkg.torch.onnx.name_scopes"
NETWORKS = ("flow", "spatial", "fusion")
OUTSIDE, CONVERSION = "warps and state", "conversion"
PARTS = (*NETWORKS, OUTSIDE, CONVERSION)
WARM_UP, MEASURED = 3, 5


def share_by_part(model: str, request: GraphRequest, precision: str) -> dict[str, float]:
    """Shares of node time on the CPU that sum to 1, by the names in ``PARTS``.

    'conversion' is everything without a node in the shipped graph: pictures to planes and back,
    and the layouts and types that OpenVINO changes between nodes. 'warps and state' are the nodes
    of the step outside its three networks. Profiling costs time itself: read shares, not times.
    """
    path = assets.graph_path(model)
    parts = _parts(onnx.load(path))
    options = {"INFERENCE_PRECISION_HINT": precision, "PERF_COUNT": True}
    core = shared_core()
    graph = core.read_model(cached_graph(path.read_bytes(), request))
    infer = core.compile_model(graph, "CPU", options).create_infer_request()
    inputs = {i.any_name: np.zeros(i.shape, i.element_type.to_dtype()) for i in infer.model_inputs}
    times: Counter[str] = Counter()
    for index in range(WARM_UP + MEASURED):
        infer.infer(inputs)
        for node in infer.profiling_info if index >= WARM_UP else ():
            # A fused or changed node is called by the first one's name and what was done to it.
            part = parts.get(node.node_name.split("/")[0], CONVERSION)
            times[part] += node.real_time.total_seconds()
    whole = sum(times.values())
    return {part: round(times[part] / whole, 4) for part in PARTS}


def _parts(model: onnx.ModelProto) -> dict[str, str]:
    """The part that each node and each value of the shipped graph belongs to."""
    found = {}
    for node in model.graph.node:
        scopes = next((p.value for p in node.metadata_props if p.key == SCOPES), "")
        inside = [part for part in NETWORKS if f"'model.{part}'" in scopes]
        for name in (node.name, *node.output):
            found[name] = inside[0] if inside else OUTSIDE
    return found
