"""The protocol's scenes as their user meets them: by name, at any size, the same every time."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.scenes import SCENES, SceneClip, render_scene

NAMES = list(SCENES)
NINE = {
    "fence",
    "brick",
    "foreground",
    "hud-pan",
    "cut",
    "static-jitter",
    "fade-flash",
    "noise",
    "nothing",
}


@pytest.fixture(scope="module")
def clips() -> dict[str, SceneClip]:
    return {name: render_scene(name, frames=8, height=96, width=128) for name in NAMES}


def error(clip: SceneClip, key: str) -> Tensor:
    return clip.inputs[key] - clip.reference


def test_the_nine_scenes_of_the_protocol_are_there() -> None:
    assert set(SCENES) == NINE


@pytest.mark.parametrize("name", NAMES)
def test_every_picture_of_a_clip_is_of_one_size_and_in_range(
    clips: dict[str, SceneClip], name: str
) -> None:
    clip = clips[name]
    pictures = [clip.reference, *clip.inputs.values()]
    assert set(clip.inputs) == {"harsh", "mild"}
    assert all(p.shape == (8, 3, 96, 128) and p.dtype == torch.float32 for p in pictures)
    assert all(float(p.min()) >= 0 and float(p.max()) <= 1 for p in pictures)
    assert clip.motion.motion.shape == (7, 2, 96, 128)
    assert clip.motion.valid.shape == clip.motion.disoccluded.shape == (7, 1, 96, 128)
    assert clip.motion.motion.isfinite().all()
    assert not (clip.motion.valid * clip.motion.disoccluded).any()
    assert clip.name == name
    assert clip.seen.endswith((".", "?"))


@pytest.mark.parametrize("name", sorted(NINE - {"noise", "nothing"}))
def test_one_sample_is_harsher_than_four_and_both_are_recognisable(
    clips: dict[str, SceneClip], name: str
) -> None:
    harsh, mild = (float(error(clips[name], key).square().mean()) for key in ("harsh", "mild"))
    # One sample's variance is four times that of four independent ones; a rotated grid does at
    # least as well on most edges.
    assert harsh > 2 * mild
    assert 1e-3 < harsh < 5e-2, "aliasing as in a game: 13 to 30 dB"


@pytest.mark.parametrize("name", sorted(NINE - {"noise", "nothing", "static-jitter"}))
def test_inputs_lie_exactly_over_the_reference(clips: dict[str, SceneClip], name: str) -> None:
    """Least-squares shift (Lucas-Kanade over the whole clip) of the input's smooth part."""
    clip = clips[name]
    blur = torch.nn.AvgPool2d(9, 1)
    reference = blur(clip.reference)
    slope_x = (reference[..., 1:-1, 2:] - reference[..., 1:-1, :-2]) / 2
    slope_y = (reference[..., 2:, 1:-1] - reference[..., :-2, 1:-1]) / 2
    slopes = torch.stack([slope_x.flatten(), slope_y.flatten()], 1).double()
    # Half a pixel wrong would show as 0.5; what one sample's aliasing pretends to is under 0.1.
    # (That the patterns are centred to 0.03 pixel is tested on a ramp, in the geometry's tests.)
    for key, bound in (("harsh", 0.15), ("mild", 0.05)):
        change = blur(error(clip, key))[..., 1:-1, 1:-1].flatten()[:, None].double()
        shift = torch.linalg.lstsq(slopes, change).solution.abs().max()
        assert float(shift) < bound, key


@pytest.mark.parametrize("name", ["brick", "hud-pan"])
def test_the_same_seed_gives_the_same_clip_and_another_another(name: str) -> None:
    first, again, other = (
        render_scene(name, seed, frames=2, height=32, width=48) for seed in (3, 3, 4)
    )
    assert torch.equal(first.reference, again.reference)
    assert torch.equal(first.inputs["harsh"], again.inputs["harsh"])
    assert torch.equal(first.motion.motion, again.motion.motion)
    assert not torch.allclose(first.reference, other.reference, atol=0.05)


def test_nothing_is_its_own_reference_and_moves(clips: dict[str, SceneClip]) -> None:
    clip = clips["nothing"]
    assert all(torch.equal(picture, clip.reference) for picture in clip.inputs.values())
    assert not torch.equal(clip.reference[0], clip.reference[1])


def test_noise_is_white_new_in_each_frame_and_all_there_is(clips: dict[str, SceneClip]) -> None:
    clip = clips["noise"]
    inside = (clip.reference > 0.15) & (clip.reference < 0.85)  # beyond the reach of clipping
    for key, deviation in (("harsh", 8 / 255), ("mild", 4 / 255)):
        noise = error(clip, key)
        assert float(noise[inside].std()) == pytest.approx(deviation, rel=0.02)
        both = inside[1:] & inside[:-1]
        pair = torch.stack([noise[1:][both], noise[:-1][both]])
        assert abs(float(torch.corrcoef(pair)[0, 1])) < 0.02


