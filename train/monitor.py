"""How good the weights are so far: the figures of EVALUATE on clips held out of training."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from temporal_clean.clip import Clip
from temporal_clean.evaluation import Motion, brief_figures, reference_motion, sharp, tpsnr
from temporal_clean.evaluation.flows import warp_error
from temporal_clean.recurrent import RecurrentCleaner
from temporal_clean.train.degrading import RECIPES, degrade, reference
from temporal_clean.video import to_8_bits

__all__ = ["Monitor", "held_out"]

Frames = UInt8[Tensor, "time 3 height width"]

# What is judged of a clip with a master; another has its own inputs.
INPUTS = ("native", "performance-bilinear", "clean")


@dataclass(frozen=True)
class Judged:
    """A clip's reference, what is to be cleaned, and the reference's motion."""

    name: str
    reference: Frames
    inputs: dict[str, Frames]
    motion: Motion


def held_out(clips: Sequence[Clip], places: int) -> list[Clip]:
    """One clip of each of ``places`` places, spread over all games; by name, so always the same.

    At most each fifth place, but one if there are two. Other clips of these places must not be
    trained on either: see ``Monitor.of_these_places``.
    """
    by_place = {_place(clip): clip for clip in sorted(clips, key=lambda c: c.record.name)}
    names = sorted(by_place)
    count = min(places, max(len(names) // 5, 1), len(names) - 1)
    return [by_place[names[(2 * i + 1) * len(names) // (2 * count)]] for i in range(count)]


def _place(clip: Clip) -> str:
    return f"{clip.record.game} {clip.record.place or clip.record.name}"


class Monitor:
    """Judges a model on the first ``frames`` frames of each clip."""

    def __init__(self, clips: Sequence[Clip], frames: int) -> None:
        self.clips = [_prepared(clip, min(frames, clip.record.frames)) for clip in clips]
        self.places = {_place(clip) for clip in clips}

    def of_these_places(self, clips: Sequence[Clip]) -> set[str]:
        """Names of the clips recorded where the judged ones were."""
        return {clip.record.name for clip in clips if _place(clip) in self.places}

    def figures(self, model: RecurrentCleaner) -> dict[str, float]:
        """Means over the clips, ``<input>/<figure>``: changes against the input in dB or as a
        share; ``clean/psnr`` is the output's own. ``flow/...``: mean warp error of the reference
        by the model's flow on the input, over that of DIS's flow in the reference."""
        found: dict[str, list[float]] = {}
        device = next(model.parameters()).device
        for clip in self.clips:
            clean = _unit(clip.reference, device)
            motion = Motion(*(plane.to(device) for plane in clip.motion))
            for name, frames in clip.inputs.items():
                dirty = _unit(frames, device)
                output, flows = cleaned(model, dirty)
                for figure, value in _compared(output, dirty, clean, motion, name).items():
                    found.setdefault(f"{name}/{figure}", []).append(value)
                if name != "clean":
                    least = warp_error(clean, motion.motion, motion)
                    ratio = warp_error(clean, flows, motion) / least
                    found.setdefault(f"flow/{name}", []).append(ratio)
        return {name: float(np.nanmean(values)) for name, values in found.items()}

    def pictures(self, model: RecurrentCleaner) -> Iterator[tuple[str, Float[Tensor, "3 h w"]]]:
        """Of the last frame of each clip: the input, the output and the reference side by side."""
        device = next(model.parameters()).device
        for clip in self.clips:
            name = next(iter(clip.inputs))
            dirty = _unit(clip.inputs[name], device)
            output, _ = cleaned(model, dirty)
            row = [dirty[-1], output[-1], _unit(clip.reference[-1:], device)[0]]
            yield f"{clip.name}/{name}", torch.cat(row, dim=-1)


@torch.no_grad()
def cleaned(
    model: RecurrentCleaner, frames: Float[Tensor, "time 3 height width"]
) -> tuple[Float[Tensor, "time 3 height width"], Float[Tensor, "pairs 2 height width"]]:
    """Every frame's output, and the flow from each but the first."""
    was_training = model.training
    model.eval()
    state = model.initial_state(frames[:1])
    outputs, flows = [], []
    for frame in frames.split(1):
        clean, state, maps = model.inspect(frame, state)
        outputs.append(clean)
        flows.append(maps.motion)
    model.train(was_training)
    return torch.cat(outputs).float(), torch.cat(flows[1:]).float()


def _prepared(clip: Clip, frames: int) -> Judged:
    """The clip cut to sizes that the model takes, as uint8."""
    record = clip.record
    height, width = (n // 16 * 16 for n in (record.height, record.width))

    def read(name: str, factor: int = 1) -> Frames:
        pixels = islice(_frames(clip, name), frames)
        rows = [p[: height * factor, : width * factor] for p in pixels]
        return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).contiguous()

    if record.master is None:
        clean = read("reference")
        inputs = {name: read(name) for name in clip.inputs}
        return Judged(record.name, clean, inputs, reference_motion(_unit(clean)))
    factor = record.master.factor
    master = read("master", factor)
    inputs = {name: _bytes(degrade(master, factor, RECIPES[name])) for name in INPUTS}
    clean = _bytes(reference(master, factor))
    # Half of the master's size shows sub-pixel motion at a quarter of the cost.
    half = 2 if factor == 4 else 1
    larger = torch.nn.functional.avg_pool2d(_unit(master), half) if half > 1 else _unit(master)
    return Judged(record.name, clean, inputs, reference_motion(larger, factor // half))


def _compared(
    output: Tensor, dirty: Tensor, clean: Tensor, motion: Motion, name: str
) -> dict[str, float]:
    if name == "clean":
        # Over all frames at once: one that is left untouched has no PSNR of its own.
        error = float((output - dirty).square().mean())
        kept = -10.0 * math.log10(max(error, 1e-12))
        return {"psnr": kept, "sharp": float(sharp(output, dirty).mean())}
    before, after = (brief_figures(x, clean, motion) for x in (dirty, output))
    return after | {
        "psnr": after["psnr"] - before["psnr"],
        "tpsnr": float((tpsnr(output, clean) - tpsnr(dirty, clean)).mean()),
        "mcflick": after["mcflick"] / before["mcflick"] - 1.0,
    }


def _unit(frames: Tensor, device: torch.device | str = "cpu") -> Tensor:
    return frames.to(device).float() / 255.0


def _bytes(frames: Tensor) -> Frames:
    return frames.mul(255.0).round().clamp(0.0, 255.0).byte()


def _frames(clip: Clip, name: str) -> Iterator[np.ndarray]:
    """From the start; fewer than all may be taken."""
    with clip.read(name) as reader:
        for frame in reader:
            yield to_8_bits(frame.pixels)
