"""Checkpoints: safetensors with everything needed to rebuild and to judge the model."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.flow import FlowConfig
from temporal_clean.models import FusionConfig, SpatialConfig
from temporal_clean.recurrent import CleanerConfig, RecurrentCleaner

__all__ = ["load_checkpoint", "read_metadata", "save_checkpoint"]

FORMAT = "temporal-clean checkpoint 1"
LICENCE = "Apache-2.0"


def save_checkpoint(
    model: RecurrentCleaner,
    path: Path,
    *,
    training: dict[str, Any],
    licence: str = LICENCE,
) -> None:
    """Write weights with configuration, training record and licence in the metadata.

    ``training`` is any JSON record: data, steps, hours, command, figures. Written under a
    temporary name and renamed, so that a cancelled run leaves no half file.
    """
    metadata = {
        "format": FORMAT,
        "config": json.dumps(dataclasses.asdict(model.config)),
        "training": json.dumps(training),
        "licence": licence,
    }
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    partial = path.with_name(f".{path.name}.partial")
    try:
        save_file(tensors, partial, metadata=metadata)
        # safetensors writes for the owner alone; a model is for everyone who may read its folder.
        partial.chmod(0o644)
        partial.replace(path)
    except (SafetensorError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise TemporalCleanError(f"'{path}' cannot be written: {error}") from error


def load_checkpoint(model: str | Path) -> RecurrentCleaner:
    """The torch module, in evaluation mode, for a size that ships or a checkpoint's path."""
    path = assets.checkpoint_path(model)
    metadata = read_metadata(path)
    try:
        cleaner = RecurrentCleaner(_config(metadata))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise TemporalCleanError(
            f"'{path}' describes networks that this version does not know ({error!r}); train it "
            "again or install the version that wrote it"
        ) from error
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    expected = {name: value.shape for name, value in cleaner.state_dict().items()}
    found = {name: value.shape for name, value in tensors.items()}
    if found != expected:
        odd = sorted({name for name, _ in found.items() ^ expected.items()})
        raise TemporalCleanError(
            f"'{path}' does not fit this version's networks ({len(odd)} tensors differ, "
            f"such as {odd[0]}); train it again or install the version that wrote it"
        )
    cleaner.load_state_dict(tensors)
    return cleaner.eval()


def read_metadata(path: Path) -> dict[str, str]:
    """The checkpoint's metadata; refuses files that are not ours."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise TemporalCleanError(
            f"'{path}' is no readable checkpoint ({error}); expected a .safetensors file "
            "written by temporal-clean"
        ) from error
    if metadata.get("format") != FORMAT:
        raise TemporalCleanError(
            f"'{path}' is a safetensors file, but its metadata names "
            f"'{metadata.get('format', 'no format')}' where '{FORMAT}' was expected"
        )
    return metadata


def _config(metadata: dict[str, str]) -> CleanerConfig:
    record = json.loads(metadata["config"])
    flow: dict[str, Any] = record["flow"]
    flow = {k: tuple(v) if isinstance(v, list) else v for k, v in flow.items()}
    return CleanerConfig(
        flow=FlowConfig(**flow),
        spatial=SpatialConfig(**record["spatial"]),
        fusion=FusionConfig(**record["fusion"]),
        kernel=record["kernel"],
    )
