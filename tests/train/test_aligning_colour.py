"""The colour transform between two captures of one game."""

import cv2
import numpy as np
import pytest

from temporal_clean.train.aligning.colour import fit_colour

MIX = np.array([[0.95, 0.04, 0.01], [0.02, 0.97, 0.01], [0, 0.05, 0.95]])
CHANGES = {
    "none": lambda v: v,
    "gain and gamma": lambda v: 0.02 + 0.93 * v**1.12,
    "limited read as full": lambda v: v * 219 / 255 + 16 / 255,
    "channels": lambda v: v * [1.05, 1.0, 0.95],
    "matrix": lambda v: v @ MIX.T,
}


def pictures(seed: int) -> list[np.ndarray]:
    """Coloured textures in levels of 255, away from black and white."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0.1, 0.85, (3, 12, 20, 3)).astype(np.float32)
    return [255 * np.clip(cv2.resize(c, (320, 180)), 0, 1) for c in coarse]


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_change_of_colour_is_undone(name: str, seed: int) -> None:
    rng, inputs = np.random.default_rng(seed), pictures(seed)
    captured = [255 * CHANGES[name](p.astype(float) / 255) for p in inputs]
    captured = [np.clip(np.rint(c), 0, 255).astype(np.uint8) for c in captured]
    noisy = [p + rng.normal(0, 6, p.shape) for p in inputs]
    colour = fit_colour(captured, noisy)
    for before, after in zip(inputs, captured, strict=True):
        assert np.abs(colour(after) - before).mean() < 1.0
    assert colour.is_identity == (name == "none")


def test_a_range_mistake_is_named() -> None:
    inputs = pictures(2)
    washed = [np.rint(p * 219 / 255 + 16) for p in inputs]
    assert "reference looks washed out" in fit_colour(washed, inputs).note
    assert "input looks washed out" in fit_colour(inputs, washed).note


def test_an_overlay_on_one_side_does_not_count() -> None:
    inputs = pictures(3)
    captured = [0.9 * p for p in inputs]
    for picture in captured:
        picture[:60, :100] = 200
    colour = fit_colour(captured, inputs)
    assert np.abs(colour(captured[0])[80:] - inputs[0][80:]).mean() < 1.0


def test_pictures_without_information_change_nothing() -> None:
    black = [np.zeros((64, 64, 3), np.uint8)]
    assert fit_colour(black, black).is_identity
