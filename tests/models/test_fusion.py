"""The fusion network: classical accumulation at first, and nothing but the frame without trust."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from temporal_clean.models import (
    FusionConfig,
    FusionNetwork,
    FusionResult,
    History,
    SpatialCleaner,
    SpatialConfig,
    clip_luma,
    luma,
)

CONFIGS = {
    "without half": SpatialConfig(quarter=12, eighth=12, heads=2),
    "with half": SpatialConfig(half=8, quarter=12, eighth=12, heads=2),
}
HIDDEN = 5
each_config = pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)


def networks(config: SpatialConfig, perturbed: float = 0.0) -> tuple[SpatialCleaner, FusionNetwork]:
    torch.manual_seed(0)
    spatial = SpatialCleaner(config)
    fusion = FusionNetwork(FusionConfig(hidden=HIDDEN, token=8), config)
    with torch.no_grad():
        for parameter in (*spatial.parameters(), *fusion.parameters()):
            parameter.add_(perturbed * torch.randn_like(parameter))
    return spatial, fusion


def history(clean: Tensor, trust: Tensor, cell: int, usable: float = 1.0) -> History:
    batch, _, height, width = clean.shape
    before = torch.rand(batch, 1, height, width, generator=torch.manual_seed(1))
    hidden = torch.rand(batch, HIDDEN, height // 4, width // 4) * 2 - 1
    whole = torch.full((batch, 1, 1, 1), usable)
    phases, coarse = F.pixel_unshuffle(trust, cell), F.avg_pool2d(trust, 4)
    return History(clean, before, hidden, whole, phases, coarse)


def fuse(
    networks: tuple[SpatialCleaner, FusionNetwork], frame: Tensor, past: History
) -> tuple[FusionResult, Tensor]:
    """The result, and the spatial picture it started from."""
    spatial, fusion = networks
    with torch.no_grad():
        alone = spatial(frame)
        return fusion(frame, alone, past), spatial.picture(frame, alone)


@each_config
@pytest.mark.parametrize("correction", [0.0, 0.05])
def test_untrained_it_accumulates(
    config: SpatialConfig, correction: float, texture: Callable[..., Tensor]
) -> None:
    """What history takes over needs no spatial correction."""
    frame, past = texture(1, 48, 64), texture(2, 48, 64)
    both, trust = networks(config), torch.ones(1, 1, 48, 64)
    torch.nn.init.constant_(both[0].correction.convolution.bias, correction)
    result, _ = fuse(both, frame, history(past, trust, config.cell))
    delta = correction * torch.sigmoid(torch.tensor(2.0))
    excess = clip_luma(luma(past), luma(frame))
    kept = past - excess
    assert torch.allclose(result.weight, torch.tensor(0.5))
    expected = (frame + 0.5 * delta + 0.5 * (kept - frame)).clamp(0, 1)
    assert torch.allclose(result.clean, expected, atol=1e-6)
    assert excess.abs().max() > 0.1  # or the clip would not have been tried


@each_config
def test_without_trust_only_the_spatial_picture_is_left(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame, past = texture(3, 48, 64), texture(4, 48, 64)
    trust = torch.zeros(1, 1, 48, 64)
    result, alone = fuse(networks(config, 0.03), frame, history(past, trust, config.cell))
    assert torch.equal(result.clean, alone)
    assert not torch.equal(result.clean, frame)


@each_config
def test_trust_acts_pixel_by_pixel(config: SpatialConfig, texture: Callable[..., Tensor]) -> None:
    frame, past = texture(5, 48, 64), texture(6, 48, 64)
    trust = (torch.rand(1, 1, 48, 64, generator=torch.manual_seed(1)) > 0.5).float()
    result, alone = fuse(networks(config, 0.03), frame, history(past, trust, config.cell))
    change = (result.clean - alone).abs().amax(dim=1, keepdim=True)
    assert change[trust == 0].max() < 1e-6
    assert change[trust == 1].mean() > 1e-2


@each_config
def test_hidden_features_are_kept_by_trust_and_bounded(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame, past = texture(7, 48, 64), texture(8, 48, 64)
    both = networks(config, 0.03)
    kept = {}
    for trusted in (0.0, 1.0):
        torch.manual_seed(2)
        whole = history(past, torch.full((1, 1, 48, 64), trusted), config.cell)
        for logit in (-100.0, 100.0):
            torch.nn.init.constant_(both[1].keep.bias, logit)
            kept[trusted, logit] = fuse(both, frame, whole)[0].hidden
            assert kept[trusted, logit].abs().max() <= 1
    assert torch.equal(kept[0.0, 100.0], kept[0.0, -100.0])  # nothing to keep
    difference = (kept[1.0, 100.0] - whole.hidden).abs().mean()
    assert difference < 0.05 * (kept[1.0, -100.0] - whole.hidden).abs().mean()


@each_config
def test_an_unusable_past_leaves_no_trace(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame, nothing = texture(7, 48, 64), torch.zeros(1, 1, 48, 64)
    both = networks(config, 0.03)
    results = [
        fuse(both, frame, history(texture(seed, 48, 64), nothing, config.cell, usable=0.0))
        for seed in (8, 9)
    ]
    assert torch.equal(results[0][0].clean, results[1][0].clean)
    assert torch.equal(results[0][0].hidden, results[1][0].hidden)


@each_config
def test_the_weight_is_a_bounded_gate(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame = texture(9)
    both = networks(config)
    past = history(texture(10), torch.ones(1, 1, 64, 64), config.cell)
    for logit, weight in [(100.0, 0.98), (-100.0, 0.02)]:
        torch.nn.init.constant_(both[1].weight.convolution.bias, logit)
        assert torch.allclose(fuse(both, frame, past)[0].weight, torch.tensor(weight), atol=1e-6)


@each_config
def test_temporal_surprise_sees_where_history_differs(
    config: SpatialConfig, texture: Callable[..., Tensor]
) -> None:
    frame = texture(11)
    past = frame.clone()
    past[..., 16:32, 40:48] = 1 - past[..., 16:32, 40:48]
    trust = torch.ones(1, 1, 64, 64)
    result, _ = fuse(networks(config), frame, history(past, trust, config.cell))
    nats = result.surprise.nats[0, 0]
    assert nats[2:4, 5].min() > 1.0
    nats[2:4, 5] = 0.0
    assert torch.allclose(nats[nats != 0], torch.tensor(2.0).log(), atol=1e-4)
