"""Classical peers: what their definitions predict, and the programs that they stand for."""

from collections.abc import Callable, Iterator
from fractions import Fraction

import av
import av.filter
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import Motion, sharp
from temporal_clean.evaluation.blur import gaussian
from temporal_clean.evaluation.peers import Peer, classical_peers, hqdn3d, missing_peers
from temporal_clean.evaluation.peers.blurs import mixed
from temporal_clean.evaluation.peers.codes import from_codes, to_codes

Texture = Callable[..., Tensor]
PEERS = {peer.name: peer for peer in classical_peers()}
NOISE = 0.02
needs_hqdn3d = pytest.mark.skipif(
    "hqdn3d" in missing_peers(), reason=missing_peers().get("hqdn3d", "")
)
needs_mdegrain = pytest.mark.skipif(
    "MDegrain" in missing_peers(), reason=missing_peers().get("MDegrain", "")
)


def of_family(family: str) -> list[Peer]:
    return [peer for peer in PEERS.values() if peer.family == family]


def still(frames: int, height: int = 64, width: int = 80, valid: float = 1.0) -> Motion:
    known = torch.full((frames - 1, 1, height, width), valid)
    return Motion(known.expand(-1, 2, -1, -1) * 0.0, known, 1.0 - known)


@pytest.fixture(scope="module")
def noisy(texture: Texture) -> tuple[Tensor, Tensor]:
    """A static scene under a still camera: with noise that is new in each of 17 frames, without."""
    clean = texture(5, 64, 80, wavelengths=(16.0, 80.0)).expand(17, -1, -1, -1)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    return (clean + NOISE * noise).clamp(0, 1), clean


def share_of_noise(peer: Peer, noisy: tuple[Tensor, Tensor]) -> float:
    """What is left of the noise in the last frames, borders left out; lost detail is not noise."""
    shown, clean = (peer.run(clip, still(len(clip))) for clip in noisy)
    return float((shown - clean)[-2:, :, 8:-8, 8:-8].std()) / NOISE


class TestWeights:
    """A linear average of independent noise leaves the root of its weights' sum of squares."""

    @pytest.mark.parametrize("peer", of_family("Gaussian"), ids=lambda peer: peer.name)
    def test_gaussian(self, peer: Peer, noisy: tuple[Tensor, Tensor]) -> None:
        spot = np.zeros((33, 33))
        spot[16, 16] = 1.0
        expected = np.sqrt(np.square(gaussian_filter(spot, peer.setting)).sum())
        assert share_of_noise(peer, noisy) == pytest.approx(expected, rel=0.05)

    @pytest.mark.parametrize("peer", of_family("tmix"), ids=lambda peer: peer.name)
    def test_tmix(self, peer: Peer, noisy: tuple[Tensor, Tensor]) -> None:
        assert peer.setting is not None
        assert share_of_noise(peer, noisy) == pytest.approx(peer.setting**-0.5, rel=0.05)

    def test_oracle(self, noisy: tuple[Tensor, Tensor]) -> None:
        assert share_of_noise(PEERS["oracle"], noisy) == pytest.approx(16**-0.5, rel=0.05)

    @pytest.mark.parametrize("peer", of_family("DIS accumulation"), ids=lambda peer: peer.name)
    def test_accumulation(self, peer: Peer, noisy: tuple[Tensor, Tensor]) -> None:
        """Those of an exponential average; the clip, and flow that follows noise, cost little."""
        assert peer.setting is not None
        expected = (peer.setting / (2.0 - peer.setting)) ** 0.5
        assert 0.95 < share_of_noise(peer, noisy) / expected < 1.15

    @pytest.mark.parametrize(
        "peer", of_family("motion-compensated average"), ids=lambda peer: peer.name
    )
    def test_motion_compensated_average(self, peer: Peer, noisy: tuple[Tensor, Tensor]) -> None:
        assert peer.setting is not None
        assert 0.95 < share_of_noise(peer, noisy) * peer.setting**0.5 < 1.1

    def test_a_blur_afterwards_leaves_less(self, noisy: tuple[Tensor, Tensor]) -> None:
        names = [f"DIS accumulation{rest}" for rest in (" 0.5", " + blur 0.35", " + blur 0.6")]
        left = [share_of_noise(PEERS[name], noisy) for name in names]
        assert left == sorted(left, reverse=True)


