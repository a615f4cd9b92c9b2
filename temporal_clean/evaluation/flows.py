"""How good a flow is on aliased frames, judged by the clean frames behind them."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.assets import MODELS
from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.protocol.material import Loaded, cropped
from temporal_clean.flow import Flow, dis_flow, load_external, warp
from temporal_clean.flow.classical import DisPreset
from temporal_clean.recurrent import RecurrentCleaner

__all__ = [
    "FlowFigures",
    "FlowFunction",
    "flow_named",
    "judge_flow",
    "mean_figures",
    "separation",
    "warp_error",
]

FlowFunction = Callable[
    [Float[Tensor, "batch 3 height width"], Float[Tensor, "batch 3 height width"]], Flow
]

DIS: dict[str, DisPreset] = {
    "dis-ultrafast": "ultrafast",
    "dis-fast": "fast",
    "dis-medium": "medium",
}
# A warp that misses the clean frame by more than 13 codes of 255 on average is bad: a ghost that
# is seen. Resampling alone stays below half of that.
BAD = 0.05
# Noise of a static pair, as of film grain: standard deviation, of 1.
NOISE = 0.02


class FlowFigures(NamedTuple):
    """``warp_error``: mean absolute difference, of 1, between the clean frame and the one before it
    warped by the flow, where the content is seen in both; ``least_error`` the same by the
    reference's own motion. ``end_point_error``: mean distance to that motion in pixels.
    ``spurious``: mean length in pixels between a still frame and itself, each with its own noise.
    ``doubt_auc``: how well doubt tells bad warps from good ones, 0.5 by chance, 1 always. ``ms``: a
    frame."""

    warp_error: float
    least_error: float
    end_point_error: float
    spurious: float
    doubt_auc: float
    ms: float


def flow_named(name: str) -> FlowFunction:
    """dis-ultrafast, dis-fast or dis-medium; a model that ships or a checkpoint's path; or
    ``ptlflow:MODEL:WEIGHTS`` for one of ptlflow's with weights from a file.

    Raises :class:`TemporalCleanError` for anything else.
    """
    if name in DIS:
        return lambda frame, previous: dis_flow(frame, previous, DIS[name])
    if name.startswith("ptlflow:"):
        _, model, weights = f"{name}:".split(":")[:3]
        try:
            return load_external(model, weights or None).estimate
        except (ValueError, FileNotFoundError, ImportError) as error:
            raise TemporalCleanError(str(error)) from error
    if name not in MODELS and not Path(name).is_file():
        raise TemporalCleanError(
            f"no flow {name!r}: expected {', '.join(DIS)}, {', '.join(MODELS)}, a checkpoint's "
            "path, or ptlflow:MODEL:WEIGHTS"
        )
    network = load_checkpoint(name).flow
    return network.estimate


@torch.no_grad()
def judge_flow(flow: FlowFunction, loaded: Loaded) -> FlowFigures:
    """Judge a flow that sees ``loaded.frames`` by the reference's frames and motion."""
    loaded = cropped(loaded, RecurrentCleaner.multiple_of)
    frames, clean, motion = loaded.frames, loaded.reference, loaded.motion
    started = time.perf_counter()
    flows = [flow(frames[k : k + 1], frames[k - 1 : k]) for k in range(1, len(frames))]
    ms = 1000.0 * (time.perf_counter() - started) / max(len(flows), 1)
    seen = torch.cat([each.motion for each in flows]).float()
    doubt = torch.cat([each.doubt for each in flows]).float()
    distance = (seen - motion.motion).norm(dim=1, keepdim=True)
    return FlowFigures(
        warp_error(clean, seen, motion),
        warp_error(clean, motion.motion, motion),
        _mean(distance, motion.valid),
        _spurious(flow, frames[:1]),
        separation(doubt, _missed(clean, seen) > BAD),
        ms,
    )


def warp_error(
    clean: Float[Tensor, "frames 3 height width"],
    flow: Float[Tensor, "pairs 2 height width"],
    motion: Motion,
) -> float:
    """What the clean frames warped by ``flow`` miss, where their own ``motion`` is valid, of 1."""
    return _mean(_missed(clean, flow), motion.valid)


def _missed(clean: Tensor, motion: Tensor) -> Tensor:
    return (warp(clean[:-1], motion, "bicubic") - clean[1:]).abs().mean(dim=1, keepdim=True)


def _mean(values: Tensor, mask: Tensor) -> float:
    return float((values * mask).sum() / mask.sum().clamp_min(1.0))


def _spurious(flow: FlowFunction, frame: Tensor) -> float:
    random = torch.Generator().manual_seed(0)
    grain = (NOISE * torch.randn(frame.shape, generator=random) for _ in range(2))
    still, again = ((frame + g.to(frame)).clamp(0.0, 1.0) for g in grain)
    return float(flow(still, again).motion.float().norm(dim=1).mean())


def separation(score: Tensor, positive: Tensor) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties half.

    By ranks (Mann and Whitney, 1947); not a number where one kind is missing.
    """
    score, positive = score.flatten().double(), positive.flatten()
    if not 0 < int(positive.sum()) < len(positive):
        return float("nan")
    _, places, counts = torch.unique(score, return_inverse=True, return_counts=True)
    ranks = (counts.cumsum(0) - (counts - 1) / 2.0)[places]
    wanted = int(positive.sum())
    above = ranks[positive].sum() - wanted * (wanted + 1) / 2.0
    return float(above / (wanted * (len(positive) - wanted)))


def mean_figures(figures: Sequence[FlowFigures]) -> FlowFigures:
    """Means over clips; clips without a figure do not count in it."""
    return FlowFigures(*torch.tensor(figures, dtype=torch.float64).nanmean(dim=0).tolist())
