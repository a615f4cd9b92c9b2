"""Layered synthetic scenes: sprites over a background, all moving, with exact flow and occlusion.

Textures are cut from masters. Each layer moves by a homography of its own; where a pixel lay one
frame before follows from two homographies without inverting a flow, and it was hidden there if
another layer was on top.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["LayeredScene", "draw_scene"]

Texture = UInt8[np.ndarray, "rows columns 3"]
Homography = NDArray[np.float64]

MOST_SPRITES = 6
# Pixels of the clip a frame: half of all motion lies below one, as in slow pans; WILD in widths
# is what the recordings hold (train/recording/windows.py).
SLOWEST, FASTEST = 0.03, 20.0
STILL_SHARE = 0.15


@dataclass(frozen=True)
class LayeredScene:
    """Frames at the master's size, and from each the exact motion to the frame before, in pixels
    of the clip; ``known`` is 1 where that pixel was visible and inside, nowhere in frame 0."""

    master: UInt8[Tensor, "time 3 rows columns"]
    motion: Float[Tensor, "time 2 height width"]
    known: Float[Tensor, "time 1 height width"]


@dataclass(frozen=True)
class Layer:
    """A texture, its cut-out within ``outline`` (points of the texture, or None: everywhere) and,
    for each frame, the map from the screen to the texture."""

    texture: Texture
    cover: UInt8[np.ndarray, "rows columns"]
    outline: Float[np.ndarray, "points 2"] | None
    maps: list[Homography]

    def extent(self, frame: int, size: int) -> tuple[slice, slice]:
        """Columns and rows of the screen that the layer may cover."""
        if self.outline is None:
            return slice(0, size), slice(0, size)
        points = np.column_stack([self.outline, np.ones(len(self.outline))])
        shown = points @ np.linalg.inv(self.maps[frame]).T
        places = shown[:, :2] / shown[:, 2:]
        first = np.floor(places.min(axis=0)).astype(int).clip(0, size)
        last = (np.ceil(places.max(axis=0)).astype(int) + 1).clip(0, size)
        return slice(first[0], last[0]), slice(first[1], last[1])

    def seen(self, frame: int, columns: slice, rows: slice) -> tuple[Texture, NDArray[np.uint8]]:
        """Texture and cover in that part of the screen; the texture is mirrored at its borders."""
        start = np.array([[1.0, 0.0, columns.start], [0.0, 1.0, rows.start], [0.0, 0.0, 1.0]])
        size = (columns.stop - columns.start, rows.stop - rows.start)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        beyond = cv2.BORDER_REFLECT_101
        outside = beyond if self.outline is None else cv2.BORDER_CONSTANT

        def warped(picture: NDArray[np.uint8], border: int) -> NDArray[np.uint8]:
            place = self.maps[frame] @ start
            seen = cv2.warpPerspective(picture, place, size, flags=flags, borderMode=border)
            return np.asarray(seen, np.uint8)

        return warped(self.texture, beyond), warped(self.cover, outside)


def draw_scene(
    textures: list[Texture], frames: int, side: int, factor: int, random: np.random.Generator
) -> LayeredScene:
    """A random scene of ``side`` x ``side`` pixels of the clip; masters are ``factor`` times that.

    The first texture is the background, at least as large as the scene; the others are sprites'.
    """
    camera = _velocity(random, factor)
    layers = [_background(textures[0], frames, side * factor, camera, random)]
    for _ in range(int(random.integers(1, MOST_SPRITES + 1))):
        texture = textures[int(random.integers(len(textures)))]
        layers.append(_sprite(texture, frames, side * factor, camera, factor, random))
    master, tops = _render(layers, frames, side, factor)
    motion, known = _exact(layers, tops, side, factor)
    planes = torch.from_numpy(master).permute(0, 3, 1, 2).contiguous()
    return LayeredScene(planes, motion, known)


def _velocity(random: np.random.Generator, factor: int) -> NDArray[np.float64]:
    """In pixels of the master a frame."""
    if random.random() < STILL_SHARE:
        return np.zeros(2)
    speed = np.exp(random.uniform(np.log(SLOWEST), np.log(FASTEST))) * factor
    angle = random.uniform(0.0, 2.0 * np.pi)
    return speed * np.array([np.cos(angle), np.sin(angle)])


def _path(
    frames: int,
    start: NDArray[np.float64],
    centre: NDArray[np.float64],
    velocity: NDArray[np.float64],
    random: np.random.Generator,
) -> list[Homography]:
    """Screen to texture for each frame: a shift, with slow turning, zooming and tilting.

    ``centre`` of the screen shows ``start`` of the texture half-way through.
    """
    moving = bool(np.any(velocity))
    turn, zoom = (random.normal(0.0, 0.008) * moving for _ in range(2))
    tilt = random.normal(0.0, 2e-6, 2) * moving
    first_turn, first_zoom = random.uniform(-0.4, 0.4), random.uniform(0.85, 1.2)
    maps = []
    for frame in range(frames):
        k = frame - (frames - 1) / 2
        angle, scale = first_turn + turn * k, first_zoom * np.exp(zoom * k)
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        to_centre = np.array([[1.0, 0.0, -centre[0]], [0.0, 1.0, -centre[1]], [0.0, 0.0, 1.0]])
        bend = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0], [*(tilt * k), 1.0]])
        place = start - velocity * k
        away = np.array([[1.0, 0.0, place[0]], [0.0, 1.0, place[1]], [0.0, 0.0, 1.0]])
        maps.append(away @ bend @ to_centre)
    return maps


def _background(
    texture: Texture,
    frames: int,
    size: int,
    velocity: NDArray[np.float64],
    random: np.random.Generator,
) -> Layer:
    height, width = texture.shape[:2]
    start = np.array([random.uniform(0.3, 0.7) * width, random.uniform(0.3, 0.7) * height])
    centre = np.full(2, size / 2)
    cover = np.full((height, width), 255, np.uint8)
    return Layer(texture, cover, None, _path(frames, start, centre, velocity, random))


def _sprite(
    texture: Texture,
    frames: int,
    size: int,
    camera: NDArray[np.float64],
    factor: int,
    random: np.random.Generator,
) -> Layer:
    """Something with a ragged outline, a twelfth to half of the view, carried by the camera too."""
    height, width = texture.shape[:2]
    radius = size * np.exp(random.uniform(np.log(1 / 24), np.log(1 / 4)))
    place = np.array([random.uniform(0.0, width), random.uniform(0.0, height)])
    angles = np.sort(random.uniform(0.0, 2.0 * np.pi, int(random.integers(3, 14))))
    reach = radius * random.uniform(0.4, 1.3, len(angles))
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None] + place
    cover = np.zeros((height, width), np.uint8)
    cv2.fillPoly(cover, [np.round(outline).astype(np.int32)], 255)
    if random.random() < 0.2:
        # Bars: thin structures, a pixel of the clip wide or so, are where games break up.
        pitch = int(factor * random.integers(3, 9))
        cover[:, np.arange(width) % pitch >= max(1, int(pitch * random.uniform(0.2, 0.5)))] = 0
    share = random.choice([0.0, 1.0, random.uniform(0.0, 1.5)])
    velocity = _velocity(random, factor) + share * camera
    centre = random.uniform(0.0, size, 2)
    return Layer(texture, cover, outline, _path(frames, place, centre, velocity, random))


def _render(
    layers: list[Layer], frames: int, side: int, factor: int
) -> tuple[UInt8[np.ndarray, "time rows columns 3"], list[NDArray[np.uint8]]]:
    """Frames at the master's size; which layer is on top at each pixel of the clip."""
    size = side * factor
    master = np.empty((frames, size, size, 3), np.uint8)
    tops = []
    for frame in range(frames):
        top = np.zeros((size, size), np.uint8)
        for index, layer in enumerate(layers):
            columns, rows = layer.extent(frame, size)
            if columns.start >= columns.stop or rows.start >= rows.stop:
                continue
            seen, cover = layer.seen(frame, columns, rows)
            _, cover = cv2.threshold(cover, 127, 255, cv2.THRESH_BINARY)
            cv2.copyTo(seen, cover, master[frame, rows, columns])
            cv2.copyTo(np.full_like(cover, index), cover, top[rows, columns])
        # The clip's pixel centres: see temporal_clean.train.degrading.grids.
        tops.append(top[factor // 2 :: factor, factor // 2 :: factor].copy())
    return master, tops


def _exact(
    layers: list[Layer], tops: list[NDArray[np.uint8]], side: int, factor: int
) -> tuple[Float[Tensor, "time 2 height width"], Float[Tensor, "time 1 height width"]]:
    rows, columns = np.mgrid[0:side, 0:side]
    here = np.stack([columns, rows, np.ones_like(rows)], axis=-1).astype(np.float64)
    # Index of a clip pixel's centre in the master, and back.
    here[..., :2] = here[..., :2] * factor + factor // 2
    motion = np.zeros((len(tops), side, side, 2), np.float32)
    known = np.zeros((len(tops), side, side), bool)
    for frame in range(1, len(tops)):
        before = np.zeros((side, side, 2))
        for index, layer in enumerate(layers):
            back = np.linalg.inv(layer.maps[frame - 1]) @ layer.maps[frame]
            mine = tops[frame] == index
            moved = here[mine] @ back.T
            before[mine] = moved[:, :2] / moved[:, 2:]
        motion[frame] = (before - here[..., :2]) / factor
        known[frame] = _visible(motion[frame], tops[frame], tops[frame - 1])
    return (
        torch.from_numpy(motion).permute(0, 3, 1, 2).contiguous(),
        torch.from_numpy(known)[:, None].float(),
    )


def _visible(
    motion: Float[np.ndarray, "height width 2"],
    top: UInt8[np.ndarray, "height width"],
    before: UInt8[np.ndarray, "height width"],
) -> Bool[np.ndarray, "height width"]:
    """Whether the nearest pixel one frame before is inside and of the same layer."""
    side = len(top)
    rows, columns = np.mgrid[0:side, 0:side]
    x = np.round(columns + motion[..., 0]).astype(int)
    y = np.round(rows + motion[..., 1]).astype(int)
    inside = (x >= 0) & (x < side) & (y >= 0) & (y < side)
    same = before[y.clip(0, side - 1), x.clip(0, side - 1)] == top
    return inside & same
