"""Which stretches of a play are worth recording, judged on a small, cheap render of all of it.

A stretch is refused for a cut (respawn, teleport, another view), a doubled frame, darkness, a fade,
an empty view (a wall from close by) or motion that is too little or too wild. Of the rest, those
that differ most in look and in motion are chosen, without overlap.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8

from temporal_clean.errors import TemporalCleanError

__all__ = ["Measures", "Window", "choose_windows", "measure"]

Thumbnails = UInt8[np.ndarray, "frames height width 3"]

WIDTH = 160  # pixels: motion and detail are measured at this width
BLOCK = 18  # pixels at that width: neighbouring frames are compared block by block
# The limits below were set on 21 OpenArena recordings chosen by eye, on those joined end to end
# and on ViZDoom episodes looked at as contact sheets. Likeness: 0.71 and more within, 0.33 and
# less at the joints (ViZDoom: 0.4 within where a door or an explosion fills the view, 0.39).
CUT = 0.4  # likeness of neighbouring frames below which they are a cut
DOUBTFUL = 0.7  # likeness below which motion is searched again, more thoroughly
SAME = 0.01  # mean difference, of 255, below which neighbouring frames are one frame doubled
DARK = 16.0  # luma, of 255: a view below this on average shows nothing to learn from
FADE = 0.35  # darkest frame of a stretch against its brightest: less is a fade
EDGE = 10  # step of luma, of 255, between neighbouring pixels that counts as detail
EMPTY = 0.2  # detail below which a view is a wall from close by (the recordings: 0.22 to 0.62)
# Where a whole play is below that, it is hazy (SuperTuxKart's lighthouse: 0.11 to 0.26).
HAZY = 0.1
# A view is plain if the standard deviation of luma over its parts is below both of these: in grey
# levels, and against the mean (dark corridors lie below the one, bright skies below the other).
FLAT, FLAT_SHARE = 10.0, 0.2
STILL, WILD = 0.003, 0.045  # mean motion of a stretch, widths a frame (recordings: 0.005 to 0.016)
LEAP = 0.15  # motion of one frame, widths
REST, REST_SHARE = 0.001, 0.25  # frames slower than this, and how many of them a stretch may have


@dataclass(frozen=True)
class Window:
    """A stretch worth recording: first frame, length, mean motion (widths a frame), mean luma
    (0..255) and detail (share of pixels beside a step of luma)."""

    start: int
    frames: int
    motion: float
    luma: float
    detail: float


@dataclass(frozen=True)
class Measures:
    """Of each frame: ``luma`` (0..255), ``detail`` (0..1), ``look`` (a tiny picture, 0..1); of each
    pair of neighbours: ``motion`` (widths), ``likeness`` (-1..1, once motion is compensated),
    ``difference`` (mean, of 255)."""

    luma: Float[np.ndarray, " frames"]
    detail: Float[np.ndarray, " frames"]
    look: Float[np.ndarray, "frames values"]
    motion: Float[np.ndarray, " pairs"]
    likeness: Float[np.ndarray, " pairs"]
    difference: Float[np.ndarray, " pairs"]


def choose_windows(
    thumbnails: Thumbnails, frames: int, count: int, at_least: int | None = None
) -> list[Window]:
    """The ``count`` stretches of ``frames`` frames most worth recording, in order of time.

    ``thumbnails``: the whole play, small (320x180 does). Deterministic. Raises
    :class:`TemporalCleanError` with what is wrong with the rest where fewer than ``at_least``
    (default: ``count``) exist; with a lower ``at_least`` fewer may be returned.
    """
    if thumbnails.ndim != 4 or thumbnails.shape[3] != 3 or thumbnails.dtype != np.uint8:
        raise TemporalCleanError(
            "expected thumbnails (frames, height, width, 3) of uint8, got "
            f"{thumbnails.shape} of {thumbnails.dtype}"
        )
    if frames < 2 or count < 1:
        raise TemporalCleanError(
            f"expected windows of 2 frames or more and at least 1 of them, got {count} of {frames}"
        )
    at_least = count if at_least is None else at_least
    if len(thumbnails) < frames:
        raise TemporalCleanError(
            f"the play has {len(thumbnails)} frames, fewer than one window of {frames}: play longer"
        )
    measures = measure(thumbnails)
    for least in (EMPTY, HAZY):
        faults = refusals(measures, frames, least)
        starts = np.flatnonzero(~np.any(list(faults.values()), axis=0))
        if len(starts):
            break
    wanted = min(count, capacity(starts, frames))
    if wanted < at_least:
        tried = len(thumbnails) - frames + 1
        reasons = ", ".join(
            f"{100 * mask.mean():.0f}% {name}" for name, mask in faults.items() if mask.any()
        )
        raise TemporalCleanError(
            f"expected {at_least} windows of {frames} frames, found {wanted}: of {tried} stretches "
            f"{reasons or 'all are good, but too few fit'}; play longer, or use another seed or "
            "fewer windows"
        )
    chosen = spread(starts, measures, frames, wanted)
    return [window(start, frames, measures) for start in sorted(chosen)]


def measure(thumbnails: Thumbnails) -> Measures:
    """What the choice goes by, frame by frame."""
    height = max(BLOCK, round(WIDTH * thumbnails.shape[1] / thumbnails.shape[2]))
    presets = (cv2.DISOPTICAL_FLOW_PRESET_FAST, cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    quick, thorough = (cv2.DISOpticalFlow.create(preset) for preset in presets)
    rows, pairs, before = [], [], None
    for thumbnail in thumbnails:
        small = cv2.resize(thumbnail, (WIDTH, height), interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
        look = cv2.resize(small, (8, 5), interpolation=cv2.INTER_AREA).reshape(-1) / 255.0
        rows.append((grey.mean(), edge_share(grey), look))
        if before is not None:
            pair = compare(quick, before[0], grey)
            if pair[1] < DOUBTFUL:
                pair = max(pair, compare(thorough, before[0], grey), key=lambda found: found[1])
            pairs.append((*pair, cv2.absdiff(before[1], thumbnail).mean()))
        before = grey, thumbnail
    luma, detail, looks = zip(*rows, strict=True)
    motion, likeness, difference = np.array(pairs, np.float64).reshape(-1, 3).T
    return Measures(np.array(luma), np.array(detail), np.stack(looks), motion, likeness, difference)


def edge_share(grey: UInt8[np.ndarray, "height width"]) -> float:
    """Share of pixels beside a step of luma; a wall from close by has few."""
    signed = grey.astype(np.int16)
    across, down = np.abs(np.diff(signed, axis=1)), np.abs(np.diff(signed, axis=0))
    return float((across[1:] + down[:, 1:] > EDGE).mean())


def compare(
    flow: cv2.DISOpticalFlow,
    before: UInt8[np.ndarray, "height width"],
    after: UInt8[np.ndarray, "height width"],
) -> tuple[float, float]:
    """Mean motion (widths) and the likeness of ``before`` and ``after`` warped to it.

    Likeness is the median correlation of blocks: it ignores brightness and contrast, and what
    fills less than half of the view, so that neither a flash nor an explosion is a cut.
    """
    height, width = before.shape
    motion = flow.calc(before, after, np.zeros((height, width, 2), np.float32))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    there = (x + motion[..., 0], y + motion[..., 1])
    warped = cv2.remap(after, *there, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    a, b = deviations(before), deviations(warped)
    # Noise of two grey levels keeps plain blocks alike.
    noise = 4.0
    both = np.sqrt((a**2).mean(axis=(1, 3)) * (b**2).mean(axis=(1, 3)))
    likeness = ((a * b).mean(axis=(1, 3)) + noise) / (both + noise)
    pace = np.hypot(motion[..., 0], motion[..., 1]).mean() / width
    return float(pace), float(np.median(likeness))


def deviations(grey: UInt8[np.ndarray, "height width"]) -> Float[np.ndarray, "rows y columns x"]:
    """The blocks of a picture, each less its mean."""
    rows, columns = grey.shape[0] // BLOCK, grey.shape[1] // BLOCK
    whole = grey[: rows * BLOCK, : columns * BLOCK].astype(np.float64)
    blocks = whole.reshape(rows, BLOCK, columns, BLOCK)
    return blocks - blocks.mean(axis=(1, 3), keepdims=True)


def refusals(
    measures: Measures, frames: int, least: float = EMPTY
) -> dict[str, Bool[np.ndarray, " starts"]]:
    """For each reason, which starts it speaks against."""

    def over(values: np.ndarray, length: int) -> np.ndarray:
        return np.lib.stride_tricks.sliding_window_view(values, length)

    pairs = frames - 1
    parts = 255.0 * measures.look.reshape(len(measures.look), -1, 3).mean(axis=2)
    contrast = parts.std(axis=1)
    plain = (contrast < FLAT) & (contrast < FLAT_SHARE * parts.mean(axis=1))
    empty = (measures.detail < least) | plain
    luma, motion = over(measures.luma, frames), over(measures.motion, pairs)
    pace = motion.mean(axis=1)
    faults = {
        "have a cut": (over(measures.likeness, pairs) < CUT).any(axis=1),
        "have a doubled frame": (over(measures.difference, pairs) < SAME).any(axis=1),
        "are dark": (luma < DARK).mean(axis=1) > 0.2,
        "fade": (luma < FADE * luma.max(axis=1, keepdims=True)).any(axis=1),
        "show little but a wall": over(empty, frames).mean(axis=1) > 0.3,
        "hardly move": (pace < STILL) | ((motion < REST).mean(axis=1) > REST_SHARE),
        "move wildly": (pace > WILD) | (motion.max(axis=1) > LEAP),
    }
    return {name: np.asarray(mask) for name, mask in faults.items()}


def capacity(starts: np.ndarray, frames: int) -> int:
    """How many windows fit without overlap: taking the earliest each time is best."""
    fitting, end = 0, -1
    for start in starts:
        if start >= end:
            fitting, end = fitting + 1, start + frames
    return fitting


def spread(starts: np.ndarray, measures: Measures, frames: int, count: int) -> list[int]:
    """``count`` starts without overlap that still leave room for the rest: the first is the richest
    in detail, each other one as unlike those before as can be (maximin) times its detail."""
    windows = [window(start, frames, measures) for start in starts]
    detail = np.array([one.detail for one in windows])
    # A doubling of motion weighs like a tenth of full scale in every part of the look.
    pace = 0.1 * np.log2([one.motion for one in windows])
    look = np.stack([measures.look[start : start + frames : 10].mean(axis=0) for start in starts])
    features = np.concatenate([look, np.sqrt(look.shape[1]) * pace[:, None]], axis=1)
    apart, left, chosen = np.ones(len(starts)), np.arange(len(starts)), []

    def clear_of(one: int) -> np.ndarray:
        return starts[left][np.abs(starts[left] - starts[one]) >= frames]

    while len(chosen) < count:
        best = left[np.argsort(-(apart * detail)[left], kind="stable")]
        needed = count - len(chosen) - 1
        pick = next(one for one in best if capacity(clear_of(one), frames) >= needed)
        distance = np.linalg.norm(features - features[pick], axis=1)
        apart = np.minimum(apart, distance) if chosen else distance
        chosen.append(int(starts[pick]))
        left = left[np.abs(starts[left] - starts[pick]) >= frames]
    return chosen


def window(start: int, frames: int, measures: Measures) -> Window:
    """The record of a stretch."""
    seen = slice(start, start + frames)
    return Window(
        int(start),
        frames,
        float(measures.motion[start : start + frames - 1].mean()),
        float(measures.luma[seen].mean()),
        float(measures.detail[seen].mean()),
    )
