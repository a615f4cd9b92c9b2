"""What each stage of training asks of the networks: one batch of windows in, losses out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow import block_mean
from temporal_clean.history import warp_picture
from temporal_clean.recurrent import Inspection, RecurrentCleaner, State
from temporal_clean.train.losses import (
    census_distance,
    charbonnier,
    doubt_error,
    flicker,
    gradient,
    motion_distance,
    photometric,
    sharpness_error,
    smoothness,
)

__all__ = ["Batch", "Objective", "StageName", "Weights"]

StageName = Literal["flow", "surprise", "spatial", "fusion", "joint"]

# Which parts of the cleaner a stage trains.
PARTS: dict[StageName, tuple[str, ...]] = {
    "flow": ("flow",),
    "surprise": ("spatial.surprise", "fusion.surprise"),
    "spatial": ("spatial",),
    "fusion": ("spatial", "fusion"),
    "joint": ("flow", "spatial", "fusion"),
}
# Coarse levels of the flow steer the fine ones, and matter only so far.
LEVEL_SHARE = 0.3
# A window counts by the inverse of what is wrong with its input, as decibels and per cent do, but
# no more than at a mean absolute error of 2.5 codes of 255: windows in which nothing is wrong
# taught timidity when they counted more (docs/LOG.md).
USUAL_ERROR, LEAST_ERROR = 2.5 / 255.0, 1.0 / 255.0
# How much smaller than the frame the motions of FlowNetwork.with_levels are.
LEVELS = (16, 8, 4, 4, 4)


class Batch(TypedDict):
    """Windows as a DataLoader collates them (temporal_clean.train.loading.Window)."""

    input: Float[Tensor, "batch time 3 height width"]
    reference: Float[Tensor, "batch time 3 height width"]
    mask: Float[Tensor, "batch time 1 height width"]
    motion: Float[Tensor, "batch time 2 height width"]
    known: Float[Tensor, "batch time 1 height width"]


@dataclass(frozen=True)
class Weights:
    """How much each term of the sum counts; 0 leaves it out."""

    picture: float = 1.0
    faint: float = 0.5
    hud: float = 3.0
    gradient: float = 0.3
    spatial: float = 0.2
    flicker: float = 5.0
    sharp: float = 0.015
    surprise: float = 0.004
    teacher: float = 0.03
    photometric: float = 0.3
    census: float = 0.0
    doubt: float = 0.03
    smooth: float = 0.004


class Objective(nn.Module):
    """The cleaner with the losses of one stage, as one module that Fabric wraps.

    ``forward`` gives the weighted losses to be summed, and statistics to be watched, all means
    over the batch. The first ``history`` frames of a window through time are only the past: no
    loss, no gradient; each second window forgets them and sets out from nothing.
    """

    def __init__(
        self, model: RecurrentCleaner, stage: StageName, weights: Weights, history: int = 0
    ) -> None:
        super().__init__()
        self.model, self.stage, self.weights, self.history = model, stage, weights, history
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name.startswith(tuple(f"{part}." for part in PARTS[stage])))

    def forward(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        stages = {
            "flow": self.flow,
            "surprise": self.surprise,
            "spatial": self.spatial,
            "fusion": self.fusion,
            "joint": self.fusion,
        }
        terms, statistics = stages[self.stage](batch)
        weights = vars(self.weights)
        losses = {name: weights[name] * term for name, term in terms.items() if weights[name]}
        return losses, {name: value.detach() for name, value in statistics.items()}

    def flow(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Every pair of neighbouring frames."""
        frame = batch["input"][:, 1:].flatten(0, 1)
        clean = [batch["reference"][:, part].flatten(0, 1) for part in _NOW_AND_BEFORE]
        (motion, last), (known, sure) = (
            [batch[name][:, part].flatten(0, 1) for part in _NOW_AND_BEFORE]
            for name in ("motion", "known")
        )
        # In use the previous picture is what the cleaner made of it, between input and reference:
        # all of the input in a window's first pair, all of the reference in its last.
        noisy, perfect = (batch[name][:, :-1] for name in ("input", "reference"))
        share = torch.linspace(0.0, 1.0, noisy.shape[1], device=noisy.device)
        previous = torch.lerp(noisy, perfect, share.view(-1, 1, 1, 1)).flatten(0, 1)
        before = block_mean(last * sure, 4) * 0.25
        planes, levels = self.model.flow.with_levels(frame, previous, before)
        full = planes.full(self.model.config.flow.cell)
        terms = self._flow_terms(full.motion, full.doubt, clean[0], clean[1], motion, known)
        for level, factor in zip(levels, LEVELS, strict=True):
            target = block_mean(motion, factor) / factor
            whole = (block_mean(known, factor) > 0.99).to(known.dtype)
            distance = motion_distance(level.float() * factor, target * factor, whole)
            terms["teacher"] = terms["teacher"] + LEVEL_SHARE * distance
        distance = (full.motion.float() - motion).norm(dim=1, keepdim=True)
        count = known.sum().clamp_min(1.0)
        return terms, {
            "end-point error": (known * distance).sum() / count,
            "doubt": full.doubt.float().mean(),
        }

    def _flow_terms(
        self,
        motion: Tensor,
        doubt: Tensor,
        clean: Tensor,
        before: Tensor,
        teacher: Tensor,
        known: Tensor,
    ) -> dict[str, Tensor]:
        """Of one flow, judged by the clean frames behind it."""
        motion, doubt = motion.float(), doubt.float()
        terms = {
            "teacher": motion_distance(motion, teacher, known),
            "photometric": photometric(clean, before, motion, known),
            "doubt": doubt_error(doubt, clean, before, motion),
            "smooth": smoothness(motion, clean),
        }
        if self.weights.census:
            terms["census"] = census_distance(clean, before, motion, known)
        return terms

    def surprise(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The density of clean patches, given what surrounds them and what came before."""
        model = self.model
        clean, before = (batch["reference"][:, part].flatten(0, 1) for part in _NOW_AND_BEFORE)
        motion, known = (batch[name][:, 1:].flatten(0, 1) for name in ("motion", "known"))
        tokens = model.spatial.tokens(clean)
        nats = model.spatial.surprise(tokens).nats.float().mean()
        history = model.fusion.tokens(warp_picture(before, motion, model.config.kernel))
        given = model.fusion.surprise(tokens, history, 1.0 - block_mean(known, 8)).nats
        temporal = given.float().mean()
        return {"surprise": nats + temporal}, {"spatial nats": nats, "temporal nats": temporal}

    def spatial(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Every frame by itself."""
        model = self.model
        frame, reference = batch["input"].flatten(0, 1), batch["reference"].flatten(0, 1)
        result = model.spatial(frame)
        clean = model.spatial.picture(frame, result).float()
        terms = self._picture_terms(frame, clean, reference, _importance(frame, reference))
        nats = model.spatial.surprise(model.spatial.tokens(reference)).nats
        terms["surprise"] = nats.float().mean()
        return terms, {"mask": result.mask.float().mean()}

    def _picture_terms(
        self, frame: Tensor, clean: Tensor, reference: Tensor, importance: Tensor
    ) -> dict[str, Tensor]:
        error = clean - reference
        return {
            # Large errors count squared, as PSNR counts them; the other term keeps faint ones in
            # sight (a clean picture is to be left within a code of itself).
            "picture": (importance * charbonnier(error, softness=1e-3)).mean(),
            "faint": (importance * charbonnier(error, softness=1e-5)).mean(),
            "gradient": (importance * charbonnier(gradient(error))).mean(),
            "sharp": sharpness_error(clean, reference, frame),
        }

    def fusion(self, batch: Batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """A window through time; the flow is learned with it in the joint stage only."""
        batch, state = self._past(batch)
        frames = batch["input"].shape[1]
        importance = _importance(batch["input"], batch["reference"])
        terms: list[dict[str, Tensor]] = []
        statistics: list[dict[str, Tensor]] = []
        error: Tensor | None = None
        for t in range(frames):
            before, frame = state, batch["input"][:, t]
            clean, state, maps = self.model.inspect(frame, state)
            clean, reference = clean.float(), batch["reference"][:, t]
            now = self._picture_terms(frame, clean, reference, importance)
            now["hud"] = (importance * batch["mask"][:, t] * (clean - reference).abs()).mean()
            alone = charbonnier(maps.spatial.float() - reference, softness=1e-3)
            now["spatial"] = (importance * alone).mean()
            now["surprise"] = self._surprise(reference, before, maps, first=t == 0)
            if error is not None:
                last = batch["reference"][:, t - 1]
                motion, known = batch["motion"][:, t], batch["known"][:, t]
                counted = known * importance
                now["flicker"] = flicker(clean - reference, error, motion, counted)
                if self.stage == "joint":
                    now |= self._flow_terms(maps.motion, maps.doubt, reference, last, motion, known)
                statistics.append(_statistics(state, maps))
            terms.append(now)
            error = clean - reference
        return _mean(terms, frames), _mean(statistics, max(len(statistics), 1))

    @torch.no_grad()
    def _past(self, batch: Batch) -> tuple[Batch, State]:
        """The state behind the first frames of the windows, and the windows without these."""
        frames = batch["input"]
        state = self.model.initial_state(frames[:, 0])
        for t in range(self.history):
            _, state = self.model(frames[:, t], state)
        if self.history:
            each_second = torch.arange(len(frames), device=frames.device) % 2
            state = state._replace(valid=each_second.to(state.valid.dtype))
        whole = cast(dict[str, Tensor], batch)
        left = {name: tensor[:, self.history :] for name, tensor in whole.items()}
        return cast(Batch, left), state

    def _surprise(self, reference: Tensor, before: State, maps: Inspection, first: bool) -> Tensor:
        """Negative log-likelihood of the clean frame, given its surroundings and given the past."""
        model = self.model
        tokens = model.spatial.tokens(reference)
        nats = model.spatial.surprise(tokens).nats.float().mean()
        if first:
            return nats
        history = warp_picture(before.clean, maps.motion, "bilinear").detach()
        doubt = F.avg_pool2d(maps.doubt, 8).detach()
        given = model.fusion.surprise(tokens, model.fusion.tokens(history), doubt).nats
        return nats + given.float().mean()


_NOW_AND_BEFORE = (slice(1, None), slice(None, -1))


def _importance(dirty: Tensor, reference: Tensor) -> Tensor:
    """(batch, 1, 1, 1) of windows or frames (batch, ..., height, width)."""
    wrong = (dirty - reference).abs().flatten(1).mean(dim=1).view(-1, 1, 1, 1)
    importance = (USUAL_ERROR + LEAST_ERROR) / (wrong + LEAST_ERROR)
    return importance.clamp_max(1.0)


def _statistics(state: State, maps: Inspection) -> dict[str, Tensor]:
    return {
        "weight": maps.weight.float().mean(),
        "mask": maps.mask.float().mean(),
        "doubt": maps.doubt.float().mean(),
        "hidden saturated": (state.hidden.abs() > 0.97).float().mean(),
    }


def _mean(steps: list[dict[str, Tensor]], count: int) -> dict[str, Tensor]:
    """Sum over the steps of each entry, by ``count``: an entry that some lack counts as 0 there."""
    names: Mapping[str, None] = {name: None for step in steps for name in step}
    return {
        name: torch.stack([step[name] for step in steps if name in step]).sum() / count
        for name in names
    }
