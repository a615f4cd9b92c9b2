"""A larger model begun from a smaller one: the same answers, and room that training takes up."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from temporal_clean.models import FusionConfig, SpatialConfig
from temporal_clean.recurrent import SIZES, CleanerConfig, RecurrentCleaner
from temporal_clean.train.growth import can_grow, grow

SMALL = CleanerConfig(
    flow=SIZES["quality"].flow,
    spatial=SpatialConfig(half=8, quarter=12, eighth=12, heads=2),
    fusion=FusionConfig(hidden=8, token=8),
)
LARGE = replace(
    SMALL,
    spatial=replace(SMALL.spatial, half=12, half_convolutions=3, stem_convolutions=1),
    fusion=replace(SMALL.fusion, convolutions=2, half_convolutions=2),
)


def restless(config: CleanerConfig, seed: int) -> RecurrentCleaner:
    """No tensor is left at the zero that it may begin with."""
    torch.manual_seed(seed)
    model = RecurrentCleaner(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return model


def three_frames(model: RecurrentCleaner, texture: Callable[..., Tensor]) -> Tensor:
    """Of a picture that moves by half a pixel, so that the past is used."""
    frames = [texture(1, 64, 96, x=0.5 * t) for t in range(3)]
    state, outputs = model.initial_state(frames[0]), []
    for frame in frames:
        clean, state = model(frame, state)
        outputs.append(clean)
    return torch.cat(outputs)


@torch.no_grad()
def test_it_answers_as_the_smaller_one_does(texture: Callable[..., Tensor]) -> None:
    small, large = restless(SMALL, 1), RecurrentCleaner(LARGE).eval()
    assert can_grow(SMALL, LARGE)
    said = grow(large, small)
    assert "0 dropped" in said
    expected = three_frames(small, texture)
    assert (expected - texture(1, 64, 96)).abs().max() > 0.01
    assert torch.allclose(three_frames(large, texture), expected, atol=2e-5)


def test_every_added_weight_is_reached_within_two_steps(texture: Callable[..., Tensor]) -> None:
    """The first step opens the ways to it, the second one moves it."""
    large = RecurrentCleaner(LARGE)
    grow(large, restless(SMALL, 1))
    before = {name: value.detach().clone() for name, value in large.named_parameters()}
    optimiser = torch.optim.Adam(large.parameters(), 1e-3)
    for _ in range(2):
        optimiser.zero_grad()
        (three_frames(large, texture) - texture(2, 64, 96)).square().mean().backward()
        optimiser.step()
    for name in ("spatial.decoder.half_body.2", "fusion.half_level.body.1", "spatial.stem.to_half"):
        weight = f"{name}.weight"
        moved = (large.get_parameter(weight) - before[weight]).abs()
        assert (moved > 0).float().mean() > 0.9, name


def test_what_the_larger_model_lacks_is_dropped_and_said(texture: Callable[..., Tensor]) -> None:
    fewer = replace(LARGE, fusion=replace(LARGE.fusion, convolutions=0))
    assert can_grow(SMALL, fewer)
    assert "2 dropped" in grow(RecurrentCleaner(fewer), restless(SMALL, 1))


def test_other_sizes_cannot_be_grown() -> None:
    assert not can_grow(SIZES["fast"], SIZES["quality"])
    assert not can_grow(LARGE, SMALL)
    wider = replace(SMALL, spatial=replace(SMALL.spatial, quarter=16))
    assert not can_grow(SMALL, wider)
    assert not can_grow(SMALL, replace(SMALL, kernel="bilinear"))
