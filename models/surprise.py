"""Surprise: how improbable a patch is, given what surrounds it or what came before it.

A token is one 8x8 patch of the frame in a fixed basis (a discrete cosine transform of luma, and the
lowest four coefficients of each chroma axis). Because the basis is fixed, the
likelihood cannot be improved by making the features dull. A conditional density of the token is a
Laplace distribution in each dimension, its mean and scale predicted without looking at the token;
its negative log-likelihood, in nats a dimension, is the surprise.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.models.attention import WindowAttention
from temporal_clean.models.neighbourhood import luma

__all__ = ["TOKEN_DIMENSIONS", "PatchTokens", "SpatialSurprise", "Surprise", "TemporalSurprise"]

PATCH = 8
CHROMA_DIMENSIONS = 4
TOKEN_DIMENSIONS = PATCH**2 + 2 * CHROMA_DIMENSIONS


class Surprise(NamedTuple):
    """A token's surprise and the residual that it comes from.

    ``nats`` is the negative log-likelihood in nats a dimension, the auxiliary loss for the
    density; ``residual`` is (token - mean) / scale, limited to +-8 for what follows.
    """

    nats: Float[Tensor, "batch 1 height width"]
    residual: Float[Tensor, "batch dimensions height width"]


class PatchTokens(nn.Module):
    """Each 8x8 patch in the fixed basis, every dimension divided by its usual size.

    Natural pictures have a 1/f spectrum (Field, JOSA A 4, 1987), so the size falls with
    frequency; it sets the unit of the likelihood, not its optimum.
    """

    light: Tensor
    grey: Tensor
    colour: Tensor

    def __init__(self) -> None:
        super().__init__()
        light, colour = _light_basis(), _colour_basis()
        self.register_buffer("light", light, persistent=False)
        self.register_buffer("grey", -0.5 * light.sum(dim=(1, 2, 3)), persistent=False)
        self.register_buffer("colour", colour, persistent=False)

    def forward(
        self, frame: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch dimensions height/8 width/8"]:
        """``frame`` is RGB in [0, 1]; mid grey gives zero tokens."""
        # Luma first: a third of the work, and others need that plane as well.
        light = F.conv2d(luma(frame), self.light, self.grey, stride=PATCH)
        return torch.cat([light, F.conv2d(frame, self.colour, stride=PATCH)], dim=1)


class SpatialSurprise(nn.Module):
    """The density of a token given its surroundings, its own content masked out.

    The query comes from a depthwise convolution with a hole at its centre, keys and values from
    the other tokens of the window; no later layer mixes tokens, so nothing of the token itself
    reaches its own prediction (a test holds that).
    """

    hole: Tensor

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(TOKEN_DIMENSIONS, channels, kernel_size=1)
        self.surroundings = nn.Conv2d(channels, channels, kernel_size=5, padding=2, groups=channels)
        hole = torch.ones(1, 1, 5, 5)
        hole[..., 2, 2] = 0.0
        self.register_buffer("hole", hole, persistent=False)
        self.attention = WindowAttention(channels, heads, hide_self=True)
        self.predict = nn.Conv2d(channels, 2 * TOKEN_DIMENSIONS, kernel_size=1)

    def forward(self, tokens: Float[Tensor, "batch dimensions height width"]) -> Surprise:
        embedded = F.leaky_relu(self.embed(tokens), 0.1)
        ring = F.conv2d(
            embedded,
            self.surroundings.weight * self.hole,
            self.surroundings.bias,
            padding=2,
            groups=embedded.shape[1],
        )
        context = ring + self.attention(ring, embedded)
        mean, log_scale = self.predict(F.leaky_relu(context, 0.1)).chunk(2, dim=1)
        return _laplace(tokens, mean, log_scale)


class TemporalSurprise(nn.Module):
    """The density of a token given the warped history at the same place and how doubtful it is."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(TOKEN_DIMENSIONS + 1, channels, kernel_size=1)
        self.around = nn.Conv2d(channels, channels, kernel_size=3, padding=1, groups=channels)
        self.predict = nn.Conv2d(channels, 2 * TOKEN_DIMENSIONS, kernel_size=1)
        with torch.no_grad():
            self.predict.weight.zero_()
            self.predict.bias.zero_()  # type: ignore[union-attr]

    def forward(
        self,
        tokens: Float[Tensor, "batch dimensions height width"],
        history: Float[Tensor, "batch dimensions height width"],
        doubt: Float[Tensor, "batch 1 height width"],
    ) -> Surprise:
        """Untrained, the mean is the history's own token."""
        embedded = F.leaky_relu(self.embed(torch.cat([history, doubt], dim=1)), 0.1)
        embedded = F.leaky_relu(self.around(embedded), 0.1)
        correction, log_scale = self.predict(embedded).chunk(2, dim=1)
        return _laplace(tokens, history + correction, log_scale)


def _laplace(tokens: Tensor, mean: Tensor, log_scale: Tensor) -> Surprise:
    """-log p of a Laplace density: |x - m| / b + log(2 b), averaged over the dimensions.

    Heavy tails fit picture residuals (Mallat, PAMI 11(7), 1989), and without squares the
    arithmetic stays in fp16's range.
    """
    log_scale = log_scale.clamp(-5.0, 3.0)
    residual = (tokens - mean) * torch.exp(-log_scale)
    nats = (residual.abs() + log_scale).mean(dim=1, keepdim=True) + math.log(2.0)
    return Surprise(nats, residual.clamp(-8.0, 8.0))


def _light_basis() -> Tensor:
    """Convolution weights (dimensions, 1, 8, 8) for luma, unit size on natural pictures."""
    order = [(u, v) for u in range(PATCH) for v in range(PATCH)]
    # A grey pixel is sqrt(3) times its luma away from black.
    return torch.stack([_basis_function(torch.tensor([3.0**0.5]), u, v, 1.6) for u, v in order])


def _colour_basis() -> Tensor:
    """The same (dimensions, 3, 8, 8) for the lowest coefficients of two chroma axes."""
    warm = torch.tensor([1.0, 0.0, -1.0]) / math.sqrt(2.0)
    green = torch.tensor([-1.0, 2.0, -1.0]) / math.sqrt(6.0)
    lowest = [(0, 0), (0, 1), (1, 0), (1, 1)]
    return torch.stack([_basis_function(a, u, v, 0.4) for a in (warm, green) for u, v in lowest])


def _basis_function(axis: Tensor, u: int, v: int, size: float) -> Tensor:
    """One orthonormal DCT-II basis function along an axis of colours, over its 1/f size."""
    n = torch.arange(PATCH) + 0.5
    vertical = torch.cos(math.pi * u * n / PATCH) * math.sqrt((1 if u == 0 else 2) / PATCH)
    horizontal = torch.cos(math.pi * v * n / PATCH) * math.sqrt((1 if v == 0 else 2) / PATCH)
    usual = size / (1.0 + math.hypot(u, v)) ** 1.5
    return torch.einsum("c,i,j->cij", axis, vertical, horizontal) / usual
