"""Warping: against a plain NumPy oracle, at borders, in half precision, and again and again."""

from collections.abc import Callable
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.flow import Kernel, outside, warp
from temporal_clean.flow.warping import sampling_grid, warp_each

KERNELS = get_args(Kernel)


def keys(a: float) -> Callable[[np.ndarray], np.ndarray]:
    """Cubic convolution, Keys 1981, equation 4."""

    def weight(distance: np.ndarray) -> np.ndarray:
        d = np.abs(distance)
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        return np.where(d < 1, near, np.where(d < 2, far, 0))

    return weight


def lanczos(lobes: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda d: np.where(np.abs(d) < lobes, np.sinc(d) * np.sinc(d / lobes), 0)


ORACLES: dict[str, tuple[int, Callable[[np.ndarray], np.ndarray]]] = {
    "bilinear": (1, lambda d: np.maximum(1 - np.abs(d), 0)),
    "bicubic": (2, keys(-0.75)),
    "catmull-rom": (2, keys(-0.5)),
    "lanczos2": (2, lanczos(2)),
    "lanczos3": (3, lanczos(3)),
}


def oracle(image: np.ndarray, motion: np.ndarray, kernel: str) -> np.ndarray:
    """``image`` (channels, height, width) looked up in float64, tap by tap."""
    radius, weight = ORACLES[kernel]
    _, height, width = image.shape
    x = np.arange(width) + motion[0]
    y = np.arange(height)[:, None] + motion[1]
    total, result = np.zeros((height, width)), np.zeros(image.shape)
    for row in range(1 - radius, radius + 1):
        for column in range(1 - radius, radius + 1):
            tap_x, tap_y = np.floor(x) + column, np.floor(y) + row
            share = weight(x - tap_x) * weight(y - tap_y)
            rows = tap_y.clip(0, height - 1).astype(int)
            columns = tap_x.clip(0, width - 1).astype(int)
            total += share
            result += share * image[:, rows, columns]
    return result / total


def constant_motion(x: float, y: float, height: int, width: int) -> Tensor:
    return torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).repeat(1, 1, height, width)


def test_every_kernel_has_an_oracle() -> None:
    assert set(ORACLES) == set(KERNELS)


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    reach=st.sampled_from([0.5, 3.0, 40.0]),
    height=st.integers(6, 24),
    width=st.integers(6, 24),
)
def test_agrees_with_the_definition_anywhere(
    kernel: Kernel, seed: int, reach: float, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.random((2, height, width), dtype=np.float32)
    motion = rng.uniform(-reach, reach, (2, height, width)).astype(np.float32)
    warped = warp(torch.from_numpy(image)[None], torch.from_numpy(motion)[None], kernel)
    difference = warped[0].numpy() - oracle(image.astype(float), motion.astype(float), kernel)
    assert np.abs(difference).max() < 1e-4


@pytest.mark.parametrize("kernel", KERNELS)
def test_no_motion_is_the_identity(kernel: Kernel, texture: Callable[..., Tensor]) -> None:
    picture = texture(1, 48, 64)
    assert (warp(picture, torch.zeros(1, 2, 48, 64), kernel) - picture).abs().max() < 1e-6
    # fp32 positions in [-1, 1] are exact to 1.2e-4 px at 1920 columns; noise shows all of it.
    noise = torch.rand(1, 3, 16, 1920, generator=torch.manual_seed(1))
    assert (warp(noise, torch.zeros(1, 2, 16, 1920), kernel) - noise).abs().max() < 2e-4


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("x", "y"), [(3, 0), (0, -2), (-4, 5)])
def test_whole_pixels_are_shifted_and_borders_repeat(kernel: Kernel, x: int, y: int) -> None:
    image = torch.rand(1, 3, 20, 24, generator=torch.manual_seed(2))
    warped = warp(image, constant_motion(x, y, 20, 24), kernel)
    rows = (torch.arange(20) + y).clamp(0, 19)
    columns = (torch.arange(24) + x).clamp(0, 23)
    assert (warped - image[:, :, rows][..., columns]).abs().max() < 1e-5


