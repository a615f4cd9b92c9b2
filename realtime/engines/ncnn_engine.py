"""ncnn: Vulkan on any graphics card, old ones and all vendors, and a small CPU path.

The Python binding hands blobs over in host memory, so that the state travels to the card and back
in every frame; on the card everything is fp32.
"""

import functools
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.graph import (
    CLEAN_OUTPUT,
    FRAME_INPUT,
    INSPECTION_OUTPUTS,
    STATE_INPUTS,
    STATE_OUTPUTS,
)
from temporal_clean.realtime.ncnn.convert import ONES

__all__ = ["NcnnEngine", "VulkanDevice", "vulkan_devices"]

# ncnn's GpuInfo.type().
KINDS = ("discrete", "integrated", "virtual", "software")


@dataclass(frozen=True)
class VulkanDevice:
    """A Vulkan device by its place in ncnn's list; ``kind`` is one of ``KINDS``."""

    index: int
    name: str
    kind: str
    driver: str

    def __str__(self) -> str:
        return f"Vulkan {self.kind} {self.name}, driver {self.driver}"


@functools.cache
def vulkan_devices() -> list[VulkanDevice]:
    """What ncnn finds; asked once, as finding takes a Vulkan instance. Prints a few lines."""
    ncnn, found = _ncnn(), []
    for index in range(ncnn.get_gpu_count()):
        information = ncnn.get_gpu_info(index)
        kind, driver = KINDS[information.type()], hex(information.driver_version())
        found.append(VulkanDevice(index, information.device_name(), kind, driver))
    return found


@dataclass
class Blobs:
    """The last frame's state, as the next step's inputs by name."""

    current: dict[str, NDArray[np.float32]]

    def reset(self) -> None:
        self.current = {name: np.zeros_like(value) for name, value in self.current.items()}


class NcnnEngine:
    """A converted model on planar frames; ``device`` None is ncnn's own CPU path."""

    def __init__(self, param: Path, device: VulkanDevice | None, inspect: bool = False) -> None:
        self.ncnn, self.device = _ncnn(), device
        self.net = self.ncnn.Net()
        options = self.net.opt
        options.use_vulkan_compute = device is not None
        # Grids lose up to 0.2 px in fp16 (engines.md).
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_packed = options.use_bf16_storage = False
        if device is not None:
            self.net.set_vulkan_device(device.index)
        if self.net.load_param(str(param)) or self.net.load_model(str(param.with_suffix(".bin"))):
            raise TemporalCleanError(f"ncnn cannot load {param}: delete it to have it made anew")
        self.shapes = _input_shapes(param.read_text())
        self.maps = INSPECTION_OUTPUTS if inspect else ()

    def new_state(self) -> Blobs:
        return Blobs({name: np.zeros(self.shapes[name], np.float32) for name in STATE_INPUTS})

    def step(self, frame: NDArray, state: Blobs) -> StepResult:
        inputs = {FRAME_INPUT: frame[0], **state.current}
        extractor = self.net.create_extractor()
        for name, value in inputs.items():
            # A copy, as the blob would otherwise point into NumPy's memory.
            extractor.input(name, self.ncnn.Mat(np.ascontiguousarray(value)).clone())
        clean = self._read(extractor, CLEAN_OUTPUT)
        following = {}
        for name, output in zip(STATE_INPUTS, STATE_OUTPUTS, strict=True):
            ones = output == ONES
            following[name] = np.ones_like(inputs[name]) if ones else self._read(extractor, output)
        state.current = following
        return StepResult(clean[None], {k: self._read(extractor, k)[None] for k in self.maps})

    def describe(self) -> EngineInfo:
        words = "CPU" if self.device is None else str(self.device)
        return EngineInfo("ncnn", self.ncnn.__version__, "fp32", words)

    def _read(self, extractor: Any, name: str) -> NDArray[np.float32]:
        failed, blob = extractor.extract(name)
        if failed:
            raise TemporalCleanError(
                f"ncnn gave no '{name}' (code {failed}): too little memory on "
                f"{self.device or 'the CPU'}? Try a smaller frame or another --engine"
            )
        return np.array(blob)


def _ncnn() -> Any:
    """The compiled module, whose names no type checker sees."""
    return importlib.import_module("ncnn")


def _input_shapes(param: str) -> dict[str, tuple[int, ...]]:
    """Shapes of the Input layers, outermost axis first."""
    shapes = {}
    for line in param.splitlines():
        kind, *fields = line.split()
        if kind == "Input":
            sizes = dict(field.split("=") for field in fields[4:])
            shapes[fields[3].split("~")[0]] = tuple(
                int(sizes[i]) for i in ("2", "1", "0") if i in sizes
            )
    return shapes
