"""Separable upscaling by any kernel and from jittered samples, as two matrix products."""

from collections.abc import Callable
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError

__all__ = ["Interpolation", "resample"]

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos"]


def resample(
    frames: Float[Tensor, "time channels rows columns"],
    size: tuple[int, int],
    kernel: Interpolation,
    offset: Float[Tensor, "time 2"] | None = None,
) -> Float[Tensor, "time channels height width"]:
    """Enlarge to ``size`` (height, width) with pixel centres kept in place, borders repeated.

    ``bicubic`` is Catmull-Rom, ``lanczos`` has 3 lobes. ``offset`` is where the samples lie
    against the centres of their pixels (x, y, in pixels of ``frames``); the result is not moved.
    Overshoot is not clipped here.
    """
    if kernel not in get_args(Interpolation):
        raise TemporalCleanError(
            f"the upscalers are {', '.join(get_args(Interpolation))} and easu, not {kernel}"
        )
    if offset is None:
        offset = torch.zeros(1, 2, device=frames.device)
    elif bool((offset == offset[:1]).all()):
        offset = offset[:1]
    down = _matrix(frames.shape[-2], size[0], kernel, offset[:, 1]).unsqueeze(1)
    across = _matrix(frames.shape[-1], size[1], kernel, offset[:, 0]).unsqueeze(1)
    return down @ frames @ across.transpose(-1, -2)


def _matrix(source: int, target: int, kernel: str, offset: Tensor) -> Tensor:
    """(offsets, target, source): what each source pixel gives to each target pixel."""
    radius, weight = _KERNELS[kernel]
    centres = (torch.arange(target, device=offset.device) + 0.5) * (source / target) - 0.5
    position = centres - offset.unsqueeze(1)
    if radius == 0:
        # Half way between two pixels left and right are taken in turn, so that nothing shifts.
        turn = torch.arange(target, device=offset.device) % 2 * 2e-4 - 1e-4
        first = torch.floor(position + 0.5 - turn)
    else:
        first = torch.floor(position)
    taps = (
        torch.arange(1 - radius, radius + 1, device=offset.device) if radius else first.new_zeros(1)
    )
    places = first.unsqueeze(-1) + taps
    weights = weight((position.unsqueeze(-1) - places).abs())
    weights = weights / weights.sum(dim=-1, keepdim=True)
    matrix = weights.new_zeros(len(offset), target, source)
    return matrix.scatter_add_(2, places.long().clamp_(0, source - 1), weights)


def _triangle(d: Tensor) -> Tensor:
    return (1.0 - d).clamp_min(0.0)


def _catmull_rom(d: Tensor) -> Tensor:
    """Keys' cubic convolution with a = -0.5 (IEEE TASSP 29(6), 1981, equation 15)."""
    near = (1.5 * d - 2.5) * d * d + 1.0
    far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    return torch.where(d < 1.0, near, torch.where(d < 2.0, far, torch.zeros_like(d)))


def _lanczos3(d: Tensor) -> Tensor:
    """sinc(d) sinc(d / 3) within 3 pixels (Duchon, J. Applied Meteorology 18, 1979)."""
    return torch.where(d < 3.0, torch.sinc(d) * torch.sinc(d / 3.0), torch.zeros_like(d))


# Radius in source pixels (0: the nearest pixel alone) and weight by distance.
_KERNELS: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {
    "nearest": (0, torch.ones_like),
    "bilinear": (1, _triangle),
    "bicubic": (2, _catmull_rom),
    "lanczos": (3, _lanczos3),
}
