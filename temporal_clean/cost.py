"""What a model costs: multiply-accumulates a pixel and parameters, part by part."""

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from temporal_clean.recurrent import RecurrentCleaner

__all__ = ["PartCost", "count_cost"]


class PartCost(NamedTuple):
    """One part of the step. ``macs_per_pixel`` counts convolutions and matrix products."""

    part: str
    macs_per_pixel: float
    parameters: int


def count_cost(model: RecurrentCleaner, height: int = 256, width: int = 512) -> list[PartCost]:
    """Cost of flow, spatial cleaner, fusion and the whole step, by running one step.

    torch.utils.flop_counter counts two operations a multiply-accumulate. Warps, elementwise
    work and the fixed-weight block means outside the three networks are in the whole only.
    """
    frame = torch.rand(1, 3, height, width)
    counter = FlopCounterMode(display=False)
    # As plain matrix products: torch 2.14 does not count the fused attention of the CPU.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        model(frame, model.initial_state(frame))
    flops = counter.get_flop_counts()
    pixels = height * width
    root = type(model).__name__
    parts = [
        PartCost(name, _total(flops[f"{root}.{name}"]) / 2 / pixels, _parameters(child))
        for name, child in model.named_children()
    ]
    return [*parts, PartCost("whole", _total(flops["Global"]) / 2 / pixels, _parameters(model))]


def _total(counts: dict) -> int:
    return sum(counts.values())


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
