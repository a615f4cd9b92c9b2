"""HDR frames through tables: the plain mathematics, exact where nothing changed, within bounds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from temporal_clean.color import SCRGB_UNIT_NITS, ScRgb, decode_curve, encode_curve
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.hdr import HdrComposer

WHITE = 203 / SCRGB_UNIT_NITS


def every_half() -> NDArray[np.float16]:
    """A picture that holds each float16 there is, not-a-number and infinities too, in RGB."""
    values = np.arange(65536, dtype=np.uint16)
    rng = np.random.default_rng(5)
    planes = [values, rng.permutation(values), rng.permutation(values), values]
    return np.stack(planes, axis=-1).reshape(256, 256, 4).view(np.float16)


def scene(seed: int, height: int = 37, width: int = 53) -> NDArray[np.float16]:
    """Mostly SDR, some highlights, some colours outside BT.709, alpha 1."""
    rng = np.random.default_rng(seed)
    picture = np.abs(rng.normal(0.8, 0.9, (height, width, 4)))
    picture[rng.random((height, width)) < 0.05] *= -0.05
    picture[rng.random((height, width)) < 0.05] *= 20
    picture[..., 3] = 1
    return picture.astype(np.float16)


@pytest.mark.parametrize("white", [80.0, 203.0, 480.0])
def test_an_idle_engine_changes_no_bit_of_any_value(white: float) -> None:
    picture, composer = every_half(), HdrComposer(white)
    seen = composer.encode(picture)
    result = composer.compose(picture, seen, seen.copy())
    numbers = ~np.isnan(picture)
    assert np.array_equal(result.view(np.uint16)[numbers], picture.view(np.uint16)[numbers])
    assert np.isnan(result[~numbers]).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), white=st.floats(80, 480))
def test_tables_agree_with_the_plain_mathematics(seed: int, white: float) -> None:
    picture, composer, plain = scene(seed), HdrComposer(white), ScRgb(white)
    shown, context = plain.encode(picture[..., :3])
    seen = composer.encode(picture)
    assert np.abs(seen / 65535 - shown).max() <= 0.5 / 65535 + 1e-7
    clean = np.random.default_rng(seed).integers(0, 65536, seen.shape, dtype=np.uint16)
    ours = composer.compose(picture, seen, clean).astype(np.float64)
    theirs = plain.compose(context, clean / np.float32(65535)).astype(np.float64)
    # A step of float16, and half a code of the seen picture, which the plain way does not round.
    allowed = np.abs(theirs) * 2**-10 + white / 80 * 2.28 * 0.5 / 65535 + 1e-6
    assert (np.abs(ours[..., :3] - theirs) <= allowed).all()
    assert np.array_equal(ours[..., 3], picture[..., 3])


def test_highlights_pass_untouched_whatever_the_engine_says() -> None:
    picture = scene(1)
    bright = (picture[..., :3] > 2.2 * WHITE).any(axis=2)
    assert bright.sum() > 20
    composer = HdrComposer(203)
    seen = composer.encode(picture)
    result = composer.compose(picture, seen, np.zeros_like(seen))
    assert np.array_equal(result[bright], picture[bright])
    dark = (picture[..., :3] <= WHITE).all(axis=2) & (picture[..., :3] >= 0).all(axis=2)
    assert np.abs(result[dark][:, :3].astype(float)).max() < 1e-2


def test_a_change_of_sdr_arrives_as_the_engine_meant_it() -> None:
    """Cleaned frame given, cleaned frame found: encoding the result gives what the engine gave."""
    rng = np.random.default_rng(2)
    picture = np.abs(rng.uniform(0.02, 1.0, (40, 60, 4)) * WHITE).astype(np.float16)
    composer = HdrComposer(203)
    seen = composer.encode(picture)
    clean = np.clip(seen * rng.uniform(0.7, 1.3, seen.shape), 6000, 65535).astype(np.uint16)
    again = composer.encode(composer.compose(picture, seen, clean))
    # Half a step of float16 is 4.9e-4 of the light, at most 2.4e-4 of the encoded value.
    assert np.abs(again.astype(float) - clean).max() <= 2.4e-4 * 65535


@pytest.mark.parametrize(
    ("low", "high", "bound"), [(2**-14, 1.0, 1.2e-3), (1.0, 10_000 / 203, 4.1e-3)]
)
def test_the_round_trip_through_half_floats_stays_within_its_bounds(low, high, bound) -> None:
    """The bounds of the shared facts, over all float16 of SDR and highlights to 10,000 nits."""
    values = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    light = values[(values / WHITE > low) & (values / WHITE <= high)] / WHITE
    back = decode_curve(encode_curve(light).astype(np.float16).astype(np.float64))
    worst = np.abs(back / light - 1).max()
    assert bound / 3 < worst <= bound


def test_white_is_where_the_display_has_it() -> None:
    for nits in (80.0, 203.0, 480.0):
        grey = np.full((2, 2, 4), nits / SCRGB_UNIT_NITS, np.float16)
        composer = HdrComposer(nits)
        assert (composer.encode(grey) >= 65535 - 20).all()
        assert (composer.to_sdr(grey) == 255).all()
    assert (HdrComposer(480).encode(grey / 4) < 40000).all()


def test_forced_sdr_is_srgb_bytes_with_highlights_clipped() -> None:
    codes = np.arange(256, dtype=np.float64)
    light = decode_curve(codes / 255) * WHITE
    picture = np.zeros((1, 256, 4), np.float16)
    picture[0, :, 0], picture[0, :, 1], picture[0, :, 2] = light, light[::-1], light * 8
    found = HdrComposer(203).to_sdr(picture)
    assert found.dtype == np.uint8
    assert found[0, :, 2].tolist() == codes.tolist()  # red, in BGRA order
    assert found[0, :, 1].tolist() == codes[::-1].tolist()
    assert (found[0, 130:, 0] == 255).all()
    assert (found[..., 3] == 255).all()


def test_what_is_no_scrgb_picture_is_refused() -> None:
    composer = HdrComposer()
    for wrong in (np.zeros((4, 4, 3), np.float16), np.zeros((4, 4, 4), np.uint8)):
        with pytest.raises(TemporalCleanError, match=r"expected an scRGB picture .*got \(4, 4, "):
            composer.encode(wrong)
    with pytest.raises(TemporalCleanError, match="SDR white level of 80 to 1000 nits, got 0"):
        HdrComposer(0)
