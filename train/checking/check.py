"""One pass over input and reference, then the figures and the verdict."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import zip_longest
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import psnr
from temporal_clean.train.aligning.registration import Shift, shift_between
from temporal_clean.train.checking.judge import judge, mismatches
from temporal_clean.train.checking.report import Evidence, Figures, Report
from temporal_clean.train.checking.sampling import RUN, Samples, shrink
from temporal_clean.train.checking.timing import best_offset, find_cuts, find_doubled, stretches
from temporal_clean.train.masks import Overlay, find_overlay

__all__ = ["check_pair"]

Pixels = NDArray[np.uint8]

# Thumbnails: large enough that a frame of slow motion shows, small enough to keep a clip of them.
THUMBNAIL = (64, 36)
# Repeated frames in a row from which the picture counts as frozen, not as dropped frames.
FROZEN = 5
# Darker than this everywhere (codes): limited-range black read as full is 16.
BLACK = 20
# Registrations below this agreement say nothing (see Shift.confidence).
AGREEING = 0.2
# Below this change (codes, mean) a frame says nothing about aliasing's shifts.
MOVED = 0.25


def check_pair(
    given: Iterable[Pixels],
    reference: Iterable[Pixels],
    steps: Sequence[Mapping[str, Any]] | None = None,
    rates: tuple[Fraction | None, Fraction | None] = (None, None),
) -> Report:
    """Check frames of an input against their reference: (height, width, 3) uint8 RGB each.

    Both are read once, side by side; memory is bounded but for some kilobytes a frame. ``steps``
    is what ``clip.json`` says about how the input was made (upscaled inputs are soft by nature);
    ``rates`` are frame rates. Raises :class:`TemporalCleanError` if there is no frame at all.
    """
    gathered = _Gathered()
    lengths = [0, 0]
    for ours, theirs in zip_longest(given, reference):
        lengths = [n + (f is not None) for n, f in zip(lengths, (ours, theirs), strict=True)]
        if ours is None or theirs is None:
            continue
        if ours.shape != theirs.shape:
            sizes = tuple((f.shape[1], f.shape[0]) for f in (ours, theirs))
            return Report(None, mismatches((sizes[0], sizes[1]), rates, None))
        gathered.add(ours, theirs)
    if not gathered.count:
        raise TemporalCleanError(
            f"expected frames of input and reference, got {lengths[0]} and {lengths[1]}: "
            "check the files"
        )
    overlays = gathered.overlays()
    figures = gathered.figures(overlays)
    findings = (*mismatches(None, rates, (lengths[0], lengths[1])), *judge(figures, steps))
    evidence = Evidence(gathered.samples, gathered.slices(), overlays)
    return Report(figures, findings, evidence)


class _Gathered:
    """Running figures of one pass."""

    def __init__(self) -> None:
        self.count = 0
        self.samples = Samples()
        self.psnr: list[float] = []
        self.shifts: list[Shift] = []
        self.gradients = np.zeros(2)
        self.clipped: list[float] = []
        self.sides = (_Side(), _Side())

    def add(self, given: Pixels, reference: Pixels) -> None:
        number, self.count = self.count, self.count + 1
        changes = [s.add(f) for s, f in zip(self.sides, (given, reference), strict=True)]
        self.samples.add(number, given, reference)
        pair = [torch.from_numpy(f).permute(2, 0, 1)[None] / 255.0 for f in (given, reference)]
        self.psnr.append(float(psnr(pair[0], pair[1])))
        for axis in (-1, -2):
            ours, theirs = (torch.diff(f, dim=axis) for f in pair)
            self.gradients += (float((ours * theirs).sum()), float(theirs.square().sum()))
        ends = [float(((f == 0) | (f == 255)).mean()) for f in (given, reference)]
        self.clipped.append(ends[0] - ends[1])
        if number % (RUN * self.samples.every) == RUN // 2 and min(changes) > MOVED:
            self.shifts.append(shift_between(reference, given))

    def overlays(self) -> tuple[Overlay, Overlay] | None:
        """What is fixed to the screen in the input and in the reference."""
        kept = self.samples
        if len(kept.numbers) < RUN:
            return None
        return (
            find_overlay(kept.inputs, kept.numbers),
            find_overlay(kept.references, kept.numbers),
        )

    def slices(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        return np.stack(self.sides[0].rows), np.stack(self.sides[1].rows)

    def figures(self, overlays: tuple[Overlay, Overlay] | None) -> Figures:
        ours, theirs = self.sides
        bare = _bare(overlays)
        thumbnails = [np.stack(side.thumbnails)[:, bare] for side in self.sides]
        offset, margin = best_offset(thumbnails[0], thumbnails[1])
        doubled = (
            find_doubled(ours.changes, theirs.changes),
            find_doubled(theirs.changes, ours.changes),
        )
        frozen = [stretches(frames, FROZEN) for frames in doubled]
        cuts = [find_cuts(clip) for clip in thumbnails]
        gain, level = _line(thumbnails[1], thumbnails[0])
        sharp = self.gradients[0] / self.gradients[1] if self.gradients[1] else None
        return Figures(
            frames=self.count,
            size=ours.size,
            offset=offset,
            offset_margin=margin,
            shift=_median_shift(self.shifts),
            psnr=tuple(self.psnr),
            sharp=sharp,
            gain=gain,
            level=level,
            clipped=float(np.mean(self.clipped)),
            cuts_input=cuts[0],
            cuts_reference=cuts[1],
            doubled_input=_outside(doubled[0], frozen[0]),
            doubled_reference=_outside(doubled[1], frozen[1]),
            frozen_input=frozen[0],
            frozen_reference=frozen[1],
            black_input=stretches(ours.black, 1),
            black_reference=stretches(theirs.black, 1),
            **_overlay_figures(overlays),
        )


class _Side:
    """What is kept of each frame of one recording."""

    def __init__(self) -> None:
        self.size = (0, 0)
        self.thumbnails: list[NDArray[np.float32]] = []
        self.rows: list[Pixels] = []
        self.changes: list[float] = []
        self.black: list[int] = []
        self.last: Pixels | None = None

    def add(self, frame: Pixels) -> float:
        """The mean change since the frame before, in codes."""
        self.size = (frame.shape[1], frame.shape[0])
        small = cv2.resize(frame, THUMBNAIL, interpolation=cv2.INTER_AREA).astype(np.float32)
        if frame.max() < BLACK:
            self.black.append(len(self.thumbnails))
        self.thumbnails.append(small.mean(axis=2).ravel())
        small_frame = shrink(frame)
        self.rows.append(small_frame[len(small_frame) // 2].copy())
        last = frame if self.last is None else self.last
        self.changes.append(float(cv2.absdiff(frame, last).mean()))
        self.last = frame.copy()
        return self.changes[-1]


def _bare(overlays: tuple[Overlay, Overlay] | None) -> NDArray[np.bool_]:
    """The values of a thumbnail on which neither recording shows an overlay (all, if few)."""
    everything = np.ones(THUMBNAIL[0] * THUMBNAIL[1], bool)
    if overlays is None:
        return everything
    mask = np.maximum(*(overlay.mask for overlay in overlays))
    bare = cv2.resize(mask, THUMBNAIL, interpolation=cv2.INTER_AREA).ravel() < 0.05
    return bare if bare.mean() > 0.25 else everything


def _line(x: NDArray[np.float32], y: NDArray[np.float32]) -> tuple[float, float]:
    """Slope and intercept of y on x; (1, difference) where x is constant."""
    x_mean, y_mean = float(x.mean(dtype=np.float64)), float(y.mean(dtype=np.float64))
    variance = float(((x - x_mean) ** 2).mean(dtype=np.float64))
    if variance < 1.0:
        return 1.0, y_mean - x_mean
    slope = float(((x - x_mean) * (y - y_mean)).mean(dtype=np.float64)) / variance
    return slope, y_mean - slope * x_mean


def _median_shift(shifts: Sequence[Shift]) -> tuple[float, float] | None:
    agreeing = [(s.dx, s.dy) for s in shifts if s.confidence > AGREEING]
    if not agreeing:
        return None
    dx, dy = np.median(agreeing, axis=0)
    return float(dx), float(dy)


def _outside(frames: Sequence[int], runs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    return tuple(f for f in frames if not any(a <= f <= b for a, b in runs))


def _overlay_figures(overlays: tuple[Overlay, Overlay] | None) -> dict[str, float | None]:
    names = ("overlay_input", "overlay_reference", "overlay_common")
    if overlays is None or any(o.found is None for o in overlays):
        return dict.fromkeys(names)
    ours, theirs = (o.mask > 0.5 for o in overlays)
    shares = (ours.mean(), theirs.mean(), (ours & theirs).mean())
    return {name: float(share) for name, share in zip(names, shares, strict=True)}
