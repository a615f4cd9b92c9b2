"""The forward-backward check: agreement, leaving the frame, contradiction, tolerance."""

import pytest
import torch
from torch import Tensor

from temporal_clean.flow import inconsistency


def constant_motion(x: float, y: float) -> Tensor:
    return torch.tensor([float(x), float(y)]).view(1, 2, 1, 1).repeat(1, 1, 20, 24)


def test_a_round_trip_is_consistent_inside_the_frame() -> None:
    fails = inconsistency(constant_motion(3, -2), constant_motion(-3, 2))
    expected = torch.zeros(1, 1, 20, 24)
    expected[..., -3:] = 1  # x + 3 lies beyond the right border
    expected[:, :, :2] = 1  # y - 2 lies above the top
    assert torch.equal(fails, expected)


def test_a_contradiction_fails_where_it_is_looked_up() -> None:
    backward = constant_motion(-3, 2)
    backward[:, :, 8:12, 10:16] = 0
    fails = inconsistency(constant_motion(3, -2), backward)
    expected = torch.zeros(20, 24, dtype=torch.bool)
    expected[10:14, 7:13] = True
    assert torch.equal(fails[0, 0, 2:, :-3] == 1, expected[2:, :-3])


@pytest.mark.parametrize(("motion", "error", "fails"), [(1, 0.6, 0), (1, 0.8, 1), (10, 1.4, 0)])
def test_longer_motions_may_miss_by_more(motion: float, error: float, fails: int) -> None:
    result = inconsistency(constant_motion(motion, 0), constant_motion(error - motion, 0))
    assert result[..., :-10].eq(fails).all()
