"""Inputs added to clips: derived from the same frames, recorded so that they can be made again."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from temporal_clean import assets
from temporal_clean.clip import Clip, ClipRecord, Master, Rendering, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import RECIPES, Recipe
from temporal_clean.train.renderings import add_renderings, clips_from_video
from temporal_clean.video import open_input
from temporal_clean.video.generated import write_frames

FRAMES, HEIGHT, WIDTH = 5, 24, 40


@pytest.fixture
def clip(tmp_path: Path) -> Clip:
    """A lossless master of factor 4: smooth noise that moves."""
    folder = tmp_path / "clip"
    folder.mkdir()
    coarse = np.random.default_rng(0).integers(0, 256, (HEIGHT // 2, WIDTH // 2 + FRAMES, 3))
    wide = coarse.astype(np.uint8).repeat(8, 0).repeat(8, 1)
    frames = [wide[:, 8 * i : 8 * i + WIDTH * 4] for i in range(FRAMES)]
    write_frames(folder / "master.mkv", frames, Fraction(60))
    master = Master("master.mkv", WIDTH * 4, HEIGHT * 4, 4)
    write_record(folder, ClipRecord("clip", WIDTH, HEIGHT, FRAMES, master=master))
    return Clip.open(folder)


def pixels(clip: Clip, name: str) -> np.ndarray:
    return np.stack(list(clip.frames(name)))


def test_reference_and_native_come_from_the_masters_own_grid(clip: Clip) -> None:
    list(add_renderings(clip, [RECIPES["native"]]))
    made, master = Clip.open(clip.folder), pixels(clip, "master")
    assert (pixels(made, "native") == master[:, 2::4, 2::4]).all()
    # A pixel of the reference is centred on master pixel (4 i + 2): cubic interpolation halfway
    # between pixels, then the mean of four.
    weights = np.convolve(np.ones(4), np.array([-1, 9, 9, -1]) / 16) / 4
    block = master[2, 3:10, 7:14].astype(float)
    expected = np.clip(np.einsum("y,x,yxc->c", weights, weights, block), 0, 255)
    assert np.abs(pixels(made, "reference")[2, 1, 2] - expected).max() <= 0.51


def test_a_rendering_can_be_made_again_from_its_record(clip: Clip) -> None:
    recipe = replace(RECIPES["performance-temporal"], seed=7)
    list(add_renderings(clip, [recipe]))
    made = Clip.open(clip.folder)
    rendering = made.record.renderings[recipe.name]
    values = {"name": recipe.name, "seed": rendering.seed, "steps": list(rendering.steps)}
    assert Recipe.from_json(values) == recipe
    first = pixels(made, recipe.name)
    list(add_renderings(made, [Recipe.from_json(values)], overwrite=True))
    assert (pixels(Clip.open(clip.folder), recipe.name) == first).all()


def test_what_is_there_is_kept_unless_asked(clip: Clip) -> None:
    list(add_renderings(clip, [RECIPES["native"]]))
    with pytest.raises(TemporalCleanError, match="has native already; add --overwrite"):
        list(add_renderings(Clip.open(clip.folder), [RECIPES["native"]]))
    with pytest.raises(TemporalCleanError, match="named twice: native"):
        list(add_renderings(Clip.open(clip.folder), [RECIPES["native"]] * 2, overwrite=True))


def test_the_hud_is_drawn_after_the_upscaler(clip: Clip) -> None:
    hud = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    coverage = np.zeros_like(hud)
    # One sharp pixel of text, which any upscaler would smear.
    hud[:, 10, 10], coverage[:, 10, 10] = (0, 255, 0), 255
    write_frames(clip.folder / "hud.mkv", hud, Fraction(60))
    write_frames(clip.folder / "mask.mkv", coverage, Fraction(60))
    write_record(clip.folder, replace(clip.record, mask="mask.mkv", hud="hud.mkv"))
    list(add_renderings(Clip.open(clip.folder), [RECIPES["performance-bilinear"]]))
    made = Clip.open(clip.folder)
    for name in ("reference", "performance-bilinear"):
        assert (pixels(made, name)[:, 10, 10] == (0, 255, 0)).all()
        assert not (pixels(made, name)[:, 10, 11] == (0, 255, 0)).all()


def test_a_masked_reference_keeps_its_overlay_in_the_input(clip: Clip) -> None:
    list(add_renderings(clip, []))
    own = clip.folder.parent / "own"
    own.mkdir()
    (clip.folder / "reference.mkv").rename(own / "reference.mkv")
    mask = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    mask[:, :8] = 255
    write_frames(own / "mask.mkv", mask, Fraction(60))
    renderings = {"reference": Rendering("reference.mkv")}
    record = ClipRecord("own", WIDTH, HEIGHT, FRAMES, renderings=renderings, mask="mask.mkv")
    write_record(own, record)
    list(add_renderings(Clip.open(own), [RECIPES["performance-bilinear"]]))
    made = Clip.open(own)
    low, clean = pixels(made, "performance-bilinear"), pixels(made, "reference")
    assert (low[:, :8] == clean[:, :8]).all()
    assert np.abs(low[:, 9:].astype(int) - clean[:, 9:]).max() > 8


def test_a_video_becomes_clips(tmp_path: Path) -> None:
    video = assets.DEMO_CLIP / "reference.mkv"
    clips = list(clips_from_video(video, tmp_path / "clips", frames=60))
    assert [clip.record.frames for clip in clips] == [60, 60]
    with open_input(video) as reader:
        shown = [frame.pixels for frame in reader]
    assert (pixels(clips[1], "reference") == np.stack(shown[60:120])).all()
    with pytest.raises(TemporalCleanError, match="exists already"):
        list(clips_from_video(video, tmp_path / "clips", frames=60))


def test_a_clip_without_anything_to_start_from_is_refused(clip: Clip) -> None:
    (clip.folder / "master.mkv").rename(clip.folder / "native.mkv")
    renderings = {"native": Rendering("native.mkv")}
    write_record(clip.folder, replace(clip.record, master=None, renderings=renderings))
    with pytest.raises(TemporalCleanError, match="neither a master nor a reference"):
        list(add_renderings(Clip.open(clip.folder), [RECIPES["native-halo"]]))
