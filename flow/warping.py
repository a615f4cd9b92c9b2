"""Backward warping, with a coordinate grid that is always fp32 and a choice of kernels.

A half-precision grid is wrong by up to 0.22 px at 1920 columns (37 dB of warp error), so the
coordinates and the image are fp32 inside and the result takes the image's type again.
"""

from collections.abc import Callable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["Kernel", "outside", "sampling_grid", "warp", "warp_each"]

Kernel = Literal["bilinear", "bicubic", "catmull-rom", "lanczos2", "lanczos3"]


def warp(
    image: Float[Tensor, "batch channels height width"],
    motion: Float[Tensor, "batch 2 height width"],
    kernel: Kernel = "bicubic",
) -> Float[Tensor, "batch channels height width"]:
    """Look ``image`` up at ``p + motion(p)``, pixels beyond the border repeating the border.

    ``motion`` is in pixels of ``image``, x then y. ``bicubic`` is PyTorch's and ONNX's cubic
    convolution (Keys 1981, a = -0.75); ``catmull-rom`` is a = -0.5; ``lanczos2`` and
    ``lanczos3`` are normalised windowed sincs of 4 and 6 taps an axis. The kernels wider than
    the engines' own are sums of bilinear lookups, so that each exports to GridSample.
    """
    if kernel in ("bilinear", "bicubic"):
        return _lookup(image, sampling_grid(motion), kernel).to(image.dtype)
    return _warp_by_taps(image, motion, *_TAP_KERNELS[kernel]).to(image.dtype)


def sampling_grid(
    motion: Float[Tensor, "batch 2 height width"],
) -> Float[Tensor, "batch height width 2"]:
    """Positions ``p + motion(p)`` in grid_sample's coordinates (fp32, align_corners=False)."""
    height, width = motion.shape[-2:]
    scale, base = _grid_of_no_motion(height, width, motion.device)
    return (motion.float() * scale + base).permute(0, 2, 3, 1)


def warp_each(
    image: Float[Tensor, "batch 1 height width"],
    across: Float[Tensor, "batch motions height width"],
    down: Float[Tensor, "batch motions height width"],
) -> Float[Tensor, "batch motions height width"]:
    """``warp`` of one plane, bilinear, by several motions: one lookup, the image not repeated."""
    batch, count, height, width = across.shape
    scale, base = _grid_of_no_motion(height, width, image.device)
    x = across.float() * scale[:, :1] + base[:, :1]
    y = down.float() * scale[:, 1:] + base[:, 1:]
    # The motions below one another, as rows of one tall picture.
    grid = torch.cat([x, y], dim=1).reshape(batch, 2, count * height, width).permute(0, 2, 3, 1)
    return _lookup(image, grid, "bilinear").reshape(batch, count, height, width).to(image.dtype)


