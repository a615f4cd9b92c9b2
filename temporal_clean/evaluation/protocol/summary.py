"""Means over clips: what each method changes, with intervals, and what others do as sharply."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from temporal_clean.evaluation.bootstrap import interval
from temporal_clean.evaluation.protocol.rows import Row
from temporal_clean.evaluation.results import Interval

__all__ = ["UNTOUCHED", "Summary", "at_sharpness", "difference", "relative_flicker", "summaries"]

# The scene whose input is its reference.
UNTOUCHED = "nothing"
# Figures whose change against the input is told; the others are told as they are.
CHANGED = ("psnr", "tpsnr", "disoccluded_psnr", "hud_psnr")


@dataclass(frozen=True)
class Summary:
    """One method over the clips of a group.

    ``milliseconds`` a frame are the median and the 95th percentile over clips.

    ``values`` are means of the figures, ``changes`` of their differences to the input (dB), and
    ``flicker`` of MCflick's relative change (-0.4: two fifths less).
    """

    peer: str
    family: str
    setting: str
    is_shown: bool
    causal: bool
    exact_flow: bool
    values: dict[str, Interval]
    changes: dict[str, Interval]
    flicker: Interval | None
    milliseconds: tuple[float, float] | None


def summaries(rows: Sequence[Row], kind: str, rendering: str) -> list[Summary]:
    """A summary for each method on one group of inputs, in the order of the rows.

    The scene with nothing wrong is left out, for any change to it is a loss without bound; what
    hardly flickers has no relative change and does not count for that.
    """
    group = [row for row in rows if row.group == (kind, rendering)]
    group = [row for row in group if row.clip != UNTOUCHED]
    before = {row.clip: row for row in group if row.peer == "input"}
    peers = dict.fromkeys(row.peer for row in group)
    return [_summary([row for row in group if row.peer == peer], before) for peer in peers]


def _summary(rows: Sequence[Row], before: dict[str, Row]) -> Summary:
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    values = {name: _mean(row.figures.get(name) for row in rows) for name in names}
    changes = {
        name: _mean(difference(row, before[row.clip], name) for row in rows) for name in CHANGED
    }
    first = rows[0]
    return Summary(
        first.peer,
        first.family,
        first.setting,
        first.is_shown,
        first.causal,
        first.exact_flow,
        {name: value for name, value in values.items() if value},
        {name: value for name, value in changes.items() if value},
        _mean(relative_flicker(row, before[row.clip]) for row in rows),
        _milliseconds(rows),
    )


def _milliseconds(rows: Sequence[Row]) -> tuple[float, float] | None:
    times = [time for row in rows if (time := row.figures.get("ms")) is not None]
    return (float(np.median(times)), float(np.quantile(times, 0.95))) if times else None


def _mean(values: Iterable[float | None]) -> Interval | None:
    found = [value for value in values if value is not None]
    return interval(found) if found else None


def difference(row: Row, before: Row, name: str) -> float | None:
    """A figure's change against the input, None where one of them has none."""
    ours, theirs = row.figures.get(name), before.figures.get(name)
    return None if ours is None or theirs is None else ours - theirs


def relative_flicker(row: Row, before: Row) -> float | None:
    """MCflick's relative change against the input, None where the input hardly flickers."""
    ours, theirs = row.figures.get("mcflick"), before.figures.get("mcflick")
    # Rounding of 8-bit pictures makes up to 0.003: below, a share says nothing.
    return None if ours is None or theirs is None or theirs < 0.003 else ours / theirs - 1.0


def at_sharpness(family: Sequence[Summary], sharp: float) -> float | None:
    """MCflick's relative change of a swept family at this Sharp, by lines between its settings.

    None where its settings do not reach that sharpness.
    """
    points = sorted((one.values["sharp"].mean, one.flicker.mean) for one in family if one.flicker)
    if not points or not points[0][0] <= sharp <= points[-1][0]:
        return None
    places, values = zip(*points, strict=True)
    return float(np.interp(sharp, places, values))
