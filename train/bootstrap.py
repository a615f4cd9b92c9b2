"""The first weights: a short training from a few supersampled recordings, one file, no options.

It exists so that what ships before `temporal-clean train` is honest and reproducible:

    temporal-clean pairs record openarena CLIPS --hud off --mip-bias 0
    python -m temporal_clean.train.bootstrap prepare CLIPS DATA
    python -m temporal_clean.train.bootstrap train fast DATA OUT.safetensors --minutes 30

CLIPS have masters of 1920x1080 and factor 4; DATA gets, a clip each, the 480x270 reference,
point-sampled inputs and teacher flow.
"""

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from temporal_clean.checkpoint import load_checkpoint, read_metadata, save_checkpoint
from temporal_clean.clip import find_clips
from temporal_clean.flow import Flow, dis_flow, warp
from temporal_clean.history import warp_picture
from temporal_clean.recurrent import SIZES, RecurrentCleaner, State

__all__ = ["prepare", "train"]

# Native renders sample one point of each pixel; which one is the clip's own constant.
NATIVE_OFFSETS = ((1, 1), (1, 2), (2, 1), (2, 2))
HALF_OFFSETS = (3, 4)
FLOW_SHARE = 0.25
FLOW_RATE, LEARNING_RATE = 2e-3, 8e-4
WARM_UP_STEPS = 100
EMA_DECAY = 0.998


def prepare(
    clips: Annotated[Path, tyro.conf.Positional], data: Annotated[Path, tyro.conf.Positional]
) -> None:
    """Derive reference, inputs and teacher flow (DIS on the 960x540 reference) for each master."""
    data.mkdir(parents=True, exist_ok=True)
    for clip in find_clips(clips):
        master = np.stack(list(clip.frames("master")))
        arrays: dict[str, Any] = {"reference": _box(master, 4)}
        for row, column in NATIVE_OFFSETS:
            arrays[f"native_{row}{column}"] = master[:, row::4, column::4]
        for offset in HALF_OFFSETS:
            arrays[f"half_{offset}"] = master[:, offset::8, offset::8]
        arrays |= _teacher(_box(master, 2))
        np.savez(data / f"{clip.record.name}.npz", allow_pickle=False, **arrays)
        print(f"{clip.record.name}: {len(master)} frames", flush=True)


