"""Peers one frame at a time: the same pictures as over a clip, and an ffmpeg that answers each."""

import numpy as np
import pytest
import torch

from temporal_clean.evaluation.peers import stepping
from temporal_clean.evaluation.peers.accumulation import accumulated
from temporal_clean.evaluation.peers.hqdn3d import why_missing
from temporal_clean.evaluation.peers.stepping import dis_accumulation, hqdn3d


def pictures(low: int = 0, high: int = 256) -> list[np.ndarray]:
    """Four frames of noise, of odd width."""
    random = np.random.default_rng(0)
    return [random.integers(low, high, (66, 97, 3), np.uint8) for _ in range(4)]


def test_accumulation_steps_through_the_frames_again_and_again() -> None:
    frames = pictures()
    planes = [torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255 for f in (frames * 2)[:6]]
    with torch.inference_mode():
        expected = list(accumulated(iter(planes), stepping.ALPHA))
    peer = dis_accumulation(frames)
    assert all(torch.equal(peer.step(), picture) for picture in expected)
    peer.close()


@pytest.mark.skipif(why_missing() is not None, reason=str(why_missing()))
def test_ffmpeg_answers_every_frame_and_ends() -> None:
    """What comes back is smoother than the noise that went in, plane sizes rounded up."""
    frames = pictures(126, 131)
    peer = hqdn3d(frames)
    luma, chroma = 66 * 97, 33 * 49
    answer = b""
    for _ in range(12):
        answer = peer.step()
        assert isinstance(answer, bytes)
        assert len(answer) == luma + 2 * chroma
    found = np.frombuffer(answer[:luma], np.uint8).reshape(66, 97)
    before, after = (np.abs(np.diff(p.astype(float))).mean() for p in (frames[0][..., 1], found))
    assert after < 0.7 * before
    peer.close()
    with pytest.raises((OSError, ValueError)):
        peer.step()


def test_without_ffmpeg_the_install_line_is_told(monkeypatch) -> None:
    monkeypatch.setattr(stepping, "program_with", lambda name: None)
    monkeypatch.setattr(stepping, "why_missing", lambda: "apt install ffmpeg")
    with pytest.raises(stepping.TemporalCleanError, match="apt install ffmpeg"):
        hqdn3d(pictures())
