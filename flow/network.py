"""The light flow network: motion solved from coarse to fine, guided by a look at the frame.

At each level steps of Lucas and Kanade bring the motion to where the pictures agree, and each cell
tries its neighbours' motions. What a network is good for is to say where these answers are to be
believed; that it sees in the frame alone. Corrections of motion by features of both frames, as in
intermediate-flow networks, brought nothing beside the solver (docs/LOG.md). The search sets out
from the motion of the step before: a game's camera goes on turning.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.lucas_kanade import LucasKanade, light_and_slopes
from temporal_clean.flow.pooling import block_mean, enlarged, smoothed
from temporal_clean.flow.propagation import Propagation
from temporal_clean.flow.record import Flow, FlowPlanes
from temporal_clean.flow.regularization import MotionFilter
from temporal_clean.flow.warping import outside, warp

__all__ = ["FlowConfig", "FlowNetwork"]


@dataclass(frozen=True)
class FlowConfig:
    """Sizes at 1/4, 1/8 and 1/16: channels of features and of what looks at them, 3x3 convolutions
    there; ``solves`` are the steps of Lucas and Kanade at each level before propagation, and on
    pictures of half the size before the last filter."""

    features: tuple[int, int, int] = (24, 32, 48)
    widths: tuple[int, int, int] = (24, 32, 64)
    depths: tuple[int, int, int] = (1, 1, 2)
    context: int = 8
    # Side of the cell whose sub-positions doubt keeps as channels (FlowPlanes): 4 or 2.
    cell: int = 4
    solves: int = 2


class FlowNetwork(nn.Module):
    """Motion from the current frame to the previous one, with doubt.

    Untrained it answers what Lucas and Kanade's steps find from the last motion on, and doubts
    every place where the two frames then differ in their 4x4 means: the classical photometric gate.
    """

    multiple_of: ClassVar[int] = 16

    def __init__(self, config: FlowConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or FlowConfig()
        self.context = ContextNetwork(config)
        self.solve = LucasKanade(side=7, dilation=2)
        self.propagate = Propagation()
        self.last_solve = LucasKanade(side=8, stride=2)
        self.regularize = MotionFilter(config.context)
        self.motion_upsampling = LearnedUpsampling(2, config.context)
        self.second_thoughts = SecondThoughts(config.context)
        self.doubt_upsampling = LearnedUpsampling(1, SecondThoughts.features)

    def estimate(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        previous: Float[Tensor, "batch 3 height width"],
        before: Float[Tensor, "batch 2 height/4 width/4"] | None = None,
    ) -> Flow:
        """Flow at full resolution. Arguments as of ``forward``."""
        return self(frame, previous, before).full(self.config.cell)

    def forward(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        previous: Float[Tensor, "batch 3 height width"],
        before: Float[Tensor, "batch 2 height/4 width/4"] | None = None,
    ) -> FlowPlanes:
        """Both frames RGB in [0, 1]; height and width multiples of ``multiple_of``.

        ``before`` is the motion of the step before, in cells of 4 pixels: where the search sets
        out; without it from rest. Both may be cleaned pictures: they match better than noisy ones.
        """
        return self.with_levels(frame, previous, before)[0]

    def with_levels(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        previous: Float[Tensor, "batch 3 height width"],
        before: Float[Tensor, "batch 2 height/4 width/4"] | None = None,
    ) -> tuple[FlowPlanes, list[Tensor]]:
        """The flow, and for training the motions on the way, in pixels of their level: at 1/16, 1/8
        and 1/4, and at 1/4 after the last steps and after the filter. Arguments as of ``forward``.
        """
        beliefs, doubt, context = self.context(frame)
        lights = torch.cat([_light(frame), _light(previous)], dim=1)
        pictures = _smaller(lights)
        motion = self._start(pictures[-1], before)
        motions = []
        for index, (belief, pair) in enumerate(zip(beliefs, pictures[::-1], strict=True)):
            if index > 0:
                motion = enlarged(motion, 2) * 2.0
            planes = light_and_slopes(pair)
            for _ in range(self.config.solves):
                motion = self.solve(*planes, motion, belief)
            motion = self.propagate(*planes, motion)
            motions.append(motion)
        motion = motion * 2.0
        planes, belief = light_and_slopes(lights), enlarged(beliefs[-1], 2)
        for _ in range(self.config.solves):
            motion = self.last_solve(*planes, motion, belief)
        motion = motion * 0.5
        motions.append(motion)
        motion = self.regularize(motion, context)
        motions.append(motion)
        doubt, thoughts = self.second_thoughts(frame, previous, lights, motion, doubt, context)
        phases = self.doubt_upsampling(doubt, thoughts)
        if self.config.cell == 2:
            phases = F.pixel_unshuffle(F.pixel_shuffle(phases, 4), 2)
        full_motion = F.pixel_shuffle(self.motion_upsampling(motion * 4.0, context), 4)
        flow = FlowPlanes(full_motion, torch.sigmoid(phases), motion, torch.sigmoid(doubt))
        return flow, motions

    def _start(self, pair: Tensor, before: Tensor | None) -> Tensor:
        """The motion before at 1/16, as large as this pair of pictures."""
        return torch.zeros_like(pair) if before is None else block_mean(before, 4) * 0.25


class Guidance(NamedTuple):
    """What the frame by itself says of motion: ``beliefs`` in the solver's steps, in [0, 1], at
    1/16, 1/8 and 1/4; ``doubt`` of the warp (a logit) and ``context`` for what follows, at 1/4."""

    beliefs: list[Tensor]
    doubt: Tensor
    context: Tensor


class ContextNetwork(nn.Module):
    """Sees the current frame only, as RAFT's context encoder (Teed and Deng, ECCV 2020)."""

    def __init__(self, config: FlowConfig) -> None:
        super().__init__()
        first, second, third = config.features
        self.stem = nn.Conv2d(3, first, kernel_size=6, stride=4, padding=1)
        self.down = nn.ModuleList(
            [
                nn.Conv2d(first, second, kernel_size=3, stride=2, padding=1),
                nn.Conv2d(second, third, kernel_size=3, stride=2, padding=1),
            ]
        )
        self.looks = nn.ModuleList(Look(config, level) for level in range(3))
        for convolution in (self.stem, *self.down):
            _initialise(convolution)

    def forward(self, frame: Float[Tensor, "batch 3 height width"]) -> Guidance:
        features = [_activate(self.stem(frame))]
        for convolution in self.down:
            features.append(_activate(convolution(features[-1])))
        outlook, beliefs = None, []
        for look, seen in zip(list(self.looks)[::-1], features[::-1], strict=True):
            outlook, belief = look(seen, outlook)
            beliefs.append(belief)
        assert outlook is not None
        return Guidance(beliefs, outlook[:, :1], outlook[:, 1:])


