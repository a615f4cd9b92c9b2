"""The filter of motion: what scatters is averaged, what differs is kept."""

import torch

from temporal_clean.flow.regularization import MotionFilter


def scattered(motion: torch.Tensor, spread: float) -> torch.Tensor:
    noise = torch.randn(motion.shape, generator=torch.manual_seed(0))
    return motion + spread * noise


def test_scatter_shrinks_and_edges_stay() -> None:
    """Two halves that move apart by two cells, each with a twelfth of a cell of scatter.

    Nine cells average a scatter's square to a ninth; likeness keeps a little of it.
    """
    truth = torch.zeros(1, 2, 32, 32)
    truth[..., 16:] = 2.0
    motion = scattered(truth, 1 / 12)
    with torch.no_grad():
        filtered = MotionFilter(8)(motion, torch.randn(1, 8, 32, 32))
    before, after = (motion - truth).square().mean(), (filtered - truth).square().mean()
    assert after < before / 6
    beside = (filtered - truth)[..., 14:18].abs().mean()
    assert beside < 0.5 * (motion - truth)[..., 14:18].abs().mean()


def test_is_the_bilateral_filter_written_out() -> None:
    motion = scattered(torch.zeros(1, 2, 8, 9), 0.3)
    with torch.no_grad():
        filtered = MotionFilter(4)(motion, torch.zeros(1, 4, 8, 9))
    padded = torch.nn.functional.pad(motion, (2, 2, 2, 2), mode="replicate")
    for row, column in ((0, 0), (3, 4), (7, 8)):
        window = padded[0, :, row : row + 5 : 2, column : column + 5 : 2].reshape(2, 9)
        centre = motion[0, :, row, column].view(2, 1)
        weights = torch.softmax(-(window - centre).square().sum(0) / (2 * 0.25**2), dim=0)
        assert torch.allclose(filtered[0, :, row, column], (window * weights).sum(1), atol=1e-5)


def test_what_is_worth_nothing_is_left_out() -> None:
    """A cell that context marks as worthless does not reach its neighbours, nor they less of it."""
    motion, context = torch.zeros(1, 2, 9, 9), torch.zeros(1, 1, 9, 9)
    motion[..., 4, 4], context[..., 4, 4] = 0.2, 1.0
    model = MotionFilter(1)
    with torch.no_grad():
        heard = model(motion, context)
        model.worth.weight.fill_(-50.0)
        ignored = model(motion, context)
    assert heard[..., 4, 6].abs().min() > 0.004
    assert ignored.abs().max() < 1e-6


def test_far_motions_stay_finite_in_half_precision() -> None:
    motion = torch.zeros(1, 2, 8, 8, dtype=torch.float16)
    motion[..., 4:] = 500.0
    with torch.no_grad():
        filtered = MotionFilter(2).half()(motion, torch.zeros(1, 2, 8, 8, dtype=torch.float16))
    assert torch.equal(filtered, motion)
