"""Block means against torch's own average pooling."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.flow import block_mean


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
