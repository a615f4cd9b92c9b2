"""What the methods are shown: synthetic scenes, and clips of real games that no one trained on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.clip import Clip
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.scenes import SCENES, render_scene
from temporal_clean.evaluation.stretches import read_frames, read_stretches, video_of
from temporal_clean.evaluation.subjects import Subject

__all__ = [
    "GROUPS",
    "INPUTS",
    "Loaded",
    "Material",
    "clip_material",
    "cropped",
    "load",
    "scene_material",
]

# The inputs that are judged, by where they come from: how many samples a pixel had.
INPUTS = {"scene": ("harsh", "mild"), "game": ("native", "performance-bilinear")}
GROUPS = {
    ("game", "native"): "real games at native resolution, one sample a pixel",
    ("game", "performance-bilinear"): "real games at half resolution, enlarged bilinearly",
    ("scene", "harsh"): "synthetic scenes, one sample a pixel and noise",
    ("scene", "mild"): "synthetic scenes, four samples a pixel and noise",
}


@dataclass(frozen=True)
class Loaded:
    """One input with the truth about it; ``mask`` is the coverage of its HUD, where it has one."""

    frames: Float[Tensor, "frames 3 height width"]
    reference: Float[Tensor, "frames 3 height width"]
    motion: Motion
    mask: Float[Tensor, "frames 1 height width"] | None
    cuts: tuple[int, ...] = ()
    frame_rate: Fraction = Fraction(60)


@dataclass(frozen=True)
class Material:
    """One input of one scene or clip; ``kind`` is ``scene`` or ``game``."""

    kind: str
    name: str
    rendering: str
    frames: int
    folder: Path | None = None


def scene_material(frames: int = 32) -> list[Material]:
    """Every scene with every input."""
    return [
        Material("scene", name, rendering, frames)
        for name in SCENES
        for rendering in INPUTS["scene"]
    ]


def clip_material(
    clips: Sequence[Clip], frames: int = 60, renderings: Sequence[str] = INPUTS["game"]
) -> list[Material]:
    """Every clip with every one of ``renderings``; clips of the training split are refused.

    Raises :class:`TemporalCleanError` for those, and for clips that lack a rendering.
    """
    for clip in clips:
        if clip.record.split != "validation":
            raise TemporalCleanError(
                f"{clip.folder} belongs to the {clip.record.split} split: judge by clips that no "
                "one trained on (temporal-clean pairs record GAME --split validation)"
            )
        for rendering in ("reference", *renderings):
            clip.path(rendering)
    return [
        Material("game", clip.record.name, rendering, min(frames, clip.record.frames), clip.folder)
        for clip in clips
        for rendering in renderings
    ]


def load(materials: Sequence[Material]) -> list[Loaded]:
    """Inputs of one scene or clip, which is rendered or read once for all of them."""
    first = materials[0]
    if first.folder is None:
        return _load_scene(first.name, first.frames, [one.rendering for one in materials])
    return _load_clip(first.folder, first.frames, [one.rendering for one in materials])


def _load_scene(name: str, frames: int, renderings: Sequence[str]) -> list[Loaded]:
    scene = render_scene(name, frames=frames)
    mask = None if scene.hud is None else scene.hud.expand(frames, -1, -1, -1)
    return [
        Loaded(scene.inputs[one], scene.reference, scene.motion, mask, scene.cuts)
        for one in renderings
    ]


def _load_clip(folder: Path, frames: int, renderings: Sequence[str]) -> list[Loaded]:
    clip = Clip.open(folder)
    paths = [clip.path(one) for one in renderings]
    subject = Subject(clip.record.name, paths[0], clip.path("reference"), clip=clip)
    stretches = [s for s, _ in read_stretches(subject, video_of(subject, frames), frames)]
    # Each stretch begins with the last frame of the one before.
    motions = zip(*(stretch.motion for stretch in stretches), strict=True)
    masks = [s.mask[-s.fresh :] for s in stretches if s.mask is not None]
    first = Loaded(
        torch.cat([s.output[-s.fresh :] for s in stretches]),
        torch.cat([s.reference[-s.fresh :] for s in stretches]),
        Motion(*map(torch.cat, motions)),
        torch.cat(masks) if masks else None,
        frame_rate=clip.record.frame_rate,
    )
    others = (torch.cat(list(read_frames(path, frames))) for path in paths[1:])
    return [first, *(replace(first, frames=pictures) for pictures in others)]


def cropped(loaded: Loaded, side: int) -> Loaded:
    """The same cut at the right and at the bottom to multiples of ``side``, without its mask."""
    height, width = (n // side * side for n in loaded.frames.shape[-2:])
    motion = Motion(*(plane[..., :height, :width] for plane in loaded.motion))
    frames, clean = (p[..., :height, :width] for p in (loaded.frames, loaded.reference))
    return replace(loaded, frames=frames, reference=clean, motion=motion, mask=None)
