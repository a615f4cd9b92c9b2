"""A shot: textured planes over each other, and what a ray through any screen point meets."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Float64, Int32
from torch import Tensor

from temporal_clean.evaluation.scenes.texture import SUBSAMPLES, Texture

__all__ = ["Layer", "Shot", "number_of", "trace"]

# Depth, in units of the texture's own distance, beyond which a plane is taken to end: keeps
# texel numbers below 2^31 at the horizon, far less than a pixel above the row that this cuts.
FARTHEST = 1e-4


@dataclass(frozen=True)
class Layer:
    """A texture and its homography for each frame (see placing.py)."""

    texture: Texture
    to_texels: Float64[Tensor, "frames 3 3"]

    @property
    def is_flat(self) -> bool:
        """Seen face on in every frame: no division needed, one scale everywhere."""
        ahead = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
        return bool((self.to_texels[:, 2] == ahead).all())

    def corners(self, frame: int) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of what can be seen of a flat layer, in pixels."""
        if any(self.texture.tiled):
            return -torch.inf, -torch.inf, torch.inf, torch.inf
        n = float(self.texture.size)
        square = torch.tensor([[0, n, 0, n], [0, 0, n, n], [1, 1, 1, 1]], dtype=torch.float64)
        x, y, _ = torch.linalg.inv(self.to_texels[frame]) @ square
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())


@dataclass(frozen=True)
class Shot:
    """Layers from the back to the front, at most 127; the first covers the whole screen."""

    layers: Sequence[Layer]
    height: int
    width: int

    @property
    def frames(self) -> int:
        return len(self.layers[0].to_texels)


def number_of(texels: Int32[Tensor, "..."]) -> Int32[Tensor, "..."]:
    """The number of the layer that each traced texel belongs to."""
    return texels >> 24 & 127


def trace(
    shot: Shot,
    frame: int,
    x: Float[Tensor, "1 1 width across"],
    y: Float[Tensor, "rows down 1 1"],
) -> Int32[Tensor, "rows down width across"]:
    """Packed texel, with its layer's number, that is in front at each point of a grid."""
    front = torch.zeros((*y.shape[:2], *x.shape[2:]), dtype=torch.int32)
    for number, layer in enumerate(shot.layers):
        rows, columns = _window(layer, frame, x, y)
        if columns.start >= columns.stop or rows.start >= rows.stop:
            continue
        part = front[rows, :, columns]
        seen = _look_up(layer, frame, x[:, :, columns], y[rows])
        # The sign says 'opaque': spread over all bits it selects without a branch, which is
        # several times as fast as torch.where.
        mask = seen >> 31
        part.bitwise_and_(~mask).bitwise_or_((seen | number << 24) & mask)
    return front


def _window(
    layer: Layer, frame: int, x: Float[Tensor, "1 1 w a"], y: Float[Tensor, "h d 1 1"]
) -> tuple[slice, slice]:
    """Rows and columns of the grid beyond which nothing of a layer can be seen."""
    if not layer.is_flat:
        return slice(0, len(y)), _span(_may_show(layer, frame, x, y))
    left, top, right, bottom = layer.corners(frame)
    rows, columns = y[:, 0, 0, 0], x[0, 0, :, 0]
    # A pixel more on each side than a pixel's own half: sub-samples reach beyond centres.
    return (
        _span((rows >= top - 1) & (rows <= bottom + 1)),
        _span((columns >= left - 1) & (columns <= right + 1)),
    )


def _may_show(
    layer: Layer, frame: int, x: Float[Tensor, "1 1 w a"], y: Float[Tensor, "h d 1 1"]
) -> Bool[Tensor, " w"]:
    """Columns in which a receding plane is in front, and its part that is not empty, in reach.

    Along a column ``w`` is linear and ``v`` monotonous where ``w`` > 0: the first and the last
    row bound both.
    """
    h = layer.to_texels[frame].float()
    ends = torch.stack([y[0, 0, 0], y[-1, -1, 0]])  # 2 1
    across = x[0, 0, :, 0]
    v, w = (h[i, 0] * across + h[i, 1] * ends + h[i, 2] for i in (1, 2))
    shows = (w > FARTHEST).any(0)
    if not layer.texture.tiled[1]:
        v = v / w
        beyond = (v < 0).all(0) | (v > layer.texture.size).all(0)
        shows &= ~(beyond & (w > FARTHEST).all(0))
    near = shows.clone()  # a pixel more on each side: samples lie beside those looked at
    near[1:] |= shows[:-1]
    near[:-1] |= shows[1:]
    return near


def _span(inside: Bool[Tensor, " count"]) -> slice:
    places = inside.nonzero()
    return slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0)


def _look_up(
    layer: Layer, frame: int, x: Float[Tensor, "1 1 w a"], y: Float[Tensor, "h d 1 1"]
) -> Int32[Tensor, "h d w a"]:
    texture, h = layer.texture, layer.to_texels[frame].tolist()
    u = x * h[0][0] + (y * h[0][1] + h[0][2])
    v = x * h[1][0] + (y * h[1][1] + h[1][2])
    if layer.is_flat:
        column, row = u.floor_().int(), v.floor_().int()
        return _fetch(texture, column, row)
    w = x * h[2][0] + (y * h[2][1] + h[2][2])
    nearness = w.clamp(min=FARTHEST).reciprocal_()
    column, row = u.mul_(nearness).floor_().int(), v.mul_(nearness).floor_().int()
    levels = _levels(layer, frame, x, y) if texture.levels else ()
    texels = _fetch(texture, column, row, *levels)
    return texels & (w > FARTHEST).int().neg_()


def _levels(
    layer: Layer, frame: int, x: Float[Tensor, "1 1 w a"], y: Float[Tensor, "h d 1 1"]
) -> tuple[Tensor, Tensor]:
    """Halvings across and down that make a texel about as large as a sub-sample's footprint.

    The derivative of the homography at each pixel's centre, whatever the samples, so that all
    samplings see one material; level 0 up to 1.4 texels.
    """
    h = layer.to_texels[frame].float()
    point = torch.stack(
        torch.broadcast_tensors(x[..., :1].round(), y[:, :1].round(), torch.ones(1, 1, 1, 1))
    )
    u, v, w = torch.einsum("ij,j...->i...", h, point)
    w = w.clamp(min=FARTHEST)
    levels = []
    for row, place in ((0, u / w), (1, v / w)):
        slopes = [(h[row, axis] - place * h[2, axis]).abs() / w for axis in (0, 1)]
        footprint = torch.maximum(*slopes) / SUBSAMPLES
        levels.append(footprint.log2().round().clamp(0, layer.texture.levels).int())
    return levels[0], levels[1]


def _fetch(
    texture: Texture,
    column: Int32[Tensor, "..."],
    row: Int32[Tensor, "..."],
    across: Tensor | None = None,
    down: Tensor | None = None,
) -> Int32[Tensor, "..."]:
    n = texture.size
    if across is None or down is None:
        index = ((row & n - 1) * n).add_(column & n - 1)
    else:
        starts = torch.tensor(texture.starts, dtype=torch.int32)[down.long(), across.long()]
        index = ((row & n - 1) >> down) * (n >> across) + (((column & n - 1) >> across) + starts)
    texels = texture.texels.index_select(0, index.flatten()).view(index.shape)
    for place, repeats in zip((column, row), texture.tiled, strict=True):
        if not repeats:
            # n is a power of two: some higher bit is set where a place is outside [0, n).
            texels.bitwise_and_((place & -n == 0).int().neg_())
    return texels
