"""One Gauss-Newton step of Lucas and Kanade (IJCAI 1981) as a layer: sub-pixel motion by solving.

A small network that has to learn from scratch how far a gradient moves stays far behind classical
flow; what it does well is to say where to start and where to believe the answer. Here the motion
comes from the pictures' own gradients, and the network gates it (docs/LOG.md has the figures).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.pooling import enlarged, from_borders, smoothed
from temporal_clean.flow.warping import warp

__all__ = ["LucasKanade"]

# Luma is enlarged in value, so that products of its gradients stay in half precision.
SCALE = 28.0
# Damping: a share of the texture, which bounds the quotient in half precision, and a little more,
# so that what has no texture does not move (Levenberg, 1944). Four times as much stops short
# (docs/LOG.md).
SHARE, FLOOR = 0.005, 0.01
# Of one step, in pixels of the level: farther the gradients mean nothing.
FARTHEST = 1.0
# Belief spread over the neighbours below which steps shrink.
LITTLE = 0.1


class LucasKanade(nn.Module):
    """A step of motion for each cell of ``stride`` x ``stride`` pixels, from a window around it.

    The window is warped by the motions of all its pixels but solved for one: unless these are
    alike, steps drift apart, and the warp with them. So motion is smoothed before a step, and
    steps are averaged by how far each is believed (docs/LOG.md).
    """

    factors: Tensor
    window: Tensor

    def __init__(self, stride: int = 1, reach: int = 3) -> None:
        super().__init__()
        self.stride = stride
        self.register_buffer("factors", _factors(), persistent=False)
        # As odd or even as the stride: centred on the cell.
        self.register_buffer("window", _window((2 * reach + 1) * stride, 5), persistent=False)

    def forward(
        self,
        ours: Float[Tensor, "batch 1 height width"],
        theirs: Float[Tensor, "batch 1 height width"],
        motion: Float[Tensor, "batch 2 rows columns"],
        belief: Float[Tensor, "batch 1 rows columns"],
    ) -> Float[Tensor, "batch 2 rows columns"]:
        """A better motion, as ``motion`` in pixels of these pictures (luma), one a cell.

        ``belief`` in [0, 1] is of each cell's own solution.
        """
        motion = smoothed(motion)
        warped = warp(theirs, enlarged(motion, self.stride), "bilinear")
        both = torch.cat([ours, warped], dim=1)
        across, down, error = F.conv2d(both, self.factors, padding=1).chunk(3, dim=1)
        pairs = (across * across, across * down, down * down, across * error, down * error)
        columns, rows = _known(ours)
        products = torch.cat(pairs, dim=1) * columns * rows
        side = self.window.shape[-1]
        border = (side - self.stride) // 2
        sums = F.conv2d(products, self.window, stride=self.stride, padding=border, groups=5)
        xx, xy, yy, xe, ye = sums.chunk(5, dim=1)
        damping = (xx + yy) * SHARE + FLOOR
        xx, yy = xx + damping, yy + damping
        scale = 1.0 / (xx * yy - xy * xy)
        step = torch.cat([(yy * xe - xy * ye) * scale, (xx * ye - xy * xe) * scale], dim=1)
        step = step.clamp(-FARTHEST, FARTHEST)
        believed = torch.cat([step * belief, belief], dim=1)
        spread = smoothed(believed)
        return motion + spread[:, :2] / (spread[:, 2:] + LITTLE)


def _window(side: int, planes: int) -> Tensor:
    """Depthwise weights of a Hann window, which sum to one."""
    profile = torch.hann_window(side + 2, periodic=False)[1:-1]
    window = torch.outer(profile, profile) / profile.sum() ** 2
    return window.expand(planes, 1, side, side).clone()


def _known(x: Tensor) -> tuple[Tensor, Tensor]:
    """For xx, xy, yy, xe, ye, across and down: 0 at the borders that a gradient lacks a side at."""
    across, down = (inside - 1.0 for inside in from_borders(x, 1))
    one_x, one_y = torch.ones_like(across), torch.ones_like(down)
    columns = torch.cat([across, across, one_x, across, one_x], dim=1)
    return columns, torch.cat([one_y, down, down, one_y, down], dim=1)


def _factors() -> Tensor:
    """Weights from both pictures to what a solution is made of: central differences of their mean,
    across and down, and their own difference. One convolution in place of many slices and sums.
    """
    across, down, error = torch.zeros(3, 2, 3, 3)
    across[:, 1, 0], across[:, 1, 2] = -0.25, 0.25
    down[:, 0, 1], down[:, 2, 1] = -0.25, 0.25
    error[0, 1, 1], error[1, 1, 1] = 1.0, -1.0
    return torch.stack([across, down, error]) * SCALE
