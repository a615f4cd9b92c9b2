"""The grids of a master: what covers what, and that no rendering is shifted."""

import numpy as np
import pytest
import torch

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import RECIPES, degrade, reference, sample
from temporal_clean.train.degrading.grids import halton_jitter
from temporal_clean.train.degrading.resample import resample

SIZE = 96


def _master(factor: int, frames: int = 1, shift: float = 0.0, size: int = SIZE) -> torch.Tensor:
    """Waves of 8 to 40 screen pixels, moving by ``shift`` screen pixels a frame; anti-aliased."""
    rng = np.random.default_rng(0)
    waves = 40
    length = np.exp(rng.uniform(np.log(8), np.log(40), waves)) * factor
    angle = rng.uniform(0, np.pi, waves)
    # Channels mostly agree, as in pictures of things.
    phase = rng.uniform(0, 2 * np.pi, waves) + rng.uniform(0, 0.5, (3, 1))
    cells = np.arange(size * factor)
    result = []
    for frame in range(frames):
        across = np.cos(angle)[:, None] * (cells + frame * shift * factor) / length[:, None]
        down = np.sin(angle)[:, None] * cells / length[:, None]
        # sin(a + b), summed over waves, as products of rows and columns.
        ex, ey = np.exp(2j * np.pi * across), np.exp(2j * np.pi * down)
        ey = ey * np.sqrt(length / length.sum())[:, None]
        picture = [np.einsum("wi,wj->ij", ey * np.exp(1j * p)[:, None], ex).imag for p in phase]
        result.append(0.5 + 0.4 * np.tanh(np.stack(picture)))
    return torch.from_numpy(np.stack(result)).float()


def _shift(picture: torch.Tensor, against: torch.Tensor) -> tuple[float, float]:
    """(x, y) by which ``picture`` lies right of and below ``against``, to 0.01 px.

    Correlation of luma over a window, its peak found by a Fourier transform upsampled by 100
    (Guizar-Sicairos, Thurman and Fienup, Optics Letters 33(2), 2008).
    """
    window = np.outer(*(np.hanning(n) for n in picture.shape[-2:]))
    weights = torch.tensor([0.2126, 0.7152, 0.0722])
    lumas = [torch.einsum("c,cij->ij", weights, p).numpy() for p in (picture, against)]
    spectra = [np.fft.fft2((luma - luma.mean()) * window) for luma in lumas]
    cross = spectra[0] * spectra[1].conj()
    steps = np.arange(-100, 101) / 100
    rows, columns = (np.fft.fftfreq(n) for n in cross.shape)
    down = np.exp(2j * np.pi * np.outer(steps, rows))
    across = np.exp(2j * np.pi * np.outer(columns, steps))
    peak = (down @ cross @ across).real
    y, x = np.unravel_index(peak.argmax(), peak.shape)
    return float(steps[x]), float(steps[y])


def test_the_measure_of_shift_itself():
    still, moved = _master(1, frames=2, shift=0.3)
    assert _shift(still, moved)[0] == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_reference_is_the_area_of_a_pixel(factor):
    """Against the definition, written out pixel by pixel; 8-bit and float masters agree."""
    master = torch.randint(0, 256, (2, 3, 5 * factor, 6 * factor), dtype=torch.uint8)
    wide = master.double() / 255
    if factor % 2 == 0:
        # Half a pixel to the right and below: Lagrange's cubic through four neighbours.
        wide = torch.nn.functional.pad(wide, (1, 2, 1, 2), mode="replicate")
        for axis in (-2, -1):
            taps = [wide.narrow(axis, k, wide.shape[axis] - 3) for k in range(4)]
            wide = (9 * (taps[1] + taps[2]) - taps[0] - taps[3]) / 16
    expected = torch.nn.functional.avg_pool2d(wide, factor).clamp(0, 1)
    torch.testing.assert_close(reference(master, factor).double(), expected, atol=1e-6, rtol=0)
    same = reference(master.float() / 255, factor)
    torch.testing.assert_close(same, reference(master, factor), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("scale", "step", "first"), [(1.0, 4, 2), (2 / 3, 6, 3), (0.5, 8, 4)])