class Look(nn.Module):
    """One level: doubt and context, and how far the solver's steps are to be believed."""

    def __init__(self, config: FlowConfig, level: int) -> None:
        super().__init__()
        features, width, coarsest = config.features[level], config.widths[level], level == 2
        entering = features if coarsest else features + 1 + config.context
        self.enter = nn.Conv2d(entering, width, kernel_size=1)
        self.body = nn.ModuleList(
            nn.Conv2d(width, width, kernel_size=3, padding=1) for _ in range(config.depths[level])
        )
        self.leave = nn.Conv2d(width, 2 + config.context, kernel_size=1)
        for convolution in (self.enter, *self.body, self.leave):
            _initialise(convolution)
        with torch.no_grad():
            # Doubt and belief start even.
            self.leave.weight[:2].zero_()
            self.leave.weight[2:].mul_(0.3)

    def forward(self, features: Tensor, coarser: Tensor | None) -> tuple[Tensor, Tensor]:
        """Doubt and context as one, given the coarser level's; and belief."""
        if coarser is not None:
            coarser = enlarged(coarser, 2)
            features = torch.cat([features, coarser], dim=1)
        x = _activate(self.enter(features))
        for convolution in self.body:
            x = x + _activate(convolution(x))
        doubt, belief, context = self.leave(x).split([1, 1, self.leave.out_channels - 2], dim=1)
        if coarser is not None:
            doubt = doubt + coarser[:, :1]
        return torch.cat([doubt, context], dim=1), torch.sigmoid(belief)


