"""What export and build share: a model's graph, and sizes as a user writes them."""

from pathlib import Path
from typing import Literal

from temporal_clean.errors import TemporalCleanError

__all__ = ["parse_size", "symbolic_graph"]


def parse_size(text: str) -> tuple[int, int]:
    """(width, height) of '1920x1080'."""
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise TemporalCleanError(f"expected a size like 1920x1080, got '{text}'")
    return int(width), int(height)


def symbolic_graph(model: str, precision: Literal["fp32", "fp16"]) -> bytes:
    """The shipped graph, a graph file as it is, or a checkpoint exported now."""
    from temporal_clean import assets
    from temporal_clean.realtime.graph import graph_precision

    if model in assets.MODELS or Path(model).suffix == ".onnx":
        graph = assets.graph_path(model, precision).read_bytes()
        if graph_precision(graph) != precision:
            raise TemporalCleanError(
                f"'{model}' is a {graph_precision(graph)} graph and cannot become {precision}; "
                "export the checkpoint it was made from"
            )
        return graph
    from temporal_clean.checkpoint import load_checkpoint
    from temporal_clean.realtime.export import export_graph

    return export_graph(load_checkpoint(model), precision).SerializeToString()
