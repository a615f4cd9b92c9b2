"""The classical oracle: it finds known motion, in this project's sign convention."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from temporal_clean.flow import dis_flow, warp


@pytest.mark.parametrize(("x", "y"), [(3.0, -2.0), (-1.5, 0.5), (0.0, 0.0)])
def test_finds_a_translation(texture: Callable[..., Tensor], x: float, y: float) -> None:
    previous, frame = texture(1, 80, 112), texture(1, 80, 112, x=x, y=y)
    flow = dis_flow(frame, previous)
    assert flow.motion.shape == (1, 2, 80, 112)
    error = flow.motion - torch.tensor([x, y]).view(1, 2, 1, 1)
    inside = error[..., 8:-8, 8:-8].square().sum(dim=1).sqrt()
    assert inside.mean() < 0.25
    assert flow.doubt[..., 8:-8, 8:-8].mean() < 0.05


def test_what_is_here_now_was_at_p_plus_motion(texture: Callable[..., Tensor]) -> None:
    """A bright square moves two pixels right: it came from the left, so x is negative."""
    previous = texture(2, 64, 64) * 0.5
    frame = previous.clone()
    patch = texture(3, 24, 24, wavelengths=(5.0, 20.0)) * 0.5 + 0.5
    previous[..., 20:44, 20:44] = patch
    frame[..., 20:44, 22:46] = patch
    flow = dis_flow(frame, previous)
    middle = flow.motion[0, :, 26:38, 28:40]
    assert middle[0].mean() == pytest.approx(-2.0, abs=0.25)
    assert middle[1].mean() == pytest.approx(0.0, abs=0.25)
    error = (warp(previous, flow.motion) - frame)[..., 24:40, 26:42].abs().mean()
    assert error < 0.25 * (previous - frame)[..., 24:40, 26:42].abs().mean()


def test_doubts_what_leaves_the_frame(texture: Callable[..., Tensor]) -> None:
    doubt = dis_flow(texture(4, 80, 96, x=6), texture(4, 80, 96)).doubt
    assert doubt[..., -5:].mean() > 0.9
    assert doubt[..., 10:-12].mean() < 0.1


def test_items_of_a_batch_do_not_mix(texture: Callable[..., Tensor]) -> None:
    frames = torch.cat([texture(5, x=1), texture(6, y=-2)])
    previous = torch.cat([texture(5), texture(6)])
    both = dis_flow(frames, previous)
    second = dis_flow(frames[1:], previous[1:])
    assert torch.equal(both.motion[1:], second.motion)
    assert torch.equal(both.doubt[1:], second.doubt)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (11, 11), (200, 11), (1, 100)])
def test_the_smallest_pictures_have_a_flow(size: tuple[int, int], texture) -> None:
    frame = texture(2, *size)
    flow = dis_flow(frame, frame)
    assert flow.motion.shape == (1, 2, *size)
    assert flow.motion.abs().max() < 0.1
