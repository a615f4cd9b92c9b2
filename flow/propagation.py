"""Motions of neighbours tried out: each cell keeps what explains it best.

Solving finds the nearest minimum. Where it is the wrong one, a neighbour has often found the right
one, and what stands still (a HUD, a weapon in view) moves by none at all: the random search's
propagation of PatchMatch (Barnes et al., SIGGRAPH 2009), with a soft choice that has a gradient.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.warping import warp

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

    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.full((1, 1, WINDOW, WINDOW), 1.0 / WINDOW**2)
        self.register_buffer("window", window, persistent=False)

    def forward(
        self,
        ours: Float[Tensor, "batch 1 height width"],
        theirs: Float[Tensor, "batch 1 height width"],
        motion: Float[Tensor, "batch 2 height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """Motion in pixels of these pictures (luma)."""
        # Candidates as items of the batch: one lookup and one convolution for all of them.
        candidates = _candidates(motion)
        count = len(candidates)
        warped = warp(torch.cat([theirs] * count), torch.cat(candidates), "bilinear")
        missed = self._mean((warped - torch.cat([ours] * count)).abs())
        contrast = self._mean((ours - self._mean(ours)).abs()) + LEAST_CONTRAST
        costs = torch.cat(missed.chunk(count), dim=1) / contrast
        weights = torch.softmax(costs * -DECISION, dim=1)
        chosen = [w * c for w, c in zip(weights.chunk(count, dim=1), candidates, strict=True)]
        return sum(chosen[1:], chosen[0])

    def _mean(self, x: Tensor) -> Tensor:
        reach = WINDOW // 2
        return F.conv2d(F.pad(x, (reach,) * 4, mode="replicate"), self.window)


def _candidates(motion: Tensor) -> list[Tensor]:
    height, width = motion.shape[-2:]
    spread = F.pad(motion, (DISTANCE,) * 4, mode="replicate")
    near, here, far = 0, DISTANCE, 2 * DISTANCE
    corners = ((here, near), (here, far), (near, here), (far, here))
    neighbours = [spread[..., y : y + height, x : x + width] for y, x in corners]
    return [motion, *neighbours, torch.zeros_like(motion)]
