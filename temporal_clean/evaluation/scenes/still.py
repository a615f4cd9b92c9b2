"""Scenes about time and light: a cut, a still camera, a fade and a flash, noise, and no fault."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from temporal_clean.evaluation.scenes import machines, nature, walls
from temporal_clean.evaluation.scenes.layers import Layer, Shot
from temporal_clean.evaluation.scenes.moving import flying, pan
from temporal_clean.evaluation.scenes.take import Light, Take
from temporal_clean.jitter import halton

__all__ = ["cut", "fade_flash", "noise", "nothing", "static_jitter"]

PLACES = 16


def cut(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A street at night, then from one frame to the next a meadow by day; both move."""
    first, second = frames - frames // 2, frames // 2
    night = pan(rng, _night, (1.7, 0.3), first, height, width)
    wheel = flying(rng, machines.wheel, 7.0, 0.75, first, height, width)
    shots = [Shot([night, wheel], height, width)]
    if second:
        grass = pan(rng, nature.meadow, (-2.2, 0.8), second, height, width)
        drone = flying(rng, machines.drone, 5.0, 0.4, second, height, width)
        shots.append(Shot([grass, drone], height, width))
    return Take(tuple(shots))


def _night(rng: Generator, size: int) -> Float[Tensor, "3 size size"]:
    return walls.house_front(rng, size, plaster=(0.50, 0.45, 0.55), night=True)


def static_jitter(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A house front behind a fence; only the inputs' sampling place moves, within the pixel."""
    size = (frames, height, width)
    layers = [
        pan(rng, paint, (0.0, 0.0), *size) for paint in (walls.house_front, machines.chain_link)
    ]
    layers.append(flying(rng, nature.bush, 0.0, 0.8, *size))
    return Take((Shot([_stopped(layer) for layer in layers], height, width),), _jitter(frames))


def _stopped(layer: Layer) -> Layer:
    return Layer(layer.texture, layer.to_texels[:1].expand_as(layer.to_texels))


def _jitter(frames: int) -> Float[Tensor, "frames 2"]:
    """Offsets in pixels: sixteen places, as TAA uses; no shift is left over a whole sequence."""
    return halton(frames, PLACES) - halton(PLACES, PLACES).mean(0)


def fade_flash(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A pan through a hangar: fade to black and back in its first half, then a two-frame flash."""
    size = (frames, height, width)
    layers = [pan(rng, machines.panels, (1.9, -0.6), *size)]
    layers.append(flying(rng, machines.crate, 4.0, 0.6, *size))
    time = torch.arange(frames) / max(frames - 1, 1)
    # Down from 1/8 to 2/8 of the clip, black until 3/8, up again by 1/2.
    gain = ((time - 0.3125).abs() * 8 - 0.5).clamp(0, 1)
    flash = torch.zeros(frames)
    flash[frames * 3 // 4 : frames * 3 // 4 + 2] = torch.tensor([0.85, 0.45])[
        : frames - frames * 3 // 4
    ]
    y, x = torch.arange(height)[:, None] / height, torch.arange(width) / width
    glow = 0.55 + 0.45 * (-6 * ((x - 0.62) ** 2 + (y - 0.75) ** 2)).exp()
    light = Light(gain, flash, glow, torch.tensor([1.0, 0.93, 0.72]))
    return Take((Shot(layers, height, width),), light=light)


def noise(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A well-sampled brick wall and a drone; the input adds noise, new in each frame."""
    size = (frames, height, width)
    layers = [pan(rng, walls.bricks, (-1.3, 0.7), *size)]
    layers.append(flying(rng, machines.drone, 3.0, 0.5, *size))
    # 8/255 is the level at which facts/quality.md measured how each metric takes noise.
    deviation = {"harsh": 8 / 255, "mild": 4 / 255}
    return Take((Shot(layers, height, width),), noise=deviation, aliased=False)


def nothing(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A house front, a fence and a crate, well sampled: the input is the reference itself."""
    size = (frames, height, width)
    layers = [pan(rng, walls.house_front, (1.2, -0.4), *size)]
    layers.append(flying(rng, machines.crate, 6.0, 0.4, *size))
    layers.append(pan(rng, machines.chain_link, (-2.3, 0.3), *size))
    clean = {"harsh": 0.0, "mild": 0.0}
    return Take((Shot(layers, height, width),), noise=clean, aliased=False)
