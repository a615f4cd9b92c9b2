"""The colour transform between two recordings of one run: a curve a channel, then a matrix.

Captures differ in range (limited read as full, or the reverse), gamma, and the YCbCr matrix; one
curve and one 3x3 matrix hold all of these. It is fitted on pictures already laid on each other,
averaged over small blocks so that aliasing and compression do not count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["Colour", "fit_colour"]

Samples = NDArray[np.float64]

# Averaging over 8 x 8 pixels takes out what two renderings of one scene differ in.
CELL = 8
MOST_SAMPLES = 40_000
# Values nearer to black or white than this may be clipped and say nothing of the curve.
CLIPPED = 2 / 255
ROUNDS = 12
BIWEIGHT = 4.685
# Of a curve's fit: pull to the identity a sample, longest step, range of gamma.
WEAK, MOST_STEP, GAMMAS = 1e-7, 0.2, (0.3, 3.0)
# A transform that brings the typical misfit down by less than this is left out.
WORTHWHILE = 0.9
# Limited range (BT.709: 16 to 235 of 255) shown as if it were full, and the reverse.
RANGE_GAIN, RANGE_OFFSET = 219 / 255, 16 / 255


@dataclass(frozen=True)
class Colour:
    """``matrix @ (offset + gain * value ** gamma)`` on display-encoded RGB in [0, 1].

    ``before`` and ``after`` are the typical misfits (median over samples and channels, levels of
    255) without and with it; ``note`` names a likely cause.
    """

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    gamma: tuple[float, float, float] = (1.0, 1.0, 1.0)
    matrix: tuple[tuple[float, float, float], ...] = ((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0))
    before: float = 0.0
    after: float = 0.0
    note: str = ""

    @property
    def is_identity(self) -> bool:
        """Whether values stay as they are."""
        plain = Colour()
        return (self.gain, self.offset, self.gamma, self.matrix) == (
            plain.gain,
            plain.offset,
            plain.gamma,
            plain.matrix,
        )

    def __call__(self, picture: NDArray[Any]) -> NDArray[np.float32]:
        """RGB (..., 3) in levels of 0 to 255 -> the same, not clipped, float32."""
        values = picture.astype(np.float32, copy=False)
        if self.is_identity:
            return values
        curved = np.empty_like(values)
        for channel in range(3):
            base = np.clip(values[..., channel] / np.float32(255), 0, None)
            power = base if self.gamma[channel] == 1 else base ** np.float32(self.gamma[channel])
            curved[..., channel] = self.offset[channel] + self.gain[channel] * power
        return (curved @ np.array(self.matrix, np.float32).T) * np.float32(255)

    def as_json(self) -> dict[str, object]:
        """For clip.json."""
        return {
            "applied_to": "reference",
            "formula": "matrix @ (offset + gain * value ** gamma), display-encoded, 0 to 1",
            "gain": [round(v, 5) for v in self.gain],
            "offset": [round(v, 5) for v in self.offset],
            "gamma": [round(v, 5) for v in self.gamma],
            "matrix": [[round(v, 5) for v in row] for row in self.matrix],
            "misfit_levels": {"before": round(self.before, 3), "after": round(self.after, 3)},
            "note": self.note,
        }


def fit_colour(sources: list[NDArray[Any]], targets: list[NDArray[Any]]) -> Colour:
    """The transform that makes ``sources`` look like ``targets``: RGB pictures in levels of 255.

    Robust: cells that disagree (a HUD, something that moved) lose their say.
    """
    source, target = _samples(sources, targets)
    if len(source) < 100:
        return Colour()
    before = _misfit(source, target)
    curves = [_fit_curve(source[:, c], target[:, c]) for c in range(3)]
    gain, offset, gamma = (_triple(part) for part in zip(*curves, strict=True))
    curved = Colour(gain, offset, gamma)
    middle = curved(source * 255) / 255
    matrix = _fit_matrix(middle.astype(np.float64), target)
    full = Colour(gain, offset, gamma, matrix)
    options = [(c, _misfit(c(source * 255) / 255, target)) for c in (Colour(), curved, full)]
    best, after = options[0]
    for option, misfit in options[1:]:
        if misfit < WORTHWHILE * after:
            best, after = option, misfit
    return Colour(best.gain, best.offset, best.gamma, best.matrix, before, after, _note(best))


def _samples(sources: list[NDArray[Any]], targets: list[NDArray[Any]]) -> tuple[Samples, Samples]:
    """Means of cells (n, 3) in [0, 1] of both, without clipped and uneven ones."""
    rows = []
    for source, target in zip(sources, targets, strict=True):
        height, width = source.shape[0] // CELL, source.shape[1] // CELL
        area = (slice(0, height * CELL), slice(0, width * CELL))
        cells = [
            cv2.resize(p[area].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
            for p in (source, target)
        ]
        rows.append(np.concatenate([c.reshape(-1, 3) for c in cells], axis=1) / 255)
    every = np.concatenate(rows).astype(np.float64)
    every = every[((every > CLIPPED) & (every < 1 - CLIPPED)).all(axis=1)]
    every = every[:: max(1, len(every) // MOST_SAMPLES)]
    return every[:, :3], every[:, 3:]


def _fit_curve(source: NDArray[Any], target: NDArray[Any]) -> tuple[float, float, float]:
    """(gain, offset, gamma) by Gauss-Newton with biweights: a straight line first, then curved."""
    curve, logs = np.array([1.0, 0.0, 1.0]), np.log(source)
    for turn in range(2 * ROUNDS):
        free = 2 if turn < ROUNDS else 3
        power = source ** curve[2]
        trust = _trust(target - (curve[1] + curve[0] * power))
        slopes = np.stack([power, np.ones_like(power), curve[0] * power * logs], axis=1)[:, :free]
        # A weak pull to the identity decides what a narrow range of levels leaves open.
        pull = (slopes * trust[:, None]).T @ (target - (curve[1] + curve[0] * power))
        pull -= len(source) * WEAK * (curve - [1, 0, 1])[:free]
        bend = (slopes * trust[:, None]).T @ slopes + len(source) * WEAK * np.eye(free)
        curve[:free] += np.clip(np.linalg.solve(bend, pull), -MOST_STEP, MOST_STEP)
        curve[2] = np.clip(curve[2], *GAMMAS)
    return float(curve[0]), float(curve[1]), float(curve[2])


def _fit_matrix(source: Samples, target: Samples) -> tuple[tuple[float, float, float], ...]:
    """3x3 by iterated reweighting, near the identity where colours do not tell."""
    matrix = np.eye(3)
    for _ in range(ROUNDS):
        trust = _trust(np.linalg.norm(target - source @ matrix.T, axis=1))
        weighted = source * trust[:, None]
        bend = weighted.T @ source + len(source) * 1e-6 * np.eye(3)
        change = np.linalg.solve(bend, weighted.T @ (target - source @ matrix.T))
        matrix = matrix + change.T
    return tuple(tuple(float(v) for v in row) for row in matrix)  # type: ignore[return-value]


def _trust(miss: NDArray[Any]) -> NDArray[Any]:
    spread = 1.4826 * np.median(np.abs(miss)) + 1e-4
    return np.clip(1 - (miss / (BIWEIGHT * spread)) ** 2, 0, None) ** 2


def _misfit(source: NDArray[Any], target: NDArray[Any]) -> float:
    return float(np.median(np.abs(np.clip(source, 0, 1) - target)) * 255)


def _note(colour: Colour) -> str:
    """What the curve looks like to someone who makes captures."""
    white = np.mean(np.array(colour.offset) + np.array(colour.gain))
    black = float(np.mean(colour.offset))
    if abs(black - RANGE_OFFSET) < 0.015 and abs(white - RANGE_OFFSET - RANGE_GAIN) < 0.02:
        return "the input looks washed out: its limited range was taken for full"
    wide_black, wide_white = -RANGE_OFFSET / RANGE_GAIN, (1 - RANGE_OFFSET) / RANGE_GAIN
    if abs(black - wide_black) < 0.015 and abs(white - wide_white) < 0.02:
        return "the reference looks washed out: its limited range was taken for full"
    return ""


def _triple(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