def _box(frames: np.ndarray, factor: int) -> np.ndarray:
    """Mean of each block of display-encoded values, rounded, a frame at a time."""
    result = []
    for frame in frames:
        height, width, _ = frame.shape
        blocks = frame.reshape(height // factor, factor, width // factor, factor, 3)
        result.append(np.round(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8))
    return np.stack(result)


def _teacher(frames: np.ndarray) -> dict[str, np.ndarray]:
    """Flow to the previous frame and to the next one, in pixels of half this size, with doubt."""
    planes = {name: [] for name in ("back", "back_doubt", "ahead", "ahead_doubt")}
    for index in range(1, len(frames)):
        pair = [_tensor(frames[i])[None] for i in (index, index - 1)]
        for name, (source, target) in {"back": pair, "ahead": pair[::-1]}.items():
            flow = dis_flow(source, target)
            planes[name].append(F.avg_pool2d(flow.motion, 2)[0].mul(0.5).half().numpy())
            doubt = F.max_pool2d(flow.doubt, 2)[0].byte().numpy()
            planes[f"{name}_doubt"].append(doubt)
    return {name: np.stack(values) for name, values in planes.items()}


def _tensor(picture: np.ndarray) -> Tensor:
    """(height, width, 3) uint8 to (3, height, width) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255.0


@dataclass
class Window:
    """T frames of input, reference and teacher flow; ``linked`` is 0 at a cut and at frame 0."""

    inputs: Tensor
    reference: Tensor
    motion: Tensor
    doubt: Tensor
    linked: Tensor


class Windows:
    """Random windows from the prepared maps, all in memory."""

    def __init__(self, data: Path, seed: int) -> None:
        paths = sorted(data.glob("*.npz"))
        self.maps = [dict(np.load(path)) for path in paths]
        self.names = [path.stem for path in paths]
        self.random = np.random.default_rng(seed)

    def batch(self, count: int, frames: int, crop: int) -> Window:
        windows = [self._window(frames, crop) for _ in range(count)]
        fields = ("inputs", "reference", "motion", "doubt", "linked")
        return Window(*(torch.stack([getattr(w, f) for w in windows], dim=1) for f in fields))

    def _window(self, frames: int, crop: int) -> Window:
        random = self.random
        cut = int(random.integers(1, frames)) if frames > 2 and random.random() < 0.08 else frames
        first = self._stretch(cut, crop)
        if cut < frames:
            second = self._stretch(frames - cut, crop)
            first = Window(
                *(
                    torch.cat(pair)
                    for pair in zip(vars(first).values(), vars(second).values(), strict=True)
                )
            )
        return self._augment(first)

    def _stretch(self, frames: int, crop: int) -> Window:
        """Consecutive frames of one map, forwards or backwards, or one frame held."""
        random = self.random
        arrays = self.maps[random.integers(len(self.maps))]
        total, height, width, _ = arrays["reference"].shape
        start = int(random.integers(0, total - frames + 1))
        order = list(range(start, start + frames))
        held = random.random() < 0.06
        backwards = random.random() < 0.5
        order = [start] * frames if held else order[::-1] if backwards else order
        y, x = (2 * int(random.integers(0, (n - crop) // 2 + 1)) for n in (height, width))
        rows, columns = slice(y, y + crop), slice(x, x + crop)
        reference = torch.stack([_tensor(arrays["reference"][i, rows, columns]) for i in order])
        inputs = self._degrade(arrays, order, reference, y, x)
        motion = torch.zeros(frames, 2, crop, crop)
        doubt = torch.zeros(frames, 1, crop, crop)
        for k in range(1, frames):
            if held:
                continue
            name, index = ("ahead", order[k]) if backwards else ("back", order[k] - 1)
            motion[k] = torch.from_numpy(arrays[name][index][:, rows, columns]).float()
            doubt[k] = torch.from_numpy(arrays[f"{name}_doubt"][index][:, rows, columns]).float()
        linked = torch.ones(frames)
        linked[0] = 0.0
        return Window(inputs, reference, motion, doubt, linked)

    def _degrade(
        self, arrays: dict[str, np.ndarray], order: list[int], reference: Tensor, y: int, x: int
    ) -> Tensor:
        random, crop = self.random, reference.shape[-1]
        kind = random.choice(["native", "half", "clean"], p=[0.62, 0.26, 0.12])
        if kind == "native":
            row, column = NATIVE_OFFSETS[random.integers(len(NATIVE_OFFSETS))]
            source = arrays[f"native_{row}{column}"]
            frames = [_tensor(source[i, y : y + crop, x : x + crop]) for i in order]
            inputs = torch.stack(frames)
        elif kind == "half":
            source = arrays[f"half_{HALF_OFFSETS[random.integers(len(HALF_OFFSETS))]}"]
            y, x, half = y // 2, x // 2, crop // 2
            frames = [_tensor(source[i, y : y + half, x : x + half]) for i in order]
            inputs = F.interpolate(torch.stack(frames), scale_factor=2.0, mode="bilinear")
        else:
            inputs = reference.clone()
        if kind != "clean" and random.random() < 0.2:
            sigma = float(random.uniform(1.0, 6.0)) / 255.0
            inputs = (inputs + sigma * torch.randn_like(inputs)).clamp(0.0, 1.0)
        return inputs

    def _augment(self, window: Window) -> Window:
        """Flips, a channel permutation, gain and gamma, the same for every frame."""
        random = self.random
        for axis in (-1, -2):
            if random.random() < 0.5:
                for name in ("inputs", "reference", "motion", "doubt"):
                    setattr(window, name, getattr(window, name).flip(axis))
                window.motion[:, 0 if axis == -1 else 1] *= -1.0
        if random.random() < 0.5:
            channels = random.permutation(3).tolist()
            gain, gamma = random.uniform(0.6, 1.15), random.uniform(0.8, 1.25)
            for name in ("inputs", "reference"):
                picture = getattr(window, name)[:, channels]
                setattr(window, name, (picture**gamma * gain).clamp(0.0, 1.0))
        return window


def train(
    size: Annotated[str, tyro.conf.Positional],
    data: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    minutes: float = 30.0,
    resume: Path | None = None,
    seed: int = 0,
) -> None:
    """Train for ``minutes``: flow alone for the first quarter, then everything through time."""
    torch.manual_seed(seed)
    windows = Windows(data, seed)
    model = RecurrentCleaner(SIZES[size]).train().to(memory_format=torch.channels_last)
    if resume:
        model.load_state_dict(load_checkpoint(resume).state_dict())
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), LEARNING_RATE, weight_decay=1e-4)
    start, last_save, pixels, seen = time.monotonic(), time.monotonic(), 0, {}
    step, before = 0, json.loads(read_metadata(resume)["training"]) if resume else None
    while (progress := (time.monotonic() - start) / (60.0 * minutes)) < 1.0:
        # The schedule follows the clock, so that a run ends when it was told to.
        flow_only = progress < FLOW_SHARE and not resume
        rate = 0.5 * (1.0 + math.cos(math.pi * progress)) * min(1.0, (step + 1) / WARM_UP_STEPS)
        for group in optimiser.param_groups:
            group["lr"] = (FLOW_RATE if flow_only else LEARNING_RATE) * max(rate, 0.02)
        frames = 2 if flow_only else 3 if progress < 0.45 else 5 if progress < 0.75 else 7
        batch = windows.batch(max(3, 24 // frames), frames, 160 if flow_only else 128)
        with torch.autocast("cpu", torch.bfloat16):
            losses = _flow_losses(model, batch) if flow_only else _losses(model, batch)
        loss = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        else:
            print(f"step {step}: gradient not finite, skipped", flush=True)
        step += 1
        pixels += batch.inputs[:, :, 0].numel()
        decay = min(EMA_DECAY, step / (step + 10.0))
        for name, value in model.state_dict().items():
            if value.is_floating_point():
                average[name].lerp_(value.detach(), 1.0 - decay)
        for name, value in losses.items():
            seen[name] = 0.98 * seen.get(name, float(value.detach())) + 0.02 * float(value.detach())
        if step % 50 == 0:
            figures = " ".join(f"{name} {value:.4f}" for name, value in seen.items())
            rate_px = pixels / (time.monotonic() - start) / 1e6
            print(
                f"{progress:5.1%} step {step} {rate_px:.2f} Mpx/s |g| {norm:.2f} {figures}",
                flush=True,
            )
        if time.monotonic() - last_save > 240.0:
            last_save = time.monotonic()
            _save(model, average, out, windows, (step, pixels, minutes * progress), before)
    _save(model, average, out, windows, (step, pixels, minutes), before)


def _save(
    model: RecurrentCleaner,
    average: dict[str, Tensor],
    out: Path,
    windows: Windows,
    spent: tuple[int, int, float],
    before: dict[str, Any] | None,
) -> None:
    averaged = RecurrentCleaner(model.config)
    averaged.load_state_dict(average)
    training: dict[str, Any] = {
        "command": "python -m temporal_clean.train.bootstrap train",
        "data": "OpenArena recordings of the maps " + ", ".join(windows.names),
        "steps": spent[0],
        "pixels": spent[1],
        "minutes": round(spent[2], 1),
        "resumed_from": before,
    }
    save_checkpoint(averaged, out, training=training)


def _flow_losses(model: RecurrentCleaner, batch: Window) -> dict[str, Tensor]:
    flow = model.flow.estimate(batch.inputs[1], batch.inputs[0])
    return _flow_terms(flow, batch, 1)


def _flow_terms(flow: Flow, batch: Window, t: int) -> dict[str, Tensor]:
    """Distance to the teacher where it is consistent, photometric error, doubt of real errors."""
    known = (1.0 - batch.doubt[t]) * batch.linked[t].view(-1, 1, 1, 1)
    motion = flow.motion.float()
    distance = ((motion - batch.motion[t]).square().sum(1, keepdim=True) + 1e-3).sqrt()
    error = (warp(batch.reference[t - 1], motion, "bilinear") - batch.reference[t]).abs()
    error = error.mean(dim=1, keepdim=True)
    # A warp is wrong where it misses the clean picture by more than a few codes.
    wrong = ((error.detach() - 0.02) / 0.06).clamp(0.0, 1.0)
    doubt = F.binary_cross_entropy(flow.doubt.float().clamp(1e-4, 1.0 - 1e-4), wrong)
    return {
        "teacher": 0.03 * (known * distance).sum() / known.sum().clamp_min(1.0),
        "photometric": 0.5 * ((error + 0.01) ** 0.6 * known).mean(),
        "doubt": 0.03 * doubt,
    }


def _losses(model: RecurrentCleaner, batch: Window) -> dict[str, Tensor]:
    """One window through time."""
    frames = len(batch.inputs)
    state = model.initial_state(batch.inputs[0])
    sums: dict[str, Tensor] = {}
    previous_error = None
    for t in range(frames):
        before = state
        clean, state, maps = model.inspect(batch.inputs[t], state)
        clean, reference = clean.float(), batch.reference[t]
        error = clean - reference
        terms = {
            "picture": _charbonnier(error),
            "gradient": 0.3 * _charbonnier(_gradient(error)),
            "spatial": 0.2 * _charbonnier(maps.spatial.float() - reference),
            "sharp": 0.03 * _sharpness_error(clean, reference),
            "surprise": 0.004 * _surprise(model, reference, before, maps, t),
        }
        if t > 0 and previous_error is not None:
            known = (1.0 - batch.doubt[t]) * batch.linked[t].view(-1, 1, 1, 1)
            change = error - warp(previous_error, batch.motion[t], "bilinear")
            terms["flicker"] = 0.7 * (known * (change.square() + 1e-4).sqrt()).mean()
            terms |= _flow_terms(Flow(maps.motion, maps.doubt), batch, t)
        previous_error = error
        for name, value in terms.items():
            sums[name] = sums.get(name, torch.zeros(())) + value / frames
    return sums


def _charbonnier(x: Tensor) -> Tensor:
    return (x.square() + 1e-4).sqrt().mean()


def _gradient(x: Tensor) -> Tensor:
    right = F.pad(x[..., 1:] - x[..., :-1], (0, 1))
    down = F.pad(x[..., 1:, :] - x[..., :-1, :], (0, 0, 0, 1))
    return torch.cat([right, down], dim=1)


def _sharpness_error(clean: Tensor, reference: Tensor) -> Tensor:
    """|Sharp - 1|, with Sharp = <grad o, grad g> / <grad g, grad g> of each picture."""
    ours, theirs = _gradient(clean), _gradient(reference)
    energy = theirs.square().sum(dim=(1, 2, 3)).clamp_min(1.0)
    return ((ours * theirs).sum(dim=(1, 2, 3)) / energy - 1.0).abs().mean()


def _surprise(
    model: RecurrentCleaner, reference: Tensor, before: State, maps: Any, t: int
) -> Tensor:
    """Negative log-likelihood of the clean frame, given its surroundings and given the past."""
    tokens = model.spatial.tokens(reference)
    nats = model.spatial.surprise(tokens).nats.float().mean()
    if t == 0:
        return nats
    history = warp_picture(before.clean, maps.motion, "bilinear").detach()
    doubt = F.avg_pool2d(maps.doubt, 8).detach()
    given = model.fusion.surprise(tokens, model.fusion.tokens(history), doubt).nats
    return nats + given.float().mean()


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"prepare": prepare, "train": train})
