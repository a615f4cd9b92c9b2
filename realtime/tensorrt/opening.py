"""From a model's graph to a running TensorRT engine: the plan and the kernels from the cache.

Everything after ``require_gpu`` needs an NVIDIA GPU, and was not run here; ``cached_plan`` was,
with tensorrt_rtx.
"""

import hashlib
from pathlib import Path

import numpy as np

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.realtime.cache import cache_folder, keep_newest
from temporal_clean.realtime.engines.base import EngineInfo
from temporal_clean.realtime.tensorrt.builder import (
    build_engine,
    collecting_logger,
    errors_among,
)
from temporal_clean.realtime.tensorrt.cuda import CudaDevice, Gpu, require_gpu
from temporal_clean.realtime.tensorrt.flavours import Flavour, load_flavour
from temporal_clean.realtime.tensorrt.interface import Context, Engine, Module, RuntimeCache
from temporal_clean.realtime.tensorrt.runtime import Port, TensorRtEngine

__all__ = ["cached_plan", "deserialize", "open_tensorrt", "usable_gpu"]

# 50 MB each at 1080p: two models at a few window sizes.
KEPT_PLANS = 8


def usable_gpu(flavour: Flavour) -> Gpu:
    """The GPU that this flavour can run on; raises TemporalCleanError that says what is missing."""
    gpu = require_gpu()
    if gpu.capability < flavour.oldest:
        raise TemporalCleanError(
            f"{flavour.engine} needs a GPU of compute capability {flavour.oldest / 10} or more, "
            f"and {gpu.name} has {gpu.capability / 10}: choose --engine auto"
        )
    return gpu


def open_tensorrt(graph: bytes, flavour: Flavour) -> TensorRtEngine:
    """An fp16 graph of one size, built for the GPU here and ready to step.

    Raises TemporalCleanError without a GPU, its driver, or the modules that this needs.
    """
    module = load_flavour(flavour)
    gpu = usable_gpu(flavour)
    device = CudaDevice()
    plan = cached_plan(graph, flavour, gpu)
    engine = deserialize(plan, module, flavour)
    names = [engine.get_tensor_name(index) for index in range(engine.num_io_tensors)]
    ports = {name: _port(engine, module, name) for name in names}
    info = EngineInfo(flavour.engine, module.__version__, "fp16", gpu.name)
    if not flavour.ahead:
        context: Context = engine.create_execution_context()
        return TensorRtEngine(context, device, ports, info)
    config = engine.create_runtime_config()
    kernels, path = config.create_runtime_cache(), _kernel_path(module, gpu)
    if path.is_file():
        # What another version or driver left is refused here, and written anew below.
        kernels.deserialize(path.read_bytes())
    config.set_runtime_cache(kernels)
    opened = TensorRtEngine(engine.create_execution_context(config), device, ports, info)
    _keep(kernels, path)
    return opened


def cached_plan(graph: bytes, flavour: Flavour, gpu: Gpu) -> bytes:
    """The serialized engine of a graph for a GPU, built now unless it is in the cache."""
    module = load_flavour(flavour)
    target = f"sm{gpu.capability}"
    parts = (flavour.engine, module.__version__, target, gpu.name)
    key = hashlib.sha256(graph + "|".join(parts).encode()).hexdigest()[:24]
    path = _folder() / f"{key}.plan"
    if path.is_file():
        path.touch()
        return path.read_bytes()
    plan = build_engine(graph, flavour, [target]).plan
    write_whole(path, plan)
    keep_newest(_folder().glob("*.plan"), KEPT_PLANS)
    return plan


def deserialize(plan: bytes, module: Module, flavour: Flavour) -> Engine:
    """The engine on the GPU; raises TemporalCleanError with what TensorRT logged."""
    logger, messages = collecting_logger(module)
    engine = module.Runtime(logger).deserialize_cuda_engine(plan)
    if engine is None:
        reasons = errors_among(messages, with_missing_gpu=True)
        raise TemporalCleanError(
            f"{flavour.engine} cannot load the engine here: {'; '.join(reasons)}"
        )
    return engine


def _port(engine: Engine, module: Module, name: str) -> Port:
    kind = np.dtype(module.nptype(engine.get_tensor_dtype(name)))
    return Port(tuple(engine.get_tensor_shape(name)), kind)


def _keep(kernels: RuntimeCache, path: Path) -> None:
    """Keep compiled kernels for the next start, unless that is what they came from."""
    blob = bytes(kernels.serialize())
    if not path.is_file() or path.stat().st_size != len(blob):
        write_whole(path, blob)


def _kernel_path(module: Module, gpu: Gpu) -> Path:
    card = hashlib.sha256(gpu.name.encode()).hexdigest()[:8]
    return _folder() / f"kernels-{module.__version__}-{card}.cache"


def _folder() -> Path:
    folder = cache_folder() / "tensorrt"
    folder.mkdir(exist_ok=True)
    return folder
