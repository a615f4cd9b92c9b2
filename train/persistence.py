"""What stays in its place on the screen while the scene moves: the evidence behind masks.

Three figures a pixel, gathered in one pass over the frames:

- **coherence** of the gradients: |mean g|^2 / mean |g|^2 over time (after Dekel et al., "On the
  Effectiveness of Visible Watermarks", CVPR 2017, who take the median). What is fixed to the
  screen keeps its gradients: 1, also under a translucent panel's edge about a half. A scene that
  moved past gives 1/n after n independent views.
- **travel**: how far the scene behind has moved across the edge, in pixels. An edge along the
  motion (a ledge in a pan, a kerb that runs to the vanishing point) is coherent without being
  fixed to the screen; only motion across it proves anything.
- **hold**: of the frame pairs in which the scene moved across the edge, the share in which
  nothing changed. Numbers that count are held nearly always and then jump; a weapon or a car
  that moves with the camera creeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Persistence", "gather"]

# float32; what OpenCV and in-place sums give is typed more loosely.
Plane = NDArray[Any]

# BT.709 luma, as the flow networks see it.
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Flow is measured at about this width: motion of the scene is coarse, HUD text is not, so that
# the scene outweighs what is written over it; 4 ms a frame.
FLOW_WIDTH = 240
# The scene's motion under an overlay is filled in from this far (standard deviation, of the width).
REACH = 0.05
# Motion of less than this, in pixels of the small picture, is DIS flow's own noise.
FLOW_NOISE = 0.3
# Code values: the root-mean-square gradient from which an edge is above texture and noise.
EDGE = 10.0
# A pair is held if the squared change of the gradient is under this share of its energy, plus
# the rounding and compression noise of two gradients (code values squared).
HELD, HELD_NOISE = 0.02, 12.0
# From this share on a change is a jump, below a creep.
JUMP = 0.3


@dataclass(frozen=True)
class Persistence:
    """Evidence a pixel, all (height, width).

    ``coherence`` and ``hold`` in [0, 1]; ``strength`` (of the mean gradient) and ``texture`` (root
    of the mean squared gradient) in code values; ``travel`` in pixels; ``trials``: the weight of
    frame pairs behind ``hold``; ``jumpy``: its changes are jumps rather than creeping; ``lowest``
    and ``highest``: luma's range over time, code values.
    """

    coherence: Plane
    strength: Plane
    texture: Plane
    travel: Plane
    hold: Plane
    trials: Plane
    jumpy: NDArray[np.bool_]
    lowest: Plane
    highest: Plane


def gather(frames: Sequence[NDArray[Any]], numbers: Sequence[int]) -> Persistence:
    """Evidence from (height, width, 3) RGB frames, at least two; memory does not grow with them.

    ``numbers`` are the frames' places in the recording: pairs that are not neighbours count for
    coherence and travel, not for hold.
    """
    height, width = frames[0].shape[:2]
    views = [_View.of(frames[0])]
    sums = _Sums(height, width)
    sums.add_view(views[0])
    flow = _SceneFlow(width, height)
    for (before, after), frame in zip(pairwise(numbers), frames[1:], strict=True):
        view, previous = _View.of(frame), views.pop()
        motion = flow.between(previous.luma, view.luma)
        sums.add_view(view)
        sums.add_motion(motion)
        if after == before + 1:
            enlarged = cv2.resize(motion, (width, height))
            sums.add_pair(previous, view, enlarged)
        views.append(view)
    return sums.result()


@dataclass(frozen=True)
class _View:
    luma: Plane
    gradient: Plane  # (height, width, 2), forward differences
    energy: Plane

    @staticmethod
    def of(frame: NDArray[Any]) -> "_View":
        luma = frame.astype(np.float32) @ LUMA
        gradient = np.zeros((*luma.shape, 2), np.float32)
        gradient[:, :-1, 0] = np.diff(luma, axis=1)
        gradient[:-1, :, 1] = np.diff(luma, axis=0)
        return _View(luma, gradient, (gradient**2).sum(axis=-1))


class _SceneFlow:
    """Motion of the scene in full-size pixels, (rows, columns, 2) of a small grid, filled in
    where something fixed to the screen, or nothing at all, is seen; 0 where nothing is near."""

    def __init__(self, width: int, height: int) -> None:
        self.scale = max(1.0, width / FLOW_WIDTH)
        self.size = (round(width / self.scale), round(height / self.scale))
        self.engine = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def between(self, before: Plane, after: Plane) -> Plane:
        first, second = (
            np.rint(cv2.resize(luma, self.size, interpolation=cv2.INTER_AREA)).astype(np.uint8)
            for luma in (before, after)
        )
        motion = self.engine.calc(first, second, np.zeros((*first.shape, 2), np.float32))
        detail = cv2.GaussianBlur(np.abs(cv2.Laplacian(first, cv2.CV_32F)), (0, 0), 1.0)
        moving = (np.hypot(motion[..., 0], motion[..., 1]) > FLOW_NOISE) & (detail > 3.0)
        weight = moving.astype(np.float32)
        reach = REACH * self.size[0]
        near = cv2.GaussianBlur(weight, (0, 0), reach)
        filled = cv2.GaussianBlur(motion * weight[..., None], (0, 0), reach)
        known = near > 0.03
        return filled * (known * self.scale / np.maximum(near, 0.03))[..., None]


class _Sums:
    """Running sums over time, from which the figures come."""

    def __init__(self, height: int, width: int) -> None:
        self.size, self.count = (width, height), 0
        self.gradient = np.zeros((height, width, 2), np.float32)
        self.lowest = np.full((height, width), np.inf, np.float32)
        planes = np.zeros((6, height, width), np.float32)
        self.energy, self.highest, self.trials, self.held, self.crept, self.jumped = planes
        self.places: list[Plane] = []

    def add_view(self, view: _View) -> None:
        self.count += 1
        self.gradient += view.gradient
        self.energy += view.energy
        np.minimum(self.lowest, view.luma, out=self.lowest)
        np.maximum(self.highest, view.luma, out=self.highest)

    def add_motion(self, motion: Plane) -> None:
        self.places.append(motion + (self.places[-1] if self.places else 0.0))

    def add_pair(self, before: _View, after: _View, motion: Plane) -> None:
        across = np.abs((before.gradient * motion).sum(axis=-1)) / np.sqrt(before.energy + 1.0)
        energy = before.energy + after.energy
        # Half a pixel across the edge is where its change begins to show; from 1.5 it tells all.
        weight = np.clip(across - 0.5, 0.0, 1.0) * (energy > 2.0 * EDGE**2)
        change = ((after.gradient - before.gradient) ** 2).sum(axis=-1)
        self.trials += weight
        self.held += weight * (change < HELD * energy + HELD_NOISE)
        jump = change >= JUMP * energy
        self.jumped += weight * change * jump
        self.crept += weight * change * ~jump

    def result(self) -> Persistence:
        mean = self.gradient / self.count
        energy = self.energy / self.count
        strength = np.linalg.norm(mean, axis=-1)
        return Persistence(
            coherence=strength**2 / (energy + 4.0),
            strength=strength,
            texture=np.sqrt(energy),
            travel=self._travel(mean / np.maximum(strength, 1e-3)[..., None]),
            hold=self.held / np.maximum(self.trials, 1e-3),
            trials=self.trials,
            jumpy=self.jumped >= self.crept,
            lowest=self.lowest,
            highest=self.highest,
        )

    def _travel(self, normal: Plane) -> Plane:
        """The scene's extent across each edge: sqrt(12) standard deviations of where it was,
        which is the full range of an even motion and forgives shaking on the spot."""
        places = np.stack([np.zeros_like(self.places[0]), *self.places])
        places = places - places.mean(axis=0)
        xx, xy, yy = (
            cv2.resize((places[..., i] * places[..., j]).mean(axis=0), self.size)
            for i, j in ((0, 0), (0, 1), (1, 1))
        )
        x, y = normal[..., 0], normal[..., 1]
        variance = x * x * xx + 2.0 * x * y * xy + y * y * yy
        return np.sqrt(12.0 * np.maximum(variance, 0.0))