class SecondThoughts(nn.Module):
    """Doubt once the motion is known: what the warp leaves unexplained, and where motion tears."""

    features: ClassVar[int] = 16

    def __init__(self, context: int) -> None:
        super().__init__()
        # Doubt is one half where the 4x4 means differ by 5 codes of 255, and 0.98 at 10: a
        # starting point that training moves, not a measured optimum.
        self.photometric_slope = nn.Parameter(torch.tensor(200.0))
        self.photometric_tolerance = nn.Parameter(torch.tensor(0.02))
        self.look = nn.Conv2d(context + 10, self.features, kernel_size=3, padding=1)
        self.correct = nn.Conv2d(self.features, 1, kernel_size=3, padding=1)
        _initialise(self.look)
        nn.init.zeros_(self.correct.weight)
        assert self.correct.bias is not None
        nn.init.zeros_(self.correct.bias)

    def forward(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        previous: Float[Tensor, "batch 3 height width"],
        lights: Float[Tensor, "batch 2 height/2 width/2"],
        motion: Float[Tensor, "batch 2 height/4 width/4"],
        doubt: Float[Tensor, "batch 1 height/4 width/4"],
        context: Float[Tensor, "batch context height/4 width/4"],
    ) -> tuple[Tensor, Tensor]:
        """The logit of doubt and features for its upsampling, at 1/4; ``lights`` of both frames."""
        colours = (block_mean(frame, 4) - warp(block_mean(previous, 4), motion, "bilinear")).abs()
        ours, theirs = lights.chunk(2, dim=1)
        light = (ours - warp(theirs, enlarged(motion, 2) * 2.0, "bilinear")).abs()
        tears = motion - smoothed(motion)
        # Differences of a few codes and of a few pixels, each brought to order one.
        others = [F.pixel_unshuffle(light, 2) * 10.0, tears, doubt * 0.1, context]
        features = _activate(self._looked(colours * 10.0, torch.cat(others, dim=1)))
        difference = colours.mean(dim=1, keepdim=True)
        logit = self.photometric_slope * (difference - self.photometric_tolerance)
        # Past +-8 the sigmoid is flat; a place outside the previous frame is certain doubt.
        logit = logit.clamp(-8.0, 8.0) + 16.0 * outside(motion)
        return doubt + logit + self.correct(features), features

    def _looked(self, colours: Tensor, others: Tensor) -> Tensor:
        """``look`` at both as one, in two sums: TensorRT for RTX 1.7.1 cannot join both kinds of
        difference in one concatenation (docs/LOG.md)."""
        weight, count = self.look.weight, colours.shape[1]
        first = F.conv2d(colours, weight[:, :count], self.look.bias, padding=1)
        return first + F.conv2d(others, weight[:, count:], padding=1)


class LearnedUpsampling(nn.Module):
    """Four times larger, in phases: bilinear at first, then corrected by what context shows."""

    def __init__(self, planes: int, features: int, factor: int = 4) -> None:
        super().__init__()
        self.interpolate = nn.Conv2d(planes, planes * factor**2, kernel_size=3, bias=False)
        self.correct = nn.Conv2d(features, planes * factor**2, kernel_size=1)
        assert self.correct.bias is not None
        with torch.no_grad():
            self.interpolate.weight.copy_(_bilinear_phases(planes, factor))
            self.correct.weight.zero_()
            self.correct.bias.zero_()

    def forward(
        self,
        planes: Float[Tensor, "batch planes height width"],
        features: Float[Tensor, "batch features height width"],
    ) -> Tensor:
        """(batch, planes x phases, height, width), in pixel_shuffle's order."""
        bordered = F.pad(planes, (1, 1, 1, 1), mode="replicate")
        return self.interpolate(bordered) + self.correct(features)


def _bilinear_phases(planes: int, factor: int) -> Tensor:
    """3x3 weights for each sub-position of bilinear interpolation (half-pixel centres)."""
    axis = torch.zeros(factor, 3)
    for phase in range(factor):
        offset = (phase + 0.5) / factor - 0.5
        axis[phase] = torch.tensor([max(0.0, -offset), 1.0 - math.fabs(offset), max(0.0, offset)])
    kernel = torch.einsum("ai,bj->abij", axis, axis).reshape(factor**2, 3, 3)
    weight = torch.zeros(planes, factor**2, planes, 3, 3)
    for plane in range(planes):
        weight[plane, :, plane] = kernel
    return weight.reshape(planes * factor**2, planes, 3, 3)


def _initialise(convolution: nn.Module) -> None:
    """He et al., ICCV 2015: signals keep their size from layer to layer."""
    assert isinstance(convolution, nn.Conv2d)
    nn.init.kaiming_normal_(convolution.weight, a=0.1)
    if convolution.bias is not None:
        nn.init.zeros_(convolution.bias)


def _activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)


def _light(frame: Tensor) -> Tensor:
    """BT.709 luma at half the size: what the solver compares. One convolution, as block_mean."""
    weight = torch.tensor([0.2126, 0.7152, 0.0722], dtype=frame.dtype, device=frame.device)
    return F.conv2d(frame, (weight / 4.0).view(1, 3, 1, 1).expand(-1, -1, 2, 2), stride=2)


def _smaller(lights: Tensor) -> list[Tensor]:
    """The same at 1/4, 1/8 and 1/16 of the frame."""
    quarter = block_mean(lights, 2)
    eighth = block_mean(quarter, 2)
    return [quarter, eighth, block_mean(eighth, 2)]
