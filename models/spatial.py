"""The spatial cleaner: finds what is improbable in one frame and corrects only there."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.models.attention import TransformerBlock
from temporal_clean.models.filters import SteeredFilters
from temporal_clean.models.phases import PhaseHead, for_each_colour
from temporal_clean.models.surprise import TOKEN_DIMENSIONS, PatchTokens, SpatialSurprise, Surprise

__all__ = ["SpatialCleaner", "SpatialConfig", "SpatialResult"]


@dataclass(frozen=True)
class SpatialConfig:
    """Channels at 1/2 (0: that level is left out), 1/4 and 1/8, and the encoder's depth.

    ``half_convolutions`` are the decoder's at 1/2: work near the pixels earns the most by far
    (docs/LOG.md).
    """

    half: int = 0
    quarter: int = 32
    eighth: int = 48
    heads: int = 3
    blocks: int = 1
    stem_convolutions: int = 0
    decoder_convolutions: int = 1
    half_convolutions: int = 1
    # Steered filters (models/filters.py) beside the free correction.
    filters: bool = True

    @property
    def cell(self) -> int:
        """Side of the cell that full-resolution planes are predicted in."""
        return 2 if self.half else 4


class SpatialResult(NamedTuple):
    """What the cleaner gives, and what the fusion goes on with.

    ``delta`` = mask * correction, both in phases; the cleaned picture is the frame plus it.
    ``features`` are the decoder's at 1/4, ``half`` those at 1/2 where the model has that level.
    ``tokens`` are the frame's patch tokens at 1/8, ``surprise`` their spatial surprise.
    """

    delta: Float[Tensor, "batch colour_phases height/cell width/cell"]
    mask: Float[Tensor, "batch phases height/cell width/cell"]
    features: Float[Tensor, "batch quarter height/4 width/4"]
    half: Float[Tensor, "batch half height/2 width/2"] | None
    tokens: Float[Tensor, "batch dimensions height/8 width/8"]
    surprise: Surprise


class SpatialCleaner(nn.Module):
    """Convolutional stem, ViT encoder with surprise at 1/8, convolutional decoder.

    Untrained it is the identity: the correction starts at zero, the mask open, so that the
    first gradients reach the correction (a closed mask collapsed to identity in prototypes).
    """

    multiple_of: ClassVar[int] = 8

    def __init__(self, config: SpatialConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or SpatialConfig()
        self.stem = Stem(config)
        self.tokens = PatchTokens()
        self.surprise = SpatialSurprise(config.eighth, config.heads)
        self.embed = nn.Conv2d(2 * TOKEN_DIMENSIONS + 1, config.eighth, kernel_size=1)
        self.down = nn.Conv2d(config.quarter, config.eighth, kernel_size=2, stride=2)
        self.encoder = nn.ModuleList(
            TransformerBlock(config.eighth, config.heads, shift=index % 2 == 1)
            for index in range(config.blocks)
        )
        self.decoder = Decoder(config)
        channels = config.half or config.quarter
        self.correction = PhaseHead(channels, planes=3, cell=config.cell)
        self.mask = PhaseHead(channels, planes=1, cell=config.cell, bias=2.0)
        self.filters = SteeredFilters(channels, config.cell) if config.filters else None

    def forward(self, frame: Float[Tensor, "batch 3 height width"]) -> SpatialResult:
        """``frame`` is RGB in [0, 1], height and width multiples of ``multiple_of``."""
        half, quarter = self.stem(frame)
        tokens = self.tokens(frame)
        surprise = self.surprise(tokens)
        clues = torch.cat([tokens, surprise.residual, surprise.nats], dim=1)
        encoded = self.embed(clues) + self.down(quarter)
        for block in self.encoder:
            encoded = block(encoded)
        half, features = self.decoder(half, quarter, encoded)
        finest = features if half is None else half
        mask = torch.sigmoid(self.mask(finest))
        correction = self.correction(finest)
        if self.filters is not None:
            correction = correction + for_each_colour(self.filters(frame, finest))
        delta = for_each_colour(mask) * correction
        return SpatialResult(delta, mask, features, half, tokens, surprise)

    def picture(
        self, frame: Float[Tensor, "batch 3 height width"], result: SpatialResult
    ) -> Float[Tensor, "batch 3 height width"]:
        """The spatially cleaned picture in [0, 1]."""
        return (frame + F.pixel_shuffle(result.delta, self.config.cell)).clamp(0.0, 1.0)


class Stem(nn.Module):
    """First features at 1/4, and at 1/2 where the model has that level."""

    def __init__(self, config: SpatialConfig) -> None:
        super().__init__()
        half, quarter = config.half, config.quarter
        self.to_half = nn.Conv2d(3, half, kernel_size=4, stride=2, padding=1) if half else None
        self.to_quarter = (
            nn.Conv2d(half, quarter, kernel_size=3, stride=2, padding=1)
            if half
            else nn.Conv2d(3, quarter, kernel_size=6, stride=4, padding=1)
        )
        self.body = ResidualConvolutions(quarter, config.stem_convolutions)

    def forward(self, frame: Tensor) -> tuple[Tensor | None, Tensor]:
        half = None if self.to_half is None else F.leaky_relu(self.to_half(frame), 0.1)
        quarter = F.leaky_relu(self.to_quarter(frame if half is None else half), 0.1)
        return half, self.body(quarter)


class Decoder(nn.Module):
    """From 1/8 back to 1/4, and to 1/2 where the model has that level, with skips."""

    def __init__(self, config: SpatialConfig) -> None:
        super().__init__()
        half, quarter = config.half, config.quarter
        self.up = nn.Conv2d(config.eighth, 4 * quarter, kernel_size=1)
        self.body = ResidualConvolutions(quarter, config.decoder_convolutions)
        self.up_to_half = nn.Conv2d(quarter, 4 * half, kernel_size=1) if half else None
        self.half_body = ResidualConvolutions(half, config.half_convolutions if half else 0)

    def forward(
        self, half: Tensor | None, quarter: Tensor, encoded: Tensor
    ) -> tuple[Tensor | None, Tensor]:
        features = self.body(quarter + F.pixel_shuffle(self.up(encoded), 2))
        if half is None or self.up_to_half is None:
            return None, features
        return self.half_body(half + F.pixel_shuffle(self.up_to_half(features), 2)), features


class ResidualConvolutions(nn.ModuleList):
    """3x3 convolutions, each added to its input after the activation."""

    def __init__(self, channels: int, count: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, kernel_size=3, padding=1) for _ in range(count)
        )

    def forward(self, x: Tensor) -> Tensor:
        for convolution in self:
            x = x + F.leaky_relu(convolution(x), 0.1)
        return x
