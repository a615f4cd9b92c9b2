"""What ships beside the code: weights, graphs, the demo clip, the comparison page."""

from importlib.resources import files
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["DEMO_CLIP", "MODELS", "checkpoint_path", "graph_name", "graph_path"]

ROOT = Path(str(files(__name__)))
MODELS = ("fast", "quality")
DEMO_CLIP = ROOT / "demo"


def checkpoint_path(model: str | Path) -> Path:
    """The .safetensors file of a size that ships, or ``model`` itself if it is a path."""
    return _path(model, f"{model}.safetensors", ".safetensors")


def graph_path(model: str | Path, precision: str = "fp32") -> Path:
    """The .onnx file of a size that ships, or ``model`` itself if it is a path."""
    return _path(model, graph_name(str(model), precision), ".onnx")


def graph_name(model: str, precision: str) -> str:
    """The file name of a size's graph in one precision."""
    return f"{model}.onnx" if precision == "fp32" else f"{model}.{precision}.onnx"


def _path(model: str | Path, shipped: str, suffix: str) -> Path:
    path = ROOT / "models" / shipped if str(model) in MODELS else Path(model)
    if path.suffix != suffix or not path.is_file():
        raise TemporalCleanError(
            f"no model '{model}': expected one of {', '.join(MODELS)}, or the path of an "
            f"existing {suffix} file"
        )
    return path
