"""Steered filters: small fixed filters of the frame, each pixel weighing them by its own choice.

A network at a quarter of the size sees what should be smoothed along which direction long before
it can draw the pixels of it. So it predicts weights, and the pixels come from the frame: kernel
prediction (Bako et al., SIGGRAPH 2017) in a basis of second differences along rows and columns.
Positive weights smooth along that direction, negative ones sharpen. Diagonals and wider differences
brought nothing more (docs/LOG.md).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.models.neighbourhood import luma
from temporal_clean.models.phases import PhaseHead

__all__ = ["SteeredFilters"]


class SteeredFilters(nn.Module):
    """A correction of luma, in phases of ``cell`` x ``cell``: zero until trained."""

    bank: Tensor

    def __init__(self, channels: int, cell: int) -> None:
        super().__init__()
        self.cell = cell
        self.weights = PhaseHead(channels, planes=2, cell=cell)
        self.register_buffer("bank", _second_differences(cell), persistent=False)

    def forward(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        features: Float[Tensor, "batch channels rows columns"],
    ) -> Float[Tensor, "batch phases rows columns"]:
        """``frame`` is RGB in [0, 1] and ``cell`` times the size of ``features``."""
        bordered = F.pad(luma(frame), (1, 1, 1, 1), mode="replicate")
        filtered = self.weights(features) * F.conv2d(bordered, self.bank, stride=self.cell)
        along_rows, along_columns = filtered.chunk(2, dim=1)
        return along_rows + along_columns


def _second_differences(cell: int) -> Tensor:
    """(before - 2 here + after) / 4 at each phase: (2 x phases, 1, cell + 2, cell + 2).

    A quarter, so that a weight of one along rows and columns is the binomial [1 2 1] filter.
    """
    bank = torch.zeros(2, cell, cell, cell + 2, cell + 2)
    for index, (down, right) in enumerate(((0, 1), (1, 0))):
        for row in range(cell):
            for column in range(cell):
                y, x = row + 1, column + 1
                bank[index, row, column, y, x] = -0.5
                bank[index, row, column, y + down, x + right] = 0.25
                bank[index, row, column, y - down, x - right] = 0.25
    return bank.reshape(2 * cell**2, 1, cell + 2, cell + 2)