class TestBlurs:
    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 999), sigma=st.sampled_from([0.3, 0.45, 0.6, 1.0, 2.0]))
    def test_gaussian_is_scipys(self, seed: int, sigma: float) -> None:
        picture = np.random.default_rng(seed).random((3, 20, 23))
        expected = gaussian_filter(picture, (0.0, sigma, sigma), mode="nearest")
        output = gaussian(torch.from_numpy(picture)[None], sigma)
        np.testing.assert_allclose(output[0].numpy(), expected, atol=1e-12)

    @pytest.mark.parametrize("count", [2, 3, 5])
    def test_tmix_is_ffmpegs(self, texture: Texture, count: int) -> None:
        clip = torch.cat([texture(seed, 64, 64) for seed in range(6)])
        codes = [(frame * 65535).round().permute(1, 2, 0).numpy() for frame in clip]
        theirs = list(ffmpeg_tmix([code.astype(np.uint16) for code in codes], count))
        ours = list(mixed(iter(clip.split(1)), count))
        assert len(theirs) == len(ours)
        for one, other in zip(ours, theirs, strict=True):
            expected = torch.from_numpy(other.astype(np.float32) / 65535).permute(2, 0, 1)
            assert float((one[0] - expected).abs().max()) < 2 / 65535


def ffmpeg_tmix(frames: list[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """FFmpeg's own filter, from the libraries in PyAV's wheel."""
    graph, planar = av.filter.Graph(), av.VideoFormat("gbrp16le", 64, 64)
    source = graph.add_buffer(width=64, height=64, format=planar, time_base=Fraction(1, 60))
    graph.link_nodes(source, graph.add("tmix", f"frames={count}"), graph.add("buffersink"))
    graph.configure()
    for index, pixels in enumerate(frames):
        frame = av.VideoFrame.from_ndarray(pixels, format="gbrp16le")
        frame.pts = index
        graph.push(frame)
        pulled = graph.pull()
        assert isinstance(pulled, av.VideoFrame)
        yield pulled.to_ndarray()


class TestHqdn3d:
    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 999))
    def test_codes_cost_nothing_that_can_be_seen(self, seed: int) -> None:
        picture = torch.rand(1, 3, 31, 45, generator=torch.Generator().manual_seed(seed))
        error = (from_codes(to_codes(picture)) - picture).square().mean()
        assert -10 * float(error.log10()) > 95

    def test_grey_codes_are_those_of_bt709_video(self) -> None:
        greys = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2).expand(1, 3, 1, 2)
        assert to_codes(greys)[:, 0].tolist() == [[16 * 256, 235 * 256]] + 2 * [[32768, 32768]]

    @needs_hqdn3d
    def test_a_clean_still_is_kept_and_noise_is_not(self, noisy: tuple[Tensor, Tensor]) -> None:
        left = []
        for peer in of_family("hqdn3d"):
            shown, kept = (peer.run(clip, None) for clip in noisy)
            # The spatial part smooths a little: 35 dB is a change that nobody calls denoising.
            assert -10 * float((kept - noisy[1]).square().mean().log10()) > 35
            left.append(float((shown - kept)[-1].std()) / NOISE)
        assert left == sorted(left, reverse=True)
        assert left[-1] < 0.4 < 0.7 < left[0] < 1.0

    @needs_hqdn3d
    def test_chroma_keeps_its_resolution(self) -> None:
        """One-pixel stripes of colour: through 4:2:0 they would all be grey."""
        stripes = torch.zeros(3, 3, 64, 64)
        stripes[:, 0, :, ::2] = 1.0
        stripes[:, 2, :, 1::2] = 1.0
        output = PEERS["hqdn3d 8"].run(stripes, None)
        assert float((output - stripes).abs().mean()) < 0.02

    def test_a_program_that_fails_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(hqdn3d, "program", lambda: "false")
        with pytest.raises(TemporalCleanError, match="'false' failed in hqdn3d"):
            list(hqdn3d.denoised(iter(torch.zeros(3, 3, 64, 64).split(1)), 4.0))


