"""From shots to a clip: what comes after sampling (noise, light, HUD), and the truth about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.scenes.clip import SceneClip
from temporal_clean.evaluation.scenes.layers import Shot
from temporal_clean.evaluation.scenes.occlusion import exact_motion
from temporal_clean.evaluation.scenes.sampling import Rendering, render

__all__ = ["Light", "Take", "develop", "over"]

# Residual noise of a renderer (stochastic shadows, dither), barely seen in a still.
NOISE = {"harsh": 2 / 255, "mild": 2 / 255}

Overlay = Float[Tensor, "4 height width"]
Pictures = Float[Tensor, "frames 3 height width"]


@dataclass(frozen=True)
class Light:
    """Brightness a frame: times ``gain``, then ``flash`` * ``glow`` of the way to a colour."""

    gain: Float[Tensor, " frames"]
    flash: Float[Tensor, " frames"]
    glow: Float[Tensor, "height width"]
    colour: Float[Tensor, " 3"]


@dataclass(frozen=True)
class Take:
    """``shots`` follow each other by hard cuts.

    ``jitter`` (pixels, x then y) moves the inputs' samples. ``noise`` is the deviation by input.
    ``veil`` (haze) and ``hud`` are premultiplied RGB and coverage. Inputs that are not ``aliased``
    start from the reference.
    """

    shots: tuple[Shot, ...]
    jitter: Float[Tensor, "frames 2"] | None = None
    noise: Mapping[str, float] = field(default_factory=lambda: dict(NOISE))
    veil: Overlay | None = None
    light: Light | None = None
    hud: Overlay | None = None
    aliased: bool = True


def develop(take: Take, name: str, seen: str, rng: Generator) -> SceneClip:
    """Render a take: samples first, then noise, then light, and the HUD over all."""
    renderings = [render(shot, take.jitter) for shot in take.shots]
    reference = torch.cat([r.reference for r in renderings])
    inputs = {
        "harsh": torch.cat([r.one if take.aliased else r.reference for r in renderings]),
        "mild": torch.cat([r.four if take.aliased else r.reference for r in renderings]),
    }
    finished = {
        key: _finish(take, over(pictures, take.veil), rng, take.noise[key])
        for key, pictures in inputs.items()
    }
    lengths = torch.tensor([shot.frames for shot in take.shots])
    return SceneClip(
        name,
        seen,
        _finish(take, over(reference, take.veil), rng, 0.0),
        finished,
        _motion(take, renderings),
        None if take.hud is None else take.hud[3][None, None],
        tuple(lengths.cumsum(0)[:-1].tolist()),
    )


def over(pictures: Pictures, overlay: Overlay | None) -> Pictures:
    """Lay a premultiplied overlay over every frame."""
    return pictures if overlay is None else pictures * (1 - overlay[3]) + overlay[:3]


def _finish(take: Take, pictures: Pictures, rng: Generator, noise: float) -> Pictures:
    if noise:
        grain = torch.randn(pictures.shape, generator=rng)
        pictures = (pictures + noise * grain).clamp(0, 1)
    if take.light is not None:
        light = take.light
        share = light.flash[:, None, None, None] * light.glow
        pictures = (pictures * light.gain[:, None, None, None]).lerp(
            light.colour[:, None, None].expand_as(pictures), share.expand_as(pictures)
        )
    return over(pictures, take.hud)


def _motion(take: Take, renderings: list[Rendering]) -> Motion:
    """Every shot's exact motion; where a cut lies between, nothing is valid and all is new."""
    parts: list[Motion] = []
    for shot, rendering in zip(take.shots, renderings, strict=True):
        planes, shares = [layer.to_texels for layer in shot.layers], rendering.shares
        if take.hud is not None:
            # The HUD is one more plane, in front and still, that hides by its coverage.
            coverage = take.hud[3].expand(len(shares), 1, -1, -1)
            shares = torch.cat([shares * (1 - coverage), coverage], 1)
            planes.append(torch.eye(3, dtype=torch.float64).expand(len(shares), 3, 3))
        if parts:
            nothing = torch.zeros(1, 1, shot.height, shot.width)
            parts.append(Motion(nothing.expand(1, 2, -1, -1), nothing, nothing + 1))
        parts.append(exact_motion(planes, shares))
    return Motion(*(torch.cat(maps) for maps in zip(*parts, strict=True)))
