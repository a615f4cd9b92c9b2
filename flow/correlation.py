"""Local correlation as convolutions: what a convolutional flow network cannot learn quickly.

A network of plain convolutions had learned no motion after 500 steps; with products of nearby
features it halved its error in 450 (docs/LOG.md). Shifts are a depthwise convolution with one-hot
weights and the sum over channels is left to the pointwise convolution that follows, so the whole
is four convolutions and a product: no unfolding, no gathers, no volume of its own.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["LocalCorrelation"]


class LocalCorrelation(nn.Module):
    """Products of one frame's features with the other's, shifted by up to ``radius`` cells."""

    shift: Tensor
    spread: Tensor

    def __init__(self, features: int, channels: int, radius: int) -> None:
        super().__init__()
        self.channels, self.radius, side = channels, radius, 2 * radius + 1
        self.project = nn.Conv2d(features, channels, kernel_size=1)
        one_hot = torch.eye(side**2).view(side**2, 1, side, side)
        self.register_buffer("shift", one_hot.repeat(channels, 1, 1, 1), persistent=False)
        spread = torch.ones(channels * side**2, 1, 1, 1)
        self.register_buffer("spread", spread, persistent=False)

    @property
    def planes(self) -> int:
        """Channels of the result: channels x shifts, the shifts of one channel together."""
        return self.spread.shape[0]

    def forward(
        self,
        ours: Float[Tensor, "batch features height width"],
        theirs: Float[Tensor, "batch features height width"],
    ) -> Float[Tensor, "batch planes height width"]:
        shifted = F.conv2d(
            self._normal(theirs), self.shift, padding=self.radius, groups=self.channels
        )
        return shifted * F.conv2d(self._normal(ours), self.spread, groups=self.channels)

    def reading_weights(self, width: int) -> Tensor:
        """Weights (width, planes, 1, 1) for a pointwise convolution that reads correlations.

        The same for each channel of a shift, so that it starts out summing over channels.
        """
        shifts = self.planes // self.channels
        shared = torch.randn(width, 1, shifts) * (2.0 / shifts) ** 0.5 / self.channels
        return shared.expand(-1, self.channels, -1).reshape(width, self.planes, 1, 1)

    def _normal(self, features: Tensor) -> Tensor:
        """Projected and divided by the root mean square over channels (1e-3 survives fp16)."""
        x = self.project(features)
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-3)
