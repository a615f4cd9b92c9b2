"""Shift and scale between renderings of one frame, on the demo clip (a real game)."""

from pathlib import Path

import numpy as np
import pytest

import temporal_clean
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning import register, shift_between
from temporal_clean.train.aligning.registration import active_area, luma
from temporal_clean.train.aligning.resample import AxisMap, resample
from temporal_clean.video import open_input

DEMO = Path(temporal_clean.__file__).parent / "assets" / "demo"
FRAMES = (0, 24, 48)
# The native rendering samples 0.125 pixel left of and above a pixel's centre (demo/clip.json), so
# what is at x in it is at x - 0.125 in the reference.
OWN = -0.125
WITHIN = 0.05


@pytest.fixture(scope="module")
def native() -> list[np.ndarray]:
    return read("native.mkv")


@pytest.fixture(scope="module")
def reference() -> list[np.ndarray]:
    return read("reference.mkv")


def read(name: str) -> list[np.ndarray]:
    frames = []
    with open_input(DEMO / name) as reader:
        for frame in reader:
            if frame.index in FRAMES:
                frames.append(frame.pixels)
            if frame.index == FRAMES[-1]:
                return frames
    return frames


def moved(picture: np.ndarray, dx: float, dy: float, scale: float = 1.0) -> np.ndarray:
    """The picture with what was at x now at scale * (x - centre) + centre + dx, same size."""
    axes = []
    for count, shift in zip(picture.shape[:2], (dy, dx), strict=True):
        centre = count / 2
        axes.append(AxisMap(1 / scale, centre - (centre + shift) / scale))
    shown = resample(picture, *axes, picture.shape[:2])
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("frame", range(len(FRAMES)))
@pytest.mark.parametrize(("dx", "dy"), [(0.3, -0.2), (-7.55, 11.4)])
def test_shift_of_an_aliased_against_an_antialiased_picture(
    native: list, reference: list, frame: int, dx: float, dy: float
) -> None:
    shift = shift_between(native[frame], moved(reference[frame], dx, dy))
    assert abs(shift.dx - (dx + OWN)) < WITHIN
    assert abs(shift.dy - (dy + OWN)) < WITHIN
    assert shift.confidence > 0.9


def test_brightness_and_number_type_do_not_matter(native: list, reference: list) -> None:
    plain = shift_between(native[0], reference[0])
    darker = shift_between((native[0] / 255 * 0.6 + 0.1).astype(np.float32), reference[0])
    assert darker.dx == pytest.approx(plain.dx, abs=5e-3)
    assert darker.dy == pytest.approx(plain.dy, abs=5e-3)


def test_black_bars_and_an_overlay_in_place_do_not_pull(native: list, reference: list) -> None:
    pictures = native[1].copy(), moved(reference[1], 0.8, 0.4)
    chequered = 255 * (np.indices((30, 140)).sum(0) // 3 % 2)[..., None]
    for picture in pictures:
        picture[:20], picture[-20:] = 0, 0
        picture[30:60, 20:160] = chequered
        picture[210:240, 330:470] = chequered
    shift = shift_between(*pictures)
    # The overlay's edges are stronger than the scene's; without it the shift is within 0.02.
    assert abs(shift.dx - (0.8 + OWN)) < 2 * WITHIN
    assert abs(shift.dy - (0.4 + OWN)) < 2 * WITHIN


def test_masked_pixels_have_no_say(native: list, reference: list) -> None:
    usable = np.ones(native[0].shape[:2], bool)
    usable[:, :240] = False
    other = moved(reference[0], 0.3, 0)
    other[:, :240] = np.roll(other[:, :240], 5, axis=1)
    assert abs(shift_between(native[0], other, usable).dx - (0.3 + OWN)) < WITHIN


@pytest.mark.parametrize("scale", [1.01, 0.9])
def test_scale_shift_and_size_are_told_apart(native: list, reference: list, scale: float) -> None:
    shown = moved(reference[2], 2.4, -1.3, scale)
    larger = resample(shown, AxisMap(0.75), AxisMap(0.75), (360, 640))
    found = register(native[2], np.clip(larger, 0, 255).astype(np.uint8))
    assert found.scale_x == pytest.approx(scale, abs=1e-3)
    assert found.scale_y == pytest.approx(scale, abs=1e-3)
    assert abs(found.dx - (2.4 + OWN * scale)) < WITHIN
    assert abs(found.dy - (-1.3 + OWN * scale)) < WITHIN


def test_bars_on_one_side_only(native: list, reference: list) -> None:
    barred = np.zeros((300, 480, 3), np.uint8)
    barred[15:285] = reference[0]
    found = register(native[0], barred)
    assert found.scale_y == pytest.approx(0.9, abs=1e-3)
    assert abs(found.dy - OWN * 0.9) < WITHIN


def test_unrelated_pictures_have_no_confidence(native: list, reference: list) -> None:
    assert shift_between(native[0], reference[2][::-1, ::-1].copy()).confidence < 0.5


def test_applying_a_registration_undoes_the_move(reference: list) -> None:
    other = moved(reference[0], 0.3, -0.2)
    found = register(reference[0], other)
    error = found.apply(other, reference[0].shape[:2]) - reference[0]
    assert np.sqrt((error[8:-8, 8:-8] ** 2).mean()) < 0.5 * np.sqrt(
        ((other.astype(float) - reference[0])[8:-8, 8:-8] ** 2).mean()
    )


def test_bars_of_a_dark_picture_are_not_the_whole_picture() -> None:
    picture = np.zeros((64, 64), np.float32)
    assert active_area(picture) == (slice(0, 64), slice(0, 64))
    picture[8:56] = 0.5
    assert active_area(picture) == (slice(8, 56), slice(0, 64))


def test_what_cannot_be_compared_is_said() -> None:
    with pytest.raises(TemporalCleanError, match="one size, got 64x48 and 48x64"):
        shift_between(np.zeros((48, 64), np.uint8), np.zeros((64, 48), np.uint8))
    with pytest.raises(TemporalCleanError, match="at least 32 pixels"):
        luma(np.zeros((16, 64, 3), np.uint8))
    with pytest.raises(TemporalCleanError, match="pass RGB or grey"):
        luma(np.zeros((64, 64, 4), np.uint8))