def test_samples_of_a_factor_4_are_exact(scale, step, first):
    master = torch.rand(2, 3, 96, 120)
    picture = sample(master, 4, scale)
    assert torch.equal(picture.frames, master[..., first::step, first::step])
    assert picture.offset.abs().max() < 1e-7
    assert picture.size == (24, 30)


def test_samples_know_where_they_lie():
    """A ramp's values are positions: taking the offset out puts them back on the line."""
    ramp = ((torch.arange(512.0) + 0.5 - 0.5) / 512).expand(8, 3, 64, 512)
    for scale in (1.0, 0.58, 0.5):
        picture = sample(ramp, 4, scale, halton_jitter(8, scale))
        assert picture.offset.abs().max() <= 0.6
        assert len(picture.offset.unique(dim=0)) > 4
        back = resample(picture.frames, (16, 128), "bilinear", picture.offset)
        expected = (torch.arange(128.0) * 4 + 2) / 512
        # 0.58 meets master pixels only to half of one, which is 0.5 / 512.
        error = (back[..., 4:-4] - expected[4:-4]).abs().max()
        assert error < (0.6 / 512 if scale == 0.58 else 1e-5)


def test_jitter_is_balanced_and_repeats():
    jitter = halton_jitter(64, 0.5)
    assert jitter.shape == (64, 2)
    assert jitter.min() >= -0.5
    assert jitter.max() < 0.5
    assert jitter[:32].mean(0).abs().max() < 0.03
    assert torch.equal(jitter[:32], jitter[32:])
    assert torch.equal(halton_jitter(4, 0.5, start=3), jitter[3:7])


# What a codec leaves of one hard frame has no place to better than a tenth, nor has one jittered
# frame at half resolution before others have joined it.
@pytest.mark.parametrize("name", [name for name in RECIPES if name != "native-streamed"])
def test_no_rendering_is_shifted(name):
    master = _master(4)
    clean, picture = reference(master, 4)[0], degrade(master, 4, RECIPES[name])[0]
    limit = 0.1 if name.endswith(("compressed", "hevc", "taa-fsr1")) else 0.05
    assert max(map(abs, _shift(picture, clean))) < limit


@pytest.mark.parametrize("factor", [1, 3])
@pytest.mark.parametrize("mode", ["quality", "balanced", "performance"])
@pytest.mark.parametrize("kernel", ["bilinear", "fsr1"])
def test_odd_factors_are_not_shifted_either(factor, mode, kernel):
    master = _master(factor)
    picture = degrade(master, factor, RECIPES[f"{mode}-{kernel}"])[0]
    assert max(map(abs, _shift(picture, reference(master, factor)[0]))) < 0.05


def test_no_offset_in_time():
    master = _master(4, frames=6, shift=1.5, size=64)
    clean = reference(master, 4)
    for name in ("native", "performance-fsr1", "native-compressed", "performance-temporal"):
        picture = degrade(master, 4, RECIPES[name])
        errors = [
            float((picture[2:4] - clean[2 + k : 4 + k]).square().mean()) for k in (-2, -1, 0, 1, 2)
        ]
        assert np.argmin(errors) == 2, name


@pytest.mark.parametrize(
    ("master", "factor", "text"),
    [
        (torch.zeros(1, 3, 10, 12), 4, "divisible by 4, this one is 12x10"),
        (torch.zeros(1, 3, 10, 10), 5, "not 5 times"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.float64), 4, "not torch.float64"),
    ],
)
def test_what_is_no_master_is_named(master, factor, text):
    with pytest.raises(TemporalCleanError, match=text):
        reference(master, factor)


def test_the_committed_recording_is_not_shifted():
    """A real picture without a master: half of its pixels, enlarged again."""
    from itertools import islice

    from temporal_clean.assets import DEMO_CLIP
    from temporal_clean.video import open_input

    with open_input(DEMO_CLIP / "reference.mkv") as reader:
        pixels = np.stack([frame.pixels for frame in islice(reader, 60, 61)])
    master = torch.from_numpy(pixels).permute(0, 3, 1, 2)[..., 64:256, 128:320]
    for name in ("performance-bilinear", "quality-fsr1", "balanced-lanczos"):
        shift = _shift(degrade(master, 1, RECIPES[name])[0], reference(master, 1)[0])
        assert max(map(abs, shift)) < 0.05, (name, shift)
