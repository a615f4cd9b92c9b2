"""Recipes: their records, their repetition, overlays, the temporal upscaler, random draws."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from temporal_clean.errors import TemporalCleanError
from temporal_clean.flow import dis_flow
from temporal_clean.train.degrading import (
    RECIPES,
    Overlay,
    Recipe,
    degrade,
    draw_recipe,
    reference,
)
from temporal_clean.train.degrading.drawing import SHARES
from temporal_clean.train.degrading.motion import spoil
from temporal_clean.train.degrading.steps import Compress, Quantise, Sample, Temporal


@pytest.fixture(scope="module")
def master() -> torch.Tensor:
    """Five 8-bit frames of 64x48 at factor 4: a disc before a moving ground of noise."""
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 256, (3, 48, 120)).repeat(4, axis=1).repeat(4, axis=2)
    frames = np.stack([ground[:, :, 8 * k : 8 * k + 256] for k in range(5)]).astype(np.uint8)
    rows, columns = np.mgrid[:192, :256]
    frames[:, :, (rows - 96) ** 2 + (columns - 128) ** 2 < 40**2] = 240
    return torch.from_numpy(frames)


@pytest.mark.parametrize("name", list(RECIPES))
def test_each_recipe_repeats_and_survives_json(name, master):
    recipe = replace(RECIPES[name], seed=3)
    frames = degrade(master, 4, recipe)
    assert frames.shape == (5, 3, 48, 64)
    assert frames.dtype == torch.float32
    assert 0.0 <= float(frames.min()) <= float(frames.max()) <= 1.0
    again = Recipe.from_json(json.loads(json.dumps(recipe.to_json())))
    assert again == recipe
    assert torch.equal(degrade(master, 4, again), frames)


def test_the_seed_changes_what_is_random(master):
    for name in ("native-grain", "native-taa", "performance-temporal"):
        first, second = (degrade(master, 4, replace(RECIPES[name], seed=s)) for s in (0, 1))
        assert not torch.equal(first, second), name


def test_clean_is_the_reference(master):
    assert torch.equal(degrade(master, 4, RECIPES["clean"]), reference(master, 4))


def test_json_names_the_step():
    row = RECIPES["performance-fsr1"].to_json()["steps"][0]
    assert row == {"step": "sample", "scale": 0.5, "sequence": "fixed", "jitter": [0.0, 0.0]}


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([{"step": "sampel"}], "there is no step 'sampel'"),
        ([{"step": "sample", "size": 2}], "step 'sample' has no size"),
        ([{"step": "fxaa"}, {"step": "sample"}], "begins with one 'sample' or 'clean'"),
        ([{"step": "sample", "sequence": "sobol"}], "is 'fixed' or 'halton', not 'sobol'"),
        ([], "there is no step None"),
    ],
)
def test_a_wrong_record_is_named(steps, text):
    with pytest.raises(TemporalCleanError, match=text):
        Recipe.from_json({"name": "x", "steps": steps})


def test_the_hud_is_drawn_after_the_upscaler(master):
    coverage = torch.zeros(5, 1, 48, 64)
    coverage[..., 4:10, 4:30] = 1.0
    text = torch.rand(5, 3, 48, 64) * coverage
    overlay = Overlay(text, coverage)
    for name in ("performance-fsr1", "native-grain", "performance-temporal"):
        with_hud = degrade(master, 4, RECIPES[name], overlay=overlay)
        without = degrade(master, 4, RECIPES[name])
        shown = with_hud[..., 4:10, 4:30]
        assert (shown - text[..., 4:10, 4:30]).abs().max() <= 1.51 / 255, name
        outside = coverage.expand_as(without) == 0
        assert torch.equal(with_hud[outside], without[outside])


def test_the_hud_is_compressed_with_the_picture(master):
    coverage = torch.zeros(5, 1, 48, 64)
    coverage[..., 8:16, 8:56] = 1.0
    shown = reference(master, 4)
    overlay = Overlay.from_reference(shown, coverage)
    recipe = Recipe("", Sample(0.5), (Compress(crf=30),))
    out = degrade(master, 4, recipe, overlay=overlay)
    inside = coverage.expand_as(out) == 1
    assert not torch.equal(out[inside], shown[inside])
    assert (out - shown)[inside].abs().mean() < 0.2
    late = Recipe("", Sample(0.5), (Quantise(),))
    exact = degrade(master, 4, late, overlay=overlay)
    assert (exact - shown)[inside].abs().max() < 0.51 / 255


def test_still_frames_are_gathered():
    """Nothing moves: jittered half-resolution samples become more than any one of them."""
    rng = np.random.default_rng(1)
    cells = torch.from_numpy(rng.random((1, 3, 40, 40))).float()
    master = torch.nn.functional.interpolate(cells, (256, 256), mode="bicubic").clamp(0, 1)
    master = master.expand(24, 3, 256, 256)
    clean, still = reference(master, 4), torch.zeros(24, 2, 64, 64)
    errors = [
        float((degrade(master, 4, RECIPES[name], motion=still)[-1] - clean[-1]).square().mean())
        for name in ("performance-temporal", "performance-bicubic")
    ]
    assert errors[0] < 0.5 * errors[1]


def _ghost(frames: torch.Tensor, clean: torch.Tensor, where: torch.Tensor) -> float:
    """<o - g, g' - g> / |g' - g|^2 over ``where``, g' the reference one frame before."""
    error, past = (frames - clean)[1:] * where, (clean[:-1] - clean[1:]) * where
    return float((error * past).sum() / past.square().sum())


