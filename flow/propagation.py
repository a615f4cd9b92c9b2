"""Motions of neighbours tried out: each cell keeps what explains it best.

Solving finds the nearest minimum. Where it is the wrong one, a neighbour has often found the right
one, and what stands still (a HUD, a weapon in view) moves by none at all: the random search's
propagation of PatchMatch (Barnes et al., SIGGRAPH 2009), with a soft choice that has a gradient.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

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

    def forward(
        self,
        ours: Float[Tensor, "batch 1 height width"],
        theirs: Float[Tensor, "batch 1 height width"],
        motion: Float[Tensor, "batch 2 height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """Motion in pixels of these pictures (luma)."""
        across, down = (_candidates(plane) for plane in motion.split(1, dim=1))
        missed = box_mean((warp_each(theirs, across, down) - ours).abs(), WINDOW)
        contrast = box_mean((ours - box_mean(ours, WINDOW)).abs(), WINDOW) + LEAST_CONTRAST
        weights = torch.softmax(missed / contrast * -DECISION, dim=1)
        chosen = [(weights * part).sum(dim=1, keepdim=True) for part in (across, down)]
        return torch.cat(chosen, dim=1)


def _candidates(motion: Tensor) -> Tensor:
    """(batch, 6, height, width) of one component (batch, 1, height, width)."""
    height, width = motion.shape[-2:]
    spread = F.pad(motion, (DISTANCE,) * 4, mode="replicate")
    near, here, far = 0, DISTANCE, 2 * DISTANCE
    corners = ((here, near), (here, far), (near, here), (far, here))
    neighbours = [spread[..., y : y + height, x : x + width] for y, x in corners]
    return torch.cat([motion, *neighbours, torch.zeros_like(motion)], dim=1)
