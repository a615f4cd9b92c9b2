"""The table of engines: what each needs, the ways in which it can run here, how it is opened.

To add an engine, write its two functions below and its row in ``KINDS``; 'auto', --engine and
doctor follow.
"""

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.cache import cache_folder, cached_graph
from temporal_clean.realtime.engines.base import Engine
from temporal_clean.realtime.graph import GraphRequest

__all__ = [
    "KINDS",
    "REFERENCE_RANK",
    "EngineKind",
    "Variant",
    "find_variants",
    "shipped_graph",
    "why_none",
]

# Ranks: below 99 a graphics card or NPU, up to 101 the processor, the reference last.
FUSED_RANK, PROCESSOR_RANK, REFERENCE_RANK = 99, 100, 1000
# OpenVINO itself just before ONNX Runtime's provider of it: one layer less.
OPENVINO_GPU_RANK, OPENVINO_NPU_RANK = 23, 69


@dataclass(frozen=True)
class Variant:
    """One way to run: an engine on a device in a precision.

    ``id`` is what --engine takes. 'auto' tries the lowest ``rank`` first; None: only when asked.
    ``half_grids``: the device may compute coordinates in half precision, which shows in wide
    frames only, so the self-test takes one. ``software``: a graphics card that the processor
    plays, for tests; doctor only lists it.
    """

    id: str
    precision: str
    device: str
    rank: float | None = None
    half_grids: bool = False
    software: bool = False


@dataclass(frozen=True)
class EngineKind:
    """``module`` is what must be importable, ``distribution`` the package whose version counts.

    ``variants`` lists the ways to run here, fastest first; where there is no device none, or it
    raises TemporalCleanError that says what is missing;
    ``build`` opens one of them, or raises. ``automatic`` False: 'auto' does not even look.
    """

    module: str
    distribution: str
    install: str
    variants: Callable[[], list[Variant]]
    build: Callable[[Variant, str | Path, GraphRequest], Engine]
    automatic: bool = True

    @property
    def present(self) -> bool:
        """Whether the package is installed."""
        return importlib.util.find_spec(self.module) is not None

    @property
    def version(self) -> str:
        """Of the package; onnxruntime comes under several names, one for each set of providers."""
        try:
            return importlib.metadata.version(self.distribution)
        except importlib.metadata.PackageNotFoundError:
            return importlib.import_module(self.module).__version__


def shipped_graph(model: str | Path, request: GraphRequest, precision: str = "fp32") -> bytes:
    """The model's graph in fp32 or fp16, fixed to the request, from the cache if it is there."""
    return cached_graph(assets.graph_path(model, precision).read_bytes(), request)


def _openvino_variants() -> list[Variant]:
    from temporal_clean.realtime.engines.openvino import (
        accelerators,
        fastest_precision,
        openvino_id,
    )

    found = [
        Variant("openvino", precision, "CPU", PROCESSOR_RANK + place)
        for place, precision in enumerate(dict.fromkeys([fastest_precision(), "f32"]))
    ]
    for device, name in accelerators().items():
        # An NPU computes in f16 whatever it is told: the self-test's wide frame decides.
        npu = device.startswith("NPU")
        rank = OPENVINO_NPU_RANK if npu else OPENVINO_GPU_RANK
        words = f"{device} {name}"
        found.append(Variant(openvino_id(device), "f16" if npu else "f32", words, rank, npu))
    return found


