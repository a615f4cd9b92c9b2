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
from temporal_clean.flow.pooling import enlarged, from_borders
from temporal_clean.flow.warping import warp

__all__ = ["LucasKanade", "light_and_slopes"]

# Luma is enlarged in value: products of faint slopes stay clear of half precision's smallest
# numbers, and products of steep ones with motions of 2,000 pixels of its largest.
SCALE = 8.0
# Damping, as a share of the texture and a little more: what has no texture does not move
# (Levenberg, 1944). A quarter of the latter would be a little better, but rounding grows where
# motion is ambiguous, and engines differ (docs/LOG.md).
SHARE, LEAST_TEXTURE = 0.05, 0.016
# Of one step, in pixels of the level: farther the gradients mean nothing.
FARTHEST = 1.0


class LucasKanade(nn.Module):
    """A step of motion for each cell of ``stride`` x ``stride`` pixels, from a window around it.

    Each pixel of the window is warped by its own motion and says where its light is found from
    there on: what is solved for is the cell's motion, not a step common to motions that differ.
    With a common step, motions of neighbours drift apart unless each step smooths them
    (docs/LOG.md).

    The window is ``side`` pixels wide, as odd or even as the stride, ``dilation`` apart: twice as
    wide is better, and gaps cost nothing. With a stride of 2 leave none: the window would lie off
    the cell's centre.
    """

    window: Tensor

    def __init__(self, side: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.stride, self.dilation = stride, dilation
        self.register_buffer("window", _window(side, 5), persistent=False)

    def forward(
        self,
        ours: Float[Tensor, "batch 3 height width"],
        theirs: Float[Tensor, "batch 3 height width"],
        motion: Float[Tensor, "batch 2 rows columns"],
        belief: Float[Tensor, "batch 1 height width"],
    ) -> Float[Tensor, "batch 2 rows columns"]:
        """A better motion, as ``motion`` in pixels of these pictures, one a cell.

        Both pictures as ``light_and_slopes`` gives them; ``belief`` in [0, 1] is how much each
        pixel counts.
        """
        here = enlarged(motion, self.stride)
        # Slopes are warped with the light, in place of slopes of the warped picture; the mean of
        # both pictures' converges in fewer steps than either's (Malis, ICRA 2004).
        warped = warp(theirs, here, "bilinear")
        light, across, down = ours.chunk(3, dim=1)
        their_light, their_across, their_down = warped.chunk(3, dim=1)
        across, down = (across + their_across) * 0.5, (down + their_down) * 0.5
        x, y = here.chunk(2, dim=1)
        sought = light - their_light + across * x + down * y
        some_across, some_down = across * belief, down * belief
        products = [some_across * across, some_across * down, some_down * down]
        products += [some_across * sought, some_down * sought]
        xx, xy, yy, xs, ys = taken_apart(self._over_window(torch.cat(products, dim=1)), 5)

        # From the cell's own motion, all as shares of its texture: half precision can divide them.
        x, y = motion.chunk(2, dim=1)
        share = 1.0 / (xx + yy + LEAST_TEXTURE)
        right, below = (xs - xx * x - xy * y) * share, (ys - xy * x - yy * y) * share
        xx, xy, yy = xx * share + SHARE, xy * share, yy * share + SHARE
        scale = 1.0 / (xx * yy - xy * xy)
        step = torch.cat([(yy * right - xy * below) * scale, (xx * below - xy * right) * scale], 1)
        return motion + step.clamp(-FARTHEST, FARTHEST)

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
    kernel = torch.zeros(3, 3, 3, dtype=lights.dtype, device=lights.device)
    kernel[0, 1, 1] = SCALE
    kernel[1, 1, 0], kernel[1, 1, 2] = -SCALE / 2, SCALE / 2
    kernel[2, 0, 1], kernel[2, 2, 1] = -SCALE / 2, SCALE / 2
    # Not in groups: each would read one plane, which engines copy together anew (docs/LOG.md).
    own = torch.eye(2, dtype=lights.dtype, device=lights.device).view(2, 1, 2, 1, 1)
    weight = (own * kernel.view(1, 3, 1, 3, 3)).flatten(0, 1)
    planes = F.conv2d(lights, weight, padding=1)
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
