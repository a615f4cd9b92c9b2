"""Propagation: neighbours' motions are taken over where they explain more."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from temporal_clean.flow.lucas_kanade import light_and_slopes
from temporal_clean.flow.propagation import (
    DECISION,
    LEAST_CONTRAST,
    OF_SLOPES,
    WINDOW,
    Propagation,
)
from temporal_clean.flow.warping import warp
from temporal_clean.models import luma

SIDE = 32


def moved(texture: Callable[..., Tensor]) -> tuple[Tensor, Tensor]:
    """Luma of two frames: what is at p now lay at p + (3, 0) before."""
    return luma(texture(1, SIDE, SIDE, x=3.0)), luma(texture(1, SIDE, SIDE))


def tried(ours: Tensor, theirs: Tensor, motion: Tensor) -> Tensor:
    return Propagation()(*light_and_slopes(torch.cat([ours, theirs], dim=1)), motion)


def test_a_cell_that_is_lost_takes_its_neighbours_motion(texture: Callable[..., Tensor]) -> None:
    ours, theirs = moved(texture)
    motion = torch.zeros(1, 2, SIDE, SIDE)
    motion[:, 0] = 3.0
    motion[:, :, 10:13, 14:17] = torch.tensor([-6.0, 5.0]).view(1, 2, 1, 1)
    found = tried(ours, theirs, motion)
    error = (found - torch.tensor([3.0, 0.0]).view(1, 2, 1, 1)).norm(dim=1)
    assert float(error[:, 10:13, 14:17].max()) < 0.5
    assert float(error[:, 6:-6, 6:-6].mean()) < 0.1


def test_what_stands_still_is_found_without_neighbours(texture: Callable[..., Tensor]) -> None:
    """A HUD in a moving picture: everything around it says 'three pixels'."""
    still = luma(texture(2, SIDE, SIDE))
    motion = torch.zeros(1, 2, SIDE, SIDE)
    motion[:, 0] = 3.0
    found = tried(still, still, motion)
    assert float(found.norm(dim=1).mean()) < 0.2


def test_the_choice_is_the_softmax_of_what_is_missed(texture: Callable[..., Tensor]) -> None:
    """One cell, written out in NumPy: own motion, four neighbours at a distance of four, none."""
    ours, theirs = moved(texture)
    motion = 4.0 * torch.rand(1, 2, SIDE, SIDE, generator=torch.manual_seed(0))
    row, column, reach = 16, 14, WINDOW // 2
    places = [(0, 0), (0, -4), (0, 4), (-4, 0), (4, 0)]
    window = np.s_[row - reach : row + reach + 1, column - reach : column + reach + 1]
    fields = [torch.roll(motion, (-y, -x), dims=(2, 3)) for y, x in places]
    fields.append(torch.zeros_like(motion))
    pictures = [plane[0].numpy() for plane in light_and_slopes(torch.cat([ours, theirs], dim=1))]
    (light, across, down), before = pictures[0], torch.from_numpy(pictures[1][None, :1])
    missed = [
        np.abs(warp(before, field, "bilinear")[0, 0].numpy() - light)[window].mean()
        for field in fields
    ]
    texture_seen = OF_SLOPES * (np.abs(across) + np.abs(down))
    contrast = texture_seen[window].mean() + LEAST_CONTRAST
    weights = np.exp(-DECISION * np.array(missed) / contrast)
    weights /= weights.sum()
    values = np.array([field[0, :, row, column].numpy() for field in fields])
    found = tried(ours, theirs, motion)[0, :, row, column].numpy()
    np.testing.assert_allclose(found, weights @ values, atol=1e-3)
