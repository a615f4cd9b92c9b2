"""The recurrent step, both sizes: resets, cuts, batches, long runs, and what gradients reach."""

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor

from temporal_clean import assets
from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.flow import Flow, FlowPlanes, dis_flow, outside
from temporal_clean.history import scene_cut, warp_picture
from temporal_clean.models import luma
from temporal_clean.recurrent import SIZES, Inspection, RecurrentCleaner, State
from temporal_clean.video import open_input

Texture = Callable[..., Tensor]
each_size = pytest.mark.parametrize("size", SIZES)


def cleaner(size: str, networks: float = 0.0, flow: float = 0.0) -> RecurrentCleaner:
    """Seeded; weights moved at random as far as asked, so that no head is at its zeros."""
    torch.manual_seed(0)
    model = RecurrentCleaner(SIZES[size]).eval()
    torch.manual_seed(1)  # both sizes have the same flow, and it is moved alike
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            inputs = parameter[0].numel() if parameter.dim() > 1 else 100
            amount = flow if name.startswith("flow") else networks
            parameter.add_(amount * torch.randn_like(parameter) / inputs**0.5)
    return model


@torch.no_grad()
def step(
    model: RecurrentCleaner, frame: Tensor, state: State | None = None, flow: Flow | None = None
) -> tuple[Tensor, State, Inspection]:
    return model.inspect(frame, state or model.initial_state(frame), flow)


def garbage(model: RecurrentCleaner, frame: Tensor, valid: list[float]) -> State:
    """A state that means nothing, with large numbers everywhere."""
    *empty, _ = model.initial_state(frame)
    return State(*(100 * torch.randn_like(part) for part in empty), torch.tensor(valid))


def psnr(one: Tensor, other: Tensor) -> float:
    return -10 * math.log10((one - other).square().mean().item() + 1e-12)


def test_the_shapes_in_signatures_are_checked_here() -> None:
    """If this fails, conftest's import hook came too late and no test checks shapes."""
    model = cleaner("fast")
    with pytest.raises(TypeCheckError, match="batch 3 height width"):
        model.initial_state(torch.rand(1, 4, 64, 64))


class TestState:
    @each_size
    def test_has_the_documented_shapes_and_ranges(self, size: str, texture: Texture) -> None:
        model = cleaner(size, networks=0.1)
        frame = torch.cat([texture(1, 64, 96), texture(2, 64, 96)])
        empty = model.initial_state(frame)
        assert all(part.abs().max() == 0 for part in empty)
        _, state, _ = step(model, frame)
        clean, state, _ = step(model, frame, state)
        hidden = SIZES[size].fusion.hidden
        for current in (empty, state):
            assert current.clean.shape == frame.shape
            assert current.hidden.shape == (2, hidden, 16, 24)
            assert current.motion.shape == (2, 2, 16, 24)
            assert current.valid.shape == (2,)
        assert torch.equal(state.clean, clean)
        assert 0 < state.hidden.abs().max() <= 1
        assert state.valid.tolist() == [1, 1]

    @each_size
    def test_an_invalid_state_changes_nothing(self, size: str, texture: Texture) -> None:
        model = cleaner(size, networks=0.1, flow=0.1)
        frame = texture(3)
        clean, state, maps = step(model, frame, garbage(model, frame, [0.0]))
        assert torch.equal(clean, maps.spatial)
        assert not torch.equal(clean, frame)
        assert maps.doubt.min() == 1
        # Nor does anything of it come through to later frames.
        _, fresh, _ = step(model, frame)
        assert all(torch.equal(a, b) for a, b in zip(state, fresh, strict=True))

    @each_size
    def test_each_item_of_a_batch_has_its_own_past(self, size: str, texture: Texture) -> None:
        model = cleaner(size, networks=0.03)
        before, frame = texture(4), torch.cat([texture(5), texture(4, x=0.5)])
        _, past, _ = step(model, before)
        nothing = garbage(model, before, [0.0])
        mixed = State(*(torch.cat(parts) for parts in zip(nothing, past, strict=True)))
        clean, state, maps = step(model, frame, mixed)
        assert torch.equal(clean[0], maps.spatial[0])
        alone, alone_state, alone_maps = step(model, frame[1:], past)
        assert torch.allclose(clean[1:], alone, atol=1e-5)
        assert torch.allclose(state.hidden[1:], alone_state.hidden, atol=1e-4)
        assert not torch.allclose(alone, alone_maps.spatial, atol=1e-3)

    @each_size
    def test_the_same_frames_give_the_same_pictures(self, size: str, texture: Texture) -> None:
        model = cleaner(size, networks=0.03, flow=0.003)
        runs = []
        for _ in range(2):
            state = None
            for index in range(3):
                clean, state, _ = step(model, texture(6, x=0.4 * index), state)
            runs.append((clean, state))
        assert torch.equal(runs[0][0], runs[1][0])
        assert all(torch.equal(a, b) for a, b in zip(runs[0][1], runs[1][1], strict=True))