def test_missing_motion_ghosts(master):
    """The uncovered ground keeps the past where motion is unknown, less where it is known."""
    clean = reference(master, 4)
    flow = dis_flow(clean[1:], clean[:-1])
    motion = torch.cat([torch.zeros(1, 2, 48, 64), flow.motion])
    # A clip as loose as this lets the past through.
    careless = Temporal(alpha=0.1, clamp=2.5, late=0.0, missing=0.0)
    recipe = Recipe("", Sample(0.5, "halton"), (careless,))
    everywhere = torch.ones(4, 1, 48, 64)
    known = _ghost(degrade(master, 4, recipe, motion=motion), clean, everywhere)
    unknown = _ghost(degrade(master, 4, recipe, motion=0 * motion), clean, everywhere)
    native = _ghost(degrade(master, 4, RECIPES["native"]), clean, everywhere)
    assert native < 0.05
    assert unknown > 0.3
    assert unknown > known + 0.1


def test_spoiled_motion_has_the_shares_asked_for():
    motion = torch.arange(1.0, 17.0).view(16, 1, 1, 1).expand(16, 2, 128, 160) + 0.3
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(spoil(motion, 0.0, 0.0, 0.0, 16, generator), motion)
    whole = spoil(motion, 1.0, 0.0, 0.0, 16, generator)
    assert torch.equal(whole, whole.round())
    late = spoil(motion, 0.0, 0.25, 0.0, 8, generator)
    assert float((late[1:] == motion[:-1]).float().mean()) == pytest.approx(0.25, abs=0.05)
    missing = spoil(motion, 0.0, 0.0, 0.2, 16, generator)
    assert float((missing == 0).float().mean()) == pytest.approx(0.2, abs=0.02)


def test_draws_have_their_shares():
    generator = np.random.default_rng(5)
    drawn = [draw_recipe(generator) for _ in range(2000)]
    kinds = Counter(recipe.name.removeprefix("drawn-") for recipe in drawn)
    for kind, share in SHARES.items():
        assert kinds[kind] / 2000 == pytest.approx(share, abs=0.03)
    assert sum(SHARES.values()) == pytest.approx(1.0)
    assert len({recipe.seed for recipe in drawn}) > 1990
    assert draw_recipe(np.random.default_rng(5)) == drawn[0]
    assert all(Recipe.from_json(json.loads(json.dumps(r.to_json()))) == r for r in drawn[:200])


def test_draws_from_a_recording_without_a_master():
    generator = np.random.default_rng(6)
    names = Counter(draw_recipe(generator, factor=1).name for _ in range(300))
    assert set(names) == {"drawn-upscaled", "drawn-temporal", "drawn-clean"}


def test_drawn_recipes_run(master):
    generator = np.random.default_rng(7)
    for _ in range(25):
        recipe = draw_recipe(generator)
        frames = degrade(master, 4, recipe)
        assert frames.shape == (5, 3, 48, 64), recipe
        assert bool(torch.isfinite(frames).all()), recipe
