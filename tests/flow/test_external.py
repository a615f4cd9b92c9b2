"""ptlflow behind our record: channel order, direction, any size, and weights from files alone."""

import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn

from temporal_clean.flow import ExternalFlow, Flow, dis_flow, load_external

# Test modules are imported before any test runs: nobody has asked for a model yet.
LOADED_EARLY = "ptlflow" in sys.modules

needs_ptlflow = pytest.mark.skipif(
    find_spec("ptlflow") is None, reason="needs ptlflow: pip install 'temporal-clean[flow]'"
)
needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
quietly = pytest.mark.filterwarnings("ignore:.*licence of the weights")


class Spy(nn.Module):
    """Stands where a ptlflow model would: keeps the images, answers by ``motion_between``."""

    def __init__(self, motion_between: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.motion_between = motion_between
        self.seen: list[Tensor] = []
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, inputs: dict[str, Tensor]) -> dict[str, Tensor]:
        first, second = inputs["images"].unbind(dim=1)
        self.seen.append(inputs["images"])
        return {"flows": self.motion_between(first, second).unsqueeze(1)}


def still(first: Tensor, second: Tensor) -> Tensor:
    return torch.zeros_like(first[:, :2])


def dis_on_bgr(first: Tensor, second: Tensor) -> Tensor:
    return dis_flow(first.flip(1), second.flip(1)).motion


def untrained(name: str) -> ExternalFlow:
    torch.manual_seed(0)
    return load_external(name, random_weights=True)


def save(flow: ExternalFlow, path: Path) -> Path:
    torch.save({"state_dict": flow.model.state_dict()}, path)
    return path


def test_ptlflow_is_not_imported_before_a_model_is_asked_for() -> None:
    assert not LOADED_EARLY


def test_a_model_that_takes_bgr_from_first_to_second_gives_our_flow(
    texture: Callable[..., Tensor],
) -> None:
    previous, frame = texture(1, 128, 144), texture(1, 128, 144, x=3.0, y=-2.0)
    # Channels apart enough that their order changes what DIS finds.
    previous, frame = (x * torch.tensor([1.0, 0.5, 0.1]).view(3, 1, 1) for x in (previous, frame))
    expected = dis_flow(frame, previous)
    assert not torch.equal(expected.motion, dis_flow(frame.flip(1), previous.flip(1)).motion)
    flow = ExternalFlow(Spy(dis_on_bgr), "dis").estimate(frame, previous)
    assert torch.equal(flow.motion, expected.motion)
    assert torch.equal(flow.doubt, expected.doubt)
    middle = flow.motion[..., 16:-16, 16:-16].mean(dim=(0, 2, 3))
    assert torch.allclose(middle, torch.tensor([3.0, -2.0]), atol=0.25)


def test_small_frames_are_padded_by_their_border_and_cropped_back() -> None:
    spy = Spy(still)
    frame, previous = torch.rand(2, 2, 3, 40, 150)
    model = ExternalFlow(spy, "still")
    flow = model.estimate(frame, previous)
    there, back = spy.seen
    assert model.minimum_size == 128
    assert there.shape == (2, 2, 3, 128, 150)
    assert torch.equal(there[..., :40, :], torch.stack([frame, previous], 1).flip(2))
    assert torch.equal(there[..., 40:, :], there[..., 39:40, :].expand(-1, -1, -1, 88, -1))
    assert torch.equal(back, there.flip(1))
    assert flow.motion.shape == (2, 2, 40, 150)
    assert flow.doubt.shape == (2, 1, 40, 150)


@pytest.mark.parametrize("broken", [float("nan"), float("inf")])
def test_what_is_not_a_number_is_doubted(broken: float) -> None:
    def motion(first: Tensor, second: Tensor) -> Tensor:
        result = still(first, second)
        if first.mean() > second.mean():
            result[:, 0, 10:20, 10:20] = broken
        return result

    bright, dark = torch.ones(1, 3, 128, 128), torch.zeros(1, 3, 128, 128)
    expected = torch.zeros(1, 1, 128, 128)
    expected[..., 10:20, 10:20] = 1
    for frame, previous in ((bright, dark), (dark, bright)):
        flow = ExternalFlow(Spy(motion), "broken").estimate(frame, previous)
        assert torch.equal(flow.motion, torch.zeros(1, 2, 128, 128))
        assert torch.equal(flow.doubt, expected)


@pytest.mark.parametrize("device", ["meta", pytest.param("cuda", marks=needs_cuda)])
def test_the_model_follows_the_frames_to_their_device(device: str) -> None:
    spy = Spy(still)
    flow = ExternalFlow(spy, "still").estimate(*torch.rand(2, 1, 3, 128, 128, device=device))
    assert {x.device.type for x in (flow.motion, flow.doubt, spy.weight)} == {device}


def test_results_are_constants_that_training_can_use() -> None:
    spy = Spy(still)
    frame = torch.rand(1, 3, 128, 128, dtype=torch.float16, requires_grad=True)
    flow = ExternalFlow(spy, "still").estimate(frame, frame)
    assert spy.seen[0].is_inference()
    assert {x.dtype for x in flow} == {torch.float32}
    weight = torch.ones(1, requires_grad=True)
    (weight * flow.doubt + weight * flow.motion).sum().backward()
    assert weight.grad is not None
    assert frame.grad is None


