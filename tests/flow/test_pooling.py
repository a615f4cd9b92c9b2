"""Block means against torch's own average pooling, windows against NumPy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.flow import block_mean
from temporal_clean.flow.pooling import box_mean, smoothed


@settings(max_examples=25, deadline=None)
@given(
    factor=st.sampled_from([2, 4, 8]),
    height=st.integers(8, 40),
    width=st.integers(8, 40),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_is_average_pooling(factor: int, height: int, width: int, channels: int, seed: int) -> None:
    x = torch.rand(2, channels, height, width, generator=torch.manual_seed(seed))
    assert torch.allclose(block_mean(x, factor), F.avg_pool2d(x, factor), atol=1e-6)


def test_keeps_half_precision() -> None:
    x = torch.rand(1, 2, 16, 16, generator=torch.manual_seed(1)).half()
    means = block_mean(x, 4)
    assert means.dtype == torch.float16
    assert torch.allclose(means.float(), F.avg_pool2d(x.float(), 4), atol=1e-3)


@pytest.mark.parametrize("kind", ["smoothed", "box"])
def test_windows_average_what_lies_inside(kind: str) -> None:
    """Written out in NumPy: weights times values of the window's part within, by those weights."""
    x = torch.rand(1, 2, 6, 7, generator=torch.manual_seed(3))
    profile = np.array([1.0, 2.0, 1.0]) if kind == "smoothed" else np.ones(5)
    found = smoothed(x) if kind == "smoothed" else box_mean(x, 5)
    reach = len(profile) // 2
    weights = np.outer(profile, profile)
    for row, column in ((0, 0), (0, 3), (2, 6), (3, 3), (5, 6)):
        rows = [r for r in range(-reach, reach + 1) if 0 <= row + r < 6]
        columns = [c for c in range(-reach, reach + 1) if 0 <= column + c < 7]
        inside = weights[np.ix_([r + reach for r in rows], [c + reach for c in columns])]
        values = x.numpy()[0][:, [row + r for r in rows]][:, :, [column + c for c in columns]]
        expected = (values * inside).sum(axis=(1, 2)) / inside.sum()
        assert np.allclose(found[0, :, row, column], expected, atol=1e-6)
