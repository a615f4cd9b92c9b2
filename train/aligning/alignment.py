"""Two recordings of one run, aligned: in time, in space, in colour, and only where they agree.

The first recording is the input (aliased, upscaled), the second the reference (the best
antialiasing). **Everything is done to the reference; the input's pixels are never touched.** The
input's aliasing is what the network learns to remove, and moving it by part of a pixel or scaling
it would filter that aliasing and teach the network a picture no game draws. The reference is
band-limited, so that a Lanczos kernel moves it with little loss; its colour is made the input's,
because the input has the colours the network meets when it is used.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning.checks import check_motion, check_rates, check_related
from temporal_clean.train.aligning.coarse import CoarseMatch, coarse_offsets
from temporal_clean.train.aligning.colour import Colour, fit_colour
from temporal_clean.train.aligning.divergence import (
    Limits,
    Stretch,
    agreement,
    find_stretches,
)
from temporal_clean.train.aligning.geometry import (
    MatchedPicture,
    Placement,
    exact_geometry,
    matched_pictures,
    rough_geometry,
)
from temporal_clean.train.aligning.likeness import compare, fit_sight
from temporal_clean.train.aligning.recording import THUMBNAIL, Recording, read_recording
from temporal_clean.train.aligning.registration import Registration, active_area, luma
from temporal_clean.train.aligning.report import alignment_json, alignment_warnings
from temporal_clean.train.aligning.timing import Slip, Timing, match_times

__all__ = ["AlignSettings", "Alignment", "align", "aligned_frames"]

Progress = Callable[[str], None]

SAMPLED_PAIRS = 9
# How far aliasing may seem to shift a picture, input pixels: at least this, and this many times
# the scatter of the sampled pairs (0.01 to 0.03 native, to 0.1 at half resolution).
DOUBT, SPREADS = 0.05, 2.0
# Another offset whose shifts scatter less than this many times more cannot be excluded.
UNSURE = 1.5
# Thumbnail pixels: geometry known better than this need not be matched with again.
SAME_SHIFT = 0.03


@dataclass(frozen=True)
class AlignSettings:
    """``reach``: frames around the coarse match that are searched; ``limits``: what is kept."""

    reach: int = 12
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, eq=False)
class Alignment:
    """What was found. ``crop`` is (top, bottom, left, right) in the input's pixels: both views.

    ``geometry`` leads from the input to the reference, in input pixels; ``spread`` is how far the
    sampled pairs scatter about it. ``offset_rivals`` are changes of offset that, with another
    shift, fit nearly as well. ``psnr_before`` compares frames of the same number as recorded,
    ``psnr_after`` aligned ones (dB, a few sampled pairs, inside the crop).
    """

    first: Recording
    second: Recording
    timing: Timing
    geometry: Registration
    spread: float
    offset_rivals: tuple[int, ...]
    colour: Colour
    crop: tuple[int, int, int, int]
    stretches: tuple[Stretch, ...]
    psnr_before: float
    psnr_after: float

    @property
    def kept(self) -> tuple[Stretch, ...]:
        """The stretches worth writing."""
        return tuple(s for s in self.stretches if s.kept)

    @property
    def slips(self) -> tuple[Slip, ...]:
        """Dropped and doubled frames inside kept stretches: elsewhere nothing can be told."""
        pairs, spans = self.timing.pairs, []
        for stretch in self.kept:
            joined = bool(spans) and spans[-1][1] == stretch.start
            spans.append((spans.pop()[0] if joined else stretch.start, stretch.stop))

        def inside(slip: Slip) -> bool:
            side = pairs[:, 0 if slip.recording == "first" else 1]
            return any(side[start] < slip.index <= side[stop - 1] for start, stop in spans)

        return tuple(slip for slip in self.timing.slips if inside(slip))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, a sentence each."""
        return tuple(alignment_warnings(self))

    @property
    def offset(self) -> int:
        """Second's frame number less first's, at the first pair kept."""
        first, second = self.timing.pairs[self.kept[0].start]
        return int(second - first)

    @property
    def drift(self) -> int:
        """Change of the offset, in frames, up to the last pair kept."""
        first, second = self.timing.pairs[self.kept[-1].stop - 1]
        return int(second - first) - self.offset

    def pairs(self, stretch: Stretch) -> NDArray[np.int64]:
        """(n, 2): frame numbers in first and second."""
        return self.timing.pairs[stretch.start : stretch.stop]

    def as_json(self) -> dict[str, Any]:
        """For clip.json."""
        return alignment_json(self)


