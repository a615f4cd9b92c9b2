"""Random recipes for training, in documented shares."""

from typing import TypeVar

import numpy as np

from temporal_clean.train.degrading.recipe import Recipe
from temporal_clean.train.degrading.steps import (
    Cas,
    Chroma420,
    Clean,
    Compress,
    Fxaa,
    Grain,
    Quantise,
    Rcas,
    Render,
    Sample,
    Step,
    Temporal,
    Unsharp,
    Upscale,
    UpscaleKernel,
)

Name = TypeVar("Name", bound=str)

__all__ = ["EXTRAS", "SHARES", "draw_recipe"]

# What the render is, before extras. Native aliasing is what the cleaner does best by far and most
# players see: 80 instead of 53 % of it cost lower resolutions nothing, with which the step does
# little anyway. Clean input keeps the identity, and more of it makes the rest timid (docs/LOG.md).
SHARES = {"native": 0.80, "upscaled": 0.08, "temporal": 0.04, "fxaa": 0.03, "clean": 0.05}
# The chance of each extra, drawn one by one and applied in the order of a game's frame. None of
# those that change sharpness or add noise is put on a clean input.
EXTRAS = {"sharpening": 0.08, "grain": 0.06, "dither": 0.05, "chroma": 0.04, "compression": 0.04}
SCALES = (2.0 / 3.0, 0.58, 0.5)
UPSCALERS: dict[UpscaleKernel, float] = {
    "nearest": 0.10,
    "bilinear": 0.40,
    "bicubic": 0.15,
    "lanczos": 0.10,
    "easu": 0.25,
}


def draw_recipe(generator: np.random.Generator, factor: int = 4) -> Recipe:
    """A recipe for one training window, with a seed of its own.

    ``factor`` is the master's: a recording without a master (1) has no native aliasing to
    sample, so its native share goes to lower scales; at odd factors the nearest upscaler, which
    alone can't take out the offset of their half-resolution samples, is left out.
    """
    kind = _pick(generator, SHARES)
    if factor == 1 and kind in ("native", "fxaa"):
        kind = "upscaled"
    render, steps = _rendered(generator, kind, factor)
    steps += _extras(generator, kind)
    return Recipe(f"drawn-{kind}", render, tuple(steps), int(generator.integers(2**31)))


def _rendered(generator: np.random.Generator, kind: str, factor: int) -> tuple[Render, list[Step]]:
    if kind == "clean":
        return Clean(), []
    if kind == "native":
        return Sample(), []
    if kind == "fxaa":
        return Sample(), [Fxaa(subpixel=float(generator.choice([0.25, 0.5, 0.75, 1.0])))]
    scale = float(generator.choice(SCALES))
    if kind == "temporal":
        return _temporal(generator, scale)
    chances: dict[UpscaleKernel, float] = {
        k: v for k, v in UPSCALERS.items() if factor % 2 == 0 or k != "nearest"
    }
    kernel = _pick(generator, chances)
    enlarged = Upscale(kernel)
    if kernel != "easu":
        return Sample(scale), [enlarged]
    # FSR 1 wants an anti-aliased picture; not every game gives it one.
    before: list[Step] = [Fxaa()] if generator.random() < 0.3 else []
    return Sample(scale), [*before, enlarged, Rcas(float(generator.uniform(0.0, 2.0)))]


def _temporal(generator: np.random.Generator, scale: float) -> tuple[Render, list[Step]]:
    """Native TAA (one in three) or a temporal upscaler, from careful to careless."""
    scale = 1.0 if generator.random() < 1 / 3 else scale
    step = Temporal(
        alpha=float(generator.uniform(0.08, 0.25)),
        clamp=float(generator.uniform(0.8, 2.5)),
        history="bilinear" if generator.random() < 0.25 else "bicubic",
        warm_up=3,
        flow="ultrafast",
        late=float(generator.uniform(0.0, 0.08)),
        missing=float(generator.uniform(0.0, 0.15)),
        block=int(generator.choice([8, 16, 32])),
    )
    sharpened: list[Step] = [Rcas(float(generator.uniform(0.2, 2.0)))]
    return Sample(scale, "halton"), [step, *(sharpened if generator.random() < 0.5 else [])]


def _extras(generator: np.random.Generator, kind: str) -> list[Step]:
    wanted = {name for name, chance in EXTRAS.items() if generator.random() < chance}
    steps: list[Step] = []
    if kind != "clean":
        if "sharpening" in wanted:
            halo = Unsharp(generator.uniform(0.6, 1.5), generator.uniform(0.3, 1.0))
            steps.append(halo if generator.random() < 0.5 else Cas(float(generator.random())))
        if "grain" in wanted:
            size = 0.0 if generator.random() < 0.7 else generator.uniform(0.4, 0.9)
            amount = generator.uniform(0.005, 0.03)
            steps.append(Grain(amount, size, 0.0 if generator.random() < 0.5 else 0.5))
    if "dither" in wanted:
        steps.append(Quantise(dither=True))
    if "compression" in wanted:
        steps.append(Compress(crf=int(generator.integers(16, 32))))
    elif "chroma" in wanted:
        steps.append(Chroma420())
    return steps


def _pick(generator: np.random.Generator, chances: dict[Name, float]) -> Name:
    names, weights = list(chances), np.array(list(chances.values()))
    return names[int(generator.choice(len(names), p=weights / weights.sum()))]
