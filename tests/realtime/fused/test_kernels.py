"""Each kernel computes what the step's own definition computes, on random pictures."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.flow import lucas_kanade, propagation, regularization, warp
from temporal_clean.flow.lucas_kanade import LucasKanade, light_and_slopes
from temporal_clean.flow.network import LearnedUpsampling
from temporal_clean.flow.pooling import block_mean, enlarged
from temporal_clean.flow.propagation import Propagation
from temporal_clean.flow.regularization import MotionFilter
from temporal_clean.history import warp_picture
from temporal_clean.models import neighbourhood, phases
from temporal_clean.realtime.fused import constants, history, motion, pictures
from temporal_clean.realtime.fused.finishing import MARGIN
from temporal_clean.realtime.fused.phases import CELLS, QUARTERS, WHOLE

SIZES = st.tuples(st.integers(4, 9).map(lambda k: 4 * k), st.integers(4, 12).map(lambda k: 4 * k))
SEEDS = st.integers(0, 2**31 - 1)
FEW = settings(max_examples=12, deadline=None)


def plane(picture: torch.Tensor) -> np.ndarray:
    """(1, 1, height, width) as (height, width)."""
    return picture[0, 0].contiguous().numpy()


def last(picture: torch.Tensor) -> np.ndarray:
    """(1, channels, height, width) as (height, width, channels)."""
    return picture[0].permute(1, 2, 0).contiguous().numpy()


def smooth(seed: int, channels: int, height: int, width: int, size: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(1, channels, height // 4, width // 4, generator=generator)
    return F.interpolate(small, size=(height, width), mode="bicubic") * size


@FEW
@given(SIZES, SEEDS)
def test_light_and_slopes(size: tuple[int, int], seed: int) -> None:
    lights = smooth(seed, 2, *size)
    ours = np.zeros((*size, 3), np.float32)
    motion.light_and_slopes(plane(lights), ours)
    np.testing.assert_allclose(ours, last(light_and_slopes(lights)[0]), atol=1e-6)


@FEW
@given(SIZES, SEEDS, st.sampled_from([1.0, 6.0, 80.0]))
def test_a_step_of_lucas_and_kanade(size: tuple[int, int], seed: int, far: float) -> None:
    """Motions that point out of the picture included."""
    ours, theirs = light_and_slopes(smooth(seed, 2, *size))
    start = (smooth(seed + 1, 2, *size) - 0.5) * far
    belief = smooth(seed + 2, 1, *size).clamp(0.0, 1.0)
    expected = LucasKanade(side=7, dilation=2)(ours, theirs, start, belief)
    found, room = np.zeros((*size, 2), np.float32), np.zeros((7, *size), np.float32)
    planes = last(ours), last(theirs), last(start), plane(belief)
    motion.solve(*planes, motion.hann_window(7), 2, room, found)
    # Texture is divided by: rounding of large motions times slopes grows.
    np.testing.assert_allclose(found, last(expected), atol=2e-4 * max(far, 1.0))


@FEW
@given(SIZES, SEEDS)
def test_a_step_for_cells(size: tuple[int, int], seed: int) -> None:
    height, width = size
    ours, theirs = light_and_slopes(smooth(seed, 2, 2 * height, 2 * width))
    start = (smooth(seed + 1, 2, *size) - 0.5) * 6.0
    belief = smooth(seed + 2, 1, 2 * height, 2 * width).clamp(0.0, 1.0)
    expected = LucasKanade(side=8, stride=2)(ours, theirs, start, belief)
    found, room = np.zeros((*size, 2), np.float32), np.zeros((7, 2 * height, 2 * width), np.float32)
    planes = last(ours), last(theirs), last(start), plane(belief)
    motion.solve_cells(*planes, motion.hann_window(8), room, found)
    np.testing.assert_allclose(found, last(expected), atol=2e-3)


@FEW
@given(SIZES, SEEDS)
def test_propagation(size: tuple[int, int], seed: int) -> None:
    lights = smooth(seed, 2, *size)
    ours, theirs = light_and_slopes(lights)
    start = (smooth(seed + 1, 2, *size) - 0.5) * 6.0
    expected = Propagation()(ours, theirs, start)
    found, room = np.zeros((*size, 2), np.float32), np.zeros((7, *size), np.float32)
    both = plane(lights[:, :1]), plane(lights[:, 1:])
    motion.propagate(*both, last(ours), last(start), room, found)
    np.testing.assert_allclose(found, last(expected), atol=2e-3)


@FEW
@given(SIZES, SEEDS)
def test_the_filter_of_motion(size: tuple[int, int], seed: int) -> None:
    torch.manual_seed(seed)
    layer = MotionFilter(8)
    torch.nn.init.normal_(layer.places.weight)
    torch.nn.init.normal_(layer.worth.weight)
    context, start = torch.randn(1, 8, *size), (smooth(seed, 2, *size) - 0.5) * 6.0
    with torch.no_grad():
        expected = last(layer(start * 0.5, context))
        places, worth = last(layer.places(context)), last(layer.worth(context))
    found = np.zeros((*size, 2), np.float32)
    strictness = np.float32(layer.strictness.item())
    motion.filter_motion(last(start), np.float32(0.5), places, worth, strictness, found)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@FEW
@given(SIZES, SEEDS)
def test_sizes_change_as_in_the_networks(size: tuple[int, int], seed: int) -> None:
    height, width = size
    planes = smooth(seed, 2, *size)
    larger = np.zeros((2 * height, 2 * width, 2), np.float32)
    motion.enlarge(last(planes), np.float32(2.0), larger)
    np.testing.assert_allclose(larger, last(enlarged(planes, 2) * 2.0), atol=1e-6)
    one = np.zeros((2 * height, 2 * width), np.float32)
    motion.enlarge_plane(plane(planes), one)
    np.testing.assert_allclose(one, plane(enlarged(planes, 2)), atol=1e-6)
    half = np.zeros((height // 2, width // 2), np.float32)
    motion.halve_plane(plane(planes), half)
    np.testing.assert_allclose(half, plane(block_mean(planes, 2)), atol=1e-6)
    smallest = np.zeros((height // 4, width // 4, 2), np.float32)
    motion.smallest_motion(last(planes), smallest)
    np.testing.assert_allclose(smallest, last(block_mean(planes, 4) * 0.25), atol=1e-6)


@FEW
@given(SIZES, SEEDS, st.sampled_from([0.0, 3.0, 100.0]), st.sampled_from([2, 4]))
def test_the_past_is_warped_and_clipped(
    size: tuple[int, int], seed: int, far: float, cell: int
) -> None:
    height, width = size
    clean, frame = smooth(seed, 3, *size).clamp(0, 1), smooth(seed + 1, 3, *size).clamp(0, 1)
    coarse = (smooth(seed + 2, 2, height, width)[:, :, ::4, ::4] - 0.5) * far
    torch.manual_seed(seed)
    layer = LearnedUpsampling(2, 8)
    torch.nn.init.normal_(layer.correct.weight, std=0.1)
    context = torch.randn(1, 8, height // 4, width // 4)
    with torch.no_grad():
        whole = F.pixel_shuffle(layer(coarse * 4.0, context), 4)
        detail = last(layer.correct(context))
        upsampling = 4.0 * layer.interpolate.weight.permute(1, 2, 3, 0).reshape(2, 9, 32).numpy()
    warped = warp_picture(clean, whole, "bicubic")
    excess = neighbourhood.clip_luma(neighbourhood.luma(warped), neighbourhood.luma(frame))

    pad = (MARGIN,) * 4
    luma = neighbourhood.luma(clean)
    past = last(F.pad(torch.cat([clean, luma], dim=1), pad, mode="replicate"))
    past_luma = np.ascontiguousarray(past[..., 3])
    own = plane(neighbourhood.luma(frame))
    mean, reach, scratch = (np.zeros(size, np.float32) for _ in range(3))
    pictures.local_range(own, mean, reach, scratch)
    given = np.zeros((height // cell, width // cell, 3 * cell**2), np.float32)
    clipped = np.zeros((3, *size), np.float32)
    differences = np.zeros((height // cell, width // cell, 5 * cell**2), np.float32)
    history.bring_picture(
        past, past_luma, last(coarse), np.ascontiguousarray(upsampling), detail, frame[0].numpy(),
        np.float32(1.0), own, mean, reach, CELLS[cell], given, clipped, differences,
    )  # fmt: skip
    tolerance = 1e-5 + 1e-5 * far
    np.testing.assert_allclose(given, last(F.pixel_unshuffle(warped, cell)), atol=tolerance)
    expected = warped - excess - frame
    np.testing.assert_allclose(clipped, expected[0].numpy(), atol=tolerance)
    luma_change = neighbourhood.luma(frame) - luma
    looked_at = torch.cat([expected, excess, luma_change], dim=1) * 5.0
    looked_at = last(F.pixel_unshuffle(looked_at, cell))
    np.testing.assert_allclose(differences, looked_at, atol=5 * tolerance)


@FEW
@given(SIZES, SEEDS)
def test_features_are_warped(size: tuple[int, int], seed: int) -> None:
    features = smooth(seed, 16, *size)
    where = (smooth(seed + 1, 2, *size) - 0.5) * 6.0
    found = np.zeros((*size, 16), np.float32)
    history.bring_features(last(features), last(where), found)
    np.testing.assert_allclose(found, last(warp(features, where, "bilinear")), atol=1e-5)


@pytest.mark.parametrize(("frame_format", "largest"), [("uint8", 255), ("uint16", 65535)])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_pictures_are_decoded_and_padded(frame_format: str, largest: int, order) -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, largest + 1, (30, 45, 4)).astype(frame_format)
    pixels, luma = np.zeros((3, 32, 48), np.uint16), np.zeros((32, 48), np.float32)
    given = np.zeros((32, 48, 3), np.float32)
    scale = np.float32(1.0 / largest)
    pictures.decode(picture, order, scale, pixels, luma, given)
    expected = np.pad(picture[..., list(order)], ((0, 2), (0, 3), (0, 0)), mode="edge")
    assert np.array_equal(pixels, expected.transpose(2, 0, 1))
    np.testing.assert_allclose(given, expected * scale, atol=1e-7)
    np.testing.assert_allclose(luma, expected @ (np.array(constants.LUMA) * scale), atol=1e-6)


def test_numbers_are_those_of_the_definition() -> None:
    pairs = {
        (constants.CLIP_DEVIATIONS, neighbourhood.CLIP_DEVIATIONS),
        (constants.SCALE, lucas_kanade.SCALE),
        (constants.SHARE, lucas_kanade.SHARE),
        (constants.LEAST_TEXTURE, lucas_kanade.LEAST_TEXTURE),
        (constants.FARTHEST_STEP, lucas_kanade.FARTHEST),
        (constants.NEIGHBOUR_DISTANCE, propagation.DISTANCE),
        (constants.CANDIDATES, propagation.CANDIDATES),
        (constants.DECISION, propagation.DECISION),
        (constants.OF_SLOPES, propagation.OF_SLOPES),
        (constants.LEAST_CONTRAST, propagation.LEAST_CONTRAST),
        (constants.FILTER_DISTANCE, regularization.DISTANCE),
        (constants.FARTHEST_APART, regularization.FARTHEST),
        (constants.LOWEST_GATE, phases.LOWEST_GATE),
        (constants.HIGHEST_GATE, phases.HIGHEST_GATE),
    }
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, rel=1e-6)
    white = torch.ones(1, 3, 1, 1) * torch.eye(3).view(3, 3, 1, 1)
    assert neighbourhood.luma(white).flatten().numpy() == pytest.approx(np.array(constants.LUMA))
    assert (len(WHOLE), len(QUARTERS)) == (1, 4)
