"""Motion smoothed where it is alike: the last step of the flow.

Solved motions scatter by a quarter of a pixel where the picture aliases, and history that comes
from there is blurred. Neighbours that move alike are averaged, others left out: a bilateral filter
(Tomasi and Manduchi, ICCV 1998) of motion, whose weights the network corrects.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["MotionFilter"]

# Cells to each side.
REACH = 2
# Motions this far apart are never averaged; half precision holds the square many times.
FARTHEST = 4.0


class MotionFilter(nn.Module):
    """Each cell's motion averaged over a window of 5x5 cells by likeness and by what context says.

    Untrained: a bilateral filter of a quarter of a cell (docs/LOG.md has what that wins).
    """

    taps: Tensor

    def __init__(self, context: int) -> None:
        super().__init__()
        side = 2 * REACH + 1
        # Squared distance of motions, in cells, to logits: 1 / (2 sigma^2) of sigma 0.25.
        self.strictness = nn.Parameter(torch.tensor(8.0))
        # For each place of the window, and how much each cell is worth to its neighbours.
        self.places = nn.Conv2d(context, side**2, kernel_size=1)
        self.worth = nn.Conv2d(context, 1, kernel_size=1)
        for convolution in (self.places, self.worth):
            nn.init.zeros_(convolution.weight)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
        self.register_buffer("taps", _taps(side), persistent=False)

    def forward(
        self,
        motion: Float[Tensor, "batch 2 height width"],
        context: Float[Tensor, "batch context height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """``motion`` in cells."""
        bordered = F.pad(
            torch.cat([motion, self.worth(context)], 1), (REACH,) * 4, mode="replicate"
        )
        across, down, worth = F.conv2d(bordered, self.taps, groups=3).chunk(3, dim=1)
        across, down = across.clamp(-FARTHEST, FARTHEST), down.clamp(-FARTHEST, FARTHEST)
        unlike = across * across + down * down
        logits = worth + self.places(context) - unlike * self.strictness
        weights = torch.softmax(logits, dim=1)
        shift = [(weights * part).sum(dim=1, keepdim=True) for part in (across, down)]
        return motion + torch.cat(shift, dim=1)


def _taps(side: int) -> Tensor:
    """Depthwise weights that pick each cell of the window, motions less the centre's."""
    picked = torch.eye(side**2).view(side**2, 1, side, side)
    differences = picked - picked[side**2 // 2]
    return torch.cat([differences, differences, picked])
