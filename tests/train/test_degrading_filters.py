"""Filters of the screen side: sharpening, chroma, compression, noise."""

import numpy as np
import pytest
import torch

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading.chroma import from_420, to_420
from temporal_clean.train.degrading.compression import compress
from temporal_clean.train.degrading.noise import grain, quantise
from temporal_clean.train.degrading.resample import resample
from temporal_clean.train.degrading.sharpen import blur, cas, unsharp


def _edge() -> torch.Tensor:
    """A soft vertical edge from 0.3 to 0.7."""
    columns = torch.arange(32.0)
    return (0.3 + 0.4 * torch.sigmoid(2 * (columns - 15.5))).expand(2, 3, 16, 32).contiguous()


def _psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return -10 * float(torch.log10((a - b).square().mean() + 1e-12))


def test_unsharp_makes_halos():
    halo = unsharp(_edge(), radius=1.5, amount=1.0)
    assert halo.max() > 0.702
    assert halo.min() < 0.298
    torch.testing.assert_close(halo[..., 0], _edge()[..., 0], atol=1e-3, rtol=0)


def test_blur_is_a_gaussian():
    dot = torch.zeros(1, 1, 21, 21)
    dot[..., 10, 10] = 1.0
    spread = blur(dot, 2.0)
    assert float(spread.sum()) == pytest.approx(1.0, abs=1e-5)
    moment = float((spread.sum(2)[0, 0] * (torch.arange(21.0) - 10) ** 2).sum())
    assert moment == pytest.approx(4.0, rel=0.05)


def test_cas_sharpens_by_its_formula():
    """One pixel of CasFilter by hand: a dip of 0.4 in grey 0.5, sharpness 1."""
    picture = torch.full((1, 3, 5, 5), 0.5)
    picture[..., 2, 2] = 0.4
    lowest, highest = 2 * 0.4, 2 * 0.5
    weight = -np.sqrt(min(lowest, 2 - highest) / highest) / 5.0
    expected = (0.4 + weight * 4 * 0.5) / (1 + 4 * weight)
    assert float(cas(picture, 1.0)[0, 0, 2, 2]) == pytest.approx(expected, abs=1e-6)
    assert cas(picture, 1.0)[0, 0, 2, 2] < cas(picture, 0.0)[0, 0, 2, 2] < 0.4


def test_kernels_keep_flat_and_lines():
    flat = torch.full((1, 3, 9, 11), 0.6)
    ramp = torch.arange(32.0).expand(1, 1, 8, 32) / 32
    for kernel in ("nearest", "bilinear", "bicubic", "lanczos"):
        same = resample(flat, (18, 19), kernel)
        torch.testing.assert_close(same, torch.full((1, 3, 18, 19), 0.6))
    for kernel in ("bilinear", "bicubic"):
        line = resample(ramp, (16, 64), kernel)[0, 0, 5, 8:-8]
        expected = ((torch.arange(64.0) + 0.5) / 2 - 0.5)[8:-8] / 32
        torch.testing.assert_close(line, expected, atol=1e-6, rtol=0)


def test_bilinear_is_torch():
    frames = torch.rand(2, 3, 9, 14)
    theirs = torch.nn.functional.interpolate(frames, (20, 24), mode="bilinear")
    torch.testing.assert_close(resample(frames, (20, 24), "bilinear"), theirs, atol=1e-6, rtol=0)


def test_420_keeps_grey_and_softens_colour():
    grey = torch.rand(2, 1, 17, 23).expand(2, 3, 17, 23)
    assert (from_420(to_420(grey), (17, 23)) - grey).abs().max() < 0.5 / 219 + 1e-5
    red = torch.zeros(1, 3, 16, 16)
    red[:, 0, :, 8:] = 1.0
    back = from_420(to_420(red), (16, 16))
    assert (back - red).abs().amax((0, 1, 2))[[0, 1, 14, 15]].max() < 0.01
    assert (back - red).abs().max() > 0.05


def test_420_chroma_is_sited_left():
    """A ramp of colour comes back without a shift: linear filters on the right sites."""
    ramp = torch.linspace(0.2, 0.8, 64)
    colour = torch.stack([ramp, 0.5 - 0 * ramp, 1 - ramp]).view(1, 3, 1, 64).expand(1, 3, 64, 64)
    for picture in (colour, colour.transpose(2, 3)):
        error = (from_420(to_420(picture), (64, 64)) - picture)[..., 4:-4, 4:-4]
        assert error.abs().max() < 0.01
        assert error.mean((0, 2, 3)).abs().max() < 1.5e-3


def test_h264_repeats_and_follows_its_quality(texture):
    frames = torch.cat([texture(3, height=64, width=80, x=2.0 * k) for k in range(6)])
    good, bad = compress(frames, crf=12), compress(frames, crf=36)
    assert good.shape == frames.shape
    assert torch.equal(good, compress(frames, crf=12))
    assert _psnr(good, frames) > 34 > _psnr(bad, frames) > 20
    smaller = compress(frames, bits_per_pixel=0.03)
    assert _psnr(smaller, frames) < _psnr(good, frames)
    limit = from_420(to_420(frames), (64, 80))
    assert _psnr(compress(frames, crf=1), limit) > 44


def test_hevc_and_odd_sizes(texture):
    frames = texture(3, height=65, width=71).repeat(3, 1, 1, 1)
    assert _psnr(compress(frames, "hevc", crf=18), frames) > 32
    assert compress(frames, crf=20).shape == frames.shape


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_the_same_frames_give_the_same_picture_however_small(codec, texture):
    frames = texture(4, height=40, width=36).repeat(14, 1, 1, 1)
    first = compress(frames, codec)
    assert first.shape == frames.shape
    assert all(torch.equal(compress(frames, codec), first) for _ in range(3))


def test_an_unknown_codec_is_named():
    with pytest.raises(TemporalCleanError, match="the codecs are h264, hevc, not av1"):
        compress(torch.zeros(1, 3, 16, 16), "av1")


def test_grain_is_new_each_frame_and_absent_in_black():
    generator = torch.Generator().manual_seed(0)
    frames = torch.full((4, 3, 64, 64), 0.5)
    frames[..., :8] = 0.0
    noisy = grain(frames, amount=0.02, size=0.0, color=0.0, generator=generator)
    assert torch.equal(noisy[..., :8], frames[..., :8])
    error = noisy[..., 8:] - 0.5
    assert float(error.std()) == pytest.approx(0.02, rel=0.05)
    assert float((error[0] * error[1]).mean()) == pytest.approx(0, abs=5e-5)


def test_dither_keeps_the_mean():
    ramp = torch.full((64, 3, 16, 16), 100.3 / 255)
    plain = quantise(ramp, 8, dither=False, generator=torch.Generator())
    torch.testing.assert_close(plain, torch.full_like(ramp, 100 / 255))
    dithered = quantise(ramp, 8, dither=True, generator=torch.Generator().manual_seed(1))
    assert float(dithered.mean() * 255) == pytest.approx(100.3, abs=0.02)
    assert len(dithered.unique()) == 3
