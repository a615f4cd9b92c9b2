"""The records that flows in this project give."""

from typing import NamedTuple

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from temporal_clean.flow.pooling import block_mean

__all__ = ["Flow", "FlowPlanes"]


class Flow(NamedTuple):
    """Where each pixel of the current frame was in the previous one, and how far to believe it.

    ``motion`` is in pixels, x then y: the content at ``p`` in the current frame lay at
    ``p + motion(p)`` in the previous frame, so warping the previous frame is a backward lookup.
    ``doubt`` in [0, 1] is how likely the warp is wrong there: disocclusion, transparency, a
    flow error, or a place outside the previous frame.
    """

    motion: Float[Tensor, "batch 2 height width"]
    doubt: Float[Tensor, "batch 1 height width"]


class FlowPlanes(NamedTuple):
    """The same flow in the layouts that the recurrent step computes in.

    ``doubt`` is in phases: the ``cell`` x ``cell`` sub-positions of a cell are channels, in
    pixel_shuffle's order, because engines run gates faster so. The coarse planes are at 1/4,
    their motion in pixels of that size.
    """

    motion: Float[Tensor, "batch 2 height width"]
    doubt: Float[Tensor, "batch phases height/cell width/cell"]
    coarse_motion: Float[Tensor, "batch 2 height/4 width/4"]
    coarse_doubt: Float[Tensor, "batch 1 height/4 width/4"]

    @classmethod
    def of(cls, flow: Flow, cell: int) -> "FlowPlanes":
        """The planes of any flow, for a step whose gates live in cells of ``cell`` pixels."""
        return cls(
            flow.motion,
            F.pixel_unshuffle(flow.doubt, cell),
            block_mean(flow.motion, 4) * 0.25,
            block_mean(flow.doubt, 4),
        )

    def full(self, cell: int) -> Flow:
        """The flow with doubt at full resolution."""
        return Flow(self.motion, F.pixel_shuffle(self.doubt, cell))
