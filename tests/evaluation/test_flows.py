"""Flows judged by clean frames: the right one wins, and each figure moves by what it measures."""

import pytest
import torch
from torch import Tensor

from temporal_clean.commands import main
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.flows import FlowFigures, flow_named, judge_flow, separation
from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.protocol.material import Loaded
from temporal_clean.flow import Flow

FRAMES, HEIGHT, WIDTH = 4, 64, 80


@pytest.fixture
def pan(texture) -> Loaded:
    """A texture that moves by (-1.25, 0.5) pixels a frame, one corner newly shown each time."""
    frames = torch.cat([texture(2, HEIGHT, WIDTH, x=1.25 * k, y=-0.5 * k) for k in range(FRAMES)])
    motion = torch.tensor([1.25, -0.5]).view(1, 2, 1, 1).expand(FRAMES - 1, 2, HEIGHT, WIDTH)
    valid = torch.zeros(FRAMES - 1, 1, HEIGHT, WIDTH)
    valid[..., 4:-4, 4:-4] = 1.0
    return Loaded(frames, frames, Motion(motion.contiguous(), valid, 1.0 - valid), None)


def always(x: float, y: float, doubt: float = 0.0):
    def flow(frame: Tensor, previous: Tensor) -> Flow:
        motion = torch.tensor([x, y]).view(1, 2, 1, 1).expand(len(frame), 2, *frame.shape[-2:])
        return Flow(motion, torch.full_like(frame[:, :1], doubt))

    return flow


def test_the_right_flow_has_no_error_but_resampling(pan: Loaded) -> None:
    right = judge_flow(always(1.25, -0.5), pan)
    assert right.warp_error == pytest.approx(right.least_error)
    assert right.end_point_error == pytest.approx(0.0, abs=1e-5)
    wrong = judge_flow(always(0.25, -0.5), pan)
    assert wrong.end_point_error == pytest.approx(1.0, abs=1e-5)
    assert wrong.warp_error > 5 * right.warp_error
    # It sees motion in what stands still, too: its own length.
    assert right.spurious == pytest.approx((1.25**2 + 0.5**2) ** 0.5, abs=1e-4)


def test_dis_is_named_and_follows_the_pan(pan: Loaded) -> None:
    found = judge_flow(flow_named("dis-medium"), pan)
    assert found.end_point_error < 0.4
    assert found.ms > 0.0


def test_separation_is_the_area_under_the_curve() -> None:
    score = torch.tensor([0.1, 0.4, 0.35, 0.8])
    positive = torch.tensor([False, False, True, True])
    # By hand: of the four pairs only (0.35, 0.4) is in the wrong order.
    assert separation(score, positive) == pytest.approx(0.75)
    assert separation(torch.zeros(4), positive) == pytest.approx(0.5)
    assert separation(positive.float(), positive) == 1.0
    assert separation(score, positive & False) != separation(score, positive & False)


def test_models_and_checkpoints_are_flows(pan: Loaded) -> None:
    figures = judge_flow(flow_named("fast"), pan)
    assert all(value == value for value in FlowFigures(*figures)._replace(doubt_auc=0.0))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dis-slow", "no flow 'dis-slow': expected dis-ultrafast"),
        ("ptlflow:raft_small:", "needs a file with its weights|need ptlflow"),
    ],
)
def test_what_is_no_flow_is_named(name: str, message: str) -> None:
    with pytest.raises(TemporalCleanError, match=message):
        flow_named(name)


def test_flows_need_clips(capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["evaluate", "--flows", "dis-fast"])
    assert stopped.value.code == 2
    assert "name their folder by --clips" in capsys.readouterr().err
