"""What each part of a trained model brings: the same weights with one part taken out.

python -m temporal_clean.train.ablate fast CLIPS --frames 16

CLIPS are validation clips. A part that a model was trained with and loses is missed more than one
that it was never given: a small loss here says that a part may go, a large one does not say that it
must stay. That takes a training without it (docs/LOG.md).
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import torch.nn.functional as F
import tyro
from torch import Tensor, nn

from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.clip import find_clips
from temporal_clean.evaluation import brief_figures, reference_motion
from temporal_clean.evaluation.protocol.material import Loaded, clip_material, cropped, load
from temporal_clean.flow import Flow, FlowPlanes, Kernel, dis_flow
from temporal_clean.models import Surprise
from temporal_clean.recurrent import Inspection, RecurrentCleaner, State

__all__ = ["VARIANTS", "ablate"]


class Silent(nn.Module):
    """A density whose surprise is nowhere."""

    def forward(self, tokens: Tensor, *_: Tensor) -> Surprise:
        return Surprise(torch.zeros_like(tokens[:, :1]), torch.zeros_like(tokens))


class Changed(nn.Module):
    """A flow network with something done to its planes."""

    def __init__(self, flow: nn.Module, change: Callable[[FlowPlanes], FlowPlanes]) -> None:
        super().__init__()
        self.flow, self.change = flow, change

    def forward(self, frame: Tensor, previous: Tensor, before: Tensor) -> FlowPlanes:
        return self.change(self.flow(frame, previous, before))


class Forgetful(nn.Module):
    """A flow network that is never told the motion of the step before."""

    def __init__(self, flow: nn.Module) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, frame: Tensor, previous: Tensor, before: Tensor) -> FlowPlanes:
        return self.flow(frame, previous)


def _without_surprise(model: RecurrentCleaner) -> None:
    model.spatial.register_module("surprise", Silent())
    model.fusion.register_module("surprise", Silent())


def _without_doubt(model: RecurrentCleaner) -> None:
    def sure(planes: FlowPlanes) -> FlowPlanes:
        doubt, coarse = torch.zeros_like(planes.doubt), torch.zeros_like(planes.coarse_doubt)
        return planes._replace(doubt=doubt, coarse_doubt=coarse)

    model.register_module("flow", Changed(model.flow, sure))


def _without_motion(model: RecurrentCleaner) -> None:
    def still(planes: FlowPlanes) -> FlowPlanes:
        motion, coarse = torch.zeros_like(planes.motion), torch.zeros_like(planes.coarse_motion)
        return planes._replace(motion=motion, coarse_motion=coarse)

    model.register_module("flow", Changed(model.flow, still))


class Unasked(nn.Module):
    """In the place of propagation: each cell keeps its own motion."""

    def forward(self, ours: Tensor, theirs: Tensor, motion: Tensor) -> Tensor:
        return motion


def _without_propagation(model: RecurrentCleaner) -> None:
    model.flow.register_module("propagate", Unasked())


def _without_last_motion(model: RecurrentCleaner) -> None:
    model.register_module("flow", Forgetful(model.flow))


class Unfiltered(nn.Module):
    """In the place of the filter of motion."""

    def forward(self, motion: Tensor, context: Tensor) -> Tensor:
        return motion


def _without_filter(model: RecurrentCleaner) -> None:
    model.flow.register_module("regularize", Unfiltered())


def _kernel(name: Kernel) -> Callable[[RecurrentCleaner], None]:
    def change(model: RecurrentCleaner) -> None:
        model.config = replace(model.config, kernel=name)

    return change


def _without_filters(model: RecurrentCleaner) -> None:
    model.spatial.filters = None


def _as_it_is(_: RecurrentCleaner) -> None:
    pass


def _frames_flow(model: RecurrentCleaner, state: State, loaded: Loaded, index: int) -> Flow:
    return dis_flow(loaded.frames[index : index + 1], loaded.frames[index - 1 : index])


def _exact_flow(model: RecurrentCleaner, state: State, loaded: Loaded, index: int) -> Flow:
    motion = loaded.motion.cut(slice(index - 1, index))
    return Flow(motion.motion, motion.disoccluded)


FlowSource = Callable[[RecurrentCleaner, State, Loaded, int], Flow]


def _own_doubt(motion: Callable[[Inspection, State, Loaded, int], Tensor]) -> FlowSource:
    """Another motion, under the doubt that the network has of its own."""

    def source(model: RecurrentCleaner, state: State, loaded: Loaded, index: int) -> Flow:
        maps = model.inspect(loaded.frames[index : index + 1], state)[2]
        return Flow(motion(maps, state, loaded, index), maps.doubt)

    return source


def _cleaned_motion(maps: Inspection, state: State, loaded: Loaded, index: int) -> Tensor:
    return _fine_motion(torch.cat([state.clean, maps.spatial]))


def _reference_motion(maps: Inspection, state: State, loaded: Loaded, index: int) -> Tensor:
    return _fine_motion(loaded.reference[index - 1 : index + 1])


def _exact_motion(maps: Inspection, state: State, loaded: Loaded, index: int) -> Tensor:
    return loaded.motion.motion[index - 1 : index]


def _fine_motion(frames: Tensor) -> Tensor:
    """DIS medium's motion at twice the size of two frames, in pixels of the later one."""
    larger = F.interpolate(frames, scale_factor=2, mode="bicubic").clamp(0.0, 1.0)
    return reference_motion(larger, factor=2).motion


