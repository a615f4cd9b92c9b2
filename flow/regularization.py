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

# Cells to each side, and of the whole window's side.
REACH = 2
SIDE = 2 * REACH + 1
# Motions this far apart are never averaged; half precision holds the square many times.
FARTHEST = 4.0


class MotionFilter(nn.Module):
    """Each cell's motion averaged over a window of 5x5 cells by likeness and by what context says.

    Untrained: a bilateral filter of a quarter of a cell (docs/LOG.md has what that wins).
    """

    shifts: Tensor

    def __init__(self, context: int) -> None:
        super().__init__()
        # Squared distance of motions, in cells, to logits: 1 / (2 sigma^2) of sigma 0.25.
        self.strictness = nn.Parameter(torch.tensor(8.0))
        # For each place of the window, and how much each cell is worth to its neighbours.
        self.places = nn.Conv2d(context, SIDE**2, kernel_size=1)
        self.worth = nn.Conv2d(context, 1, kernel_size=1)
        for convolution in (self.places, self.worth):
            nn.init.zeros_(convolution.weight)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
        self.register_buffer("shifts", torch.eye(SIDE), persistent=False)

    def forward(
        self,
        motion: Float[Tensor, "batch 2 height width"],
        context: Float[Tensor, "batch context height width"],
    ) -> Float[Tensor, "batch 2 height width"]:
        """``motion`` in cells."""
        across, down, worth = self._windows(torch.cat([motion, self.worth(context)], dim=1))
        across, down = _from_centre(across), _from_centre(down)
        unlike = across * across + down * down
        logits = worth + self.places(context) - unlike * self.strictness
        weights = torch.softmax(logits, dim=1)
        shift = [(weights * part).sum(dim=1, keepdim=True) for part in (across, down)]
        return motion + torch.cat(shift, dim=1)

    def _windows(self, planes: Tensor) -> tuple[Tensor, ...]:
        """Every cell of the window (25 planes) of each plane: its rows, then their columns."""
        count = planes.shape[1]
        bordered = F.pad(planes, (REACH,) * 4, mode="replicate")
        rows, columns = self.shifts.view(-1, 1, SIDE, 1), self.shifts.view(-1, 1, 1, SIDE)
        by_row = F.conv2d(bordered, rows.repeat(count, 1, 1, 1), groups=count)
        groups = count * SIDE
        cells = F.conv2d(by_row, columns.repeat(groups, 1, 1, 1), groups=groups)
        return cells.chunk(count, dim=1)


def _from_centre(cells: Tensor) -> Tensor:
    middle = SIDE**2 // 2
    return (cells - cells[:, middle : middle + 1]).clamp(-FARTHEST, FARTHEST)
