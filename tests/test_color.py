"""HDR to the network's SDR and back: standards met, round trips closed, identity exact."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.color import (
    ScRgb,
    Transfer,
    decode_curve,
    encode_curve,
    hlg_to_nits,
    nits_to_hlg,
    nits_to_pq,
    pq_to_nits,
    transfer_for,
)
from temporal_clean.errors import TemporalCleanError

PQ, HLG, BT709, BT2020 = 16, 18, 1, 9


def video(transfer: int, primaries: int) -> Any:
    return SimpleNamespace(color=SimpleNamespace(transfer=transfer, primaries=primaries))


def video_transfer(transfer: int, primaries: int = BT2020) -> Transfer:
    found = transfer_for(video(transfer, primaries))
    assert found is not None
    return found


@given(st.floats(-50, 50))
def test_the_curve_and_its_inverse_close(light: float) -> None:
    back = decode_curve(encode_curve(np.array([light])))[0]
    assert back == pytest.approx(light, rel=1e-6, abs=1e-7)


@given(st.floats(-40, 40), st.floats(1e-4, 10))
def test_more_light_is_never_encoded_lower(light: float, more: float) -> None:
    low, high = encode_curve(np.array([light, light + more]))
    assert high > low


@given(st.floats(0, 40))
def test_the_curve_is_odd(light: float) -> None:
    assert encode_curve(np.array([-light]))[0] == -encode_curve(np.array([light]))[0]


def test_the_curve_bends_smoothly_at_white() -> None:
    step = 1e-6
    below, white, above = encode_curve(np.array([1 - step, 1.0, 1 + step]))
    assert white == pytest.approx(1.0, abs=1e-12)
    assert (white - below) / step == pytest.approx((above - white) / step, rel=1e-4)
    assert (above - white) / step == pytest.approx(0.4396, rel=1e-3)


def test_sdr_is_srgb_and_a_thousand_nits_land_near_one_and_a_half() -> None:
    assert encode_curve(np.array([0.0, 0.214041, 1.0])) == pytest.approx([0, 0.5, 1], abs=1e-5)
    assert encode_curve(np.array([1000 / 203]))[0] == pytest.approx(1.5, abs=0.03)


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), white=st.floats(80, 500))
def test_an_idle_network_leaves_scrgb_bit_for_bit(kind: Any, seed: int, white: float) -> None:
    pixels = np.random.default_rng(seed).normal(1, 4, (5, 7, 3)).astype(kind)
    pixels[0, 0] = (np.inf, -np.inf, 0)
    curve = ScRgb(white)
    shown, context = curve.encode(pixels)
    assert shown.dtype == np.float32
    assert (shown.min(), shown.max()) >= (0, 0)
    assert shown.max() <= 1
    result = curve.compose(context, shown)
    assert result.dtype == kind
    assert np.array_equal(result, pixels)


def test_scrgb_shows_not_a_number_as_black() -> None:
    shown, _ = ScRgb().encode(np.full((1, 1, 3), np.nan, np.float32))
    assert shown.tolist() == [[[0, 0, 0]]]


def test_highlights_are_not_the_networks_to_change() -> None:
    white = 203 / 80
    pixels = np.array([[[0.5, 0.5, 0.5], [3, 3, 3], [0.2, 0.2, 3]]], np.float32) * white
    curve = ScRgb(203)
    shown, context = curve.encode(pixels)
    result = curve.compose(context, shown * 0.5)
    assert np.array_equal(result[0, 1:], pixels[0, 1:])
    assert result[0, 0] == pytest.approx(decode_curve(shown[0, 0] * 0.5) * white, rel=1e-5)


@given(st.floats(1.0, 1.3), st.floats(0.001, 0.05))
def test_trust_fades_without_a_step(encoded: float, step: float) -> None:
    light = decode_curve(np.array([encoded, encoded + step]))
    pixels = np.repeat(light[:, None], 3, 1)[None].astype(np.float32) * np.float32(203 / 80)
    one, two = ScRgb().encode(pixels)[1].mask[0, :, 0]
    assert one >= two
    assert one - two <= 6.1 * step + 1e-4  # smoothstep over 0.25 is never steeper than 6


# ITU-R BT.2408-7 table 1: reference white is 58 % of PQ; ST 2084's ends; 100 nits is 50.8 %.
@pytest.mark.parametrize(("signal", "nits"), [(0, 0), (0.5081, 100), (0.5807, 203), (1, 10000)])
def test_pq_meets_the_standard(signal: float, nits: float) -> None:
    assert pq_to_nits(np.array([signal]))[0] == pytest.approx(nits, rel=2e-3, abs=1e-9)
    assert nits_to_pq(np.array([float(nits)]))[0] == pytest.approx(signal, abs=1e-4)


# BT.2408-7 table 1: on a 1000-nit display 75 % of HLG is 203 nits, 100 % is 1000 nits.
@pytest.mark.parametrize(("signal", "nits"), [(0, 0), (0.75, 203), (1, 1000)])
def test_hlg_meets_the_standard(signal: float, nits: float) -> None:
    grey = np.full((1, 3), signal)
    assert hlg_to_nits(grey)[0] == pytest.approx([nits] * 3, rel=2e-3)
    assert nits_to_hlg(np.full((1, 3), float(nits)))[0] == pytest.approx([signal] * 3, abs=1e-3)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3))
def test_video_signals_close(signal: list[float]) -> None:
    rgb = np.array([signal])
    assert nits_to_pq(pq_to_nits(rgb)) == pytest.approx(rgb, abs=1e-6)
    assert nits_to_hlg(hlg_to_nits(rgb)) == pytest.approx(rgb, abs=1e-6)


@pytest.mark.parametrize("transfer", [PQ, HLG])
@pytest.mark.parametrize("primaries", [BT709, BT2020, 2])
def test_an_idle_network_leaves_code_values_bit_for_bit(transfer: int, primaries: int) -> None:
    pixels = np.random.default_rng(3).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    curve = video_transfer(transfer, primaries)
    shown, context = curve.encode(pixels)
    assert shown.dtype == np.float32
    assert shown.min() >= 0
    assert shown.max() <= 1
    assert np.array_equal(curve.compose(context, shown), pixels)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_a_small_change_is_a_small_change_of_codes(transfer: int) -> None:
    pixels = np.full((1, 1, 3), 26000, np.uint16)
    curve = video_transfer(transfer)
    shown, context = curve.encode(pixels)
    darker = curve.compose(context, shown - np.float32(0.01)).astype(int)
    assert (darker < 26000).all()
    assert (darker > 24500).all()
    again, _ = curve.encode(darker.astype(np.uint16))
    assert again == pytest.approx(shown - 0.01, abs=1e-4)


def test_reference_white_is_shown_as_white() -> None:
    white = round(nits_to_pq(np.array([203.0]))[0] * 65535)
    shown, _ = video_transfer(PQ).encode(np.full((1, 1, 3), white, np.uint16))
    assert shown == pytest.approx(np.ones((1, 1, 3)), abs=1e-4)


def test_bt2020_colours_are_shown_in_bt709() -> None:
    red709 = np.array([0.6274, 0.0691, 0.0164])  # BT.709 red in BT.2020, ITU-R BT.2087-0
    codes = np.rint(nits_to_pq(red709 * 203) * 65535).astype(np.uint16).reshape(1, 1, 3)
    shown, _ = video_transfer(PQ).encode(codes)
    assert shown[0, 0] == pytest.approx([1, 0, 0], abs=0.03)


def test_sdr_video_needs_no_transfer_and_8_bit_hdr_is_refused() -> None:
    for transfer in (1, 2, 13):
        assert transfer_for(video(transfer, BT709)) is None
    with pytest.raises(TemporalCleanError, match="expected uint16 pixels for PQ video, got uint8"):
        video_transfer(PQ).encode(np.zeros((1, 1, 3), np.uint8))
