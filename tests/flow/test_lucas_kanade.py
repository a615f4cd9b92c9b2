"""Lucas and Kanade's step against its textbook form, and on pictures with known motion."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from temporal_clean.flow import block_mean
from temporal_clean.flow.lucas_kanade import (
    FLOOR,
    LITTLE,
    SCALE,
    SHARE,
    LucasKanade,
    light_and_slopes,
)
from temporal_clean.flow.pooling import smoothed
from temporal_clean.models import luma


@pytest.fixture(name="texture")
def luma_texture(texture: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *arguments, **options: luma(texture(*arguments, **options))


def step(
    solver: LucasKanade, ours: Tensor, theirs: Tensor, motion: Tensor, belief: Tensor
) -> Tensor:
    return solver(*light_and_slopes(torch.cat([ours, theirs], dim=1)), motion, belief)


@pytest.mark.parametrize(("stride", "side", "dilation"), [(1, 5, 1), (2, 10, 1), (1, 5, 2)])
def test_each_cell_solves_its_own_least_squares(
    stride: int, side: int, dilation: int, texture: Callable[..., Tensor]
) -> None:
    """The damped normal equations of one cell, put together in NumPy in double precision.

    Only that cell is believed, so that the average over neighbours is its own step.
    """
    row, column = 8 // stride, 12 // stride
    belief = torch.zeros(1, 1, 24 // stride, 32 // stride)
    belief[..., row, column] = 1.0
    ours, theirs = texture(1, 24, 32, x=0.3, y=-0.2), texture(1, 24, 32)
    solver = LucasKanade(stride, 2, dilation)
    found = step(solver, ours, theirs, torch.zeros(1, 2, 24 // stride, 32 // stride), belief)
    assert found.shape == (1, 2, 24 // stride, 32 // stride)
    assert solver.window.shape[-1] == side
    mean = ((ours + theirs) / 2)[0, 0].double().numpy()
    error = (ours - theirs)[0, 0].double().numpy()
    profile = np.hanning(side + 2)[1:-1]
    weight = np.outer(profile, profile) / profile.sum() ** 2
    row, column = 8 // stride, 12 // stride
    top, left = (n * stride - dilation * (side - stride) // 2 for n in (row, column))
    matrix, right = np.zeros((2, 2)), np.zeros(2)
    for y in range(side):
        for x in range(side):
            v, u = top + dilation * y, left + dilation * x
            slope = np.array([mean[v, u + 1] - mean[v, u - 1], mean[v + 1, u] - mean[v - 1, u]])
            slope *= SCALE / 2
            matrix += weight[y, x] * np.outer(slope, slope)
            right += weight[y, x] * slope * SCALE * error[v, u]
    damping = SHARE * np.trace(matrix) + FLOOR
    expected = np.linalg.solve(matrix + damping * np.eye(2), right)
    # A quarter of the binomial window lies on its centre.
    expected = expected * 0.25 / (0.25 + LITTLE)
    np.testing.assert_allclose(found[0, :, row, column].numpy(), expected, atol=1e-4)


def test_what_is_not_believed_takes_its_neighbours_step(texture: Callable[..., Tensor]) -> None:
    ours, theirs = texture(1, 32, 32, x=0.4), texture(1, 32, 32)
    spoiled = ours.clone()
    spoiled[..., 15:18, 15:18] = 0.0
    motion, belief = torch.zeros(1, 2, 32, 32), torch.ones(1, 1, 32, 32)
    solver = LucasKanade(reach=1)
    right = step(solver, ours, theirs, motion, belief)[0, :, 16, 19]
    wrong = step(solver, spoiled, theirs, motion, belief)[0, :, 16, 19]
    belief[..., 13:20, 13:20] = 0.0
    mended = step(solver, spoiled, theirs, motion, belief)[0, :, 16, 19]
    assert float((mended - right).norm()) < 0.7 * float((wrong - right).norm())


@pytest.mark.parametrize(("x", "y"), [(0.4, 0.0), (-0.3, 0.5)])
def test_steps_lead_to_the_motion(x: float, y: float, texture: Callable[..., Tensor]) -> None:
    ours, theirs = (
        texture(3, 64, 64, x=a, y=b, wavelengths=(6.0, 20.0)) for a, b in ((x, y), (0.0, 0.0))
    )
    motion = torch.zeros(1, 2, 64, 64)
    for _ in range(5):
        motion = step(LucasKanade(), ours, theirs, motion, torch.ones(1, 1, 64, 64))
    error = (motion - torch.tensor([x, y]).view(1, 2, 1, 1)).norm(dim=1)[:, 6:-6, 6:-6]
    # Of smoothing over 3 cells; over 7 it was 0.12 and lost more on real frames (docs/LOG.md).
    assert float(error.mean()) < 0.14


def test_on_half_size_pictures_a_cell_is_four_pixels(texture: Callable[..., Tensor]) -> None:
    ours, theirs = (block_mean(texture(3, 64, 64, x=x), 2) for x in (0.8, 0.0))
    motion = torch.zeros(1, 2, 16, 16)
    for _ in range(5):
        motion = step(LucasKanade(stride=2), ours, theirs, motion, torch.ones(1, 1, 16, 16))
    assert float(motion[:, 0, 3:-3, 3:-3].mean()) == pytest.approx(0.8 / 2, abs=0.04)
    assert float(motion[:, 1, 3:-3, 3:-3].abs().mean()) < 0.06


def test_motion_is_smoothed_with_its_steps() -> None:
    """Where nothing is believed no step is taken: the smoothing alone remains."""
    motion = torch.rand(1, 2, 12, 12, generator=torch.manual_seed(0))
    grey = torch.full((1, 1, 12, 12), 0.5)
    found = step(LucasKanade(), grey, grey, motion, torch.zeros(1, 1, 12, 12))
    assert torch.allclose(found, smoothed(motion))


def test_without_texture_nothing_moves_and_no_step_is_far() -> None:
    solver = LucasKanade()
    grey, motion = torch.full((1, 1, 16, 16), 0.5), torch.zeros(1, 2, 16, 16)
    sure = torch.ones(1, 1, 16, 16)
    assert step(solver, grey, grey + 0.2, motion, sure).abs().max() < 1e-3
    random = torch.manual_seed(0)
    noise = torch.rand(2, 1, 1, 16, 16, generator=random)
    assert step(solver, noise[0], noise[1], motion, sure).abs().max() <= 1.0


def test_half_precision_stays_finite(texture: Callable[..., Tensor]) -> None:
    ours, theirs = texture(3, 32, 32, x=0.4).half(), texture(3, 32, 32).half()
    motion, sure = torch.zeros(1, 2, 32, 32), torch.ones(1, 1, 32, 32)
    half = step(LucasKanade().half(), ours, theirs, motion.half(), sure.half())
    whole = step(LucasKanade(), ours.float(), theirs.float(), motion, sure)
    assert half.isfinite().all()
    assert float((half.float() - whole).abs().mean()) < 0.03
