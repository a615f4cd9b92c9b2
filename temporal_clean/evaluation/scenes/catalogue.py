"""The protocol's nine scenes by name, and the one way to render them."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.scenes import moving, still
from temporal_clean.evaluation.scenes.clip import SceneClip
from temporal_clean.evaluation.scenes.take import Take, develop

__all__ = ["SCENES", "Scene", "render_scene"]


@dataclass(frozen=True)
class Scene:
    """``seen`` says what it tests; ``film`` lays it out from (rng, frames, height, width)."""

    seen: str
    film: Callable[[Generator, int, int, int], Take]


SCENES: dict[str, Scene] = {
    "fence": Scene(
        "Half-pixel wires in two directions, moving over a background that moves another way:"
        " do thin things break up, shimmer or vanish?",
        moving.fence,
    ),
    "brick": Scene(
        "A brick street to the horizon from a walking camera: moire in the distance,"
        " and flow that changes with depth.",
        moving.brick,
    ),
    "foreground": Scene(
        "Fast things before a pan: what they uncover has no history, and must show no ghost.",
        moving.foreground,
    ),
    "hud-pan": Scene(
        "Sharp text, bars and a map that stand still over a moving scene, drawn at full quality:"
        " they ought to stay untouched.",
        moving.hud_pan,
    ),
    "cut": Scene(
        "A hard cut between two moving scenes: nothing of the first may show in the second.",
        still.cut,
    ),
    "static-jitter": Scene(
        "A still picture whose samples move within the pixel: it ought to stand still"
        " and can be resolved fully.",
        still.static_jitter,
    ),
    "fade-flash": Scene(
        "A fade to black and back and a two-frame muzzle flash over a pan:"
        " brightness changes, the motion does not.",
        still.fade_flash,
    ),
    "noise": Scene(
        "A sharp, well-sampled scene under noise that is new in every frame.",
        still.noise,
    ),
    "nothing": Scene(
        "A scene with nothing wrong: the input is the reference, and ought to come back as it is.",
        still.nothing,
    ),
}


def render_scene(
    name: str, seed: int = 0, *, frames: int = 48, height: int = 256, width: int = 320
) -> SceneClip:
    """Render one of :data:`SCENES`; the same arguments give the same clip.

    Any size from 16x16 and one frame on. Raises :class:`TemporalCleanError` for an unknown name
    and ValueError for a size that cannot be.
    """
    if name not in SCENES:
        raise TemporalCleanError(
            f"There is no scene {name!r}; the scenes are {', '.join(SCENES)}. Choose one of them."
        )
    if frames < 1 or height < 16 or width < 16:
        raise ValueError(f"expected at least 1 frame of 16x16, got {frames} of {width}x{height}")
    scene = SCENES[name]
    # A seed of its own for each scene: two scenes of one seed must not share their layout.
    rng = torch.Generator().manual_seed(zlib.crc32(f"{name} {seed}".encode()))
    return develop(scene.film(rng, frames, height, width), name, scene.seen, rng)