def align(
    first: Path,
    second: Path,
    settings: AlignSettings | None = None,
    progress: Progress = lambda _: None,
) -> Alignment:
    """Align two recordings: ``first`` the input, ``second`` the reference.

    Each is read once, and a few frames again; ``progress`` is told each step in a few words.
    Raises :class:`TemporalCleanError` if they are not of one run, if nothing moves in them, or if
    no stretch is good for long enough; the text has the figures.
    """
    settings = settings or AlignSettings()
    progress(f"reading {first.name}")
    mine = read_recording(first)
    progress(f"reading {second.name}")
    other = read_recording(second)
    check_rates(mine, other)
    check_motion(mine, other)
    progress("finding the offset")
    coarse = coarse_offsets(mine.thumbnails, other.thumbnails)
    check_related(coarse, first, second)
    rough = rough_geometry(mine.thumbnails, other.thumbnails, coarse)
    if rough is None:
        raise TemporalCleanError(
            f"the pictures of {first.name} and {second.name} do not fit on each other at the best "
            f"offset ({int(np.median(coarse.offset))} frames): check that both show the same view"
        )
    progress("matching frames")
    timing, stretches = _match(mine, other, coarse, rough, settings)
    sampled = _sampled(timing, stretches, settings)
    progress("measuring shift and colour")
    ratio = mine.size[1] / mine.thumbnails.shape[2]
    placed, pictures = _placed(mine, other, sampled, rough, ratio)
    small = replace(placed.geometry, dx=placed.geometry.dx / ratio, dy=placed.geometry.dy / ratio)
    if not _is_same(small, rough.geometry):
        progress("matching frames with the exact shift")
        again = Placement(small, rough.lag, placed.spread)
        timing, stretches = _match(mine, other, coarse, again, settings)
        _sampled(timing, stretches, settings)
    return _finish(mine, other, timing, placed, stretches, pictures)