def test_weights_are_never_downloaded_or_left_out_unasked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="needs a file with its weights, and nothing is"):
        load_external("raft_small", None)
    with pytest.raises(FileNotFoundError, match="no weights file at things"):
        load_external("raft_small", "things")  # ptlflow's name of a checkpoint to download
    with pytest.raises(ValueError, match="not both"):
        load_external("raft_small", tmp_path / "raft.ckpt", random_weights=True)


def test_without_ptlflow_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ptlflow", None)
    with pytest.raises(ImportError, match=r"pip install 'temporal-clean\[flow\]'"):
        load_external("raft_small", random_weights=True)


@quietly
def test_a_model_cannot_download_while_it_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get_model(_: str) -> nn.Module:
        model = nn.Linear(1, 1)
        model.load_state_dict(torch.hub.load_state_dict_from_url("https://example.invalid/b.pth"))
        return model

    fake = ModuleType("ptlflow")
    fake.__dict__.update(get_model_names=lambda: ["greedy"], get_model=get_model)
    monkeypatch.setitem(sys.modules, "ptlflow", fake)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    download = torch.hub.download_url_to_file
    with pytest.raises(ValueError, match="cannot build 'greedy' here: it wants to download"):
        load_external("greedy", random_weights=True)
    assert torch.hub.download_url_to_file is download
    assert not list(tmp_path.rglob("*.pth"))


@needs_ptlflow
@pytest.mark.parametrize("name", ["memfof", "streamflow"])
def test_models_of_more_frames_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"'{name}' takes \d frames at once"):
        load_external(name, random_weights=True)


@needs_ptlflow
def test_an_unknown_name_brings_close_ones() -> None:
    with pytest.raises(ValueError, match=r"no model 'RAFT_smal'; close to it: .*raft_small"):
        load_external("RAFT_smal", random_weights=True)
    with pytest.raises(ValueError, match=r"no model 'xyzzy'; it has: .*fastflownet, "):
        load_external("xyzzy", random_weights=True)


@needs_ptlflow
@pytest.mark.parametrize(
    ("name", "licence", "height", "width"),
    [  # heights below the minimum, widths that are no multiple of the stride
        ("rapidflow", "academic and research only", 33, 150),
        ("rapidflow_it1", "academic and research only", 131, 150),
        ("fastflownet", "research only", 33, 270),
        ("raft_small", r"not specified \(code BSD-3\)", 33, 150),
        ("sea_raft_s", r"not specified \(code BSD-3\)", 33, 150),
        ("gmflow", "unknown: check the authors' page", 33, 150),
    ],
)
def test_real_models_take_any_size_and_show_their_licence(
    name: str, licence: str, height: int, width: int
) -> None:
    with pytest.warns(UserWarning, match=f"^{name}: licence of the weights: {licence}$"):
        model = untrained(name)
    assert re.fullmatch(licence, model.licence)
    assert not model.model.training
    flow = model.estimate(*torch.rand(2, 1, 3, height, width))
    assert isinstance(flow, Flow)
    assert flow.motion.shape == (1, 2, height, width)
    assert flow.doubt.shape == (1, 1, height, width)
    # Motion that is not finite would have become zero.
    assert flow.motion.abs().amax(dim=1).gt(0).float().mean() > 0.99


@needs_ptlflow
@quietly
def test_a_real_network_sees_frame_then_previous_in_rgb() -> None:
    """RAFT flips ptlflow's BGR to RGB in [-1, 1] for its feature network: ours must come back."""
    model, seen = untrained("raft_small"), []
    feature_network = model.model.get_submodule("fnet")
    feature_network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    frame, previous = torch.rand(2, 1, 3, 128, 128)
    model.estimate(frame, previous)
    for pair, expected in zip(seen, ((frame, previous), (previous, frame)), strict=True):
        for image, ours in zip(pair, expected, strict=True):
            assert torch.allclose(image, ours * 2 - 1, atol=1e-6)


@needs_ptlflow
@quietly
def test_weights_come_from_the_file(tmp_path: Path) -> None:
    original = untrained("rapidflow_it1")
    path = save(original, tmp_path / "mine.ckpt")
    torch.manual_seed(1)
    loaded = load_external("rapidflow_it1", path)
    frames, previous = torch.rand(2, 2, 3, 128, 160)
    expected, flow = original.estimate(frames, previous), loaded.estimate(frames, previous)
    assert torch.equal(flow.motion, expected.motion)
    assert torch.equal(flow.doubt, expected.doubt)
    # And the items of a batch do not mix.
    alone = loaded.estimate(frames[1:], previous[1:])
    assert torch.allclose(alone.motion, flow.motion[1:], atol=1e-3)


@needs_ptlflow
@quietly
def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    path = save(untrained("rapidflow_it1"), tmp_path / "rapid.ckpt")
    with pytest.raises(ValueError, match=r"rapid\.ckpt does not fit 'fastflownet'"):
        load_external("fastflownet", path)
    path.write_bytes(b"not weights")
    with pytest.raises(ValueError, match=r"rapid\.ckpt does not fit 'rapidflow_it1'"):
        load_external("rapidflow_it1", path)
