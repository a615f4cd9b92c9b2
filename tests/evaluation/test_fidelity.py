"""PSNR and Sharp against their definitions, written out plainly."""

import math

import pytest
import torch
import torch.nn.functional as F

from temporal_clean.evaluation import psnr, sharp


@pytest.fixture
def reference(texture) -> torch.Tensor:
    return torch.cat([texture(seed, 32, 48) for seed in (1, 2)])


def test_psnr_is_a_figure_a_frame(reference: torch.Tensor) -> None:
    wrong = reference.clone()
    wrong[1] += 0.1
    figures = psnr(wrong, reference)
    assert figures.shape == (2,)
    assert figures[0] == math.inf
    assert float(figures[1]) == pytest.approx(20.0, abs=1e-3)


def test_sharp_is_the_slope_of_the_gradients(reference: torch.Tensor) -> None:
    assert torch.allclose(sharp(reference, reference), torch.ones(2))
    assert torch.allclose(sharp(0.5 * reference + 0.2, reference), torch.full((2,), 0.5))
    o, g = 0.3 * reference[:1].roll(1, -1) + 0.1, reference[:1]
    common = own = 0.0
    for axis in (-1, -2):
        a, b = o.diff(dim=axis), g.diff(dim=axis)
        common, own = common + float((a * b).sum()), own + float((b * b).sum())
    assert float(sharp(o, g)) == pytest.approx(common / own, rel=1e-5)


def test_sharp_falls_with_blur_and_ignores_noise(reference: torch.Tensor) -> None:
    blurred = F.avg_pool2d(reference, 5, stride=1, padding=2, count_include_pad=False)
    assert (sharp(blurred, reference) < 0.97).all()
    noise = torch.randn(reference.shape, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(sharp(reference + 0.01 * noise, reference), torch.ones(2), atol=0.03)


def test_half_precision_is_summed_in_single(reference: torch.Tensor) -> None:
    large = F.interpolate(reference, size=(512, 512)).half()
    assert torch.isfinite(sharp(large, large)).all()


def test_shapes_are_told_apart(reference: torch.Tensor) -> None:
    for figure in (psnr, sharp):
        with pytest.raises(ValueError, match="one shape"):
            figure(reference[:, :, 1:], reference)