@pytest.mark.parametrize("kernel", KERNELS)
def test_far_outside_is_the_border(kernel: Kernel) -> None:
    image = torch.rand(1, 1, 16, 16, generator=torch.manual_seed(3))
    warped = warp(image, constant_motion(-500.0, 0.0, 16, 16), kernel)
    assert (warped - image[..., :1]).abs().max() < 1e-5


@pytest.mark.parametrize("kernel", KERNELS)
def test_half_precision_pictures_keep_an_exact_grid(kernel: Kernel) -> None:
    generator = torch.manual_seed(4)
    image = torch.rand(1, 1, 4, 1920, generator=generator).half()
    motion = (torch.rand(1, 2, 4, 1920, generator=generator) * 4 - 2).half()
    warped = warp(image, motion, kernel)
    exact = warp(image.float(), motion.float(), kernel)
    assert warped.dtype == torch.float16
    assert sampling_grid(motion).dtype == torch.float32
    assert (warped.float() - exact).abs().max() < 2e-3


def test_sharp_kernels_keep_gradients_through_many_warps(
    texture: Callable[..., Tensor],
) -> None:
    picture = texture(5, 48, 96, wavelengths=(3.0, 30.0))
    kept = {}
    for kernel in KERNELS:
        warped = picture
        for _ in range(8):
            warped = warp(warped, constant_motion(0.5, 0.0, 48, 96), kernel)
        # Eight half pixels are four whole ones; the last columns show repeated borders.
        inside, truth = warped[..., 24:-28], picture[..., 28:-24]
        kept[kernel] = (inside.diff(dim=3).square().sum() / truth.diff(dim=3).square().sum()).item()
    assert kept["bilinear"] < 0.7
    assert kept["bilinear"] + 0.1 < kept["catmull-rom"] < kept["bicubic"]
    assert kept["bicubic"] <= kept["lanczos3"] < 1.1
    assert kept["lanczos2"] < kept["lanczos3"]


def test_gradients_reach_picture_and_motion() -> None:
    image = torch.rand(1, 1, 12, 12, generator=torch.manual_seed(6)).requires_grad_()
    motion = constant_motion(0.3, 0.6, 12, 12).requires_grad_()
    for kernel in KERNELS:
        gradients = torch.autograd.grad(warp(image, motion, kernel).square().sum(), [image, motion])
        assert all(g.isfinite().all() and g.abs().max() > 0 for g in gradients)


def test_outside_begins_half_a_pixel_beyond_the_border() -> None:
    cases = [(0.5, -0.5, 0, 0), (-0.5, 0.5, 0, 0), (0.51, 0, 1, 0), (-0.51, 0, 1, 0)]
    cases += [(0, 0.51, 0, 1), (0, -0.51, 0, 1), (-3, 0, 3, 0), (0, 2, 0, 2)]
    for x, y, columns, rows in cases:
        beyond = outside(constant_motion(x, y, 8, 10))
        assert beyond.shape == (1, 1, 8, 10)
        assert beyond.sum() == columns * 8 + rows * 10
    assert outside(constant_motion(-1, 0, 8, 10))[0, 0, :, 0].eq(1).all()
    assert outside(constant_motion(0, 1, 8, 10))[0, 0, -1].eq(1).all()


def test_several_motions_at_once_are_each_a_warp() -> None:
    generator = torch.manual_seed(5)
    image = torch.rand(2, 1, 9, 14, generator=generator)
    across, down = 8.0 * torch.randn(2, 2, 6, 9, 14, generator=generator)
    found = warp_each(image, across, down)
    for index in range(6):
        motion = torch.stack([across[:, index], down[:, index]], dim=1)
        expected = warp(image, motion, "bilinear")
        assert torch.allclose(found[:, index : index + 1], expected, atol=1e-5)
