"""Scenes of motion: a thin fence, brick to the horizon, fast things in front, a HUD over a pan."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Float64
from torch import Generator, Tensor

from temporal_clean.evaluation.scenes import machines, nature, walls
from temporal_clean.evaluation.scenes.hud import head_up_display
from temporal_clean.evaluation.scenes.layers import Layer, Shot
from temporal_clean.evaluation.scenes.patterns import uniform
from temporal_clean.evaluation.scenes.placing import Camera, on_plane, slide
from temporal_clean.evaluation.scenes.take import Take
from temporal_clean.evaluation.scenes.texture import DENSITY, Texture, bake, texels_across

__all__ = ["brick", "fence", "flying", "foreground", "hud_pan", "pan"]

Painter = Callable[[Generator, int], Tensor | tuple[Tensor, Tensor]]


def pan(
    rng: Generator,
    paint: Painter,
    speed: tuple[float, float],
    frames: int,
    height: int,
    width: int,
) -> Layer:
    """A material that repeats over the screen and slides by ``speed`` pixels a frame.

    It starts anywhere and hangs one to three degrees askew, so that level edges crawl.
    """
    material = paint(rng, texels_across(max(height, width)))
    texture = bake(material) if isinstance(material, Tensor) else bake(*material)
    start = uniform(rng, (2,), -width, 0).double()
    tilt = float(uniform(rng, (1,), 0.017, 0.052))
    time = torch.arange(frames, dtype=torch.float64)
    to_texels = slide(start[0] + speed[0] * time, start[1] + speed[1] * time, turn=tilt)
    return Layer(texture, to_texels)


def fence(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A chain-link fence with half-pixel wires before a house front that moves another way."""
    size = (frames, height, width)
    front = pan(rng, walls.house_front, (_either(rng, 0.9, 1.6), _either(rng, 0.1, 0.4)), *size)
    wires = pan(rng, machines.chain_link, (_either(rng, 1.7, 2.9), _either(rng, 0.2, 0.6)), *size)
    return Take((Shot([front, wires], height, width),))


