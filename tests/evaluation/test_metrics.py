"""The figures agree with their definitions in plain NumPy, and behave at the edges."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.evaluation import (
    Motion,
    disoccluded_psnr,
    ghost,
    mcflick,
    psnr,
    sharp,
    ssim,
    tof,
    tpsnr,
    warping_error,
)

PAIRED = (psnr, ssim, sharp, tpsnr)
MOVING = (mcflick, ghost, disoccluded_psnr)


def clips(seed: int, frames: int, height: int, width: int) -> tuple[torch.Tensor, ...]:
    """An output, a reference, and a motion that points everywhere, also out of the picture."""
    random = np.random.default_rng(seed)
    output, reference = random.random((2, frames, 3, height, width), np.float32)
    motion = random.normal(0, 3, (frames - 1, 2, height, width)).astype(np.float32)
    valid = random.random((frames - 1, 1, height, width)) < 0.7
    shown = ~valid & (random.random(valid.shape) < 0.8)
    planes = (motion, valid.astype(np.float32), shown.astype(np.float32))
    return (
        torch.from_numpy(output),
        torch.from_numpy(reference),
        Motion(*map(torch.from_numpy, planes)),
    )


def looked_up(picture: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Bilinear lookup at p + motion(p), places beyond the border taken to it, in double."""
    _, height, width = picture.shape
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    x = np.clip(columns + motion[0], 0, width - 1)
    y = np.clip(rows + motion[1], 0, height - 1)
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    fx, fy = x - left, y - top
    above = picture[:, top, left] * (1 - fx) + picture[:, top, right] * fx
    below = picture[:, bottom, left] * (1 - fx) + picture[:, bottom, right] * fx
    return above * (1 - fy) + below * fy


def in_numpy(output, reference, motion: Motion) -> dict[str, list[float]]:
    o, g = output.double().numpy(), reference.double().numpy()
    flow, valid, shown = (plane.double().numpy() for plane in motion)
    figures: dict[str, list[float]] = {"mcflick": [], "e_warp": [], "sharp": [], "ghost": []}
    for t in range(1, len(o)):
        known = np.broadcast_to(valid[t - 1] == 1, o[t].shape)
        error, before = o[t] - g[t], looked_up(o[t - 1] - g[t - 1], flow[t - 1])
        figures["mcflick"].append(1e3 * np.mean((error - before)[known] ** 2))
        change = o[t] - looked_up(o[t - 1], flow[t - 1])
        figures["e_warp"].append(1e3 * np.mean(change[known] ** 2))
        new = np.broadcast_to(shown[t - 1] == 1, o[t].shape)
        old = (g[t - 1] - g[t])[new]
        figures["ghost"].append(np.sum((o[t] - g[t])[new] * old) / np.sum(old**2))
    for ours, theirs in zip(o, g, strict=True):
        a = np.concatenate([np.diff(ours, axis=k).ravel() for k in (1, 2)])
        b = np.concatenate([np.diff(theirs, axis=k).ravel() for k in (1, 2)])
        figures["sharp"].append(np.dot(a, b) / np.dot(b, b))
    return figures


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_plain_numpy(seed: int) -> None:
    output, reference, motion = clips(seed, 4, 23, 31)
    expected = in_numpy(output, reference, motion)
    found = {
        "mcflick": mcflick(output, reference, motion),
        "e_warp": warping_error(output, motion),
        "sharp": sharp(output, reference),
        "ghost": ghost(output, reference, motion),
    }
    for name, values in found.items():
        assert values.tolist() == pytest.approx(expected[name], rel=1e-5, abs=1e-5), name


def ssim_in_numpy(output: np.ndarray, reference: np.ndarray) -> float:
    """Wang et al. 2004, equation 13, window by window."""
    places = np.arange(11) - 5
    window = np.exp(-(places[:, None] ** 2 + places**2) / (2 * 1.5**2))
    window /= window.sum()

    def mean(planes: np.ndarray) -> np.ndarray:
        views = np.lib.stride_tricks.sliding_window_view(planes, (11, 11), axis=(-2, -1))
        return (views * window).sum(axis=(-2, -1))

    a, b = mean(output), mean(reference)
    spread = mean(output**2) - a**2, mean(reference**2) - b**2
    shared = mean(output * reference) - a * b
    top = (2 * a * b + 0.01**2) * (2 * shared + 0.03**2)
    return float((top / ((a**2 + b**2 + 0.01**2) * (sum(spread) + 0.03**2))).mean())