def test_the_hud_is_the_same_in_input_and_reference_and_still(clips: dict[str, SceneClip]) -> None:
    clip = clips["hud-pan"]
    assert clip.hud is not None
    opaque = (clip.hud == 1).expand_as(clip.reference)
    assert opaque.float().mean() > 0.02
    for key in ("harsh", "mild"):
        assert torch.equal(clip.inputs[key][opaque], clip.reference[opaque])
        assert float(error(clip, key)[~opaque].abs().mean()) > 0.005
    assert torch.equal(clip.reference[1:][opaque[1:]], clip.reference[:-1][opaque[:-1]])
    still = (clip.hud[0] == 1).expand_as(clip.motion.valid)
    assert clip.motion.valid[still].all()
    assert not clip.motion.motion[still.expand_as(clip.motion.motion)].any()
    assert all(c.hud is None for name, c in clips.items() if name != "hud-pan")


def test_at_the_cut_nothing_is_valid_and_everything_new(clips: dict[str, SceneClip]) -> None:
    clip = clips["cut"]
    assert clip.cuts == (4,)
    valid, new = clip.motion.valid.mean((1, 2, 3)), clip.motion.disoccluded.mean((1, 2, 3))
    assert valid[3] == 0
    assert new[3] == 1
    others = torch.tensor([0, 1, 2, 4, 5, 6])
    assert valid[others].min() > 0.6
    assert new[others].max() < 0.2
    change = (clip.reference[1:] - clip.reference[:-1]).abs().mean((1, 2, 3))
    assert change.argmax() == 3
    assert all(c.cuts == () for name, c in clips.items() if name != "cut")


def test_a_still_camera_moves_the_samples_and_nothing_else(clips: dict[str, SceneClip]) -> None:
    clip = clips["static-jitter"]
    assert torch.equal(clip.reference, clip.reference[:1].expand_as(clip.reference))
    assert not clip.motion.motion.any()
    assert not clip.motion.disoccluded.any()
    assert clip.motion.valid.all()
    shimmer = (clip.inputs["harsh"][1:] - clip.inputs["harsh"][:-1]).square().mean()
    assert shimmer > 10 * 2 * (2 / 255) ** 2, "far beyond what the noise alone would change"


def test_jittered_samples_average_to_the_reference() -> None:
    clip = render_scene("static-jitter", frames=16, height=48, width=64)
    single = error(clip, "harsh")[0].square().mean()
    average = (clip.inputs["harsh"].mean(0) - clip.reference[0]).square().mean()
    assert average < single / 8, "sixteen places of one pixel tell it well"


def test_fade_goes_to_black_and_back_and_the_flash_lasts_two_frames() -> None:
    clip = render_scene("fade-flash", frames=32, height=48, width=64)
    mean = clip.reference.mean((1, 2, 3))
    assert mean[8:12].max() == 0, "black, noise and all"
    assert clip.inputs["harsh"][8:12].max() == 0
    assert mean[16:24].min() > 0.1
    assert mean[:3].min() > 0.1
    lit = mean > 1.3 * mean[16:24].mean()
    assert lit.nonzero().flatten().tolist() == [24, 25]
    assert clip.motion.valid.mean() > 0.7, "light changes the picture, not the motion"


def test_fast_things_uncover_background_and_move_fast(clips: dict[str, SceneClip]) -> None:
    clip = render_scene("foreground", frames=24, height=128, width=160)
    assert clip.motion.disoccluded.mean() > 0.005
    speed = clip.motion.motion.norm(dim=1)
    assert speed.amax() > 15
    assert speed.median() < 4


def test_an_unknown_scene_names_those_there_are() -> None:
    with pytest.raises(TemporalCleanError, match=r"no scene 'fense'.*fence, brick"):
        render_scene("fense")


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 1 frame of 16x16, got 1 of 320x8"):
        render_scene("fence", frames=1, height=8)


@settings(max_examples=12, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    seed=st.integers(0, 2**40),
    frames=st.integers(1, 3),
    height=st.integers(16, 70),
    width=st.integers(16, 70),
)
def test_any_size_and_seed_renders(
    name: str, seed: int, frames: int, height: int, width: int
) -> None:
    clip = render_scene(name, seed, frames=frames, height=height, width=width)
    assert clip.reference.shape == (frames, 3, height, width)
    assert clip.motion.valid.shape == (frames - 1, 1, height, width)
    assert clip.motion.motion.isfinite().all()
    assert clip.reference.std() > 0.02 or name == "fade-flash"
