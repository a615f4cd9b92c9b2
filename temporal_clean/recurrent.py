"""The recurrent step: flow, warp, spatial cleaner, fusion, new state. One definition for all uses.

Training, evaluation, export and the engines all run this module unchanged. Read it first.
"""

from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow import Flow, FlowConfig, FlowNetwork, FlowPlanes, Kernel, warp
from temporal_clean.history import scene_cut, warp_picture
from temporal_clean.models import (
    FusionConfig,
    FusionNetwork,
    History,
    SpatialCleaner,
    SpatialConfig,
    luma,
)

__all__ = ["SIZES", "CleanerConfig", "Inspection", "RecurrentCleaner", "State"]


class State(NamedTuple):
    """All that one frame hands to the next.

    ``clean`` is the previous output, RGB in [0, 1]; ``hidden`` are features at 1/4 in [-1, 1];
    ``motion`` is the step's own, in cells of 4 pixels; ``valid`` is 1 where the rest means
    anything, 0 after a reset. The previous input is not kept: the output is known better, and the
    flow finds more in it (docs/LOG.md).
    """

    clean: Float[Tensor, "batch 3 height width"]
    hidden: Float[Tensor, "batch hidden height/4 width/4"]
    motion: Float[Tensor, "batch 2 height/4 width/4"]
    valid: Float[Tensor, "batch"]


class Inspection(NamedTuple):
    """The maps behind one step, for a person to look at.

    ``motion`` in pixels; ``doubt`` (1 everywhere without a usable past), ``mask`` and
    ``weight`` in [0, 1]; both surprises in nats a
    dimension at 1/8 resolution; ``spatial`` is the picture before fusion.
    """

    motion: Float[Tensor, "batch 2 height width"]
    doubt: Float[Tensor, "batch 1 height width"]
    spatial: Float[Tensor, "batch 3 height width"]
    mask: Float[Tensor, "batch 1 height width"]
    weight: Float[Tensor, "batch 1 height width"]
    spatial_surprise: Float[Tensor, "batch 1 height/8 width/8"]
    temporal_surprise: Float[Tensor, "batch 1 height/8 width/8"]


@dataclass(frozen=True)
class CleanerConfig:
    """The three networks' sizes and the kernel that resamples the previous clean frame."""

    flow: FlowConfig = field(default_factory=FlowConfig)
    spatial: SpatialConfig = field(default_factory=SpatialConfig)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    # Bilinear history loses half of the gradient energy (facts/quality.md); cubic keeps it.
    kernel: Kernel = "bicubic"


SIZES: dict[str, CleanerConfig] = {
    "fast": CleanerConfig(),
    "quality": CleanerConfig(
        # The same weights as in ``fast``: one three times its size found no better motion
        # (docs/LOG.md).
        flow=FlowConfig(cell=2),
        spatial=SpatialConfig(
            half=32,
            quarter=40,
            eighth=64,
            heads=4,
            blocks=2,
            stem_convolutions=1,
            half_convolutions=4,
        ),
        fusion=FusionConfig(hidden=24, half_convolutions=2, token=48),
    ),
}


class RecurrentCleaner(nn.Module):
    """``step(frame, state) -> (clean, state')``: causal, explicit state, no branch on data.

    With ``state.valid`` = 0 the output is exactly the spatial cleaner's. A scene cut is seen
    inside the step and does the same for that frame.
    """

    multiple_of: ClassVar[int] = 16
    minimum_size: ClassVar[int] = 64

    def __init__(self, config: CleanerConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or CleanerConfig()
        self.flow = FlowNetwork(config.flow)
        self.spatial = SpatialCleaner(config.spatial)
        self.fusion = FusionNetwork(config.fusion, config.spatial)

    def initial_state(self, frame: Float[Tensor, "batch 3 height width"]) -> State:
        """An empty, invalid state for frames like this one."""
        batch, _, height, width = frame.shape
        hidden = frame.new_zeros(batch, self.config.fusion.hidden, height // 4, width // 4)
        motion = frame.new_zeros(batch, 2, height // 4, width // 4)
        return State(torch.zeros_like(frame), hidden, motion, frame.new_zeros(batch))

    def forward(
        self, frame: Float[Tensor, "batch 3 height width"], state: State
    ) -> tuple[Float[Tensor, "batch 3 height width"], State]:
        """Clean one frame (RGB, display-encoded, [0, 1]; sizes multiples of ``multiple_of``)."""
        clean, state, _ = self.inspect(frame, state)
        return clean, state

    def inspect(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        state: State,
        flow: Flow | None = None,
    ) -> tuple[Float[Tensor, "batch 3 height width"], State, Inspection]:
        """The step with the maps behind it; ``flow`` replaces the network's own if given."""
        # Clean the frame by itself.
        spatial = self.spatial(frame)
        picture = self.spatial.picture(frame, spatial)

        # Where did each pixel come from, and which pixels have no past worth keeping? Two cleaned
        # pictures match better than a noisy one and a cleaned one (docs/LOG.md).
        cell = self.config.spatial.cell
        if flow is None:
            planes = self.flow(picture.detach(), state.clean, state.motion)
        else:
            planes = FlowPlanes.of(flow, cell)
        usable = state.valid.view(-1, 1, 1, 1) * (1.0 - scene_cut(picture, state.clean, planes))

        # Bring the past to the present: a sharp kernel for the picture, hidden features at 1/4.
        history = History(
            clean=warp_picture(state.clean, planes.motion, self.config.kernel),
            before=luma(state.clean),
            hidden=warp(state.hidden, planes.coarse_motion, "bilinear"),
            usable=usable,
            trust=usable * (1.0 - planes.doubt),
            coarse_trust=usable * (1.0 - planes.coarse_doubt),
        )

        # Weigh the past against the frame.
        fused = self.fusion(frame, spatial, history)
        motion = planes.coarse_motion * usable
        following = State(fused.clean, fused.hidden, motion, torch.ones_like(state.valid))
        maps = Inspection(
            planes.motion,
            F.pixel_shuffle(1.0 - history.trust, cell),
            picture,
            F.pixel_shuffle(spatial.mask, cell),
            F.pixel_shuffle(fused.weight, cell),
            spatial.surprise.nats,
            fused.surprise.nats,
        )
        return fused.clean, following, maps
