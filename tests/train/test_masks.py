"""Overlays drawn over the demo clip are found; clips without one stay clean."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import temporal_clean
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import reference
from temporal_clean.train.masks import find_overlay, overlay_from_pair
from temporal_clean.video import open_input

DEMO = Path(temporal_clean.__file__).parent / "assets" / "demo"
HEIGHT, WIDTH = 270, 480
Frames = NDArray[np.uint8]
Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


@pytest.fixture(scope="module")
def clip() -> Frames:
    """The later part of the demo clip, where the camera turns: (48, 270, 480, 3)."""
    with open_input(DEMO / "reference.mkv") as reader:
        return np.stack([frame.pixels for frame in reader])[60:108]


class Drawn:
    """An overlay: colour premultiplied by coverage, and coverage."""

    def __init__(self) -> None:
        self.colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
        self.coverage = np.zeros((HEIGHT, WIDTH), np.float32)

    def over(self, coverage: NDArray[np.float32], colour: tuple[int, int, int]) -> None:
        shade = np.asarray(colour, np.float32)
        self.colour = self.colour * (1 - coverage[..., None]) + shade * coverage[..., None]
        self.coverage = self.coverage * (1 - coverage) + coverage

    def text(self, text: str, x: int, y: int, size: float) -> None:
        large = np.zeros((4 * HEIGHT, 4 * WIDTH), np.uint8)
        place = (4 * x, 4 * y)
        cv2.putText(large, text, place, cv2.FONT_HERSHEY_SIMPLEX, 4 * size, 255, 6, cv2.LINE_AA)
        small = cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        self.over(small.astype(np.float32) / 255, (255, 250, 230))

    def box(self, left: int, top: int, right: int, bottom: int, opacity: float = 1.0) -> None:
        coverage = np.zeros((HEIGHT, WIDTH), np.float32)
        coverage[top:bottom, left:right] = opacity
        self.over(coverage, (20, 40, 30) if opacity < 1 else (120, 255, 120))

    def on(self, frame: Frames) -> Frames:
        mixed = frame * (1 - self.coverage[..., None]) + self.colour
        return np.rint(mixed).astype(np.uint8)


def panel(layer: Drawn, _: int) -> None:
    layer.box(12, 222, 120, 260, opacity=0.5)
    layer.text("HP 87", 18, 248, 0.7)


def crosshair(layer: Drawn, _: int) -> None:
    layer.box(232, 134, 249, 136)
    layer.box(239, 127, 242, 143)


def watermark(layer: Drawn, _: int) -> None:
    layer.text("watermark", 330, 262, 0.5)


def digits(layer: Drawn, number: int) -> None:
    layer.text(f"{100 + number // 10}", 262, 22, 0.55)


def minimap(layer: Drawn, _: int) -> None:
    layer.box(390, 10, 470, 60)


def bars(layer: Drawn, _: int) -> None:
    for top, bottom in ((0, 30), (240, 270)):
        coverage = np.zeros((HEIGHT, WIDTH), np.float32)
        coverage[top:bottom] = 1.0
        layer.over(coverage, (0, 0, 0))


def drawn_on(clip: Frames, draw: Callable[[Drawn, int], None]) -> tuple[Frames, NDArray[np.bool_]]:
    """The clip with an overlay, and where it ever covers a quarter of a pixel."""
    frames, covered = [], np.zeros((HEIGHT, WIDTH), bool)
    for number, frame in enumerate(clip):
        layer = Drawn()
        draw(layer, number)
        frames.append(layer.on(frame))
        covered |= layer.coverage > 0.25
    return np.stack(frames), covered


@pytest.mark.parametrize(
    ("draw", "least"),
    [
        (panel, 0.9),
        (crosshair, 0.9),
        (watermark, 0.8),
        (digits, 0.6),
        (minimap, 0.95),
        (bars, 0.95),
    ],
)
def test_overlays_are_found_and_little_else(
    clip: Frames, draw: Callable[[Drawn, int], None], least: float
) -> None:
    frames, covered = drawn_on(clip, draw)
    found = find_overlay(frames)
    mask = found.mask > 0.5
    assert found.found
    assert found.confidence > 0.8
    assert (mask & covered).sum() / covered.sum() > least
    near = cv2.dilate(covered.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    assert (mask & near).sum() / mask.sum() > 0.95


def test_a_clip_without_overlay_stays_clean(clip: Frames) -> None:
    """The weapon at the bottom moves with the camera, not with the screen."""
    found = find_overlay(clip)
    assert found.found is False
    assert not found.mask.any()
    assert "nothing stays" in found.why


def test_a_still_camera_cannot_tell(clip: Frames) -> None:
    frames, _ = drawn_on(np.repeat(clip[:1], 24, axis=0), panel)
    noise = np.random.default_rng(0).integers(-2, 3, frames.shape)
    found = find_overlay(np.clip(frames + noise, 0, 255).astype(np.uint8))
    assert found.found is None
    assert not found.mask.any()
    assert "cannot be told" in found.why


def test_an_even_sky_and_its_stars_are_not_marked(clip: Frames) -> None:
    """Above a skyline that passes by, a dark sky with stars that stand still, as in a walk."""
    frames = clip.copy()
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    stars = np.random.default_rng(1).integers((5, 5), (80, 470), (40, 2))
    for number, frame in enumerate(frames):
        sky = rows < 110 + 20 * np.sin((columns + 8 * number) / 25)
        frame[sky] = (25, 30, 60)
        for y, x in stars:
            frame[y : y + 3, x : x + 3] = (200, 200, 255)
    assert find_overlay(frames).mask[:130].mean() < 0.001


def test_too_few_frames_are_refused(clip: Frames) -> None:
    with pytest.raises(TemporalCleanError, match="at least 8 frames"):
        find_overlay(clip[:5])


def master_pair(translucent: bool) -> tuple[Frames, Frames]:
    """A noisy master of factor 4, without and with text on a panel."""
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, (30, 40, 3), np.uint8)
    without = cv2.resize(noise, (320, 240), interpolation=cv2.INTER_CUBIC)
    with_hud = without.copy()
    if translucent:
        part = with_hud[40:120, 60:200].astype(np.float32)
        with_hud[40:120, 60:200] = np.rint(0.4 * part + 0.6 * np.array([30, 60, 90]))
    else:
        with_hud[41:121, 62:203] = (250, 240, 20)
    cv2.putText(with_hud, "42", (80, 105), cv2.FONT_HERSHEY_SIMPLEX, 2, (9, 9, 9), 6, cv2.LINE_AA)
    return np.asarray(without, np.uint8), with_hud


def screen(frame: Frames, factor: int = 4) -> NDArray[np.float32]:
    planes = torch.from_numpy(frame).permute(2, 0, 1)[None]
    return 255.0 * reference(planes, factor)[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("translucent", [False, True])
def test_a_pair_gives_the_reference_with_hud_within_two_codes(translucent: bool) -> None:
    without, with_hud = master_pair(translucent)
    hud = overlay_from_pair(without, with_hud, factor=4)
    mask = hud.coverage[..., None] / 255.0
    composed = screen(without) * (1 - mask) + hud.colour
    assert np.abs(composed - screen(with_hud)).max() <= 2.0
    same = np.abs(screen(without) - screen(with_hud)).max(axis=-1) == 0
    assert not hud.colour[same].any()
    assert hud.coverage[0].max() == 0


def test_opacity_shows_in_the_contrast_left() -> None:
    opaque, translucent = (overlay_from_pair(*master_pair(t), factor=4) for t in (False, True))
    panel = slice(12, 15), slice(18, 48)
    assert np.median(opaque.coverage[panel]) > 0.97 * 255
    assert np.median(translucent.coverage[panel]) == pytest.approx(0.6 * 255, abs=6)


def test_equal_frames_give_nothing_and_sizes_must_agree() -> None:
    without, _ = master_pair(False)
    hud = overlay_from_pair(without, without, factor=4)
    assert not hud.coverage.any()
    assert not hud.colour.any()
    with pytest.raises(TemporalCleanError, match="one size"):
        overlay_from_pair(without, without[:-4], factor=4)
