"""What was built, as figures to print and to keep in a file."""

import datetime
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import onnx

from temporal_clean.realtime.graph import GraphRequest
from temporal_clean.realtime.tensorrt.builder import Built, TensorInfo
from temporal_clean.realtime.tensorrt.flavours import Flavour
from temporal_clean.realtime.tensorrt.layers import kernels_by_part, read_layout

__all__ = ["BuildReport", "build_report"]

MEGABYTE = 1e6


@dataclass(frozen=True)
class BuildReport:
    """One engine. Megabytes are of 10^6 bytes; ``scratch_mb`` is the memory that a step needs
    beside its inputs, outputs and weights; ``layers`` is counted after fusion."""

    model: str
    width: int
    height: int
    frames: str
    precision: str
    target: tuple[str, ...]
    engines: int
    layers: int
    kernels: int
    kernels_by_part: Mapping[str, int]
    scratch_mb: float
    weights_mb: float
    engine_mb: float
    build_s: float
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    versions: Mapping[str, str]
    date: str
    command: str

    def as_json(self) -> dict[str, Any]:
        """Plain types, as json writes them."""
        return asdict(self)

    def lines(self) -> list[str]:
        """For a person to read."""
        parts = ", ".join(f"{part} {count}" for part, count in self.kernels_by_part.items())
        return [
            f"{self.model} {self.width}x{self.height} {self.precision} {self.frames} for "
            f"{', '.join(self.target)}, built in {self.build_s:.1f} s",
            f"engines    {self.engines}, of {self.layers} layer(s) after fusion",
            f"kernels    {self.kernels} ({parts})",
            f"scratch    {self.scratch_mb:.1f} MB",
            f"weights    {self.weights_mb:.1f} MB, constants included",
            f"engine     {self.engine_mb:.1f} MB",
            *(f"input      {_words(tensor)}" for tensor in self.inputs),
            *(f"output     {_words(tensor)}" for tensor in self.outputs),
        ]


def build_report(
    built: Built,
    *,
    model: str,
    symbolic: bytes,
    request: GraphRequest,
    precision: str,
    flavour: Flavour,
    targets: Sequence[str],
    arguments: Sequence[str],
) -> BuildReport:
    """Figures of a build; ``symbolic`` is the graph before its size was fixed, ``arguments`` the
    command's own, to be kept with them."""
    layout = read_layout(built.messages)
    return BuildReport(
        model=model,
        width=request.width,
        height=request.height,
        frames=request.frame_format,
        precision=precision,
        target=tuple(targets),
        engines=layout.engines,
        layers=layout.layers,
        kernels=len(layout.kernels),
        kernels_by_part=kernels_by_part(layout.kernels, onnx.load_from_string(symbolic)),
        scratch_mb=round(layout.scratch_bytes / MEGABYTE, 2),
        weights_mb=round(layout.weights_bytes / MEGABYTE, 2),
        engine_mb=round(len(built.plan) / MEGABYTE, 2),
        build_s=round(built.seconds, 2),
        inputs=built.inputs,
        outputs=built.outputs,
        versions={name: version(name) for name in (flavour.distribution, "onnx", "onnxslim")},
        date=datetime.date.today().isoformat(),
        command=shlex.join(["temporal-clean", *arguments]),
    )


def _words(tensor: TensorInfo) -> str:
    return f"{tensor.name:<13}{tensor.dtype:<6}{' x '.join(map(str, tensor.shape))}"