def _openvino(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.openvino import OpenVinoEngine

    graph = shipped_graph(model, request)
    device = variant.device.split(" ")[0]
    return OpenVinoEngine(graph, variant.precision, cache_folder() / "openvino", device)


def _fused_variants() -> list[Variant]:
    from temporal_clean.realtime.engines.openvino import fastest_precision

    # In f32 convolutions take most of the time, and it gains little (docs/LOG.md).
    precisions = dict.fromkeys([fastest_precision(), "f32"])
    ranks = {"bf16": FUSED_RANK}
    return [Variant("fused", precision, "CPU", ranks.get(precision)) for precision in precisions]


def _fused(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.fused_engine import FusedEngine

    graph = assets.graph_path(model).read_bytes()
    return FusedEngine(graph, request, variant.precision, cache_folder() / "openvino")


def _onnxruntime_variants() -> list[Variant]:
    from temporal_clean.realtime.engines.providers import find_devices

    found = [Variant("onnxruntime", "fp32", "CPU", REFERENCE_RANK)]
    for choice in (device.choice for device in find_devices()):
        # A processor gains nothing from fp16; of the rest each says by the self-test.
        for later, precision in enumerate(["fp16", "fp32"]):
            rank = None if choice.rank is None else choice.rank + 0.1 * later
            if choice.device.kind != "cpu" or precision == "fp32":
                words = str(choice.device)
                software = choice.id.startswith("onnxruntime:webgpu-cpu")
                found.append(
                    Variant(choice.id, precision, words, rank, choice.half_grids, software)
                )
    return found


def _onnxruntime(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine

    if variant.id == "onnxruntime":
        return OnnxRuntimeEngine(shipped_graph(model, request))
    return _provider(variant, model, request)


def _provider(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.pictures import ConvertingEngine, planar_request
    from temporal_clean.realtime.engines.portable import portable_graph
    from temporal_clean.realtime.engines.provider_engine import OnnxProviderEngine
    from temporal_clean.realtime.engines.providers import find_devices

    found = next(device for device in find_devices() if device.choice.id == variant.id)
    if request.frame_format not in ("rgb16", "planar"):
        graph = portable_graph(shipped_graph(model, request, variant.precision))
        return OnnxProviderEngine(graph, found)
    # Few providers read 16-bit integers.
    inner = planar_request(request)
    graph = portable_graph(shipped_graph(model, inner, variant.precision))
    return ConvertingEngine(OnnxProviderEngine(graph, found), request)


def _ncnn_variants() -> list[Variant]:
    from temporal_clean.realtime.engines.ncnn_engine import vulkan_devices

    found = []
    for place, device in enumerate(vulkan_devices()):
        name = "ncnn:vulkan" + (f"-{place + 1}" if place else "")
        software = device.kind == "software"
        found.append(Variant(name, "fp32", str(device), software=software))
    return [Variant("ncnn", "fp32", "CPU"), *found]


def _ncnn(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.ncnn_engine import NcnnEngine, vulkan_devices
    from temporal_clean.realtime.engines.pictures import ConvertingEngine, planar_request
    from temporal_clean.realtime.ncnn import cached_ncnn

    devices = {str(device): device for device in vulkan_devices()} if ":" in variant.id else {}
    param = cached_ncnn(assets.graph_path(model).read_bytes(), planar_request(request))
    engine = NcnnEngine(param, devices.get(variant.device), request.inspect)
    return ConvertingEngine(engine, request)


def _torch_variants() -> list[Variant]:
    return [Variant("torch", "fp32", "GPU if torch sees one, else CPU")]


def _torch(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.torch_engine import TorchEngine

    return TorchEngine(model, request)


# Before every provider of ONNX Runtime (devices.GPU_RANKS); a judgement, no GPU was at hand.
TENSORRT_RANKS = {"tensorrt-rtx": 10, "tensorrt": 12}


def _tensorrt_variants(engine: str) -> list[Variant]:
    from temporal_clean.realtime.tensorrt.flavours import FLAVOURS
    from temporal_clean.realtime.tensorrt.opening import usable_gpu

    gpu = usable_gpu(FLAVOURS[engine])
    return [Variant(engine, "fp16", gpu.name, TENSORRT_RANKS[engine])]


def _tensorrt(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    from temporal_clean.realtime.engines.pictures import ConvertingEngine, planar_request
    from temporal_clean.realtime.tensorrt.flavours import FLAVOURS
    from temporal_clean.realtime.tensorrt.opening import open_tensorrt

    flavour = FLAVOURS[variant.id]
    if request.frame_format != "rgb16":
        return open_tensorrt(shipped_graph(model, request, "fp16"), flavour)
    # TensorRT has no 16-bit integers.
    graph = shipped_graph(model, planar_request(request), "fp16")
    return ConvertingEngine(open_tensorrt(graph, flavour), request)


KINDS: dict[str, EngineKind] = {
    "openvino": EngineKind(
        "openvino", "openvino", "pip install openvino", _openvino_variants, _openvino
    ),
    "fused": EngineKind(
        "numba", "numba", "pip install 'temporal-clean[fused]'", _fused_variants, _fused
    ),
    "onnxruntime": EngineKind(
        "onnxruntime",
        "onnxruntime",
        "pip install onnxruntime",
        _onnxruntime_variants,
        _onnxruntime,
    ),
    # ncnn 1.0.20261020 has no Vulkan layer for GridSample and MatMul: each goes through the
    # processor, and whether a card still wins has not been measured on one.
    "ncnn": EngineKind(
        "ncnn", "ncnn", "pip install 'temporal-clean[vulkan]'", _ncnn_variants, _ncnn, False
    ),
    "tensorrt-rtx": EngineKind(
        "tensorrt_rtx",
        "tensorrt-rtx",
        "pip install 'temporal-clean[rtx]'",
        lambda: _tensorrt_variants("tensorrt-rtx"),
        _tensorrt,
    ),
    "tensorrt": EngineKind(
        "tensorrt",
        "tensorrt",
        "pip install tensorrt cuda-bindings",
        lambda: _tensorrt_variants("tensorrt"),
        _tensorrt,
    ),
    # On a CPU it is the slowest (docs/benchmarks).
    "torch": EngineKind(
        "torch", "torch", "pip install 'temporal-clean[train]'", _torch_variants, _torch, False
    ),
}


def find_variants(name: str) -> list[Variant]:
    """The ways in which an engine can run here, fastest first; none if it is not installed."""
    return _look(name)[0]


def why_none(name: str) -> str:
    """What an engine that is installed misses to run here; empty where it does not say."""
    return _look(name)[1]


def _look(name: str) -> tuple[list[Variant], str]:
    kind = KINDS[name]
    try:
        return (kind.variants() if kind.present else []), ""
    except TemporalCleanError as error:
        return [], str(error)