def aligned_frames(
    alignment: Alignment, stretch: Stretch
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """(input, reference) of each pair of a stretch: uint8 RGB of one size, cropped to both views.

    The input is as recorded; the reference is moved, scaled and coloured to it. Doubled frames are
    left out, dropped ones are missing from both. Reads both files as it goes.
    """
    pairs = alignment.pairs(stretch)
    mine = alignment.first.pictures(int(i) for i in pairs[:, 0])
    other = alignment.second.pictures(int(j) for j in pairs[:, 1])
    top, bottom, left, right = alignment.crop
    for (_, picture), (_, reference) in zip(mine, other, strict=True):
        moved = _as_input(reference, alignment.geometry, alignment.colour, alignment.first.size)
        yield (
            np.ascontiguousarray(picture[top:bottom, left:right]),
            np.ascontiguousarray(moved[top:bottom, left:right]),
        )


def _match(
    mine: Recording,
    other: Recording,
    coarse: CoarseMatch,
    placed: Placement,
    settings: AlignSettings,
) -> tuple[Timing, tuple[Stretch, ...]]:
    """Frames matched and judged with the geometry known so far."""
    offset = coarse.offset + placed.lag
    there = np.arange(len(mine)) + offset
    trusted = coarse.frame_scores > 0.8 * coarse.frame_scores.max()
    known = np.flatnonzero((there >= 0) & (there < len(other)) & trusted)
    chosen = known[:: max(1, len(known) // 48)]
    sight = fit_sight(
        mine.thumbnails,
        other.thumbnails,
        [(int(i), int(there[i])) for i in chosen],
        placed.geometry,
    )
    ratio = mine.size[1] / mine.thumbnails.shape[2]
    doubt = max(DOUBT, SPREADS * placed.spread) / ratio
    band = compare(mine.thumbnails, other.thumbnails, sight, offset, settings.reach, doubt)
    timing = match_times(band)
    if len(timing.pairs) < settings.limits.shortest:
        raise TemporalCleanError(
            f"only {len(timing.pairs)} frames of {mine.path.name} and {other.path.name} belong "
            f"together, {settings.limits.shortest} are needed: record the same run for longer"
        )
    figures = agreement(mine.thumbnails, other.thumbnails, timing.pairs, sight, ratio)
    return timing, find_stretches(timing, figures, settings.limits, ratio)


def _placed(
    mine: Recording,
    other: Recording,
    sampled: list[tuple[int, int]],
    rough: Placement,
    ratio: float,
) -> tuple[Placement, list[MatchedPicture]]:
    """Geometry at full size, and the pictures it was found on.

    While a camera pans slowly, a frame of offset looks like a shift. At the right offset the shift
    is the same in all frames; at a wrong one it changes with the pan's speed.
    """
    options = []
    for lag in (0, *rough.rivals):
        pairs = [(i, j + lag) for i, j in sampled if 0 <= j + lag < len(other)]
        if len(pairs) == len(sampled):
            pictures = matched_pictures(mine, other, pairs)
            found = exact_geometry(pictures, rough.geometry, ratio)
            options.append((replace(found, lag=lag), pictures))
    best, pictures = min(options, key=lambda option: option[0].spread)
    most = UNSURE * best.spread
    rivals = (o.lag - best.lag for o, _ in options if o is not best and o.spread < most)
    return replace(best, rivals=tuple(rivals)), pictures


def _is_same(one: Registration, other: Registration) -> bool:
    """Whether two geometries put every thumbnail pixel in the same place, nearly."""
    shifts = abs(one.dx - other.dx), abs(one.dy - other.dy)
    scales = abs(one.scale_x - other.scale_x), abs(one.scale_y - other.scale_y)
    return max(shifts) < SAME_SHIFT and max(scales) * THUMBNAIL[0] / 2 < SAME_SHIFT


def _sampled(
    timing: Timing, stretches: tuple[Stretch, ...], settings: AlignSettings
) -> list[tuple[int, int]]:
    """Pairs of kept stretches whose timing is sure, spread over them.

    Raises :class:`TemporalCleanError` with reasons and figures if nothing is kept.
    """
    kept = [np.arange(s.start, s.stop) for s in stretches if s.kept]
    if not kept:
        longest = max(stretches, key=len)
        means = ", ".join(f"{k} {v:.2f}" for k, v in longest.figures.items())
        reasons = "; ".join(
            f"from frame {timing.pairs[s.start, 0]}: {s.reason}" for s in stretches[:3]
        )
        raise TemporalCleanError(
            f"no stretch of {settings.limits.shortest} frames agrees ({reasons}; of {len(longest)} "
            f"frames on average {means}): record the same run twice, with a locked frame rate"
        )
    rows = np.concatenate(kept)
    parts = np.array_split(rows, min(SAMPLED_PAIRS, len(rows)))
    best = [int(part[timing.contrast[part].argmax()]) for part in parts]
    return [(int(i), int(j)) for i, j in timing.pairs[best]]


def _finish(
    mine: Recording,
    other: Recording,
    timing: Timing,
    placed: Placement,
    stretches: tuple[Stretch, ...],
    pictures: list[MatchedPicture],
) -> Alignment:
    """Colour, crop and figures from the sampled pairs at full size."""
    moved = [placed.geometry.apply(p.second, mine.size) for p in pictures]
    firsts = [p.first for p in pictures]
    crop = _crop(firsts, moved, placed.geometry, mine.size, other.size)
    top, bottom, left, right = crop
    inside = [m[top:bottom, left:right] for m in moved]
    inputs = [a[top:bottom, left:right] for a in firsts]
    colour = fit_colour(inside, inputs)
    after = _psnr(inputs, [np.clip(colour(m), 0, 255) for m in inside])
    plain = [Registration().apply(p.numbered, mine.size)[top:bottom, left:right] for p in pictures]
    return Alignment(
        mine,
        other,
        timing,
        placed.geometry,
        placed.spread,
        placed.rivals,
        colour,
        crop,
        stretches,
        _psnr(inputs, plain),
        after,
    )


def _as_input(
    reference: NDArray[np.uint8], geometry: Registration, colour: Colour, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """The reference's picture as the input's recording would show it."""
    moved = colour(geometry.apply(reference, size))
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


def _crop(
    inputs: list[NDArray[np.uint8]],
    moved: list[NDArray[np.float32]],
    geometry: Registration,
    size: tuple[int, int],
    other: tuple[int, int],
) -> tuple[int, int, int, int]:
    """(top, bottom, left, right), even sides: inside black bars and the reference's view."""
    brightest = [np.max([luma(p / np.float32(255)) for p in ps], axis=0) for ps in (inputs, moved)]
    areas = [active_area(b) for b in brightest]
    edges = []
    for axis, place in enumerate(geometry.axes(size, other)):
        inside = place.scale * (np.arange(size[axis]) + 0.5) + place.offset
        # Half a pixel beyond the border is repetition that nobody sees.
        seen = np.flatnonzero((inside > -0.5) & (inside < other[axis] + 0.5))
        low = max(int(seen[0]), *(a[axis].start for a in areas))
        high = min(int(seen[-1]) + 1, *(a[axis].stop for a in areas))
        edges += [low, high - (high - low) % 2]
    return tuple(edges)  # type: ignore[return-value]


def _psnr(inputs: list[NDArray[Any]], others: list[NDArray[Any]]) -> float:
    pairs = zip(inputs, others, strict=True)
    error = np.mean([((a.astype(np.float32) - b) ** 2).mean() for a, b in pairs])
    return float(10 * np.log10(255**2 / max(float(error), 1e-4)))