@each_size
@settings(max_examples=4, deadline=None)
@given(rows=st.integers(4, 10), columns=st.integers(4, 10), seed=st.integers(0, 2**32))
def test_takes_any_multiple_of_sixteen(size: str, rows: int, columns: int, seed: int) -> None:
    model = cleaner(size, networks=0.03, flow=0.01)
    height, width = rows * model.multiple_of, columns * model.multiple_of
    frames = torch.rand(2, 1, 3, height, width, generator=torch.manual_seed(seed))
    _, state, _ = step(model, frames[0])
    clean, state, _ = step(model, frames[1], state)
    assert clean.shape == (1, 3, height, width)
    assert state.hidden.shape[2:] == (height // 4, width // 4)
    assert clean.min() >= 0
    assert clean.max() <= 1


class TestInspection:
    @each_size
    def test_maps_lie_in_their_ranges(self, size: str, texture: Texture) -> None:
        model = cleaner(size, networks=0.1, flow=0.02)
        state = None
        for index in range(3):
            _, state, maps = step(model, texture(7, 64, 80, x=0.5 * index), state)
            assert maps.motion.shape == (1, 2, 64, 80)
            for plane in (maps.doubt, maps.mask, maps.weight):
                assert plane.shape == (1, 1, 64, 80)
                assert plane.min() >= 0
                assert plane.max() <= 1
            assert maps.spatial.shape == (1, 3, 64, 80)
            assert maps.spatial.min() >= 0
            assert maps.spatial.max() <= 1
            for nats in (maps.spatial_surprise, maps.temporal_surprise):
                assert nats.shape == (1, 1, 8, 10)
                # The narrowest density that the networks may predict: scale exp(-5).
                assert math.log(2) - 5 <= nats.min() < nats.max() < 100
            assert (maps.doubt.min() == 1) == (index == 0)

    @each_size
    def test_the_step_and_its_inspection_agree(self, size: str, texture: Texture) -> None:
        model = cleaner(size, networks=0.03)
        _, state, _ = step(model, texture(8))
        with torch.no_grad():
            clean, following = model(texture(8), state)
        inspected, other, _ = step(model, texture(8), state)
        assert torch.equal(clean, inspected)
        assert torch.equal(following.hidden, other.hidden)

    @each_size
    def test_a_given_flow_replaces_the_networks_own(self, size: str, texture: Texture) -> None:
        """A noisy pan of 3 px a frame: untrained, only a flow from outside can follow it."""
        model = cleaner(size)
        generator = torch.manual_seed(1)
        states: dict[str, State | None] = {"own": None, "given": None}
        error = {}
        for index in range(5):
            truth = texture(9, x=3.0 * index)
            frame = (truth + 0.04 * torch.randn(truth.shape, generator=generator)).clamp(0, 1)
            flow = dis_flow(truth, texture(9, x=3.0 * (index - 1)))
            for name, given_flow in {"own": None, "given": flow}.items():
                clean, states[name], maps = step(model, frame, states[name], given_flow)
                error[name] = (clean - truth)[..., 12:-12].square().mean().item()
            assert torch.equal(maps.motion, flow.motion)
        noise = (frame - truth)[..., 12:-12].square().mean().item()
        assert torch.equal(maps.doubt, flow.doubt)
        assert error["given"] < 0.6 * noise
        assert error["given"] < 0.8 * error["own"]


class TestAccumulation:
    @each_size
    def test_noise_on_a_still_picture_shrinks(self, size: str, texture: Texture) -> None:
        model, truth = cleaner(size), texture(10)
        generator, state = torch.manual_seed(2), None
        for _ in range(8):
            frame = (truth + 0.03 * torch.randn(truth.shape, generator=generator)).clamp(0, 1)
            clean, state, _ = step(model, frame, state)
        assert psnr(clean, truth) > psnr(frame, truth) + 3

    @each_size
    def test_two_hundred_still_frames_do_not_drift(self, size: str, texture: Texture) -> None:
        """Some residual motion on purpose: the history is resampled at every step."""
        model, frame = cleaner(size, networks=0.01, flow=0.01), texture(11)
        # Behind the solver and its propagation, which would take it back.
        torch.nn.init.constant_(model.flow.motion_upsampling.correct.bias, 0.03)
        state, motion = None, 0.0
        for index in range(200):
            clean, state, maps = step(model, frame, state)
            assert clean.min() >= 0
            assert clean.max() <= 1
            if index == 20:
                settled, motion = clean, maps.motion.abs().mean().item()
                assert maps.doubt.mean() < 0.2
        assert motion > 0.01
        assert all(part.isfinite().all() for part in state)
        assert psnr(clean, settled) > 50
        assert psnr(clean, frame) > 30

    @each_size
    def test_a_long_fast_pan_is_followed(self, size: str) -> None:
        """Over a tenth of the width a frame, on a game's frame and its mirror image: from rest
        the search does not reach so far, from the motion of the step before it does."""
        model, speed = load_checkpoint(size), 52
        with open_input(assets.DEMO_CLIP / "reference.mkv") as reader:
            picture = torch.from_numpy(next(iter(reader)).pixels.copy()).permute(2, 0, 1) / 255.0
        wide = torch.cat([picture, picture.flip(2), picture], dim=2)[None, :, :256]
        missed: dict[str, float] = {}
        for name in ("remembers", "forgets"):
            state = None
            for index in range(10):
                if state is not None and name == "forgets":
                    state = state._replace(motion=torch.zeros_like(state.motion))
                _, state, maps = step(model, wide[..., speed * index :][..., :480], state)
            error = maps.motion - torch.tensor([float(speed), 0.0]).view(1, 2, 1, 1)
            missed[name] = error[..., : 480 - speed].norm(dim=1).median().item()
        assert missed["remembers"] < 0.2
        assert missed["forgets"] > 1.0

    def test_history_is_sharp_in_luma_and_smooth_in_colour(self, texture: Texture) -> None:
        picture = texture(12, wavelengths=(3.0, 12.0))
        motion = torch.full((1, 2, 64, 64), 0.5)
        sharp, smooth = (warp_picture(picture, motion, k) for k in ("bicubic", "bilinear"))
        energy = [luma(p).diff(dim=3).square().sum() for p in (sharp, smooth)]
        assert energy[0] > 1.2 * energy[1]
        assert torch.allclose(sharp - luma(sharp), smooth - luma(smooth), atol=1e-6)


class TestSceneCut:
    @each_size
    @pytest.mark.parametrize("seed", [20, 30, 40])
    def test_the_frame_after_a_cut_is_spatial(self, size: str, seed: int, texture: Texture) -> None:
        model = cleaner(size, networks=0.03)
        _, state, _ = step(model, texture(seed, 96, 96))
        _, state, maps = step(model, texture(seed, 96, 96), state)
        assert maps.doubt.max() < 0.1
        clean, state, maps = step(model, texture(seed + 1, 96, 96), state)
        assert torch.equal(clean, maps.spatial)
        assert maps.doubt.min() == 1
        # And the one after it has a past again.
        _, _, maps = step(model, texture(seed + 1, 96, 96), state)
        assert maps.doubt.max() < 0.1

    @pytest.mark.parametrize("doubt", [0.0, 0.5])
    @pytest.mark.parametrize("seed", [20, 30, 40])
    def test_unrelated_pictures_are_enough(self, seed: int, doubt: float, texture: Texture) -> None:
        """However sure the flow is of itself."""
        assert cut(texture(seed, 96, 96), texture(seed + 1, 96, 96), (0, 0), doubt) == 1
        assert cut(texture(seed, 96, 96), texture(seed, 96, 96), (0, 0), doubt) == 0

    def test_doubt_nearly_everywhere_is_enough(self, texture: Texture) -> None:
        picture = texture(13, 96, 96)
        assert cut(picture, picture, (0, 0), 0.95) == 1
        assert 0 < cut(picture, picture, (0, 0), 0.85) < 1
        assert cut(picture, picture, (0, 0), 0.75) == 0

    @pytest.mark.parametrize("motion", [(1.0, 0.0), (6.0, -4.0), (-17.0, 9.0)])
    def test_a_pan_is_none(self, motion: tuple[float, float], texture: Texture) -> None:
        x, y = motion
        for seed in (14, 15, 16):
            frame = texture(seed, 128, 128, x=x, y=y)
            assert cut(frame, texture(seed, 128, 128), motion, 0.0) == 0

    @each_size
    def test_neither_a_slow_pan_nor_noise_nor_a_fade(self, size: str, texture: Texture) -> None:
        """Here with the flow and doubt that ship."""
        model = load_checkpoint(size)
        generator = torch.manual_seed(3)
        noise = 0.02 * torch.randn(6, 1, 3, 96, 96, generator=generator)
        stories = {
            "pan": [texture(17, 96, 96, x=float(index)) for index in range(6)],
            "flat grey with noise": [(0.5 + plane).clamp(0, 1) for plane in noise],
            "fade": [texture(18, 96, 96) * (1 - 0.03 * index) for index in range(34)],
            "fade of a bright picture": [
                (0.7 + 0.3 * texture(19, 96, 96)) * (1 - 0.03 * index) for index in range(34)
            ],
        }
        for name, frames in stories.items():
            for before, frame in pairwise(frames):
                with torch.no_grad():
                    sign = scene_cut(frame, before, model.flow(frame, before))
                assert sign.max() == 0, name

    @settings(max_examples=30, deadline=None)
    @given(contrast=st.floats(-2.5, -1.5), related=st.floats(-1, 1), seed=st.integers(0, 2**16))
    def test_half_precision_sees_the_same(self, contrast: float, related: float, seed: int) -> None:
        """Squares of squares of a dim picture's contrast are below what fp16 can hold."""
        generator = torch.manual_seed(seed)
        one, other = 10**contrast * torch.randn(2, 1, 3, 4, 4, generator=generator)
        other = related * one + (1 - abs(related)) * other
        pictures = [
            (0.5 + blocks.repeat_interleave(16, dim=2).repeat_interleave(16, dim=3)).half()
            for blocks in (one, other)
        ]
        half = cut(pictures[0], pictures[1], (0, 0), 0.0)
        full = cut(pictures[0].float(), pictures[1].float(), (0, 0), 0.0)
        assert half == pytest.approx(full, abs=0.05)

    def test_items_of_a_batch_are_cut_one_by_one(self, texture: Texture) -> None:
        frames = torch.cat([texture(20), texture(22)])
        previous = torch.cat([texture(21), texture(22)])
        flow = Flow(torch.zeros(2, 2, 64, 64), torch.zeros(2, 1, 64, 64))
        assert scene_cut(frames, previous, FlowPlanes.of(flow, 4)).flatten().tolist() == [1, 0]


def cut(frame: Tensor, previous: Tensor, motion: tuple[float, float], doubt: float) -> float:
    """The sign for a constant motion and doubt; what leaves the frame is doubted as well."""
    planes = torch.tensor(motion, dtype=frame.dtype).view(1, 2, 1, 1).repeat(1, 1, *frame.shape[2:])
    known = Flow(planes, outside(planes).clamp_min(doubt))
    return scene_cut(frame, previous, FlowPlanes.of(known, 4)).item()


class TestGradients:
    @each_size
    def test_reach_every_parameter(self, size: str, texture: Texture) -> None:
        """Three steps: what the gate keeps in one shows in the picture two steps later."""
        model = cleaner(size, networks=0.03, flow=0.01)
        state, loss = model.initial_state(texture(23)), torch.zeros(())
        for index in range(3):
            clean, state, maps = model.inspect(texture(23, x=0.5 * index), state)
            loss = loss + (clean - texture(23, x=0.5 * index + 0.2)).square().mean()
            loss = loss + maps.spatial_surprise.mean() + maps.temporal_surprise.mean()
        loss.backward()
        unreached = [
            name
            for name, parameter in model.named_parameters()
            if parameter.grad is None or parameter.grad.abs().max() == 0
        ]
        assert unreached == []
        assert all(parameter.grad.isfinite().all() for parameter in model.parameters())

    @each_size
    @pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
    def test_are_finite_from_an_empty_state_and_flat_pictures(
        self, size: str, level: float
    ) -> None:
        """Where a quotient or a root is at zero, one frame would spoil a whole training run."""
        model = cleaner(size, networks=0.03, flow=0.003)
        frame = torch.full((1, 3, 64, 64), level)
        state = model.initial_state(frame)
        for _ in range(2):
            clean, state, maps = model.inspect(frame, state)
        (clean.square().mean() + maps.doubt.mean() + maps.motion.square().mean()).backward()
        found = [p.grad for p in model.parameters() if p.grad is not None]
        assert len(found) > 50
        assert all(gradient.isfinite().all() for gradient in found)


@each_size
def test_half_precision_gives_the_same_picture(size: str, texture: Texture) -> None:
    model = cleaner(size, networks=0.03)
    pictures = []
    for dtype in (torch.float32, torch.float16):
        model, state = model.to(dtype), None
        for index in range(3):
            clean, state, _ = step(model, texture(24, x=0.3 * index).to(dtype), state)
        pictures.append(clean)
    assert pictures[1].dtype == torch.float16
    assert (pictures[0] - pictures[1].float()).abs().mean() < 2e-3
    assert psnr(pictures[0], pictures[1].float()) > 45
