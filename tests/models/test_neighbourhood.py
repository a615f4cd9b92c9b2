"""Luma and the neighbourhood clip, against loops."""

from collections.abc import Callable

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.models import clip_luma, luma


def naive_clip(history: np.ndarray, frame: np.ndarray, deviations: float) -> np.ndarray:
    """Mean of 3x3, then mean of |x - mean of its own 3x3|, borders repeated."""

    def box(x: np.ndarray, row: int, column: int) -> float:
        total = 0.0
        for r in (row - 1, row, row + 1):
            for c in (column - 1, column, column + 1):
                total += x[min(max(r, 0), x.shape[0] - 1), min(max(c, 0), x.shape[1] - 1)]
        return total / 9

    places = list(np.ndindex(frame.shape))
    mean, reach, excess = np.zeros_like(frame), np.zeros_like(frame), np.zeros_like(frame)
    for place in places:
        mean[place] = box(frame, *place)
    deviation = np.abs(frame - mean)
    for place in places:
        reach[place] = deviations * box(deviation, *place)
        low, high = mean[place] - reach[place], mean[place] + reach[place]
        excess[place] = history[place] - min(max(history[place], low), high)
    return excess


@settings(max_examples=12, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    deviations=st.floats(0.5, 3.0),
    seed=st.integers(0, 2**32),
)
def test_clip_is_its_definition(height: int, width: int, deviations: float, seed: int) -> None:
    history, frame = torch.rand(2, 1, 1, height, width, generator=torch.manual_seed(seed))
    excess = clip_luma(history, frame, deviations)
    expected = naive_clip(history[0, 0].double().numpy(), frame[0, 0].double().numpy(), deviations)
    assert np.abs(excess[0, 0].numpy() - expected).max() < 1e-5


def test_history_within_the_range_stays(texture: Callable[..., Tensor]) -> None:
    frame = luma(texture(1, wavelengths=(4.0, 8.0)))
    mean = torch.nn.functional.avg_pool2d(
        torch.nn.functional.pad(frame, (1, 1, 1, 1), mode="replicate"), 3, stride=1
    )
    assert clip_luma(mean, frame).abs().max() < 1e-6
    # The mean absolute deviation of fine waves is about 0.05, the clip's reach 0.1.
    assert clip_luma(mean + 0.01, frame).abs().mean() < 1e-3


def test_ghosts_are_cut_to_the_range_on_either_side() -> None:
    flat = torch.full((1, 1, 8, 8), 0.5)
    assert torch.allclose(clip_luma(flat + 0.3, flat), torch.tensor(0.3), atol=1e-6)
    assert torch.allclose(clip_luma(flat - 0.3, flat), torch.tensor(-0.3), atol=1e-6)


def test_luma_weights_sum_to_one_and_grey_stays() -> None:
    colours = torch.eye(3).view(3, 3, 1, 1)
    assert torch.allclose(luma(colours).flatten(), torch.tensor([0.2126, 0.7152, 0.0722]))
    assert abs(luma(colours).sum().item() - 1.0) < 1e-6
    grey = torch.rand(1, 1, 5, 5, generator=torch.manual_seed(2))
    assert torch.allclose(luma(grey.repeat(1, 3, 1, 1)), grey, atol=1e-6)
