"""The kept libraries: right orders, one call against the library itself, and clear refusals."""

import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import ffmpeg
from temporal_clean.evaluation.perceptual import (
    availability,
    flip,
    jod,
    needs,
    perceived_change,
    tlp,
    vmaf,
)

RATE = 60


def needs_metric(name: str) -> pytest.MarkDecorator:
    reason = availability()[name]
    return pytest.mark.skipif(reason is not None, reason=str(reason))


@pytest.fixture(scope="module")
def clip() -> torch.Tensor:
    """Six frames of smooth noise with edges, panning by a pixel a frame."""
    noise = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(3))
    wide = F.interpolate(noise, scale_factor=4, mode="bicubic").clamp(0, 1)
    wide = torch.where(wide > 0.5, wide, 0.4 * wide)
    return torch.cat([wide[..., :72, k : k + 96] for k in range(6)])


def blurred(clip: torch.Tensor, size: int) -> torch.Tensor:
    return F.avg_pool2d(clip, size, stride=1, padding=size // 2, count_include_pad=False)


@needs_metric("flip")
def test_flip_is_the_library_and_orders_blur(clip: torch.Tensor) -> None:
    from flip_evaluator import evaluate

    figures = flip(blurred(clip, 3), clip)
    assert figures.shape == (6,)
    o, g = (c[2].permute(1, 2, 0).contiguous().numpy() for c in (blurred(clip, 3), clip))
    assert float(figures[2]) == pytest.approx(evaluate(g, o, "LDR", parameters={"ppd": 67.0})[1])
    assert (flip(clip, clip) == 0).all()
    assert (flip(blurred(clip, 5), clip) > figures).all()
    # From farther away the same difference is seen less.
    assert (flip(blurred(clip, 3), clip, pixels_per_degree=134) < figures).all()


@needs_metric("flip")
def test_flip_takes_one_pixel_and_refuses_no_distance() -> None:
    black, white = torch.zeros(1, 3, 1, 1), torch.ones(1, 3, 1, 1)
    assert float(flip(white, black)) > 0.9
    with pytest.raises(TemporalCleanError, match="positive number of pixels per degree"):
        flip(white, black, pixels_per_degree=0)


@needs_metric("jod")
def test_jod_orders_blur_and_is_ten_for_equal_clips(clip: torch.Tensor) -> None:
    light, strong = (jod(blurred(clip, size), clip, RATE) for size in (3, 5))
    assert jod(clip, clip, RATE) == pytest.approx(10.0)
    assert strong < light < 9.9
    # A still is judged too, and the display matters.
    assert jod(blurred(clip, 5)[:1], clip[:1], RATE) < 9.9
    assert jod(blurred(clip, 5), clip, RATE, display="standard_4k") > strong


@needs_metric("jod")
def test_jod_of_hdr_by_its_own_displays(clip: torch.Tensor) -> None:
    encoded = 0.2 + 0.5 * clip
    for transfer in ("pq", "hlg"):
        assert jod(encoded, encoded, RATE, transfer=transfer) == pytest.approx(10.0)
        assert jod(blurred(encoded, 5), encoded, RATE, transfer=transfer) < 9.9
    with pytest.raises(TemporalCleanError, match="'standard_fhd' decodes sdr, but the clip is pq"):
        jod(clip, clip, RATE, display="standard_fhd", transfer="pq")
    with pytest.raises(TemporalCleanError, match="knows no display 'cinema'"):
        jod(clip, clip, RATE, display="cinema")
    with pytest.raises(TemporalCleanError, match="frame rate"):
        jod(clip, clip, 0)


@needs_metric("vmaf")
def test_vmaf_orders_blur_and_is_near_100_for_equal_clips(clip: torch.Tensor) -> None:
    same, light, strong = (vmaf(c, clip, RATE) for c in (clip, blurred(clip, 3), blurred(clip, 7)))
    assert same.frames.shape == (6,)
    assert same.pooled > 96
    assert same.pooled > light.pooled > strong.pooled
    assert light.pooled == pytest.approx(float(light.frames.mean()), abs=1e-3)
    with pytest.raises(TemporalCleanError, match="model 'vmaf_v9'"):
        vmaf(clip, clip, RATE, model="vmaf_v9")


@needs_metric("vmaf")
def test_vmaf_is_what_ffmpeg_gives_for_its_own_yuv(clip: torch.Tensor, tmp_path) -> None:
    """Odd sizes as well; the oracle converts 8-bit RGB to limited-range BT.709 by swscale."""
    clip = clip[:3, :, :71, :95]
    output, sources = blurred(clip, 5), []
    for name, frames in (("o", output), ("g", clip)):
        codes = (frames * 255).round().byte().permute(0, 2, 3, 1).numpy().astype(np.uint8)
        (tmp_path / name).write_bytes(codes.tobytes())
        sources += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "95x71", "-i", name]
    to_yuv = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd,format=yuv444p"
    graph = f"[0:v]{to_yuv}[o];[1:v]{to_yuv}[g];[o][g]libvmaf"
    command = [str(ffmpeg.program_with("libvmaf")), "-hide_banner", *sources, "-lavfi", graph]
    run = subprocess.run(
        [*command, "-f", "null", "-"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    expected = float(run.stderr.split("VMAF score: ")[1].split()[0])
    assert vmaf(output, clip, RATE).pooled == pytest.approx(expected, abs=0.7)


@needs_metric("tlp")
def test_tlp_sees_change_that_is_wrong_and_not_error_that_stays(clip: torch.Tensor) -> None:
    noise = 0.1 * torch.randn(clip.shape, generator=torch.Generator().manual_seed(0))
    still = clip[:1].expand_as(clip)
    assert tlp(clip, clip).shape == (5,)
    assert (tlp(clip, clip) == 0).all()
    assert (tlp(still + noise[:1], still) == 0).all()
    light, strong = (tlp(still + share * noise, still) for share in (0.3, 1.0))
    assert (light > 0).all()
    assert (strong > light).all()
    assert tlp(clip[:1], clip[:1]).shape == (0,)


@needs_metric("tlp")
def test_tlp_distance_is_the_library_s(clip: torch.Tensor) -> None:
    from stlpips_pytorch.stlpips import LPIPS

    model = LPIPS(net="alex", variant="shift_tolerant", verbose=False)
    with torch.no_grad():
        expected = model(clip[:-1], clip[1:], normalize=True).flatten()
    assert torch.allclose(perceived_change.perceptual_change(clip), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "least"), [("ColorVideoVDP", 16), ("VMAF", 18), ("tLP", 21)], ids=str
)
def test_small_pictures_are_refused_and_the_least_size_works(name: str, least: int) -> None:
    metric = {
        "ColorVideoVDP": lambda o, g: jod(o, g, RATE),
        "VMAF": lambda o, g: vmaf(o, g, RATE),
        "tLP": tlp,
    }[name]
    small = torch.rand(2, 3, least - 1, 40)
    with pytest.raises(TemporalCleanError, match=f"{name} needs pictures of at least {least}x"):
        metric(small, small)
    key = {"ColorVideoVDP": "jod", "VMAF": "vmaf", "tLP": "tlp"}[name]
    if availability()[key] is None:
        for shape in ((least, 40), (40, least)):
            metric(torch.rand(2, 3, *shape), torch.rand(2, 3, *shape))


@pytest.mark.parametrize(
    "metric", [flip, tlp, lambda o, g: jod(o, g, RATE), lambda o, g: vmaf(o, g, RATE)]
)
def test_wrong_shapes_and_values_are_refused(metric) -> None:
    g = torch.rand(2, 3, 32, 32)
    with pytest.raises(ValueError, match="one shape"):
        metric(g[:1], g)
    with pytest.raises(ValueError, match="one shape"):
        metric(g[:, :1], g[:, :1])
    broken = g.clone()
    broken[1, 0, 3, 4] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity in frame 1 of the output"):
        metric(broken, g)
    with pytest.raises(TemporalCleanError, match="at least one frame"):
        metric(g[:0], g[:0])


def test_what_is_missing_is_told_with_the_line_that_installs_it(monkeypatch, tmp_path) -> None:
    """As on a machine with nothing but torch: no optional package, no ffmpeg on PATH."""
    find = needs.find_spec
    optional = ("flip_evaluator", "pycvvdp", "imageio_ffmpeg", "stlpips_pytorch", "IPython")
    for module in (needs, ffmpeg):
        monkeypatch.setattr(
            module, "find_spec", lambda name: None if name in optional else find(name)
        )
    monkeypatch.setenv("PATH", str(tmp_path))
    ffmpeg.program_with.cache_clear()
    try:
        reasons = availability()
        assert str(reasons["flip"]).endswith("pip install flip-evaluator")
        assert str(reasons["jod"]).endswith("pip install cvvdp")
        assert str(reasons["vmaf"]).endswith("pip install imageio-ffmpeg")
        assert str(reasons["tlp"]).endswith("pip install stlpips_pytorch ipython")
        g = torch.rand(2, 3, 32, 32)
        with pytest.raises(TemporalCleanError, match="pip install flip-evaluator"):
            flip(g, g)
        with pytest.raises(TemporalCleanError, match="pip install imageio-ffmpeg"):
            vmaf(g, g, RATE)
    finally:
        ffmpeg.program_with.cache_clear()


def test_importing_the_package_imports_none_of_the_libraries() -> None:
    script = (
        "import sys, temporal_clean.evaluation.perceptual as p, temporal_clean.evaluation.blind;"
        "p.availability();"
        "print([m for m in ('flip_evaluator', 'pycvvdp', 'stlpips_pytorch', 'matplotlib', 'cv2')"
        " if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
