"""Checkpoints: everything comes back, and whatever is not one is refused with a reason."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from temporal_clean import checkpoint
from temporal_clean.checkpoint import load_checkpoint, read_metadata, save_checkpoint
from temporal_clean.errors import TemporalCleanError
from temporal_clean.flow import FlowConfig
from temporal_clean.models import FusionConfig, SpatialConfig
from temporal_clean.recurrent import SIZES, CleanerConfig, RecurrentCleaner

TRAINING = {"data": "made up", "steps": 3, "figures": {"psnr": 31.5}}
SMALL = CleanerConfig(
    flow=FlowConfig((4, 4, 4), (4, 4, 4), (1, 1, 1), 2),
    spatial=SpatialConfig(quarter=4, eighth=4, heads=1),
    fusion=FusionConfig(hidden=2, token=4),
    kernel="catmull-rom",
)
CONFIGS = {**SIZES, "small": SMALL}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoints") / "small.safetensors"
    save_checkpoint(RecurrentCleaner(SMALL), path, training=TRAINING)
    return path


@pytest.fixture
def altered(saved: Path, tmp_path: Path) -> Callable[..., Path]:
    """The small checkpoint with its tensors and metadata changed by a function."""

    def alter(change: Callable[[dict[str, torch.Tensor], dict[str, str]], object]) -> Path:
        with safe_open(saved, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = dict(file.metadata())
        change(tensors, metadata)
        path = tmp_path / "altered.safetensors"
        save_file(tensors, path, metadata=metadata)
        return path

    return alter


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_and_configuration_come_back(name: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = RecurrentCleaner(CONFIGS[name]).train()
    path = tmp_path / f"{name}-trained.safetensors"
    save_checkpoint(model, path, training=TRAINING)
    again = load_checkpoint(str(path))
    assert again.config == model.config
    assert not again.training
    weights = again.state_dict()
    assert weights.keys() == model.state_dict().keys()
    assert all(torch.equal(value, weights[key]) for key, value in model.state_dict().items())
    assert list(tmp_path.iterdir()) == [path]


def test_what_lies_in_memory_otherwise_is_saved_too(tmp_path: Path) -> None:
    """channels_last, as training has it, and half precision read back as fp32."""
    model = RecurrentCleaner(SMALL).to(memory_format=torch.channels_last).half()
    path = tmp_path / "half.safetensors"
    save_checkpoint(model, path, training=TRAINING)
    weights = load_checkpoint(path).state_dict()
    for key, value in model.state_dict().items():
        assert weights[key].dtype == torch.float32
        assert torch.equal(weights[key], value.float())


def test_metadata_tells_what_it_is(saved: Path) -> None:
    metadata = read_metadata(saved)
    assert metadata["format"] == "temporal-clean checkpoint 1"
    assert metadata["licence"] == "Apache-2.0"
    assert json.loads(metadata["training"]) == TRAINING
    assert json.loads(metadata["config"])["kernel"] == "catmull-rom"


def test_a_licence_of_ones_own_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    save_checkpoint(RecurrentCleaner(SMALL), path, training={}, licence="CC-BY-4.0")
    assert read_metadata(path)["licence"] == "CC-BY-4.0"


@pytest.mark.parametrize("name", ["nowhere.safetensors", "folder", "wrong.pth", "hasty"])
def test_a_missing_file_is_named_with_what_could_be_given(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "wrong.pth").write_bytes(b"weights")
    with pytest.raises(TemporalCleanError, match=r"fast, quality, or the path of an existing"):
        load_checkpoint(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint at all", b"\xff" * 64])
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.safetensors"
    path.write_bytes(content)
    with pytest.raises(TemporalCleanError, match=r"text\.safetensors' is no readable checkpoint"):
        load_checkpoint(path)


def test_a_file_cut_short_is_refused(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(TemporalCleanError, match="is no readable checkpoint"):
        load_checkpoint(path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_somebody_elses_safetensors_are_refused(
    tmp_path: Path, metadata: dict[str, str] | None
) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, path, metadata=metadata)
    named = metadata["format"] if metadata else "no format"
    with pytest.raises(
        TemporalCleanError, match=f"names '{named}' where 'temporal-clean checkpoint 1' was"
    ):
        load_checkpoint(path)


def drop(tensors: dict[str, Any], _: object) -> None:
    del tensors["fusion.keep.bias"]


def add(tensors: dict[str, Any], _: object) -> None:
    tensors["fusion.keep.scale"] = torch.zeros(1)


def widen(tensors: dict[str, Any], _: object) -> None:
    tensors["fusion.keep.bias"] = torch.zeros(99)


@pytest.mark.parametrize("change", [drop, add, widen])
def test_other_tensors_are_refused(altered: Callable[..., Path], change: Callable) -> None:
    path = altered(change)
    with pytest.raises(TemporalCleanError, match=r"1 tensors? differs?, such as fusion\.keep\."):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("flow", {"depth_of_the_future": 3}),
        ("kernel", None),
        ("spatial", "large"),
        ("fusion", {"hidden": "many"}),
    ],
)
def test_a_configuration_of_another_version_is_refused(
    altered: Callable[..., Path], part: str, value: object
) -> None:
    def change(_: object, metadata: dict[str, str]) -> None:
        record = json.loads(metadata["config"])
        if value is None:
            del record[part]
        else:
            record[part] = {**record[part], **value} if isinstance(value, dict) else value
        metadata["config"] = json.dumps(record)

    path = altered(change)
    with pytest.raises(TemporalCleanError, match=r"altered\.safetensors' .*this version"):
        load_checkpoint(path)


def test_saving_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "model.safetensors"
    with pytest.raises(TemporalCleanError, match=r"model\.safetensors' cannot be written"):
        save_checkpoint(RecurrentCleaner(SMALL), path, training=TRAINING)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_save_leaves_the_old_file_and_nothing_else(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(saved.read_bytes())

    def fills_the_disk(tensors: object, target: Path, metadata: object) -> None:
        target.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", fills_the_disk)
    with pytest.raises(TemporalCleanError, match="No space left on device"):
        save_checkpoint(RecurrentCleaner(SMALL), path, training=TRAINING)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == saved.read_bytes()


def test_every_part_of_the_configuration_is_written(saved: Path) -> None:
    """A field that the metadata lacked would silently come back as its default."""
    record = json.loads(read_metadata(saved)["config"])
    for part in ("flow", "spatial", "fusion"):
        fields = {field.name for field in dataclasses.fields(getattr(SMALL, part))}
        assert record[part].keys() == fields
    assert record.keys() == {field.name for field in dataclasses.fields(SMALL)}
