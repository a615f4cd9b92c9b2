"""Our own model, whole and in parts: what each stage brings, and what exact flow would add."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.assets import MODELS
from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.peers.record import Peer, along_motion, framewise, padded
from temporal_clean.flow import Flow
from temporal_clean.models import SpatialCleaner, SpatialResult
from temporal_clean.recurrent import RecurrentCleaner, State

__all__ = ["own_peers", "without_correction"]


def own_peers(models: Sequence[str | Path]) -> list[Peer]:
    """Four peers for each model: spatial-only, fusion-only, full, full with exact flow.

    ``models`` are sizes that ship or paths of checkpoints; torch runs them, in fp32, on the clip's
    device. Raises :class:`TemporalCleanError` for a model that is not there.
    """
    peers = []
    for label, model in zip(_labels(models), models, strict=True):
        whole, fusion = _loaded(model), without_correction(_loaded(model))
        kinds = {
            "spatial-only": (False, framewise(partial(_spatial, whole))),
            "fusion-only": (False, framewise(partial(_recurrent, fusion))),
            "full": (False, framewise(partial(_recurrent, whole))),
            "full, exact flow": (True, along_motion(partial(_guided, whole))),
        }
        peers += [
            Peer(f"{label} {family}", family, None, True, exact, run)
            for family, (exact, run) in kinds.items()
        ]
    return peers


class Uncorrected(SpatialCleaner):
    """The spatial cleaner with its mask held at zero: the frame leaves it as it came.

    Features and surprise are computed as ever, for the fusion reads them.
    """

    def forward(self, frame: Float[Tensor, "batch 3 height width"]) -> SpatialResult:
        result = super().forward(frame)
        closed = {"delta": torch.zeros_like(result.delta), "mask": torch.zeros_like(result.mask)}
        return result._replace(**closed)


def without_correction(cleaner: RecurrentCleaner) -> RecurrentCleaner:
    """``cleaner``, changed so that fusion gets the frame itself where it got the cleaned one.

    An ablation without new training: the fusion was never taught to do without the spatial stage,
    and its own small correction, which works only where there is a past, stays.
    """
    spatial = Uncorrected(cleaner.config.spatial)
    spatial.load_state_dict(cleaner.spatial.state_dict())
    cleaner.spatial = spatial.eval().to(memory_format=torch.channels_last)
    return cleaner


def _loaded(model: str | Path) -> RecurrentCleaner:
    """In the memory layout that convolutions on a CPU run faster in."""
    return load_checkpoint(model).to(memory_format=torch.channels_last)


def _spatial(cleaner: RecurrentCleaner, frames: Iterator[Tensor]) -> Iterator[Tensor]:
    """The spatial stage alone: what the step gives at ``state.valid`` = 0, for less work."""
    for frame in frames:
        whole = _whole(cleaner, frame)
        clean = cleaner.spatial.picture(whole, cleaner.spatial(whole))
        yield clean[..., : frame.shape[-2], : frame.shape[-1]]


def _recurrent(cleaner: RecurrentCleaner, frames: Iterator[Tensor]) -> Iterator[Tensor]:
    """The whole step, flow from its own network."""
    return _guided(cleaner, ((frame, None) for frame in frames))


def _guided(
    cleaner: RecurrentCleaner, moments: Iterator[tuple[Tensor, Flow | None]]
) -> Iterator[Tensor]:
    """The whole step, with the flow that is given in the place of the network's own."""
    state: State | None = None
    for frame, flow in moments:
        whole = _whole(cleaner, frame)
        if flow is not None:
            flow = Flow(*(padded(part, cleaner.multiple_of) for part in flow))
        state = cleaner.initial_state(whole) if state is None else state
        clean, state, _ = cleaner.inspect(whole, state, flow)
        yield clean[..., : frame.shape[-2], : frame.shape[-1]]


def _whole(cleaner: RecurrentCleaner, frame: Tensor) -> Tensor:
    """The frame at a size that the networks take, and the networks where the frame is."""
    height, width = frame.shape[-2:]
    if min(height, width) < cleaner.minimum_size:
        raise TemporalCleanError(
            f"expected frames of at least {cleaner.minimum_size} pixels each way, got "
            f"{width}x{height}: use a larger clip"
        )
    cleaner.to(frame.device)
    return padded(frame, cleaner.multiple_of).contiguous(memory_format=torch.channels_last)


def _labels(models: Sequence[str | Path]) -> list[str]:
    """A short name for each model: its size, or its file's name where that tells them apart."""
    short = [str(model) if str(model) in MODELS else Path(model).stem for model in models]
    return short if len(set(short)) == len(short) else [str(model) for model in models]
