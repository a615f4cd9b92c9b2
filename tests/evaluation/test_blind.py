"""No-reference figures against what each clip was made to hold."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.blind import BANDS, BLIND_METRICS, BlindFigures, blind_figures
from temporal_clean.flow import Flow

RATE = 60.0
LENGTH = 16
HEIGHT, WIDTH = 64, 96


def figures(
    video: torch.Tensor, source: torch.Tensor | None = None, rate: float = RATE, **kwargs
) -> BlindFigures:
    before = None if source is None else iter(source.split(1))
    return blind_figures(iter(video.split(1)), rate, before, **kwargs)


def measured(
    video: torch.Tensor, source: torch.Tensor | None = None, rate: float = RATE, **kwargs
) -> dict[str, float]:
    """The pooled figures that exist: asking for another is a KeyError."""
    pooled = figures(video, source, rate, **kwargs).pooled
    return {name: value for name, value in pooled.items() if value is not None}


def pan(texture, x: float, y: float = 0.0, frames: int = LENGTH, finest: float = 8.0):
    looks = (
        texture(5, HEIGHT, WIDTH, x * k, y * k, wavelengths=(finest, 80.0)) for k in range(frames)
    )
    return torch.cat(list(looks))


def moving(x: float, y: float):
    """Exact flow of such a pan."""

    def flow(frame: torch.Tensor, previous: torch.Tensor) -> Flow:
        motion = torch.zeros_like(frame[:, :2])
        motion[:, 0], motion[:, 1] = x, y
        return Flow(motion, torch.zeros_like(frame[:, :1]))

    return flow


def wave(amplitude: float, hertz: float, frames: int = LENGTH, phase: float = 0.7) -> torch.Tensor:
    time = torch.arange(frames) / RATE
    return (amplitude * torch.sin(2 * math.pi * hertz * time + phase)).view(-1, 1, 1, 1)


def test_a_still_clip_has_no_flicker(texture) -> None:
    found = measured(pan(texture, 0.0, frames=20))
    assert found["followed"] == 1.0
    for name in (*BANDS, "static_shimmer"):
        assert found[name] == pytest.approx(0.0, abs=1e-4)
    assert set(figures(pan(texture, 0.0)).pooled) == set(BLIND_METRICS)


# Frequencies in the middle of a line of 16 frames at 60 Hz, two lines from the band's edges.
@pytest.mark.parametrize(("band", "hertz"), [("flicker_mid", 11.25), ("flicker_high", 22.5)])
def test_global_flicker_lands_in_its_band_with_its_energy(texture, band: str, hertz: float) -> None:
    amplitude = 0.04
    found = measured(pan(texture, 0.0) * 0.8 + 0.1 + wave(amplitude, hertz))
    expected = 1e3 * amplitude**2 / 2
    assert found[band] == pytest.approx(expected, rel=0.08)
    for other in set(BANDS) - {band}:
        assert found[other] < 0.08 * expected


def test_slow_flicker_is_in_the_low_band_less_what_the_line_takes(texture) -> None:
    found = measured(pan(texture, 0.0) * 0.8 + 0.1 + wave(0.04, 3.75, phase=math.pi / 2))
    assert 0.5 < found["flicker_low"] / 0.8 < 1.1
    assert found["flicker_high"] < 0.01


def test_local_flicker_has_the_energy_of_its_share_of_the_picture(texture) -> None:
    video = pan(texture, 0.0) * 0.8 + 0.1
    video[..., :32, :48] += wave(0.04, 22.5)
    found = measured(video, flow=moving(0.0, 0.0))
    assert found["flicker_high"] == pytest.approx(0.8 / 4, rel=0.08)


@pytest.mark.parametrize("speed", [(0.3, 0.1), (1.37, 0.6)], ids=str)
def test_a_pan_is_not_flicker(texture, speed: tuple[float, float]) -> None:
    """Floors in 1e-3: of the lookup 0.003, with flow seen in the video 0.004.

    With waves down to 2.5 px; a Catmull-Rom lookup leaves 0.016 and 0.041 of the same pans.
    """
    video = pan(texture, *speed, finest=2.5)
    exact, seen = measured(video, flow=moving(*speed)), measured(video)
    for band in BANDS:
        assert exact[band] < 0.003
        assert seen[band] < 0.004
    assert figures(video).pooled["static_shimmer"] is None


def test_flicker_on_a_pan_is_still_found(texture) -> None:
    video = pan(texture, 1.37, 0.6) * 0.8 + 0.1 + wave(0.04, 22.5)
    assert measured(video)["flicker_high"] == pytest.approx(0.8, rel=0.1)


def test_frozen_noise_is_not_flicker_and_live_noise_is(texture) -> None:
    generator = torch.Generator().manual_seed(0)
    noise = 8 / 255 * torch.randn(LENGTH, 3, HEIGHT, WIDTH, generator=generator)
    still = 0.15 + 0.7 * pan(texture, 0.0)
    frozen = measured(still + noise[:1])
    assert all(frozen[band] < 1e-6 for band in BANDS)
    live = measured(still + noise, flow=moving(0.0, 0.0))
    # BT.709 luma of equal noise in three channels, and the B-spline's taps 1/6, 2/3, 1/6 squared.
    variance = (8 / 255) ** 2 * (0.2126**2 + 0.7152**2 + 0.0722**2)
    share = (2 / 36 + 4 / 9) ** 2 * 14 / 16
    total = sum(live[band] for band in BANDS)
    assert total == pytest.approx(1e3 * variance * share, rel=0.1)
    # Uncovered by any blur, and with flow seen in the noisy video itself.
    assert measured(still + noise)["static_shimmer"] == pytest.approx(255 * variance**0.5, rel=0.03)


def test_a_lasting_change_is_not_shimmer(texture) -> None:
    video = pan(texture, 0.0)
    video[8:, :, :30, :40] = 0.9
    assert measured(video)["static_shimmer"] < 0.2


def test_bands_follow_the_frame_rate(texture) -> None:
    video = pan(texture, 0.0) * 0.8 + 0.1
    video = video + 0.03 * (-1.0) ** torch.arange(LENGTH).view(-1, 1, 1, 1)
    for rate, band in ((60, "flicker_high"), (24, "flicker_mid"), (10, "flicker_low")):
        assert measured(video, rate=rate)[band] > 0.8
    film = figures(video, rate=24)
    assert film.pooled["flicker_high"] is None
    assert film.missing["flicker_high"] == "needs more than 30 frames a second"
    with pytest.raises(TemporalCleanError, match="positive frame rate"):
        figures(video, rate=0)


def test_a_cut_is_not_flicker(texture) -> None:
    scenes = [texture(seed, HEIGHT, WIDTH).expand(LENGTH, -1, -1, -1) for seed in (1, 9)]
    found = measured(torch.cat(scenes))
    assert found["followed"] == 1.0
    for name in (*BANDS, "static_shimmer"):
        assert found[name] == pytest.approx(0.0, abs=1e-4)


def test_blur_and_sharpening_against_the_input(texture) -> None:
    source = pan(texture, 0.5, frames=3, finest=3.0)
    blurred = torch.nn.functional.avg_pool2d(source, 3, 1, 1, count_include_pad=False)
    found = {
        name: measured(clip, source)
        for name, clip in (
            ("same", source),
            ("blurred", blurred),
            ("sharpened", 1.5 * source - 0.5 * blurred),
        )
    }
    assert found["same"]["sharpness_change"] == pytest.approx(1.0)
    assert found["blurred"]["sharpness_change"] < 0.8
    assert found["sharpened"]["sharpness_change"] > 1.1
    energies = [found[name]["gradient_energy"] for name in ("blurred", "same", "sharpened")]
    assert energies == sorted(energies)


def foreground(texture, frames: int = 8) -> torch.Tensor:
    """A textured square crossing a still picture by four pixels a frame."""
    video = pan(texture, 0.0, frames=frames).clone()
    square = 1.0 - texture(11, 32, 32)
    for k in range(frames):
        video[k : k + 1, :, 16:48, 4 + 4 * k : 36 + 4 * k] = square
    return video


def test_moving_average_is_suspected_of_ghosting(texture) -> None:
    source = foreground(texture)
    average = source.clone()
    average[1:] = 0.5 * (source[1:] + source[:-1])
    found = figures(average, source)
    assert found.pooled["ghost_suspect"] == pytest.approx(0.5, abs=1e-4)
    assert figures(source, source).pooled["ghost_suspect"] == 0.0
    assert found.frames["ghost_suspect"][0] is None
    assert figures(source).pooled["ghost_suspect"] is None
    assert figures(source).missing["ghost_suspect"] == "needs the unprocessed input"


def test_figures_of_frames_tell_where_it_flickers(texture) -> None:
    video = pan(texture, 0.0, frames=48) * 0.8 + 0.1
    video[32:] += wave(0.04, 22.5)
    found = figures(video).frames["flicker_high"]
    assert len(found) == 48
    early, late = found[4], found[44]
    assert early is not None
    assert late is not None
    assert early < 1e-3 < 0.5 < late


def test_progress_and_laziness(texture) -> None:
    """Frames are asked for one by one, and told one by one."""
    asked: list[int] = []
    told: list[int] = []

    def stream():
        for k in range(10):
            asked.append(k)
            assert len(told) == k
            yield texture(1, 32, 32)

    blind_figures(stream(), RATE, progress=lambda done, _: told.append(done))
    assert told == list(range(1, 11))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (9, 3)], ids=str)
def test_tiny_constant_and_short_clips_give_figures_or_reasons(size: tuple[int, int]) -> None:
    grey = torch.full((17, 3, *size), 0.5)
    found = figures(grey, grey)
    assert all(found.pooled[band] == pytest.approx(0.0, abs=1e-9) for band in BANDS)
    assert found.pooled["sharpness_change"] is None
    one = figures(grey[:1], grey[:1])
    assert all(one.pooled[band] is None for band in BANDS)
    assert "8 frames" in one.missing["flicker_mid"]
    assert [len(values) for values in one.frames.values()] == [1] * len(BLIND_METRICS)


def test_wrong_input_is_refused(texture) -> None:
    video = pan(texture, 0.0, frames=3)
    broken = video.clone()
    broken[1, 0, 2, 3] = float("nan")
    with pytest.raises(ValueError, match="NaN or infinity in frame 1 of the video"):
        figures(broken)
    with pytest.raises(ValueError, match="frame 1 of the input"):
        figures(video, broken)
    with pytest.raises(ValueError, match="expected frames of shape"):
        blind_figures([video], RATE)
    with pytest.raises(TemporalCleanError, match="ends after 2 frames"):
        figures(video, video[:2])
    with pytest.raises(TemporalCleanError, match="goes on"):
        figures(video[:2], video)
    with pytest.raises(TemporalCleanError, match="expected 96x64 pixels"):
        figures(video, video[..., 1:])
    with pytest.raises(TemporalCleanError, match="expected 96x64 pixels"):
        blind_figures([video[:1], video[:1, ..., 2:]], RATE)
    with pytest.raises(TemporalCleanError, match="at least one frame"):
        blind_figures([], RATE)


@settings(max_examples=25, deadline=None)
@given(
    frames=st.integers(1, 20),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    rate=st.sampled_from([8.0, 23.976, 35.0, 60.0, 144.0]),
    seed=st.integers(0, 99),
)
def test_any_size_and_length_gives_finite_figures_or_none(
    frames: int, height: int, width: int, rate: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    video, source = torch.rand(2, frames, 3, height, width, generator=generator)
    found: BlindFigures = figures(video, source, rate=rate)
    for name in BLIND_METRICS:
        values = [found.pooled[name], *found.frames[name]]
        assert len(values) == frames + 1
        assert all(value is None or math.isfinite(value) for value in values)
        assert (found.pooled[name] is None) == (name in found.missing)
