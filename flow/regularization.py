"""Motion smoothed where it is alike: the last step of the flow.

Solved motions scatter by a quarter of a pixel where the picture aliases, and history that comes
from there is blurred. Neighbours that move alike are averaged, others left out: a bilateral filter
(Tomasi and Manduchi, ICCV 1998) of motion, whose weights the network corrects.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.planes import taken_apart

__all__ = ["MotionFilter"]

# Cells from a cell to the neighbours that it is averaged with: nearer ones say less, and all 25
# within this distance no more than these eight (docs/LOG.md).
DISTANCE = 2
CELLS = 9
# Motions this far apart are never averaged; half precision holds the square many times.
FARTHEST = 4.0


class MotionFilter(nn.Module):
    """Each cell's motion averaged with eight around it by likeness and by what context says.

    Untrained: a bilateral filter of a quarter of a cell (docs/LOG.md has what that wins).
    """

    shifts: Tensor

    def __init__(self, context: int) -> None:
        super().__init__()
        # Squared distance of motions, in cells, to logits: 1 / (2 sigma^2) of sigma 0.25.
        self.strictness = nn.Parameter(torch.tensor(8.0))
        # For each of the nine places, and how much each cell is worth to its neighbours.
        self.places = nn.Conv2d(context, CELLS, kernel_size=1)
        self.worth = nn.Conv2d(context, 1, kernel_size=1, bias=False)
        assert self.places.bias is not None
        for parameter in (self.places.weight, self.places.bias, self.worth.weight):
            nn.init.zeros_(parameter)
        one_hot = torch.eye(CELLS).view(CELLS, 1, 3, 3)
        self.register_buffer("shifts", one_hot.repeat(3, 1, 1, 1), persistent=False)

    def forward(
        self,
        motion: Float[Tensor, "batch 2 height width"],
        context: Float[Tensor, "batch context height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """``motion`` in cells."""
        planes = torch.cat([motion, self.worth(context)], dim=1)
        bordered = F.pad(planes, (DISTANCE,) * 4, mode="replicate")
        cells = F.conv2d(bordered, self.shifts, dilation=DISTANCE, groups=3)
        across, down, worth = taken_apart(cells, 3)
        across, down = _from_centre(across), _from_centre(down)
        unlike = across * across + down * down
        logits = worth + self.places(context) - unlike * self.strictness
        weights = torch.softmax(logits, dim=1)
        shift = [(weights * part).sum(dim=1, keepdim=True) for part in (across, down)]
        return motion + torch.cat(shift, dim=1)


def _from_centre(cells: Tensor) -> Tensor:
    middle = CELLS // 2
    return (cells - cells[:, middle : middle + 1]).clamp(-FARTHEST, FARTHEST)
