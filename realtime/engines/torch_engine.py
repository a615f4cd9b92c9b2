"""The torch module as an engine: the definition itself, for comparison and for CUDA or ROCm."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.graph import PICTURES, GraphRequest

if TYPE_CHECKING:
    from torch import Tensor

    from temporal_clean.recurrent import State

__all__ = ["TorchEngine"]


@dataclass
class Slot:
    """The module's own state; ``None`` until the first frame and after a reset."""

    state: "State | None" = None

    def reset(self) -> None:
        self.state = None


class TorchEngine:
    """Runs the checkpoint on the GPU if torch sees one, else on the CPU, in fp32."""

    def __init__(self, model: str | Path, request: GraphRequest) -> None:
        try:
            import torch
        except ImportError as error:
            raise TemporalCleanError(
                "engine 'torch' needs torch: pip install 'temporal-clean[train]', "
                "or choose --engine auto"
            ) from error
        from temporal_clean.checkpoint import load_checkpoint

        self.torch, self.request = torch, request
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.module = load_checkpoint(model).to(self.device)

    def new_state(self) -> Slot:
        return Slot()

    def step(self, frame: NDArray, state: Slot) -> StepResult:
        with self.torch.inference_mode():
            full = self._planes(frame)
            planes = self.torch.nn.functional.avg_pool2d(full, 2) if self.request.halved else full
            before = state.state or self.module.initial_state(planes)
            clean, state.state, inspection = self.module.inspect(planes, before)
            if self.request.halved:
                change = self.torch.nn.functional.interpolate(
                    clean - planes, scale_factor=2, mode="bilinear"
                )
                clean = (full + change).clamp(0.0, 1.0)
            maps = {}
            if self.request.inspect:
                maps = {k: v.cpu().numpy() for k, v in inspection._asdict().items()}
            return StepResult(self._picture(clean), maps)

    def describe(self) -> EngineInfo:
        return EngineInfo("torch", self.torch.__version__, "fp32", str(self.device))

    def _planes(self, frame: NDArray) -> "Tensor":
        if self.request.frame_format == "planar":
            return self.torch.from_numpy(frame).to(self.device)
        _, channels, largest = PICTURES[self.request.frame_format]
        picture = np.ascontiguousarray(frame[..., channels], dtype=np.float32)
        planes = self.torch.from_numpy(picture).to(self.device).permute(2, 0, 1)[None] / largest
        height, width = (side * self.request.shrink for side in self.request.inner_size())
        pads = (0, width - frame.shape[1], 0, height - frame.shape[0])
        return self.torch.nn.functional.pad(planes, pads, mode="replicate")

    def _picture(self, clean: "Tensor") -> NDArray:
        if self.request.frame_format == "planar":
            return clean.cpu().numpy()
        _, channels, largest = PICTURES[self.request.frame_format]
        cropped = clean[0, channels, : self.request.height, : self.request.width]
        values = (cropped * largest).round().permute(1, 2, 0).cpu().numpy()
        if self.request.frame_format == "bgra8":
            values = np.concatenate([values, np.full_like(values[..., :1], largest)], axis=-1)
        return np.ascontiguousarray(
            values, dtype=np.uint16 if self.request.frame_format == "rgb16" else np.uint8
        )