class TestOracle:
    def test_history_keeps_its_detail_on_the_move(self, texture: Texture) -> None:
        """Sub-pixel motion for ten frames, waves down to four pixels."""
        count, x, y = 10, 0.37, 0.21
        clean = torch.cat(
            [texture(7, 96, 96, x * k, y * k, wavelengths=(4.0, 40.0)) for k in range(count)]
        )
        motion = still(count, 96, 96)
        motion.motion[:, 0], motion.motion[:, 1] = x, y
        inner = (Ellipsis, slice(12, -12), slice(12, -12))
        output = PEERS["oracle"].run(clean, motion)
        assert sharp(output[inner], clean[inner])[1:].sub(1.0).abs().max() < 0.02
        # The bilinear average that it is there to avoid; plain averaging loses most.
        assert sharp(PEERS["tmix 5"].run(clean, None)[inner], clean[inner])[-1] < 0.9

    def test_a_hud_over_a_pan_is_left_alone(self, texture: Texture) -> None:
        """Still stripes over a pan of 3 pixels a frame; flow seen in the frames drags them."""
        clip = torch.cat([texture(4, 96, 96, 3.0 * k) for k in range(8)])
        hud = (Ellipsis, slice(60, 80), slice(30, 70))
        clip[hud] = 0.1
        clip[:, :, 64:76, 36:70:4] = 0.95
        motion = still(8, 96, 96)
        motion.motion[:, 0] = 3.0
        motion.motion[hud] = 0.0
        motion.valid[:, :, :, :30] = 0.0  # what the HUD hid, and the rim
        output = PEERS["oracle"].run(clip, motion)
        assert torch.allclose(output[hud], clip[hud], atol=1e-4)
        assert not torch.allclose(PEERS["DIS accumulation 0.3"].run(clip, None)[hud], clip[hud])

    def test_starts_again_where_the_past_is_not_valid(self, noisy: tuple[Tensor, Tensor]) -> None:
        clip = noisy[0]
        motion = still(len(clip))
        motion.valid[7, :, :, 40:] = 0.0
        output = PEERS["oracle"].run(clip, motion)
        assert torch.allclose(output[8, ..., 40:], clip[8, ..., 40:])
        assert torch.allclose(output[9, ..., 40:], clip[8:10, ..., 40:].mean(dim=0), atol=1e-6)
        assert torch.allclose(output[9, ..., :40], clip[:10, ..., :40].mean(dim=0), atol=1e-6)


class TestGates:
    def test_a_cut_leaves_no_trace_where_there_is_a_gate(self, texture: Texture) -> None:
        """Leftover of the old scene on the first frame of the new one (Ghost's definition)."""
        old, new = texture(1, 64, 80), texture(2, 64, 80)
        clip = torch.cat([old, old, old, new, new])

        def ghost(peer: Peer) -> float:
            leftover, scene = peer.run(clip, None)[3:4] - new, old - new
            return float((leftover * scene).sum() / scene.square().sum())

        assert ghost(PEERS["tmix 3"]) == pytest.approx(2 / 3, abs=0.01)
        for name in ("DIS accumulation 0.3", "motion-compensated average 3"):
            assert abs(ghost(PEERS[name])) < 0.1
        assert ghost(PEERS["DIS accumulation, no gate 0.3"]) > 0.15


@needs_mdegrain
class TestMDegrain:
    def test_averages_what_lies_ahead_too(self, noisy: tuple[Tensor, Tensor]) -> None:
        """Seven frames of a still; the spatial neighbours in its half-pixel planes add a little."""
        clip, clean = noisy
        output = PEERS["MDegrain3 1600"].run(clip, None)
        error = (output - clean)[8, :, 8:-8, 8:-8]
        assert 0.8 < float(error.std()) / NOISE * 7**0.5 < 1.25
        changed = clip.clone()
        changed[9:] = clean[9:]
        assert not torch.equal(PEERS["MDegrain3 1600"].run(changed, None)[8], output[8])

    def test_heavy_noise_does_not_pass_for_a_cut(self, noisy: tuple[Tensor, Tensor]) -> None:
        clean = noisy[1]
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(2))
        clip = (clean + 0.06 * noise).clamp(0, 1)
        output = PEERS["MDegrain3 1600"].run(clip, None)
        assert (output - clean)[8].std() < 0.6 * (clip - clean)[8].std()
