"""The two layouts of a flow say the same thing."""

import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.flow import Flow, FlowPlanes


@settings(max_examples=20, deadline=None)
@given(
    cell=st.sampled_from([2, 4]),
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_planes_and_back_is_the_same_flow(cell: int, rows: int, columns: int, seed: int) -> None:
    generator = torch.manual_seed(seed)
    height, width = 16 * rows, 16 * columns
    motion = torch.randn(2, 2, height, width, generator=generator) * 10
    flow = Flow(motion, torch.rand(2, 1, height, width, generator=generator))
    planes = FlowPlanes.of(flow, cell)
    assert planes.doubt.shape == (2, cell**2, height // cell, width // cell)
    again = planes.full(cell)
    assert torch.equal(again.motion, flow.motion)
    assert torch.equal(again.doubt, flow.doubt)


def test_coarse_planes_are_means_with_motion_in_coarse_pixels() -> None:
    generator = torch.manual_seed(1)
    flow = Flow(
        torch.randn(1, 2, 32, 48, generator=generator),
        torch.rand(1, 1, 32, 48, generator=generator),
    )
    planes = FlowPlanes.of(flow, 4)
    assert torch.allclose(planes.coarse_motion, F.avg_pool2d(flow.motion, 4) / 4, atol=1e-6)
    assert torch.allclose(planes.coarse_doubt, F.avg_pool2d(flow.doubt, 4), atol=1e-6)