def test_ssim_is_that_of_the_paper() -> None:
    output, reference, _ = clips(7, 3, 40, 52)
    output = (reference + 0.5 * (output - 0.5)).clamp(0, 1)
    pairs = zip(output.double().numpy(), reference.double().numpy(), strict=True)
    expected = [ssim_in_numpy(a, b) for a, b in pairs]
    assert ssim(output, reference).tolist() == pytest.approx(expected, abs=1e-5)


def test_identical_clips_score_perfectly() -> None:
    _, clip, motion = clips(1, 4, 24, 40)
    assert (psnr(clip, clip) == math.inf).all()
    assert (tpsnr(clip, clip) == math.inf).all()
    assert torch.allclose(ssim(clip, clip), torch.ones(4))
    assert torch.allclose(sharp(clip, clip), torch.ones(4))
    assert (mcflick(clip, clip, motion) == 0).all()
    assert (ghost(clip, clip, motion) == 0).all()
    assert (tof(clip, clip) == 0).all()
    assert (disoccluded_psnr(clip, clip, motion) == math.inf).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 3), st.booleans())
def test_any_size_gives_figures_or_nothing(
    height: int, width: int, frames: int, constant: bool
) -> None:
    """One pixel, one colour, one frame: not a number where there is nothing to measure."""
    output, reference, motion = clips(height * width, frames, height, width)
    if constant:
        output, reference = torch.full_like(output, 0.5), torch.full_like(reference, 0.25)
    for figure in PAIRED:
        values = figure(output, reference)
        assert len(values) == frames - (figure is tpsnr)
        assert not torch.isinf(values[values < 0]).any()
    for figure in MOVING:
        assert len(figure(output, reference, motion)) == frames - 1
    if constant:
        assert psnr(output, reference).tolist() == pytest.approx([12.04] * frames, abs=0.01)
        assert sharp(output, reference).isnan().all()
        assert ghost(output, reference, motion).isnan().all()


def test_what_has_no_valid_pixel_is_not_a_number() -> None:
    output, reference, motion = clips(3, 3, 12, 12)
    nothing = torch.zeros_like(motion.valid)
    blind = Motion(motion.motion, nothing, nothing)
    assert mcflick(output, reference, blind).isnan().all()
    assert ghost(output, reference, blind).isnan().all()
    assert disoccluded_psnr(output, reference, blind).isnan().all()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_are_no_picture_are_refused(bad: float) -> None:
    output, reference, motion = clips(4, 3, 12, 12)
    output[1, 0, 3, 3] = bad
    for figure in PAIRED:
        with pytest.raises(ValueError, match="the output holds NaN or infinity"):
            figure(output, reference)
        with pytest.raises(ValueError, match="the reference holds NaN or infinity"):
            figure(reference, output)
    for figure in MOVING:
        with pytest.raises(ValueError, match="NaN or infinity"):
            figure(output, reference, motion)


def test_shapes_that_do_not_fit_are_told() -> None:
    output, reference, motion = clips(5, 3, 12, 16)
    for figure in (*PAIRED, tof):
        with pytest.raises(ValueError, match=r"one shape .*\(3, 3, 11, 16\) and \(3, 3, 12, 16\)"):
            figure(output[:, :, 1:], reference)
    for figure in MOVING:
        with pytest.raises(ValueError, match="expected the motion of 3 frames of 12 rows and 16"):
            figure(output, reference, motion.cut(slice(1, None)))


def test_a_mask_has_one_plane() -> None:
    output, reference, _ = clips(8, 2, 12, 16)
    with pytest.raises(ValueError, match=r"expected a mask of shape \(2, 1, 12, 16\), got"):
        psnr(output, reference, output)
    half = torch.zeros(2, 1, 12, 16)
    half[..., :6, :] = 1
    upper = psnr(output[..., :6, :], reference[..., :6, :])
    assert psnr(output, reference, half).tolist() == pytest.approx(upper.tolist(), abs=1e-4)


def test_values_beyond_white_count_as_they_are() -> None:
    """HDR in a linear float clip: nothing is clipped."""
    _, reference, _ = clips(6, 2, 16, 16)
    assert psnr(reference + 1.0, reference).tolist() == pytest.approx([0.0, 0.0], abs=1e-4)
