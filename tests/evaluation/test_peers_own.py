"""Our model's parts as peers: each against the step itself."""

from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest
import torch
from torch import Tensor

from temporal_clean import assets
from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import Motion
from temporal_clean.evaluation.peers import Peer, own_peers
from temporal_clean.flow import Flow
from temporal_clean.recurrent import State

Texture = Callable[..., Tensor]
SIZES = assets.MODELS
each_size = pytest.mark.parametrize("size", SIZES)
TOLERANCE = 2e-5  # the same sums in another memory layout


@pytest.fixture(scope="module")
def peers() -> dict[str, Peer]:
    return {peer.name: peer for peer in own_peers(SIZES)}


@pytest.fixture(scope="module")
def clip(texture: Texture) -> Tensor:
    """A pan of (1.5, 0.5) pixels a frame with a grain of its own."""
    clean = torch.cat([texture(9, 64, 80, 1.5 * k, 0.5 * k) for k in range(5)])
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(3))
    return (clean + 0.04 * noise).clamp(0, 1)


@pytest.fixture(scope="module")
def motion(clip: Tensor) -> Motion:
    pairs = len(clip) - 1
    exact = torch.tensor([1.5, 0.5]).view(1, 2, 1, 1).repeat(pairs, 1, *clip.shape[-2:])
    valid = torch.ones(pairs, 1, *clip.shape[-2:])
    valid[:, :, :, 78:] = 0.0
    return Motion(exact, valid, 1.0 - valid)


@torch.no_grad()
def stepped(size: str, clip: Tensor, motion: Motion | None = None, reset: bool = False) -> Tensor:
    """The recurrent step written out: the oracle."""
    cleaner, state, pictures = load_checkpoint(size), None, []
    for k, frame in enumerate(clip.split(1)):
        state = state if state and not reset else cleaner.initial_state(frame)
        flow = None
        if motion is not None and k:
            flow = Flow(motion.motion[k - 1 : k], 1.0 - motion.valid[k - 1 : k])
        clean, state, _ = cleaner.inspect(frame, State(*state), flow)
        pictures.append(clean)
    return torch.cat(pictures)


@each_size
class TestParts:
    def test_full_is_the_step(self, size: str, peers: dict[str, Peer], clip: Tensor) -> None:
        output = peers[f"{size} full"].run(clip, None)
        assert torch.allclose(output, stepped(size, clip), atol=TOLERANCE)

    def test_spatial_only_is_the_step_without_a_valid_state(
        self, size: str, peers: dict[str, Peer], clip: Tensor
    ) -> None:
        output = peers[f"{size} spatial-only"].run(clip, None)
        assert torch.allclose(output, stepped(size, clip, reset=True), atol=TOLERANCE)
        full = peers[f"{size} full"].run(clip, None)
        assert torch.allclose(output[0], full[0], atol=TOLERANCE)
        assert not torch.allclose(output[-1], full[-1], atol=1e-3)

    def test_exact_flow_replaces_the_networks(
        self, size: str, peers: dict[str, Peer], clip: Tensor, motion: Motion
    ) -> None:
        output = peers[f"{size} full, exact flow"].run(clip, motion)
        assert torch.allclose(output, stepped(size, clip, motion), atol=TOLERANCE)

    def test_fusion_only_has_no_hand_in_a_frame_without_past(
        self, size: str, peers: dict[str, Peer], clip: Tensor
    ) -> None:
        output = peers[f"{size} fusion-only"].run(clip, None)
        assert torch.equal(output[0], clip[0])
        assert not torch.allclose(output[-1], clip[-1], atol=1e-3)
        assert not torch.allclose(output[-1], peers[f"{size} full"].run(clip, None)[-1], atol=1e-3)


def test_odd_sizes_are_padded_by_their_border(peers: dict[str, Peer], clip: Tensor) -> None:
    whole = torch.nn.functional.pad(clip[..., :70], (0, 10, 0, 0), mode="replicate")
    output = peers["fast full"].run(clip[..., :70].contiguous(), None)
    assert torch.equal(output, peers["fast full"].run(whole, None)[..., :70])


def test_unknown_models_and_small_frames_are_refused(peers: dict[str, Peer]) -> None:
    with pytest.raises(TemporalCleanError, match="no model 'huge': expected one of fast, quality"):
        own_peers(["huge"])
    for kind in ("spatial-only", "fusion-only", "full"):
        with pytest.raises(TemporalCleanError, match=r"at least 64 pixels .* got 80x48"):
            peers[f"fast {kind}"].run(torch.zeros(2, 3, 48, 80), None)


def test_checkpoints_of_one_name_are_told_apart(tmp_path: Path) -> None:
    paths = [tmp_path / run / "best.safetensors" for run in ("first", "second")]
    for path in paths:
        path.parent.mkdir()
        copy(assets.checkpoint_path("fast"), path)
    names = [peer.name for peer in own_peers(paths)]
    assert len(set(names)) == 8
    assert own_peers(paths[:1])[2].name == "best full"
