"""Motions of neighbours tried out: each cell keeps what explains it best.

Solving finds the nearest minimum. Where it is the wrong one, a neighbour has often found the right
one, and what stands still (a HUD, a weapon in view) moves by none at all: the random search's
propagation of PatchMatch (Barnes et al., SIGGRAPH 2009), with a soft choice that has a gradient.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.planes import taken_apart
from temporal_clean.flow.pooling import box_mean
from temporal_clean.flow.warping import warp_each

__all__ = ["Propagation"]

# Cells between a cell and the neighbours it asks: nearer ones are too alike (docs/LOG.md).
DISTANCE = 4
# Cells of the window that a candidate must explain.
WINDOW = 5
# A candidate that misses a twentieth of the window's contrast more weighs a third (e^-1).
DECISION = 20.0
# Contrast below two codes of 255 is noise and decides nothing.
LEAST_CONTRAST = 2.0 / 255.0


class Propagation(nn.Module):
    """Own motion, those of four neighbours, and none: weighed by what each leaves unexplained."""

    shifts: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("shifts", _shifts(), persistent=False)

    def forward(
        self,
        lights: Float[Tensor, "batch 2 height width"],
        motion: Float[Tensor, "batch 2 height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """Motion in pixels of these pictures: luma of the current frame and of the previous one."""
        ours, theirs = lights.chunk(2, dim=1)
        across, down = self._candidates(motion)
        missed = (warp_each(theirs, across, down) - ours).abs()
        texture = (lights - box_mean(lights, WINDOW))[:, :1].abs()
        means = box_mean(torch.cat([missed, texture], dim=1), WINDOW)
        contrast = means[:, -1:] + LEAST_CONTRAST
        weights = torch.softmax(means[:, :-1] / contrast * -DECISION, dim=1)
        chosen = [(weights * part).sum(dim=1, keepdim=True) for part in (across, down)]
        return torch.cat(chosen, dim=1)

    def _candidates(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 6, height, width) of each component, in one convolution."""
        candidates = F.conv2d(motion, self.shifts, padding=DISTANCE, dilation=DISTANCE)
        across, down = taken_apart(candidates, 2)
        return across, down


def _shifts() -> Tensor:
    """One-hot weights (12, 2, 3, 3): here, left, right, up, down, and nothing, of each component.
    Beyond the border nothing moves.

    Not in groups: ONNX Runtime's WebGPU plugin (0.4) goes wrong with six planes a group
    (docs/LOG.md).
    """
    shifts = torch.zeros(2, 6, 2, 3, 3)
    for component in range(2):
        for index, (y, x) in enumerate(((1, 1), (1, 0), (1, 2), (0, 1), (2, 1))):
            shifts[component, index, component, y, x] = 1.0
    return shifts.flatten(0, 1)