# What is put in the place of the network's flow, from the second frame on.
FLOWS: dict[str, FlowSource] = {
    "DIS medium flow": _frames_flow,
    # What better flow could bring: found on twice the size, in what the step sees or in what it
    # never sees. The exact flow is the one that flicker is measured along, and no occlusion is
    # unknown to it: out of reach for any estimate.
    "DIS on cleaned pictures, own doubt": _own_doubt(_cleaned_motion),
    "DIS on the reference, own doubt": _own_doubt(_reference_motion),
    "exact flow, own doubt": _own_doubt(_exact_motion),
    "exact flow": _exact_flow,
}

VARIANTS: dict[str, Callable[[RecurrentCleaner], None]] = {
    "whole": _as_it_is,
    "no surprise": _without_surprise,
    "no doubt": _without_doubt,
    "no flow": _without_motion,
    "no propagation of motion": _without_propagation,
    "no motion of the step before": _without_last_motion,
    "no filter of motion": _without_filter,
    "no hidden features": _as_it_is,
    "no steered filters": _without_filters,
    "history: bilinear": _kernel("bilinear"),
    "history: Catmull-Rom": _kernel("catmull-rom"),
    "history: Lanczos 3": _kernel("lanczos3"),
    **dict.fromkeys(FLOWS, _as_it_is),
}


@torch.no_grad()
def run_variant(model: RecurrentCleaner, name: str, loaded: Loaded) -> Tensor:
    """The output of a variant on one clip, (frames, 3, height, width)."""
    changed = deepcopy(model)
    VARIANTS[name](changed)
    source = FLOWS.get(name)
    state: State | None = None
    outputs = []
    for index, frame in enumerate(loaded.frames.split(1)):
        state = changed.initial_state(frame) if state is None else state
        if name == "no hidden features":
            state = state._replace(hidden=torch.zeros_like(state.hidden))
        flow = source(changed, state, loaded, index) if source and index else None
        clean, state, _ = changed.inspect(frame, state, flow)
        outputs.append(clean)
    return torch.cat(outputs)


def ablate(
    model: Annotated[str, tyro.conf.Positional],
    clips: Annotated[Path, tyro.conf.Positional],
    frames: int = 16,
    rendering: str = "native",
) -> None:
    """Print the mean figures of each variant: changes against the input."""
    cleaner = load_checkpoint(model)
    side = cleaner.multiple_of
    materials = clip_material(find_clips(clips), frames)
    rows: dict[str, list[list[float]]] = {}
    for material in (one for one in materials if one.rendering == rendering):
        loaded = cropped(load([material])[0], side)
        before = brief_figures(loaded.frames, loaded.reference, loaded.motion)
        for name in VARIANTS:
            output = run_variant(cleaner, name, loaded)
            found = brief_figures(output, loaded.reference, loaded.motion)
            gain, less = found["psnr"] - before["psnr"], found["mcflick"] / before["mcflick"] - 1.0
            rows.setdefault(name, []).append([gain, less, found["sharp"], found["ghost"]])
    print(f"{'variant':<36}{'PSNR dB':>9}{'MCflick':>9}{'Sharp':>8}{'Ghost':>8}")
    for name, values in rows.items():
        gain, flicker, sharpness, ghosting = torch.tensor(values).nanmean(dim=0).tolist()
        print(f"{name:<36}{gain:>+9.2f}{flicker:>+9.1%}{sharpness:>8.3f}{ghosting:>8.3f}")


if __name__ == "__main__":
    tyro.cli(ablate)
