"""The flow network: what it answers untrained, and that it learns."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.flow import FlowConfig, FlowNetwork
from temporal_clean.flow.network import LearnedUpsampling

CELLS = (2, 4)


def network(cell: int = 4, seed: int = 0) -> FlowNetwork:
    torch.manual_seed(seed)
    return FlowNetwork(FlowConfig(cell=cell))


@pytest.mark.parametrize("cell", CELLS)
def test_what_stands_still_does_not_move(cell: int, texture: Callable[..., Tensor]) -> None:
    with torch.no_grad():
        flow = network(cell).estimate(texture(1, 64, 80), texture(1, 64, 80))
    assert flow.motion.shape == (1, 2, 64, 80)
    assert flow.doubt.shape == (1, 1, 64, 80)
    assert flow.motion.abs().max() < 1e-4


@pytest.mark.parametrize(("x", "y"), [(0.6, 0.0), (1.5, -1.0), (0.0, 4.0)])
def test_untrained_it_finds_small_motions(
    x: float, y: float, texture: Callable[..., Tensor]
) -> None:
    with torch.no_grad():
        flow = network().estimate(texture(1, 96, 96, x=x, y=y), texture(1, 96, 96))
    error = (flow.motion - torch.tensor([x, y]).view(1, 2, 1, 1)).norm(dim=1)
    assert error[:, 16:-16, 16:-16].mean() < 0.35 * (x**2 + y**2) ** 0.5


def test_the_search_sets_out_from_the_motion_before(texture: Callable[..., Tensor]) -> None:
    """96 px a frame, far beyond what the untrained network finds from rest."""
    frame, previous = texture(1, 96, 400, x=96.0), texture(1, 96, 400)
    truth = torch.tensor([96.0, 0.0]).view(1, 2, 1, 1)
    with torch.no_grad():
        rest = network().estimate(frame, previous)
        told = network().estimate(frame, previous, truth.expand(1, 2, 24, 100) / 4)
    errors = [(flow.motion - truth)[..., 120:-120].abs().mean() for flow in (told, rest)]
    assert errors[0] < 0.5
    assert errors[1] > 4.0


@pytest.mark.parametrize("cell", CELLS)
def test_untrained_it_doubts_where_frames_differ(cell: int, texture: Callable[..., Tensor]) -> None:
    previous = texture(3, 320, 320)
    frame = previous.clone()
    frame[..., 144:176, 144:176] = 1.0 - frame[..., 144:176, 144:176].round()
    with torch.no_grad():
        same = network(cell).estimate(previous, previous).doubt
        changed = network(cell).estimate(frame, previous).doubt
    assert same.max() < 0.1
    assert changed[..., 148:172, 148:172].min() > 0.9
    # The solver's steps spread over 100 pixels or so until training says what to believe.
    assert changed[..., :32, :].max() < 0.1
    assert changed[..., :32].max() < 0.1


@settings(max_examples=6, deadline=None)
@given(rows=st.integers(4, 8), columns=st.integers(4, 8))
def test_takes_any_multiple_of_sixteen(rows: int, columns: int) -> None:
    height, width = rows * FlowNetwork.multiple_of, columns * FlowNetwork.multiple_of
    frames = torch.rand(2, 1, 3, height, width, generator=torch.manual_seed(1))
    with torch.no_grad():
        planes = network()(frames[0], frames[1])
    assert planes.motion.shape == (1, 2, height, width)
    assert planes.doubt.shape == (1, 16, height // 4, width // 4)
    assert planes.coarse_motion.shape == (1, 2, height // 4, width // 4)
    assert planes.coarse_doubt.shape == (1, 1, height // 4, width // 4)


def test_both_cells_are_layouts_of_one_doubt(texture: Callable[..., Tensor]) -> None:
    fine, coarse = network(2), network(4)
    coarse.load_state_dict(fine.state_dict())
    with torch.no_grad():
        one = fine.estimate(texture(4, x=1), texture(4))
        other = coarse.estimate(texture(4, x=1), texture(4))
    assert torch.equal(one.doubt, other.doubt)


def test_upsampling_starts_as_bilinear_interpolation() -> None:
    generator = torch.manual_seed(2)
    planes = torch.randn(2, 2, 7, 9, generator=generator)
    context = torch.randn(2, 8, 7, 9, generator=generator)
    with torch.no_grad():
        larger = F.pixel_shuffle(LearnedUpsampling(2, 8)(planes, context), 4)
    expected = F.interpolate(planes, scale_factor=4.0, mode="bilinear", align_corners=False)
    assert torch.allclose(larger, expected, atol=1e-6)


def test_learns_a_shift_in_thirty_steps(texture: Callable[..., Tensor]) -> None:
    """One pair, over and over: enough to see that gradients lead the right way."""
    motion = torch.tensor([2.0, -1.5]).view(1, 2, 1, 1)
    previous, frame = texture(5), texture(5, x=2.0, y=-1.5)
    model = network()
    optimiser = torch.optim.Adam(model.parameters(), lr=2e-3)
    errors = []
    for _ in range(30):
        error = (model(frame, previous).motion - motion).square().sum(dim=1).sqrt().mean()
        errors.append(error.item())
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    assert errors[-1] < min(0.35, 0.5 * errors[0])


def test_items_of_a_batch_do_not_mix(texture: Callable[..., Tensor]) -> None:
    model = network()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
        frames = torch.cat([texture(6, x=1), texture(7, y=1)])
        previous = torch.cat([texture(6), texture(7)])
        both = model.estimate(frames, previous)
        for index in range(2):
            one = model.estimate(frames[index : index + 1], previous[index : index + 1])
            assert torch.allclose(both.motion[index : index + 1], one.motion, atol=1e-4)
            assert torch.allclose(both.doubt[index : index + 1], one.doubt, atol=1e-4)
    assert both.motion.abs().max() > 0
