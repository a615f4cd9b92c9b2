"""Full-resolution planes kept as phases: sub-positions of a cell as channels.

Gates and corrections are computed where the features are, at 1/2 or 1/4, and only their last
combination is shuffled to full resolution: engines pay for each full-size plane (docs/LOG.md).
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["PhaseHead", "bounded_gate", "for_each_colour"]

# Gates never close or open wholly: at 0 and 1 their gradient dies, and training collapsed there.
LOWEST_GATE, HIGHEST_GATE = 0.02, 0.98


class PhaseHead(nn.Module):
    """One pointwise convolution to ``planes`` planes in phases, each starting as ``bias``."""

    def __init__(self, channels: int, planes: int, cell: int, bias: float = 0.0) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, planes * cell**2, kernel_size=1)
        with torch.no_grad():
            self.convolution.weight.zero_()
            self.convolution.bias.fill_(bias)  # type: ignore[union-attr]

    def forward(self, features: Float[Tensor, "batch channels height width"]) -> Tensor:
        """(batch, planes x cell x cell, height, width), in pixel_shuffle's order."""
        return self.convolution(features)


def bounded_gate(logit: Tensor) -> Tensor:
    """A sigmoid kept within [LOWEST_GATE, HIGHEST_GATE]."""
    return LOWEST_GATE + (HIGHEST_GATE - LOWEST_GATE) * torch.sigmoid(logit)


def for_each_colour(gate: Tensor) -> Tensor:
    """One plane's phases, three times over: a gate for the phases of an RGB correction."""
    return torch.cat([gate, gate, gate], dim=1)
