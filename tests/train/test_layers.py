"""Layered scenes: their motion is exact, what was hidden is known to be."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.flow import warp
from temporal_clean.train.degrading import reference
from temporal_clean.train.layers import draw_scene

SIDE = 64


def textures(factor: int, smooth: int = 24) -> list[np.ndarray]:
    """Smooth colours, each texture its own, as large as a small recording's master."""
    random = np.random.default_rng(5)
    found = []
    for _ in range(3):
        rows, columns = np.mgrid[0 : 160 * factor, 0 : 240 * factor] / factor
        waves = random.uniform(-2 * np.pi / smooth, 2 * np.pi / smooth, (8, 2))
        phases = random.uniform(0, 6.28, (8, 3))
        picture = sum(
            np.sin((a * rows + b * columns)[..., None] + p)
            for (a, b), p in zip(waves, phases, strict=True)
        )
        colour = random.uniform(80, 170, 3)
        found.append(np.clip(colour + 14 * np.asarray(picture), 0, 255).astype(np.uint8))
    return found


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from([1, 4]))
def test_what_is_known_lay_where_the_motion_points(seed: int, factor: int) -> None:
    scene = draw_scene(textures(factor), 3, SIDE, factor, np.random.default_rng(seed))
    clean = reference(scene.master, factor)
    warped = warp(clean[:-1], scene.motion[1:], "bicubic")
    error = (warped - clean[1:]).abs().amax(dim=1, keepdim=True)
    # Pixels beside an edge hold two layers: only the insides are exact.
    known = scene.known[1:]
    inside = 1.0 - torch.nn.functional.max_pool2d(1.0 - known, 5, 1, 2)
    if inside.sum() < 100:
        return
    # A sprite's edge that nothing uncovers is not in the mask: a few in a hundred pixels.
    wrong = ((error > 0.04) * inside).sum() / inside.sum()
    assert float(wrong) < 0.08
    assert float((error * inside).sum() / inside.sum()) < 0.012


def test_a_sprite_that_moves_uncovers_what_was_hidden() -> None:
    hidden = 0
    for seed in range(20):
        scene = draw_scene(textures(1), 2, SIDE, 1, np.random.default_rng(seed))
        assert scene.known[0].max() == 0.0
        hidden += int((scene.known[1] == 0).any())
    assert hidden > 8


def test_the_same_seed_gives_the_same_scene() -> None:
    first, second = (
        draw_scene(textures(1), 2, SIDE, 1, np.random.default_rng(3)) for _ in range(2)
    )
    for a, b in zip(vars(first).values(), vars(second).values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("factor", [1, 4])
def test_sizes(factor: int) -> None:
    scene = draw_scene(textures(factor), 4, SIDE, factor, np.random.default_rng(0))
    assert scene.master.shape == (4, 3, SIDE * factor, SIDE * factor)
    assert scene.motion.shape == (4, 2, SIDE, SIDE)
    assert scene.known.shape == (4, 1, SIDE, SIDE)
