"""Lucas and Kanade's step against its textbook form, and on pictures with known motion."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from temporal_clean.flow import block_mean, warp
from temporal_clean.flow.lucas_kanade import (
    LEAST_TEXTURE,
    SHARE,
    LucasKanade,
    light_and_slopes,
)
from temporal_clean.flow.pooling import enlarged
from temporal_clean.models import luma


@pytest.fixture(name="texture")
def luma_texture(texture: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return lambda *arguments, **options: luma(texture(*arguments, **options))


def step(
    solver: LucasKanade, ours: Tensor, theirs: Tensor, motion: Tensor, belief: Tensor
) -> Tensor:
    return solver(*light_and_slopes(torch.cat([ours, theirs], dim=1)), motion, belief)


@pytest.mark.parametrize(("stride", "side", "dilation"), [(1, 5, 1), (2, 8, 1), (1, 5, 2)])
def test_each_cell_solves_its_own_least_squares(
    stride: int, side: int, dilation: int, texture: Callable[..., Tensor]
) -> None:
    """The damped normal equations of one cell, put together in NumPy in double precision.

    Each pixel has a motion and a belief of its own; the unknown is the cell's motion.
    """
    random = torch.manual_seed(0)
    belief = torch.rand(1, 1, 24, 32, generator=random)
    motion = torch.rand(1, 2, 24 // stride, 32 // stride, generator=random) * 0.6
    pictures = torch.cat([texture(1, 24, 32, x=0.7, y=0.1), texture(1, 24, 32)], dim=1)
    solver = LucasKanade(side, stride, dilation)
    ours, theirs = light_and_slopes(pictures)
    found = solver(ours, theirs, motion, belief)
    assert found.shape == motion.shape

    own = enlarged(motion, stride)
    warped = warp(theirs, own, "bilinear")[0].double().numpy()
    here, own, trust = ours[0].double().numpy(), own[0].double().numpy(), belief[0, 0].numpy()
    row, column = 8 // stride, 12 // stride
    now = motion[0, :, row, column].double().numpy()
    profile = np.hanning(side + 2)[1:-1]
    weight = np.outer(profile, profile) / profile.sum() ** 2
    top, left = (n * stride - dilation * (side - stride) // 2 for n in (row, column))
    matrix, right = np.zeros((2, 2)), np.zeros(2)
    for y in range(side):
        for x in range(side):
            v, u = top + dilation * y, left + dilation * x
            slope = (here[1:, v, u] + warped[1:, v, u]) / 2
            # What this pixel misses where the cell's motion is not its own.
            error = here[0, v, u] - warped[0, v, u] - slope @ (now - own[:, v, u])
            matrix += weight[y, x] * trust[v, u] * np.outer(slope, slope)
            right += weight[y, x] * trust[v, u] * slope * error
    damping = SHARE * (np.trace(matrix) + LEAST_TEXTURE)
    expected = now + np.linalg.solve(matrix + damping * np.eye(2), right)
    np.testing.assert_allclose(found[0, :, row, column].numpy(), expected, atol=1e-4)


def test_pixels_that_are_not_believed_do_not_count(texture: Callable[..., Tensor]) -> None:
    ours, theirs = texture(1, 32, 32, x=0.4), texture(1, 32, 32)
    spoiled = ours.clone()
    spoiled[..., 15:18, 15:18] = 0.0
    motion, belief = torch.zeros(1, 2, 32, 32), torch.ones(1, 1, 32, 32)
    # Their slopes reach one pixel farther.
    belief[..., 14:19, 14:19] = 0.0
    solver = LucasKanade(side=7)
    found = step(solver, spoiled, theirs, motion, belief)
    assert torch.equal(found, step(solver, ours, theirs, motion, belief))
    assert not torch.equal(found, step(solver, spoiled, theirs, motion, torch.ones_like(belief)))


@pytest.mark.parametrize(("x", "y"), [(0.4, 0.0), (-0.3, 0.5)])
def test_steps_lead_to_the_motion(x: float, y: float, texture: Callable[..., Tensor]) -> None:
    ours, theirs = (
        texture(3, 64, 64, x=a, y=b, wavelengths=(6.0, 20.0)) for a, b in ((x, y), (0.0, 0.0))
    )
    motion, solver = torch.zeros(1, 2, 64, 64), LucasKanade(side=7, dilation=2)
    for _ in range(4):
        motion = step(solver, ours, theirs, motion, torch.ones(1, 1, 64, 64))
    error = (motion - torch.tensor([x, y]).view(1, 2, 1, 1)).norm(dim=1)[:, 6:-6, 6:-6]
    assert float(error.mean()) < 0.05


def test_motions_that_scatter_come_together(texture: Callable[..., Tensor]) -> None:
    """Each pixel answers from its own motion: a cell is not led off by what its neighbours err."""
    ours, theirs = (texture(3, 64, 64, x=x, wavelengths=(6.0, 20.0)) for x in (0.4, 0.0))
    truth = torch.tensor([0.4, 0.0]).view(1, 2, 1, 1)
    scatter = torch.randn(1, 2, 64, 64, generator=torch.manual_seed(0)) * 0.3
    found = step(LucasKanade(side=7), ours, theirs, truth + scatter, torch.ones(1, 1, 64, 64))
    inner = (found - truth)[..., 6:-6, 6:-6].norm(dim=1).mean()
    assert float(inner) < 0.33 * float(scatter.norm(dim=1).mean())


def test_on_half_size_pictures_a_cell_is_four_pixels(texture: Callable[..., Tensor]) -> None:
    ours, theirs = (block_mean(texture(3, 64, 64, x=x), 2) for x in (0.8, 0.0))
    motion, solver = torch.zeros(1, 2, 16, 16), LucasKanade(side=8, stride=2)
    for _ in range(4):
        motion = step(solver, ours, theirs, motion, torch.ones(1, 1, 32, 32))
    assert float(motion[:, 0, 3:-3, 3:-3].mean()) == pytest.approx(0.8 / 2, abs=0.02)
    assert float(motion[:, 1, 3:-3, 3:-3].abs().mean()) < 0.03


def test_without_belief_motion_stays() -> None:
    random = torch.manual_seed(0)
    motion = torch.rand(1, 2, 12, 12, generator=random)
    noise = torch.rand(2, 1, 1, 12, 12, generator=random)
    found = step(LucasKanade(side=7), noise[0], noise[1], motion, torch.zeros(1, 1, 12, 12))
    assert torch.equal(found, motion)


def test_without_texture_nothing_moves_and_no_step_is_far() -> None:
    solver = LucasKanade(side=7)
    grey, motion = torch.full((1, 1, 16, 16), 0.5), torch.zeros(1, 2, 16, 16)
    sure = torch.ones(1, 1, 16, 16)
    assert step(solver, grey, grey + 0.2, motion, sure).abs().max() < 1e-3
    random = torch.manual_seed(0)
    noise = torch.rand(2, 1, 1, 16, 16, generator=random)
    assert step(solver, noise[0], noise[1], motion, sure).abs().max() <= 1.0


@pytest.mark.parametrize("pan", [0, 60])
def test_half_precision_finds_the_same(pan: int, texture: Callable[..., Tensor]) -> None:
    ours, theirs = texture(3, 32, 160, x=pan + 0.4).half(), texture(3, 32, 160).half()
    motion, sure = torch.zeros(1, 2, 32, 160), torch.ones(1, 1, 32, 160)
    motion[:, 0] = pan
    solver = LucasKanade(side=7)
    half = step(solver.half(), ours, theirs, motion.half(), sure.half())
    whole = step(LucasKanade(side=7), ours.float(), theirs.float(), motion, sure)
    assert half.isfinite().all()
    # A motion of 60 pixels itself is known to 0.03 in half precision.
    assert float((half.float() - whole).abs().mean()) < 0.03
