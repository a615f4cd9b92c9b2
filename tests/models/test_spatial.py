"""The spatial cleaner: identity at first, masks and shapes, and what a loss can reach."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.models import SpatialCleaner, SpatialConfig

CONFIGS = {
    "without half": SpatialConfig(quarter=12, eighth=12, heads=2),
    "with half": SpatialConfig(half=8, quarter=12, eighth=12, heads=2, blocks=2),
}
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def cleaner(config: SpatialConfig) -> SpatialCleaner:
    torch.manual_seed(0)
    return SpatialCleaner(config)


@each_config
def test_untrained_it_is_the_identity(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame = torch.cat([texture(1, 48, 56), torch.rand(1, 3, 48, 56)])
    model = cleaner(config)
    with torch.no_grad():
        result = model(frame)
    assert result.delta.abs().max() == 0
    assert torch.equal(model.picture(frame, result), frame)
    assert torch.allclose(result.mask, torch.sigmoid(torch.tensor(2.0)))


@each_config
@settings(max_examples=5, deadline=None)
@given(rows=st.integers(2, 9), columns=st.integers(2, 9))
def test_takes_any_multiple_of_eight(config: SpatialConfig, rows: int, columns: int) -> None:
    height, width = 8 * rows, 8 * columns
    frame = torch.rand(2, 3, height, width, generator=torch.manual_seed(1))
    with torch.no_grad():
        result = cleaner(config)(frame)
    cell = config.cell
    assert result.delta.shape == (2, 3 * cell**2, height // cell, width // cell)
    assert result.mask.shape == (2, cell**2, height // cell, width // cell)
    assert result.features.shape == (2, config.quarter, height // 4, width // 4)
    assert result.tokens.shape[2:] == result.surprise.nats.shape[2:] == (rows, columns)
    if config.half:
        assert result.half is not None
        assert result.half.shape == (2, config.half, height // 2, width // 2)
    else:
        assert result.half is None


@each_config
def test_the_mask_gates_the_correction(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    """Red is corrected by 0.1 everywhere; only the first sub-position of a cell is open."""
    model = cleaner(config)
    with torch.no_grad():
        model.correction.convolution.bias[: config.cell**2] = 0.1
        model.mask.convolution.bias.fill_(-100.0)
        model.mask.convolution.bias[0] = 100.0
        frame = texture(2) * 0.5
        change = model.picture(frame, model(frame)) - frame
    expected = torch.zeros_like(change)
    expected[:, 0, :: config.cell, :: config.cell] = 0.1
    assert torch.allclose(change, expected, atol=1e-6)


@each_config
def test_the_picture_stays_in_range(config: SpatialConfig, texture: Callable[..., Tensor]) -> None:
    model = cleaner(config)
    with torch.no_grad():
        model.correction.convolution.bias.fill_(5.0)
        frame = texture(3)
        assert model.picture(frame, model(frame)).max() == 1
        model.correction.convolution.bias.fill_(-5.0)
        assert model.picture(frame, model(frame)).min() == 0


@each_config
def test_the_first_gradient_reaches_the_correction(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame, target = texture(4), texture(5)
    model = cleaner(config)
    F.mse_loss(model.picture(frame, model(frame)), target).backward()
    assert model.correction.convolution.weight.grad.abs().max() > 1e-5
