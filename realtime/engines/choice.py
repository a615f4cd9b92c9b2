"""Which engine runs: the one asked for, or the best that agrees with the reference."""

import importlib.metadata
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.cache import cache_folder, cached_graph
from temporal_clean.realtime.engines.base import Engine
from temporal_clean.realtime.engines.self_test import Verdict, compare_to_reference
from temporal_clean.realtime.graph import GraphRequest

__all__ = [
    "ENGINES",
    "OpenedEngine",
    "available",
    "candidates",
    "open_engine",
    "self_test",
]

ENGINES: dict[str, str] = {
    "openvino": "pip install openvino",
    "onnxruntime": "pip install onnxruntime",
    "torch": "pip install 'temporal-clean[train]'",
}


@dataclass(frozen=True)
class OpenedEngine:
    """An engine ready to step, and in a sentence why it was chosen."""

    engine: Engine
    reason: str


def available() -> dict[str, bool]:
    """Which engines are installed."""
    return {name: importlib.util.find_spec(name) is not None for name in ENGINES}


def open_engine(model: str | Path, request: GraphRequest, engine: str = "auto") -> OpenedEngine:
    """Open ``model`` ('fast', 'quality' or a path) on ``engine`` for one frame size and format.

    'auto' takes the fastest that agrees with ONNX Runtime over three recurrent frames. A named
    engine is opened as asked, or refused; nothing falls back silently.
    """
    if engine != "auto":
        if engine not in ENGINES:
            raise TemporalCleanError(f"no engine '{engine}': expected auto, {', '.join(ENGINES)}")
        if not available()[engine]:
            raise TemporalCleanError(
                f"engine '{engine}' is not installed: {ENGINES[engine]}, or choose --engine auto"
            )
        precision = candidates(engine)[0]
        return OpenedEngine(_build(engine, precision, model, request), "asked for")
    if Path(str(model)).suffix == ".safetensors":
        return OpenedEngine(_build("torch", "fp32", model, request), "a checkpoint runs on torch")
    demoted = []
    # Fastest first; torch is never chosen by itself, it is the slowest on a CPU.
    for precision in candidates("openvino") if available()["openvino"] else ():
        name = "openvino"
        verdict = self_test(name, precision, model)
        if verdict.passed:
            reason = "; ".join([*demoted, f"{name} {precision}: {verdict.text}"])
            return OpenedEngine(_build(name, precision, model, request), reason)
        demoted.append(f"{name} {precision} demoted: {verdict.text}")
    return OpenedEngine(
        _build("onnxruntime", "fp32", model, request), "; ".join([*demoted, "the reference itself"])
    )


def candidates(engine: str) -> list[str]:
    """The precisions that an installed engine offers here, fastest first."""
    if engine != "openvino":
        return ["fp32"]
    from temporal_clean.realtime.engines.openvino import fastest_precision

    return list(dict.fromkeys([fastest_precision(), "f32"]))


def self_test(engine: str, precision: str, model: str | Path) -> Verdict:
    """Three recurrent frames against ONNX Runtime; remembered per graph and version."""
    request = GraphRequest(96, 128, "rgb16")
    graph = assets.graph_path(model).read_bytes()
    version = importlib.metadata.version(engine)
    path = (
        cache_folder() / "self-test" / f"{engine}-{version}-{precision}-{request.key(graph)}.json"
    )
    if path.is_file():
        return Verdict(**json.loads(path.read_text()))
    try:
        candidate = _build(engine, precision, model, request)
        verdict = compare_to_reference(
            candidate, _build("onnxruntime", "fp32", model, request), request
        )
    except Exception as error:  # an engine may fail in any way of its own: that is a verdict
        verdict = Verdict(False, f"failed to run: {error}".splitlines()[0])
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(verdict.__dict__))
    return verdict


def _build(engine: str, precision: str, model: str | Path, request: GraphRequest) -> Engine:
    if engine == "torch":
        from temporal_clean.realtime.engines.torch_engine import TorchEngine

        return TorchEngine(model, request)
    graph = cached_graph(assets.graph_path(model).read_bytes(), request)
    if engine == "openvino":
        from temporal_clean.realtime.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(graph, precision, cache_folder() / "openvino")
    from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(graph)
