"""What a stage will need, told before it starts: memory by counting, time by the first steps."""

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from temporal_clean.recurrent import SIZES, RecurrentCleaner
from temporal_clean.train.objective import Batch, Objective
from temporal_clean.train.presets import Size, Stage

__all__ = ["memory_of", "spoken"]

# A small window of the same kind, scaled up by its pixels: all of the network is convolutional.
SIDE = 64


def memory_of(size: Size, stage: Stage, processes: int = 1) -> int:
    """Bytes that training a stage takes on each device, in fp32 without a framework's own.

    What autograd keeps for the backward pass is counted on a small batch and scaled to the real
    one; weights, gradients, two moments of AdamW and the average come on top. In mixed precision
    it is less.
    """
    objective = Objective(RecurrentCleaner(SIZES[size]), stage.trains, stage.weights, stage.history)
    frames = stage.windows.frames
    kept = _kept(lambda: objective(_empty(frames, SIDE))[0])
    pixels = (stage.windows.crop / SIDE) ** 2 * math.ceil(stage.batch / processes)
    trained = sum(p.numel() for p in objective.parameters() if p.requires_grad)
    held = sum(p.numel() for p in objective.parameters())
    batch = sum(plane.numel() for plane in cast(dict[str, Tensor], _empty(frames, SIDE)).values())
    return round((kept + 4 * batch) * pixels) + 4 * (3 * trained + 2 * held)


def _empty(frames: int, side: int) -> Batch:
    def plane(channels: int) -> Tensor:
        return torch.rand(1, frames, channels, side, side)

    return Batch(input=plane(3), reference=plane(3), mask=plane(1), motion=plane(2), known=plane(1))


def _kept(losses: Callable[[], dict[str, Tensor]]) -> int:
    """Bytes of the distinct tensors that the backward pass keeps."""
    storages: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        # The tensor is held, so that its address stays its own while others are counted.
        storages.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        total = torch.stack(list(losses().values())).sum()
    del total
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())


def spoken(seconds: float) -> str:
    """'2 h 05 min', '3 min 20 s' or '12 s'."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
