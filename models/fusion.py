"""The fusion network: how much of the warped history to keep, pixel by pixel."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.models.neighbourhood import clip_luma, luma
from temporal_clean.models.phases import PhaseHead, bounded_gate, for_each_colour
from temporal_clean.models.spatial import ResidualConvolutions, SpatialConfig, SpatialResult
from temporal_clean.models.surprise import (
    TOKEN_DIMENSIONS,
    PatchTokens,
    Surprise,
    TemporalSurprise,
)

__all__ = ["FusionConfig", "FusionNetwork", "FusionResult", "History"]

CLUE_PLANES = 8


@dataclass(frozen=True)
class FusionConfig:
    """Hidden channels carried through time at 1/4, convolutions there and at 1/2 (where the model
    has that level), channels of a token."""

    hidden: int = 16
    convolutions: int = 1
    half_convolutions: int = 1
    token: int = 32


class History(NamedTuple):
    """The past, warped to the current frame, and how far to believe it.

    ``before`` is the luma of the previous clean frame, not warped: a HUD equals it.
    ``usable`` is 0 where there is no history at all: no valid state, or a cut. ``trust`` in [0, 1],
    in phases, is 0 there and where the flow is doubted; ``coarse_trust`` the same at 1/4.
    """

    clean: Float[Tensor, "batch 3 height width"]
    before: Float[Tensor, "batch 1 height width"]
    hidden: Float[Tensor, "batch hidden height/4 width/4"]
    usable: Float[Tensor, "batch 1 1 1"]
    trust: Float[Tensor, "batch phases height/cell width/cell"]
    coarse_trust: Float[Tensor, "batch 1 height/4 width/4"]


class FusionResult(NamedTuple):
    """The fused picture, the next hidden features, and what decided them."""

    clean: Float[Tensor, "batch 3 height width"]
    hidden: Float[Tensor, "batch hidden height/4 width/4"]
    weight: Float[Tensor, "batch phases height/cell width/cell"]
    surprise: Surprise


class FusionNetwork(nn.Module):
    """Weighs history against the spatial result.

    clean = spatial + trust * (weight * (clipped - spatial) + correction), where ``clipped`` is the
    history within the frame's neighbourhood. Untrained this is classical accumulation: weight 0.5,
    gated by trust, no correction.
    """

    multiple_of: ClassVar[int] = 8

    def __init__(
        self, config: FusionConfig | None = None, spatial: SpatialConfig | None = None
    ) -> None:
        super().__init__()
        self.config = config = config or FusionConfig()
        self.spatial = spatial = spatial or SpatialConfig()
        quarter, channels = spatial.quarter, spatial.half or spatial.quarter
        self.tokens = PatchTokens()
        self.surprise = TemporalSurprise(config.token)
        self.clues = nn.Conv2d(TOKEN_DIMENSIONS + 2, 4 * CLUE_PLANES, kernel_size=1)
        # Five planes: the clipped history's difference in RGB, what the clip took in luma, and
        # how the same place of the screen changed.
        self.compare = nn.Conv2d(5, channels, kernel_size=spatial.cell, stride=spatial.cell)
        self.half_level = HalfLevel(spatial, config.half_convolutions) if spatial.half else None
        joined = 2 * quarter + config.hidden + CLUE_PLANES + 1
        self.gather = nn.Conv2d(joined, quarter, kernel_size=1)
        self.body = ResidualConvolutions(quarter, config.convolutions)
        self.weight = PhaseHead(channels, planes=1, cell=spatial.cell)
        self.correction = PhaseHead(channels, planes=3, cell=spatial.cell)
        self.candidate = nn.Conv2d(quarter, config.hidden, kernel_size=1)
        self.keep = nn.Conv2d(quarter, config.hidden, kernel_size=1)

    def forward(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        spatial: SpatialResult,
        history: History,
    ) -> FusionResult:
        """``frame`` is RGB in [0, 1], height and width multiples of ``multiple_of``."""
        light = luma(frame)
        excess = clip_luma(luma(history.clean), light)
        clipped = history.clean - excess
        surprise, clues = self._surprise(spatial, history)
        # Differences of a few codes carry the decision: five times larger they train well.
        differences = torch.cat([clipped - frame, excess, light - history.before], dim=1) * 5.0
        # An unusable past leaves no trace, not even in the hidden features.
        compared = F.leaky_relu(self.compare(differences), 0.1) * history.usable
        finest, features = self._features(compared, spatial, history, clues)

        # Everything that is not history is put together in phases and shuffled once.
        weight = bounded_gate(self.weight(finest))
        share = history.trust * weight
        rest = spatial.delta * for_each_colour(1.0 - share)
        rest = rest + for_each_colour(history.trust) * self.correction(finest)
        clean = frame + self._full(rest) + self._full(share) * (clipped - frame)
        hidden = self._remember(features, history)
        return FusionResult(clean.clamp(0.0, 1.0), hidden, weight, surprise)

    def _features(
        self, compared: Tensor, spatial: SpatialResult, history: History, clues: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Features where the planes are predicted from, and at 1/4."""
        half = None
        if self.half_level is not None and spatial.half is not None:
            half, compared = self.half_level.descend(compared + spatial.half)
        past = torch.cat([history.hidden, clues], dim=1) * history.usable
        joined = [compared, spatial.features, past, history.coarse_trust]
        features = self.body(F.leaky_relu(self.gather(torch.cat(joined, dim=1)), 0.1))
        if self.half_level is None or half is None:
            return features, features
        return self.half_level.ascend(half, features), features

    def _full(self, phases: Tensor) -> Tensor:
        return F.pixel_shuffle(phases, self.spatial.cell)

    def _surprise(self, spatial: SpatialResult, history: History) -> tuple[Surprise, Tensor]:
        """Temporal surprise at 1/8, and clue planes at 1/4 from both surprises."""
        doubt = 1.0 - history.coarse_trust[:, :, ::2, ::2]
        surprise = self.surprise(spatial.tokens, self.tokens(history.clean), doubt)
        clues = torch.cat([surprise.residual, surprise.nats, spatial.surprise.nats], dim=1)
        return surprise, F.pixel_shuffle(F.leaky_relu(self.clues(clues), 0.1), 2)

    def _remember(self, features: Tensor, history: History) -> Tensor:
        """Gated update of the hidden features (a minimal gated unit, Zhou et al., 2016)."""
        candidate = torch.tanh(self.candidate(features))
        keep = history.coarse_trust * bounded_gate(self.keep(features))
        return candidate + keep * (history.hidden - candidate)


class HalfLevel(nn.Module):
    """The fusion's work at 1/2, for models that have that level."""

    def __init__(self, spatial: SpatialConfig, convolutions: int) -> None:
        super().__init__()
        half, quarter = spatial.half, spatial.quarter
        self.down = nn.Conv2d(half, quarter, kernel_size=3, stride=2, padding=1)
        self.up = nn.Conv2d(quarter, 4 * half, kernel_size=1)
        self.body = ResidualConvolutions(half, convolutions)

    def descend(self, half: Tensor) -> tuple[Tensor, Tensor]:
        return half, F.leaky_relu(self.down(half), 0.1)

    def ascend(self, half: Tensor, features: Tensor) -> Tensor:
        return self.body(half + F.pixel_shuffle(self.up(features), 2))
