"""Motions of neighbours tried out: each cell keeps what explains it best.

Solving finds the nearest minimum. Where it is the wrong one, a neighbour has often found the right
one, and what stands still (a HUD, a weapon in view) moves by none at all: the random search's
propagation of PatchMatch (Barnes et al., SIGGRAPH 2009), with a soft choice that has a gradient.
"""

from functools import reduce

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.lucas_kanade import SCALE
from temporal_clean.flow.planes import taken_apart
from temporal_clean.flow.pooling import box_mean
from temporal_clean.flow.warping import warp_each

__all__ = ["Propagation"]

# Cells between a cell and the neighbours it asks: nearer ones are too alike (docs/LOG.md).
DISTANCE = 4
# Motions that a cell chooses from.
CANDIDATES = 6
# Cells of the window that a candidate must explain.
WINDOW = 5
# A candidate that misses a twentieth of the window's contrast more weighs a third (e^-1).
DECISION = 20.0
# Contrast by slopes: of both directions' mean slope, as much as a picture differs from its mean
# over the window in games (docs/LOG.md). Below two codes of 255 it is noise and decides nothing.
OF_SLOPES, LEAST_CONTRAST = 0.7, 2.0 / 255.0 * SCALE


class Propagation(nn.Module):
    """Own motion, those of four neighbours, and none: weighed by what each leaves unexplained."""

    shifts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shifts", _shifts(), persistent=False)

    def forward(
        self,
        ours: Float[Tensor, "batch 3 height width"],
        theirs: Float[Tensor, "batch 3 height width"],
        motion: Float[Tensor, "batch 2 height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """Motion in pixels of these pictures, which are as ``light_and_slopes`` gives them."""
        light, right, below = ours.chunk(3, dim=1)
        across, down = self._candidates(motion)
        missed = (warp_each(theirs[:, :1], across, down) - light).abs()
        texture = (right.abs() + below.abs()) * OF_SLOPES
        means = box_mean(torch.cat([missed, texture], dim=1), WINDOW)
        contrast = means[:, -1:] + LEAST_CONTRAST
        return _chosen(means[:, :-1] / contrast * -DECISION, across, down)

    def _candidates(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 6, height, width) of each component, in one convolution."""
        candidates = F.conv2d(motion, self.shifts, padding=DISTANCE, dilation=DISTANCE)
        across, down = taken_apart(candidates, 2)
        return across, down


def _chosen(logits: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Motions weighed by the softmax of their logits, plane by plane: engines fuse that into one
    pass, where a softmax over channels takes two (docs/LOG.md)."""
    planes = [taken_apart(part, CANDIDATES) for part in (logits, across, down)]
    best = reduce(torch.maximum, planes[0])
    weights = [torch.exp(plane - best) for plane in planes[0]]
    sums = [
        reduce(torch.add, [w * part for w, part in zip(weights, parts, strict=True)])
        for parts in planes[1:]
    ]
    return torch.cat(sums, dim=1) / reduce(torch.add, weights)


def _shifts() -> Tensor:
    """One-hot weights (12, 2, 3, 3): here, left, right, up, down, and nothing, of each component.
    Beyond the border nothing moves.

    Not in groups: ONNX Runtime's WebGPU plugin (0.4) goes wrong with six planes a group
    (docs/LOG.md).
    """
    shifts = torch.zeros(2, CANDIDATES, 2, 3, 3)
    for component in range(2):
        for index, (y, x) in enumerate(((1, 1), (1, 0), (1, 2), (0, 1), (2, 1))):
            shifts[component, index, component, y, x] = 1.0
    return shifts.flatten(0, 1)
