"""The barcode is read back through what cleaning, noise and encoders do, and never misread."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.latency.barcode import LARGEST_NUMBER, Barcode, checksum, layout

numbers = st.integers(0, LARGEST_NUMBER)
sizes = st.sampled_from([(640, 360), (320, 180), (1920, 1080), (333, 701), (160, 72)])


def stamped(number: int, width: int, height: int, seed: int = 0) -> tuple[np.ndarray, Barcode]:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    barcode = layout(width, height)
    barcode.stamp(picture, number)
    return picture, barcode


def read(picture: np.ndarray, barcode: Barcode) -> int | None:
    top, bottom = (
        picture[s.y : s.y + s.height, s.x : s.x + s.width] for s in (barcode.top, barcode.bottom)
    )
    return barcode.read_both(top, bottom)


@settings(deadline=None)
@given(numbers, sizes)
def test_what_was_stamped_is_read(number: int, size: tuple[int, int]) -> None:
    assert read(*stamped(number, *size)) == number


@settings(deadline=None, max_examples=40)
@given(numbers, st.integers(0, 1000))
def test_it_survives_blur_noise_ghosts_and_lower_contrast(number: int, seed: int) -> None:
    picture, barcode = stamped(number, 640, 360, seed)
    before, _ = stamped((number + 1) % LARGEST_NUMBER, 640, 360, seed)
    blurred = sum(
        np.roll(picture.astype(float), (y, x), (0, 1)) for y in (-2, 0, 2) for x in (-2, 0, 2)
    )
    worn = 0.8 * (0.75 * blurred / 9 + 0.25 * before) + 20
    worn += np.random.default_rng(seed).normal(0, 12, worn.shape)
    assert read(np.clip(worn, 0, 255).astype(np.uint8), barcode) == number


@settings(deadline=None, max_examples=200)
@given(st.integers(0, 2**32))
def test_noise_is_no_number(seed: int) -> None:
    picture = np.random.default_rng(seed).integers(0, 256, (360, 640, 4), dtype=np.uint8)
    assert read(picture, layout(640, 360)) is None


@given(numbers, st.integers(1, 255))
def test_halves_of_two_frames_are_no_number(number: int, step: int) -> None:
    old, barcode = stamped(number, 320, 180)
    new, _ = stamped((number + step) % LARGEST_NUMBER, 320, 180)
    new[90:] = old[90:]
    assert read(new, barcode) is None


@given(numbers, st.lists(st.integers(0, 31), min_size=1, max_size=2, unique=True))
def test_one_or_two_wrong_cells_are_found_by_the_checksum(number: int, wrong: list[int]) -> None:
    value = number << 8 | checksum(number)
    for bit in wrong:
        value ^= 1 << bit
    assert checksum(value >> 8) != value & 0xFF


def test_the_checksum_is_the_standards() -> None:
    """Check value of CRC-8 (polynomial 07): F4 for the nine digits; by its own table for three."""
    assert checksum(0) == 0
    assert checksum(1) == 0x07
    assert checksum(0x000100) == 0x15


def test_a_picture_too_small_and_a_number_too_large_are_refused() -> None:
    with pytest.raises(TemporalCleanError, match="at least 160x56, got 100x100"):
        layout(100, 100)
    with pytest.raises(TemporalCleanError, match="holds 0 to 16777215"):
        stamped(LARGEST_NUMBER + 1, 640, 360)
