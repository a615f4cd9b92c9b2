"""Losses: zero or least where they should be, and the same as the figures that they stand for."""

import pytest
import torch
import torch.nn.functional as F

from temporal_clean.evaluation import sharp
from temporal_clean.flow import warp
from temporal_clean.train.losses import (
    census_distance,
    charbonnier,
    doubt_error,
    flicker,
    motion_distance,
    photometric,
    sharpness_error,
    smoothness,
)

ONES = torch.ones(1, 1, 40, 48)


@pytest.fixture
def moved(texture) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A frame, the one before it and the motion between them: (1.5, -0.75) pixels."""
    before = texture(1, 40, 48)
    motion = torch.tensor([1.5, -0.75]).view(1, 2, 1, 1).expand(1, 2, 40, 48).contiguous()
    return warp(before, motion, "bilinear"), before, motion


def test_charbonnier_is_square_for_faint_and_absolute_for_large_errors() -> None:
    found = charbonnier(torch.tensor([0.0, 1e-3, 0.5]), softness=1e-4)
    assert found[0] == pytest.approx(1e-2)
    assert found[1] - found[0] == pytest.approx(1e-6 / (2 * 1e-2), rel=0.01)
    assert found[2] == pytest.approx(0.5, rel=1e-3)


def test_an_error_that_moves_with_its_surface_is_no_flicker(moved) -> None:
    _, before, motion = moved
    steady = flicker(warp(before, motion, "bilinear"), before, motion, ONES)
    changing = flicker(-warp(before, motion, "bilinear"), before, motion, ONES)
    assert float(steady) == pytest.approx(1e-2, rel=1e-3)
    assert float(changing) > 10 * float(steady)
    nothing = flicker(-before, before, motion, torch.zeros_like(ONES))
    assert float(nothing) == 0.0


def test_sharpness_error_is_that_of_the_figure(texture) -> None:
    clean = texture(1, 40, 48)
    soft = F.avg_pool2d(clean, 3, 1, 1, count_include_pad=False)
    missing = 1.0 - float(sharp(soft, clean))
    for dirty in (clean, clean + (clean - soft)):  # as sharp as the reference, and harsher
        assert float(sharpness_error(soft, clean, dirty)) == pytest.approx(missing**2, rel=1e-3)
    assert float(sharpness_error(clean, clean, clean)) == pytest.approx(0.0, abs=1e-9)
    flat = torch.full((1, 3, 40, 48), 0.5)
    assert float(sharpness_error(flat + 0.01 * torch.rand(1, 3, 40, 48), flat, flat)) < 0.25


def test_sharpness_asks_for_no_more_than_the_input_has(texture) -> None:
    clean = texture(1, 40, 48)
    soft = F.avg_pool2d(clean, 3, 1, 1, count_include_pad=False)
    softer = F.avg_pool2d(soft, 3, 1, 1, count_include_pad=False)
    assert float(sharpness_error(soft, clean, soft)) == pytest.approx(0.0, abs=1e-9)
    assert float(sharpness_error(clean, clean, soft)) == pytest.approx(0.0, abs=1e-9)
    lost = float(sharp(soft, clean) - sharp(softer, clean))
    assert float(sharpness_error(softer, clean, soft)) == pytest.approx(lost**2, rel=1e-3)
    harsh = clean + (clean - soft)
    gained = float(sharp(harsh, clean)) - 1.0
    assert float(sharpness_error(harsh, clean, soft)) == pytest.approx(gained**2, rel=1e-3)


def test_the_right_motion_is_the_best_one(moved) -> None:
    frame, before, motion = moved
    for offset in ((0.3, 0.0), (0.0, -0.3), (-1.0, 1.0)):
        wrong = motion + torch.tensor(offset).view(1, 2, 1, 1)
        assert motion_distance(motion, motion, ONES) < motion_distance(wrong, motion, ONES)
        for judge in (photometric, census_distance):
            assert judge(frame, before, motion, ONES) < judge(frame, before, wrong, ONES)


def test_census_does_not_mind_a_change_of_light(moved) -> None:
    frame, before, motion = moved
    same = census_distance(frame, before, motion, ONES)
    darker = census_distance(0.8 * frame, before, motion, ONES)
    wrong = census_distance(frame, before, motion + 1.0, ONES)
    assert float(darker - same) < 0.35 * float(wrong - same)


def test_doubt_is_wanted_where_the_warp_misses_and_nowhere_else(moved) -> None:
    frame, before, motion = moved
    spoiled = frame.clone()
    spoiled[..., :20, :] = 1.0 - spoiled[..., :20, :]
    right = torch.zeros(1, 1, 40, 48)
    right[..., :20, :] = 1.0
    best = doubt_error(right, spoiled, before, motion)
    for other in (torch.zeros_like(right), torch.ones_like(right), 1.0 - right):
        assert best < doubt_error(other, spoiled, before, motion)
    # No gradient reaches the motion: doubt may not be lowered by making warps worse.
    motion = motion.clone().requires_grad_()
    doubt = right.clone().requires_grad_()
    doubt_error(doubt, spoiled, before, motion).backward()
    assert motion.grad is None
    assert doubt.grad is not None


def test_motion_may_bend_at_edges_of_the_picture_only() -> None:
    picture = torch.zeros(1, 3, 40, 48)
    picture[..., 24:] = 1.0
    bend = torch.zeros(1, 2, 40, 48)
    bend[..., 24:] = 3.0
    elsewhere = torch.zeros(1, 2, 40, 48)
    elsewhere[..., 10:] = 3.0
    assert smoothness(bend, picture) < 0.01 * smoothness(elsewhere, picture)