def brick(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A brick street to the horizon, walked along while swaying, by houses and a railing."""
    camera = _walk(rng, frames, height, width)
    across = texels_across(width)
    far, eye = 300.0, 1.6
    per_metre = DENSITY * camera.focal / far
    foot = 0.6 * across
    town = bake(*walls.skyline(rng, across, foot), tiled=(True, False))
    sky = bake(nature.clouds(rng, across), tiled=(True, False))
    paving = bake(walls.bricks(rng, across, (15.0, 7.0), (0.52, 0.36, 0.30)), receding=True)
    houses = bake(walls.house_front(rng, across), tiled=(True, False), receding=True)
    # Without minified levels: halved, the bars would be under half a texel and gone at once.
    bars = bake(*machines.railing(rng, across // 4), tiled=(True, False))
    right, down, ahead = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)

    def plane(texture: Texture, origin: tuple, u: tuple, v: tuple, scale: float) -> Layer:
        return Layer(texture, on_plane(camera, origin, u, v, scale))

    sky_top, tall, rail = eye - 0.75 * across / per_metre, across / 130, across / 4 / 400
    layers = [
        plane(sky, (0.0, sky_top, far), right, down, per_metre),
        plane(town, (0.0, eye - foot / per_metre, far), right, down, per_metre),
        plane(paving, (0.0, eye, 0.0), right, ahead, 480.0),
        plane(houses, (-3.5, eye - tall, 0.0), ahead, down, 130.0),
        plane(bars, (2.4, eye - rail, 0.0), ahead, down, 400.0),
    ]
    return Take((Shot(layers, height, width),), veil=_haze(camera, height, width))


def _walk(rng: Generator, frames: int, height: int, width: int) -> Camera:
    time = torch.arange(frames, dtype=torch.float64)
    phase = float(uniform(rng, (1,), 0, 2 * math.pi))
    sway = (time * 0.11 + phase).sin()
    z = float(uniform(rng, (1,), 0, 5)) + float(uniform(rng, (1,), 0.05, 0.08)) * time
    position = torch.stack([0.25 * sway, torch.zeros_like(time), z], 1)
    yaw = 0.03 * (time * 0.07 + phase).cos()
    roll = float(uniform(rng, (1,), 0.01, 0.03))
    return Camera(position, yaw, roll, 0.87 * width, (width - 1) / 2, 0.4 * height)


def _haze(camera: Camera, height: int, width: int) -> Float[Tensor, "4 height width"]:
    """Air over the far street: it depends on the row alone, and depth does too, nearly."""
    below = (torch.arange(height) - camera.horizon) / height
    share = 0.38 * torch.where(below > 0, (-below * 14).exp(), (below * 7).exp())
    colour = torch.tensor([0.78, 0.82, 0.88])[:, None, None]
    cover = share[None, :, None].expand(1, height, width)
    return torch.cat([colour * cover, cover])


def foreground(rng: Generator, frames: int, height: int, width: int) -> Take:
    """Five things that fly past at 6 to 20 pixels a frame before a house front that pans."""
    size = (frames, height, width)
    layers = [pan(rng, walls.house_front, (_either(rng, 1.5, 2.5), _either(rng, 0.2, 0.5)), *size)]
    things = (nature.bush, machines.crate, machines.grate, machines.wheel, machines.drone)
    for place, (thing, speed) in enumerate(zip(things, (6, 9, 12.5, 16, 20), strict=True)):
        layers.append(flying(rng, thing, speed, (place + 0.5) / len(things), *size))
    return Take((Shot(layers, height, width),))


def flying(
    rng: Generator, paint: Painter, speed: float, lane: float, frames: int, height: int, width: int
) -> Layer:
    """A thing that crosses the screen again and again; ``lane`` is where, from top 0 to bottom 1.

    The wheel rolls, the rest turns slowly. It returns from beyond the edge only once it is wholly
    beyond the other, so that no visible pixel ever jumps.
    """
    across = texels_across(0.3 * height)
    picture, coverage = paint(rng, across)
    side = across / DENSITY
    margin = 0.75 * side + speed  # 0.71 is half the diagonal of a square
    time = torch.arange(frames, dtype=torch.float64)
    start = float(uniform(rng, (1,), 0, width))
    direction = _either(rng, 1, 1)
    x = (start + direction * speed * time + margin) % (width + 2 * margin) - margin
    y = height * (lane + 0.04 * (0.13 * time + start).sin())
    spin = 2 * speed / side if paint is machines.wheel else float(uniform(rng, (1,), 0.005, 0.03))
    return Layer(
        bake(picture, coverage, tiled=(False, False)), about(x, y, spin * direction * time, side)
    )


def about(
    x: Float64[Tensor, " frames"],
    y: Float64[Tensor, " frames"],
    turn: Float64[Tensor, " frames"],
    side: float,
) -> Float64[Tensor, "frames 3 3"]:
    """Placing of a square of ``side`` pixels by its centre."""
    cos, sin = turn.cos() * side / 2, turn.sin() * side / 2
    return slide(x - cos + sin, y - sin - cos, turn=turn)


def hud_pan(rng: Generator, frames: int, height: int, width: int) -> Take:
    """A still HUD over grass and bushes that pan by."""
    size = (frames, height, width)
    speed = _either(rng, 1.8, 3.2), _either(rng, 0.5, 1.2)
    layers = [pan(rng, nature.meadow, speed, *size)]
    layers += [flying(rng, nature.bush, 1.4 * abs(speed[0]), lane, *size) for lane in (0.35, 0.75)]
    return Take((Shot(layers, height, width),), hud=head_up_display(height, width))


def _either(rng: Generator, low: float, high: float) -> float:
    """A random number in the range, of either sign."""
    sign = 1 if float(uniform(rng, (1,))) < 0.5 else -1
    return sign * float(uniform(rng, (1,), low, high))
