"""Where a material lies: for each frame the projective map from the screen to its texels.

Every surface is a plane, so its map is a 3x3 homography: ``(u, v, w) = H (x, y, 1)``, texel
``(u / w, v / w)``, pixels with integer centres, and the plane is in front of the eye where
``w > 0`` (``w`` is one over the depth, up to a factor). Flow between two frames of one plane is
exact: ``inverse(H_previous) H_now``.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float64
from torch import Tensor

from temporal_clean.evaluation.scenes.texture import DENSITY

__all__ = ["Camera", "on_plane", "slide"]


def slide(
    x: Float64[Tensor, " frames"],
    y: Float64[Tensor, " frames"],
    *,
    turn: Float64[Tensor, " frames"] | float = 0.0,
    density: float = DENSITY,
) -> Float64[Tensor, "frames 3 3"]:
    """A picture that slides and turns over the screen: its texel (0, 0) is seen at (x, y).

    ``turn`` is in radians, clockwise on the screen; ``density`` in texels a pixel.
    """
    angle = torch.as_tensor(turn, dtype=torch.float64).expand_as(x)
    cos, sin = density * angle.cos(), density * angle.sin()
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    rows = [
        torch.stack([cos, sin, -cos * x - sin * y], -1),
        torch.stack([-sin, cos, sin * x - cos * y], -1),
        torch.stack([zero, zero, one], -1),
    ]
    return torch.stack(rows, 1)


@dataclass(frozen=True)
class Camera:
    """A pinhole: x right, y down, z ahead, in metres; one position and heading a frame.

    ``focal`` and ``horizon`` (the row that a level view ahead falls on) are in pixels; ``yaw``
    turns to the right and ``roll`` clockwise, in radians.
    """

    position: Float64[Tensor, "frames 3"]
    yaw: Float64[Tensor, " frames"]
    roll: float
    focal: float
    centre: float
    horizon: float

    def matrix(self) -> Float64[Tensor, "frames 3 3"]:
        """From directions in the world to homogeneous pixels."""
        cos, sin = self.yaw.cos(), self.yaw.sin()
        zero, one = torch.zeros_like(cos), torch.ones_like(cos)
        turn = torch.stack([cos, zero, -sin, zero, one, zero, sin, zero, cos], -1).view(-1, 3, 3)
        c, s = math.cos(self.roll), math.sin(self.roll)
        tilt = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]], dtype=torch.float64)
        lens = torch.tensor(
            [[self.focal, 0, self.centre], [0, self.focal, self.horizon], [0, 0, 1]],
            dtype=torch.float64,
        )
        return lens @ tilt @ turn


def on_plane(
    camera: Camera,
    origin: tuple[float, float, float],
    across: tuple[float, float, float],
    down: tuple[float, float, float],
    texels_per_metre: float,
) -> Float64[Tensor, "frames 3 3"]:
    """A plane in the world: texel (0, 0) at ``origin``, u along ``across``, v along ``down``."""
    matrix = camera.matrix()
    place = torch.tensor(origin, dtype=torch.float64) - camera.position
    axes = torch.tensor([across, down], dtype=torch.float64).expand(len(place), 2, 3)
    metres = torch.cat([axes, place[:, None]], 1).transpose(1, 2)
    to_metres = torch.linalg.inv(matrix @ metres)
    return torch.diag(torch.tensor([texels_per_metre] * 2 + [1.0], dtype=torch.float64)) @ to_metres
