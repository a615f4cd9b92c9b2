"""The cost that is reported: against counts by hand, and within what the design allows."""

from dataclasses import replace

import pytest
import torch

from temporal_clean.cost import PartCost, count_cost
from temporal_clean.recurrent import SIZES, CleanerConfig, RecurrentCleaner

# Multiply-accumulates a pixel: 12.5 GMAC a frame at 1080p for fast, 52 for quality.
BUDGETS = {"fast": 6000, "quality": 25000}


def cost(config: CleanerConfig, height: int = 128, width: int = 128) -> dict[str, PartCost]:
    return {part.part: part for part in count_cost(RecurrentCleaner(config), height, width)}


@pytest.mark.parametrize("size", SIZES)
def test_the_step_stays_within_its_budget(size: str) -> None:
    parts = {part.part: part for part in count_cost(RecurrentCleaner(SIZES[size]))}
    assert list(parts) == ["flow", "spatial", "fusion", "whole"]
    whole = parts.pop("whole")
    assert whole.macs_per_pixel <= BUDGETS[size]
    # Outside the parts there are only block means.
    assert sum(p.macs_per_pixel for p in parts.values()) == pytest.approx(
        whole.macs_per_pixel, rel=0.01
    )
    assert sum(p.macs_per_pixel for p in parts.values()) < whole.macs_per_pixel
    assert sum(p.parameters for p in parts.values()) == whole.parameters
    assert all(p.macs_per_pixel > 100 for p in parts.values())


def test_one_more_convolution_costs_what_it_does_by_hand() -> None:
    """32 to 32 channels, 3x3, at 1/4: each cell of 16 pixels takes 32 x 32 x 9 products."""
    before = SIZES["fast"]
    spatial = replace(before.spatial, decoder_convolutions=before.spatial.decoder_convolutions + 1)
    one, other = cost(before), cost(replace(before, spatial=spatial))
    difference = other["spatial"].macs_per_pixel - one["spatial"].macs_per_pixel
    assert before.spatial.quarter == 32
    assert difference == pytest.approx(32 * 32 * 9 / 16)
    assert other["spatial"].parameters - one["spatial"].parameters == 32 * 32 * 9 + 32
    assert other["whole"].macs_per_pixel - one["whole"].macs_per_pixel == pytest.approx(difference)
    assert other["flow"] == one["flow"]


def test_attention_is_counted_with_its_products() -> None:
    """A block at 1/8, 48 channels, windows of 64 tokens that fit the picture exactly."""
    before = SIZES["fast"]
    spatial = replace(before.spatial, blocks=before.spatial.blocks + 2)
    one, other = cost(before), cost(replace(before, spatial=spatial))
    shifted = 9 / 4  # the second block's windows begin half a window outside: 3 x 3 for 2 x 2
    pointwise = 48 * 48 * (1 + 2 + 1) + 48 * 96 * 2
    products = 2 * 64 * 48
    difference = other["spatial"].macs_per_pixel - one["spatial"].macs_per_pixel
    assert before.spatial.eighth == 48
    assert difference == pytest.approx((2 * pointwise + (1 + shifted) * products) / 64)


def test_counting_leaves_the_model_as_it_was() -> None:
    model = RecurrentCleaner(SIZES["fast"])
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    count_cost(model, 64, 64)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
