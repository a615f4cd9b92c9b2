"""Local correlation against four nested loops."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.flow.correlation import LocalCorrelation


def naive(module: LocalCorrelation, ours: Tensor, theirs: Tensor) -> Tensor:
    """Each channel's product with the other frame's cell, one shift after another."""

    def normal(x: Tensor) -> Tensor:
        x = torch.einsum("oi,bihw->bohw", module.project.weight[..., 0, 0], x)
        x = x + module.project.bias.view(1, -1, 1, 1)  # type: ignore[union-attr]
        return x / (x.square().mean(dim=1, keepdim=True) + 1e-3).sqrt()

    ours, theirs = normal(ours), normal(theirs)
    _, channels, height, width = ours.shape
    planes = []
    for channel in range(channels):
        for down in range(-module.radius, module.radius + 1):
            for right in range(-module.radius, module.radius + 1):
                plane = torch.zeros(ours.shape[0], height, width)
                for y in range(max(0, -down), min(height, height - down)):
                    for x in range(max(0, -right), min(width, width - right)):
                        there = theirs[:, channel, y + down, x + right]
                        plane[:, y, x] = ours[:, channel, y, x] * there
                planes.append(plane)
    return torch.stack(planes, dim=1)


@settings(max_examples=8, deadline=None)
@given(
    channels=st.integers(1, 3),
    radius=st.integers(1, 2),
    height=st.integers(3, 6),
    width=st.integers(3, 6),
    seed=st.integers(0, 2**32),
)
def test_is_the_product_of_shifted_features(
    channels: int, radius: int, height: int, width: int, seed: int
) -> None:
    generator = torch.manual_seed(seed)
    module = LocalCorrelation(5, channels, radius)
    ours, theirs = torch.randn(2, 2, 5, height, width, generator=generator)
    with torch.no_grad():
        result = module(ours, theirs)
        assert result.shape == (2, module.planes, height, width)
        assert torch.allclose(result, naive(module, ours, theirs), atol=1e-5)


def test_is_largest_at_the_true_shift() -> None:
    generator = torch.manual_seed(1)
    module = LocalCorrelation(8, 8, radius=2)
    theirs = torch.randn(1, 8, 24, 24, generator=generator)
    ours = theirs.roll((-1, 2), dims=(2, 3))  # what is here lies one down and two to the left
    with torch.no_grad():
        planes = module(ours, theirs).view(8, 5, 5, 24, 24).sum(dim=0)
    best = planes[..., 3:-3, 3:-3].mean(dim=(2, 3)).argmax().item()
    assert divmod(best, 5) == (2 + 1, 2 - 2)


def test_reading_weights_start_by_summing_over_channels() -> None:
    torch.manual_seed(2)
    module = LocalCorrelation(4, 3, radius=1)
    weights = module.reading_weights(7)
    assert weights.shape == (7, module.planes, 1, 1)
    by_channel = weights.view(7, 3, 9)
    assert torch.equal(by_channel[:, 0], by_channel[:, 1])
    assert torch.equal(by_channel[:, 0], by_channel[:, 2])
    assert not torch.equal(by_channel[:, :, 0], by_channel[:, :, 1])