def _grid_of_no_motion(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """What a pixel is in grid_sample's units (1, 2, 1, 1), and where each pixel lies in them
    (1, 2, height, width): constants of a size, so that a lookup adds one multiplication."""
    scale = torch.tensor([2.0 / width, 2.0 / height], device=device).view(1, 2, 1, 1)
    columns, rows = _pixel_axes(height, width, device)
    # Column and row each with a zero in the other's plane: no stacking.
    nothing_x, nothing_y = torch.zeros_like(columns), torch.zeros_like(rows)
    base = torch.cat([columns, nothing_x], dim=1) + torch.cat([nothing_y, rows], dim=1)
    return scale, (base + 0.5) * scale - 1.0


def outside(
    motion: Float[Tensor, "batch 2 height width"],
) -> Float[Tensor, "batch 1 height width"]:
    """1 where ``p + motion(p)`` lies more than half a pixel outside the frame, else 0."""
    height, width = motion.shape[-2:]
    x, y = _positions(motion)
    beyond = (x < -0.5) | (x > width - 0.5) | (y < -0.5) | (y > height - 0.5)
    return beyond.to(motion.dtype).unsqueeze(1)


def _positions(motion: Tensor) -> tuple[Tensor, Tensor]:
    """Absolute fp32 pixel positions that the motion points at, each batch height width."""
    height, width = motion.shape[-2:]
    columns, rows = _pixel_axes(height, width, motion.device)
    return motion[:, 0].float() + columns[:, 0], motion[:, 1].float() + rows[:, 0]


def _pixel_axes(height: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Column numbers (1, 1, 1, width) and row numbers (1, 1, height, 1) in fp32."""
    columns = torch.arange(width, device=device, dtype=torch.float32).view(1, 1, 1, -1)
    rows = torch.arange(height, device=device, dtype=torch.float32).view(1, 1, -1, 1)
    return columns, rows


def _lookup(image: Tensor, grid: Tensor, mode: str) -> Tensor:
    return F.grid_sample(image.float(), grid, mode=mode, padding_mode="border", align_corners=False)


def _catmull_rom(distance: Tensor) -> Tensor:
    """Keys' cubic convolution kernel with a = -0.5 (IEEE TASSP 29(6), 1981, equation 15)."""
    d = distance.abs()
    near = (1.5 * d - 2.5) * d * d + 1.0
    far = ((-0.5 * d + 2.5) * d - 4.0) * d + 2.0
    return torch.where(d < 1.0, near, torch.where(d < 2.0, far, torch.zeros_like(d)))


def _lanczos(lobes: int) -> Callable[[Tensor], Tensor]:
    """sinc(d) sinc(d / lobes) within ``lobes`` pixels (Duchon, J. Applied Meteorology 18, 1979)."""

    def weight(distance: Tensor) -> Tensor:
        # sinc by its definition: torch.sinc has no ONNX form. 1e-4 px from the centre it is 1.
        d = torch.pi * distance.abs().clamp_min(1e-4)
        value = torch.sin(d) * torch.sin(d / lobes) * lobes / (d * d)
        return torch.where(distance.abs() < lobes, value, torch.zeros_like(value))

    return weight


_TAP_KERNELS: dict[str, tuple[int, Callable[[Tensor], Tensor]]] = {
    "catmull-rom": (2, _catmull_rom),
    "lanczos2": (2, _lanczos(2)),
    "lanczos3": (3, _lanczos(3)),
}


def _warp_by_taps(
    image: Tensor, motion: Tensor, radius: int, weight: Callable[[Tensor], Tensor]
) -> Tensor:
    """Separable kernel of ``2 radius`` taps an axis, as a weighted sum of bilinear lookups.

    The two central taps have weights of one sign, so one bilinear lookup between them gives
    both (Sigg and Hadwiger, GPU Gems 2, chapter 20); the outer taps are looked up one by one.
    """
    height, width = motion.shape[-2:]
    x, y = _positions(motion)
    result = torch.zeros_like(image, dtype=torch.float32)
    for row, row_weight in _axis_taps(y, radius, weight):
        grid_row = (row + 0.5) * (2.0 / height) - 1.0
        for column, column_weight in _axis_taps(x, radius, weight):
            grid = torch.stack([(column + 0.5) * (2.0 / width) - 1.0, grid_row], dim=-1)
            value = _lookup(image, grid, "bilinear")
            result = result + value * (row_weight * column_weight).unsqueeze(1)
    return result


def _axis_taps(
    position: Tensor, radius: int, weight: Callable[[Tensor], Tensor]
) -> list[tuple[Tensor, Tensor]]:
    """(position, weight) of each lookup along one axis; the weights sum to one."""
    first = torch.floor(position)
    fraction = position - first
    weights = {tap: weight(fraction - tap) for tap in range(1 - radius, radius + 1)}
    total = torch.stack(list(weights.values())).sum(dim=0)
    centre = weights[0] + weights[1]
    taps = [(first + weights[1] / centre, centre / total)]
    taps += [(first + tap, weights[tap] / total) for tap in weights if tap not in (0, 1)]
    return taps
