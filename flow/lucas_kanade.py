"""One Gauss-Newton step of Lucas and Kanade (IJCAI 1981) as a layer: sub-pixel motion by solving.

A small network that has to learn from scratch how far a gradient moves stays far behind classical
flow; what it does well is to say where to start and where to believe the answer. Here the motion
comes from the pictures' own gradients, and the network gates it (docs/LOG.md has the figures).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.planes import taken_apart
from temporal_clean.flow.pooling import enlarged, from_borders, smoothed
from temporal_clean.flow.warping import warp

__all__ = ["LucasKanade", "light_and_slopes"]

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
    alike, steps drift apart, and the warp with them. So motion is smoothed as steps are, these
    averaged by how far each is believed (docs/LOG.md).

    The window reaches ``reach`` cells to each side, ``dilation`` times that far with gaps between
    its pixels: twice as wide is better, and the gaps cost nothing (docs/LOG.md). With a stride of 2
    leave no gaps: the window would lie off the cell's centre.
    """

    window: Tensor

    def __init__(self, stride: int = 1, reach: int = 3, dilation: int = 1) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        # As odd or even as the stride: centred on the cell.
        self.register_buffer("window", _window((2 * reach + 1) * stride, 5), persistent=False)

    def forward(
        self,
        ours: Float[Tensor, "batch 3 height width"],
        theirs: Float[Tensor, "batch 3 height width"],
        motion: Float[Tensor, "batch 2 rows columns"],
        belief: Float[Tensor, "batch 1 rows columns"],
    ) -> Float[Tensor, "batch 2 rows columns"]:
        """A better motion, as ``motion`` in pixels of these pictures, one a cell.

        Both pictures as ``light_and_slopes`` gives them; ``belief`` in [0, 1] is of each cell's own
        solution.
        """
        # Slopes are warped with the light, in place of slopes of the warped picture; the mean of
        # both pictures' converges in fewer steps than either's (Malis, ICRA 2004).
        warped = warp(theirs, enlarged(motion, self.stride), "bilinear")
        light, across, down = ours.chunk(3, dim=1)
        their_light, their_across, their_down = warped.chunk(3, dim=1)
        error = light - their_light
        across, down = (across + their_across) * 0.5, (down + their_down) * 0.5
        pairs = (across * across, across * down, down * down, across * error, down * error)
        xx, xy, yy, xe, ye = taken_apart(self._over_window(torch.cat(pairs, dim=1)), 5)
        damping = (xx + yy) * SHARE + FLOOR
        xx, yy = xx + damping, yy + damping
        scale = 1.0 / (xx * yy - xy * xy)
        step = torch.cat([(yy * xe - xy * ye) * scale, (xx * ye - xy * xe) * scale], dim=1)
        step = step.clamp(-FARTHEST, FARTHEST)
        spread = smoothed(torch.cat([motion, step * belief, belief], dim=1))
        return spread[:, :2] + spread[:, 2:4] / (spread[:, 4:] + LITTLE)

    def _over_window(
        self, products: Float[Tensor, "batch 5 height width"]
    ) -> Float[Tensor, "batch 5 rows columns"]:
        border = self.dilation * (self.window.shape[-1] - self.stride) // 2
        return F.conv2d(
            products,
            self.window,
            stride=self.stride,
            padding=border,
            dilation=self.dilation,
            groups=len(self.window),
        )


def light_and_slopes(
    lights: Float[Tensor, "batch 2 height width"],
) -> tuple[Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 3 height width"]]:
    """What the solver compares of two pictures' luma: it and its central differences, enlarged in
    value. One convolution for both; a slope is 0 at the borders that it lacks a side at."""
    weight = torch.zeros(3, 1, 3, 3, dtype=lights.dtype, device=lights.device)
    weight[0, 0, 1, 1] = 1.0
    weight[1, 0, 1, 0], weight[1, 0, 1, 2] = -0.5, 0.5
    weight[2, 0, 0, 1], weight[2, 0, 2, 1] = -0.5, 0.5
    planes = F.conv2d(lights, (weight * SCALE).repeat(2, 1, 1, 1), padding=1, groups=2)
    across, down = (inside - 1.0 for inside in from_borders(lights, 1))
    all_x, all_y = torch.ones_like(across), torch.ones_like(down)
    columns = torch.cat([all_x, across, all_x] * 2, dim=1)
    rows = torch.cat([all_y, all_y, down] * 2, dim=1)
    ours, theirs = taken_apart(planes * columns * rows, 2)
    return ours, theirs


def _window(side: int, planes: int) -> Tensor:
    """Depthwise weights of a Hann window, which sum to one."""
    profile = torch.hann_window(side + 2, periodic=False)[1:-1]
    window = torch.outer(profile, profile) / profile.sum() ** 2
    return window.expand(planes, 1, side, side).clone()
