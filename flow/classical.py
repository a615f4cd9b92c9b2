"""OpenCV's DIS flow: no training, no GPU; the oracle and the floor for the network."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.flow.consistency import inconsistency
from temporal_clean.flow.record import Flow

__all__ = ["dis_both_ways", "dis_flow"]

# OpenCV fails or gives NaN where its patches and pyramid do not fit: seen up to 11 pixels.
LEAST_SIDE = 32

DisPreset = Literal["ultrafast", "fast", "medium"]


def dis_flow(
    frame: Float[Tensor, "batch 3 height width"],
    previous: Float[Tensor, "batch 3 height width"],
    preset: DisPreset = "medium",
) -> Flow:
    """Flow from ``frame`` to ``previous`` (RGB in [0, 1]) with doubt by forward-backward check.

    Dense Inverse Search (Kroeger et al., ECCV 2016) as OpenCV has it, on 8-bit luma, on the CPU.
    """
    return dis_both_ways(frame, previous, preset)[0]


def dis_both_ways(
    frame: Float[Tensor, "batch 3 height width"],
    previous: Float[Tensor, "batch 3 height width"],
    preset: DisPreset = "medium",
) -> tuple[Flow, Flow]:
    """Flow from ``frame`` to ``previous`` and back, as :func:`dis_flow` finds it."""
    pairs = list(zip(_luma_bytes(frame), _luma_bytes(previous), strict=True))
    forward = torch.stack([_dis(a, b, preset) for a, b in pairs]).to(frame.device)
    backward = torch.stack([_dis(b, a, preset) for a, b in pairs]).to(frame.device)
    return (
        Flow(forward, inconsistency(forward, backward)),
        Flow(backward, inconsistency(backward, forward)),
    )


def _dis(source: np.ndarray, target: np.ndarray, preset: DisPreset) -> Tensor:
    import cv2

    engine = cv2.DISOpticalFlow.create(getattr(cv2, f"DISOPTICAL_FLOW_PRESET_{preset.upper()}"))
    height, width = source.shape
    border = [(0, max(0, LEAST_SIDE - side)) for side in source.shape]
    source, target = (np.pad(luma, border, mode="edge") for luma in (source, target))
    motion = engine.calc(source, target, np.zeros((*source.shape, 2), np.float32))
    return torch.from_numpy(motion[:height, :width]).permute(2, 0, 1).contiguous()


def _luma_bytes(frame: Tensor) -> np.ndarray:
    """BT.709 luma as (batch, height, width) uint8, what DIS takes."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722], device=frame.device).view(1, 3, 1, 1)
    luma = (frame.float() * weights).sum(dim=1)
    return (luma * 255).round().clamp(0, 255).byte().cpu().numpy()
