"""Steered filters: nothing until trained, and against convolutions written out."""

import pytest
import torch
import torch.nn.functional as F

from temporal_clean.models.filters import SteeredFilters
from temporal_clean.models.neighbourhood import luma

ROWS = torch.tensor([[0.0, 0.0, 0.0], [1.0, -2.0, 1.0], [0.0, 0.0, 0.0]]) / 4.0
KERNELS = torch.stack([ROWS, ROWS.T])


@pytest.mark.parametrize("cell", [2, 4])
def test_each_pixel_weighs_the_filters_of_its_own_place(cell: int) -> None:
    torch.manual_seed(0)
    filters = SteeredFilters(5, cell)
    frame, features = torch.rand(2, 3, 24, 32), torch.rand(2, 5, 24 // cell, 32 // cell)
    assert filters(frame, features).abs().max() == 0.0
    torch.nn.init.normal_(filters.weights.convolution.weight)
    bordered = F.pad(luma(frame), (1, 1, 1, 1), mode="replicate")
    weights = F.pixel_shuffle(filters.weights(features), cell)
    expected = (weights * F.conv2d(bordered, KERNELS.unsqueeze(1))).sum(dim=1, keepdim=True)
    found = F.pixel_shuffle(filters(frame, features), cell)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_a_weight_of_one_along_rows_smooths_along_rows() -> None:
    filters = SteeredFilters(1, 4)
    bias = filters.weights.convolution.bias
    assert bias is not None
    torch.nn.init.ones_(bias[:16])
    stripes = torch.tensor([0.2, 0.8]).repeat(4).expand(1, 3, 8, 8)
    for frame, smooth in ((stripes, True), (stripes.mT, False)):
        filtered = luma(frame) + F.pixel_shuffle(filters(frame, torch.zeros(1, 1, 2, 2)), 4)
        away = (filtered[..., 1:-1, 1:-1] - 0.5).abs().max().item()
        assert away == pytest.approx(0.0 if smooth else 0.3, abs=1e-5)
