"""Which of ONNX Runtime's devices are worth trying, in which order, and what they are called.

Pure functions over plain records, so that machines that are not at hand can be tested from a
recorded list. Nothing here asks the machine; ``providers`` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "CPU_PROVIDER",
    "NAMES",
    "Choice",
    "Device",
    "choices",
    "device_from_metadata",
    "stands_for_others",
]

CPU_PROVIDER = "CPUExecutionProvider"
# The short name of each provider, as in 'onnxruntime:dml'.
NAMES: dict[str, str] = {
    "NvTensorRTRTXExecutionProvider": "tensorrt-rtx",
    "TensorrtExecutionProvider": "tensorrt",
    "CUDAExecutionProvider": "cuda",
    "MIGraphXExecutionProvider": "migraphx",
    "OpenVINOExecutionProvider": "openvino",
    "QNNExecutionProvider": "qnn",
    "VitisAIExecutionProvider": "vitisai",
    "DmlExecutionProvider": "dml",
    "WebGpuExecutionProvider": "webgpu",
    "CoreMLExecutionProvider": "coreml",
}
# 'auto' tries lower ranks first: a vendor's own compiler, then DirectML, then WebGPU; graphics
# cards before NPUs. This order is a judgement, not a measurement: no such device was at hand.
GPU_RANKS = {
    "tensorrt-rtx": 20,
    "tensorrt": 22,
    "migraphx": 22,
    "openvino": 24,
    "cuda": 26,
    "coreml": 28,
    "dml": 40,
    "qnn": 44,
    "webgpu": 50,
}
NPU_RANKS = {"openvino": 70, "qnn": 70, "vitisai": 72, "dml": 76}
# Within a provider's rank: a card with memory of its own first.
INTEGRATED_PENALTY = 0.5
# Compilers that take sampling grids to half precision on their own unless told otherwise.
HALVES_GRIDS = {("openvino", "npu"), ("qnn", "npu"), ("vitisai", "npu")}

DeviceKind = Literal["cpu", "gpu", "npu"]


@dataclass(frozen=True)
class Device:
    """One device as one provider sees it.

    ``provider`` is ONNX Runtime's name and ``version`` its own; ``memory_mb`` and ``discrete``
    are None where not told.
    """

    provider: str
    kind: DeviceKind
    vendor: str
    name: str = ""
    memory_mb: int | None = None
    discrete: bool | None = None
    version: str = ""

    def __str__(self) -> str:
        memory = f", {self.memory_mb} MB" if self.memory_mb else ""
        version = f", provider {self.version}" if self.version else ""
        name = self.name or self.vendor or "of unknown name"
        return f"{self.kind.upper()} {name}{memory}{version}"


@dataclass(frozen=True)
class Choice:
    """A device under the id that --engine takes, and where 'auto' puts it (None: not at all).

    ``half_grids`` says that the device may compute coordinates in half precision by itself.
    """

    id: str
    device: Device
    place: int
    rank: float | None
    half_grids: bool


def choices(devices: Sequence[Device]) -> list[Choice]:
    """Ids and order of everything but the plain CPU provider, the most promising first.

    ``place`` is the index in ``devices``. Ids are onnxruntime:PROVIDER-KIND, with a number from
    the second device of that kind on, best first.
    """
    ranked = [(_rank(d), i, d) for i, d in enumerate(devices) if d.provider != CPU_PROVIDER]
    ranked.sort(key=lambda row: (row[0] is None, row[0] or 0.0, row[1]))
    result: list[Choice] = []
    for rank, place, device in ranked:
        short = _short(device.provider)
        stem = f"onnxruntime:{short}-{device.kind}"
        before = sum(c.device.provider == device.provider for c in result if _stem(c) == stem)
        name = stem if before == 0 else f"{stem}-{before + 1}"
        result.append(Choice(name, device, place, rank, (short, device.kind) in HALVES_GRIDS))
    return result


def stands_for_others(told: Mapping[str, str]) -> bool:
    """Whether a provider's ``ep_metadata`` is of no device: OpenVINO's AUTO picks among the others.

    OpenVINO's plugin 1.8.1 lists it as a provider of its own, and then fails to run.
    """
    return bool(told.get("ov_meta_device"))


def device_from_metadata(
    provider: str, kind: str, vendor: str, metadata: Mapping[str, str], version: str = ""
) -> Device:
    """A record from what ONNX Runtime tells (its Windows keys: Description, DxgiVideoMemory)."""
    memory = metadata.get("DxgiVideoMemory", "").split(" ")[0]
    discrete = metadata.get("Discrete")
    return Device(
        provider,
        "gpu" if kind == "gpu" else "npu" if kind == "npu" else "cpu",
        vendor,
        metadata.get("Description", ""),
        int(memory) if memory.isdecimal() else None,
        None if discrete is None else discrete == "1",
        version,
    )


def _short(provider: str) -> str:
    return NAMES.get(provider, provider.removesuffix("ExecutionProvider").lower())


def _stem(choice: Choice) -> str:
    return f"onnxruntime:{_short(choice.device.provider)}-{choice.device.kind}"


def _rank(device: Device) -> float | None:
    """None for providers on the plain processor: OpenVINO itself and the reference serve it."""
    ranks = {"gpu": GPU_RANKS, "npu": NPU_RANKS}.get(device.kind, {})
    rank = ranks.get(_short(device.provider))
    if rank is None:
        return None
    integrated = device.kind == "gpu" and device.discrete is False
    return rank + INTEGRATED_PENALTY * integrated
