"""The worst frames of an output, each with the crop where it is worst."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from temporal_clean.boxes import box_sums
from temporal_clean.evaluation.known import KNOWN
from temporal_clean.evaluation.report.figures import badness, figure_text, is_perfect, judges
from temporal_clean.evaluation.report.shown import Shown
from temporal_clean.evaluation.report.stills import Area, exact, locator
from temporal_clean.evaluation.results import ClipResult

__all__ = ["worst_area", "worst_frames", "worst_of"]

COUNT = 3
APART = 8  # frames: neighbours show the same trouble
CROP = 80  # pixels: three crops at 4x fit side by side on a desktop, one on a phone
LOW = 48  # height of the crops of a temporal figure, which show two frames under each other


def worst_frames(clip: ClipResult, shown: Shown) -> list[dict[str, object]]:
    """For each judging figure the worst frames on the page, worst first."""
    groups = [_group(clip, shown, name) for name in judges(clip)]
    return [group for group in groups if group["frames"]]


def _group(clip: ClipResult, shown: Shown, name: str) -> dict[str, object]:
    values = clip.output.frames[name]
    temporal = values[0] is None and len(values) > 1
    part = values[shown.first : shown.first + shown.length]
    found = worst_of(name, part)
    return {
        "title": KNOWN[name].title,
        "meaning": KNOWN[name].meaning,
        "temporal": temporal,
        "frames": [_frame(clip, shown, name, at, temporal) for at in found],
    }


def _frame(clip: ClipResult, shown: Shown, name: str, at: int, temporal: bool) -> dict[str, object]:
    temporal = temporal and at > 0
    x, y, w, h = area = worst_area(shown, at, temporal)
    moments = (at - 1, at) if temporal else (at,)
    values = {
        role: figure_text(name, figures.frames[name][shown.first + at])
        for role, figures in (("input", clip.input), ("output", clip.output))
        if figures is not None and name in figures.frames
    }
    return {
        "frame": at,
        "area": list(area),
        "values": values,
        "locator": locator(shown.pixels("output")[at], area),
        "pictures": {
            role: [exact(shown.pixels(role)[k][y : y + h, x : x + w]) for k in moments]
            for role in shown.roles
        },
    }


def worst_of(name: str, values: Sequence[float | None]) -> list[int]:
    """Up to ``COUNT`` places of the worst values, worst first, at least ``APART`` from each other.

    Less far apart in a clip too short for that, but never neighbours; perfect values are left out.
    """
    ranked = [(badness(name, value), k) for k, value in enumerate(values)]
    candidates = sorted(
        ((bad, k) for bad, k in ranked if bad is not None and not is_perfect(name, values[k])),
        key=lambda pair: (-pair[0], pair[1]),
    )
    apart = max(2, min(APART, len(values) // (2 * COUNT)))
    chosen: list[int] = []
    for _, k in candidates:
        if len(chosen) < COUNT and all(abs(k - other) >= apart for other in chosen):
            chosen.append(k)
    return chosen


def worst_area(shown: Shown, at: int, temporal: bool) -> Area:
    """The crop with most squared error in it; for a temporal figure, most change of the error."""
    error = _error(shown, at, temporal)
    height, width = error.shape
    w, h = min(CROP, width), min(LOW if temporal else CROP, height)
    boxes = box_sums(error, h, w)
    y, x = np.unravel_index(int(np.argmax(boxes)), boxes.shape)
    return int(x), int(y), w, h


def _error(shown: Shown, at: int, temporal: bool) -> NDArray[np.float64]:
    """(height, width), summed over the colours. Without a reference: what comes and goes."""
    output = [frame.astype(np.float64) for frame in shown.pixels("output")[max(at - 2, 0) : at + 1]]
    if "reference" not in shown.roles:
        before = output[-2] if len(output) > 1 else output[-1].mean((0, 1))
        later = before if len(output) < 3 else 2 * before - output[0]
        return np.square(output[-1] - later).sum(-1)
    wrong = output[-1] - shown.pixels("reference")[at]
    if temporal:
        wrong = wrong - (output[-2] - shown.pixels("reference")[at - 1])
    return np.square(wrong).sum(-1)
