"""All peers alike: shapes, ranges, causality, repeatability, and the word on missing ones."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import Motion
from temporal_clean.evaluation.peers import (
    Peer,
    classical_peers,
    hqdn3d,
    missing_peers,
    own_peers,
)

Texture = Callable[..., Tensor]
PEERS = classical_peers() + own_peers(["fast"])
CAUSAL = [peer for peer in PEERS if peer.causal]
each_causal_peer = pytest.mark.parametrize("peer", CAUSAL, ids=lambda peer: peer.name)
each_peer = pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)


def pan(texture: Texture, frames: int, height: int = 64, width: int = 80) -> tuple[Tensor, Motion]:
    """A noisy pan of (0.5, 0.25) pixels a frame, and its exact motion."""
    clean = torch.cat([texture(3, height, width, 0.5 * k, 0.25 * k) for k in range(frames)])
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0))
    motion = torch.tensor([0.5, 0.25]).view(1, 2, 1, 1).expand(frames - 1, 2, height, width)
    known = torch.ones(frames - 1, 1, height, width)
    return (clean + 0.03 * noise).clamp(0, 1), Motion(motion, known, 1.0 - known)


@each_peer
@pytest.mark.parametrize(("frames", "height", "width"), [(1, 64, 64), (3, 65, 97)])
def test_any_length_and_odd_sizes(
    peer: Peer, texture: Texture, frames: int, height: int, width: int
) -> None:
    clip, motion = pan(texture, frames, height, width)
    output = peer.run(clip, motion)
    assert output.shape == clip.shape
    assert output.dtype == clip.dtype
    assert float(output.min()) >= 0.0
    assert float(output.max()) <= 1.0
    # Not a picture of something else, nor one that was shifted when its padding was cut off.
    assert float((output - clip).square().mean()) < 0.08**2


@each_causal_peer
def test_the_future_changes_nothing(peer: Peer, texture: Texture) -> None:
    """Outputs before the first changed frame (or motion) stay as they were, to the bit."""
    clip, motion = pan(texture, 4, 64, 64)
    changed = 1 + CAUSAL.index(peer) % 3
    future, shifted = clip.clone(), motion.motion.clone()
    future[changed:] = future[changed:].flip(-1)
    shifted[changed - 1 :] += 2.0
    before = peer.run(clip, motion)
    after = peer.run(future, motion._replace(motion=shifted))
    assert torch.equal(before[:changed], after[:changed])
    assert not torch.equal(before[changed], after[changed])


@each_peer
def test_the_same_twice_and_motion_is_for_those_who_are_told(peer: Peer, texture: Texture) -> None:
    """Nothing is remembered from clip to clip, and the input is left alone."""
    clip, motion = pan(texture, 2)
    untouched = clip.clone()
    first = peer.run(clip, motion)
    assert torch.equal(first, peer.run(clip, motion if peer.exact_flow else None))
    assert torch.equal(clip, untouched)


def test_those_who_need_the_motion_say_so(texture: Texture) -> None:
    clip, motion = pan(texture, 3)
    short = Motion(*(part[:1] for part in motion))
    for peer in (peer for peer in PEERS if peer.exact_flow):
        with pytest.raises(
            ValueError, match=r"expected the motion of 2 pairs of 64x80 .* got none"
        ):
            peer.run(clip, None)
        with pytest.raises(ValueError, match=r"2 pairs .* got \(1, 2, 64, 80\)"):
            peer.run(clip, short)


@each_peer
def test_other_shapes_are_refused(peer: Peer) -> None:
    for wrong in (torch.zeros(3, 64, 64), torch.zeros(2, 1, 64, 64), torch.zeros(0, 3, 64, 64)):
        with pytest.raises(ValueError, match="expected a clip"):
            peer.run(wrong, None)


def test_names_are_unique_and_families_are_swept() -> None:
    names = [peer.name for peer in PEERS]
    assert len(set(names)) == len(names)
    swept: dict[str, list[float]] = {}
    for peer in PEERS:
        if peer.setting is not None:
            swept.setdefault(peer.family, []).append(peer.setting)
    for family in ("Gaussian", "tmix", "DIS accumulation", "DIS accumulation + blur"):
        assert 3 <= len(set(swept[family])) <= 5
    single = {peer.family for peer in PEERS} - swept.keys()
    assert single == {"input", "oracle", "spatial-only", "fusion-only", "full", "full, exact flow"}
    upper_bounds = {peer.family for peer in PEERS if peer.exact_flow}
    assert upper_bounds == {"oracle", "full, exact flow"}


def test_what_is_missing_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    present = {peer.family for peer in PEERS}
    for family in ("hqdn3d", "MDegrain"):
        assert (family in present) != (family in missing_peers())
    monkeypatch.setattr(hqdn3d, "program", lambda: None)
    assert "apt install ffmpeg" in missing_peers()["hqdn3d"]
    assert "hqdn3d" not in {peer.family for peer in classical_peers()}
    with pytest.raises(TemporalCleanError, match="pip install imageio-ffmpeg"):
        list(hqdn3d.denoised(iter([torch.zeros(1, 3, 64, 64)]), 4.0))
