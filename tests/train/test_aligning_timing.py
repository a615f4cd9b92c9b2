"""Which frame belongs to which, on thumbnails of the demo clip (a real game)."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import temporal_clean
from temporal_clean.train.aligning.coarse import coarse_offsets
from temporal_clean.train.aligning.likeness import compare, fit_sight
from temporal_clean.train.aligning.recording import Grey, read_recording
from temporal_clean.train.aligning.registration import Registration
from temporal_clean.train.aligning.timing import Timing, match_times

DEMO = Path(temporal_clean.__file__).parent / "assets" / "demo"
REACH = 10


def thumbnails(name: str) -> Grey:
    return np.array(read_recording(DEMO / name).thumbnails[:, ::2, ::2])


NATIVE, REFERENCE = thumbnails("native.mkv"), thumbnails("reference.mkv")


def played(count: int, dropped: Iterable[int], doubled: Iterable[int], late: Iterable[int]) -> list:
    """Game frames that a recording shows; a ``late`` frame is replaced by the one before."""
    shown = []
    for frame in range(count):
        if frame not in dropped:
            shown += [frame] * (1 + (frame in doubled))
    for frame in late:
        shown[shown.index(frame)] = frame - 1
    return shown


def truth(shown: list[int]) -> dict[str, list[int]]:
    """Indices of frames that repeat the one before, and of frames before which one is missing."""
    steps = [b - a for a, b in pairwise(shown)]
    return {
        "doubled": [k for k, step in enumerate(steps, 1) if step == 0],
        "dropped": [k for k, step in enumerate(steps, 1) if step > 1 for _ in range(step - 1)],
    }


def captured(source: Grey, shown: list[int], seed: int) -> Grey:
    """Thumbnails as a compressed capture gives them: a little noise, anew in each frame."""
    noise = np.random.default_rng(seed).normal(0, 0.4, (len(shown), *source.shape[1:]))
    return np.clip(np.rint(source[shown] + noise), 0, 255).astype(np.uint8)


def matched(first: Grey, second: Grey) -> Timing:
    coarse = coarse_offsets(first, second)
    pairs = [(i, i + int(coarse.offset[i])) for i in range(0, len(first), 4)]
    pairs = [(i, j) for i, j in pairs if 0 <= j < len(second)]
    sight = fit_sight(first, second, pairs, Registration(-0.04, -0.04))
    return match_times(compare(first, second, sight, coarse.offset, REACH, 0.03))


def named(timing: Timing, recording: str) -> dict[str, list[int]]:
    return {
        kind: [s.index for s in timing.slips if (s.kind, s.recording) == (kind, recording)]
        for kind in ("doubled", "dropped")
    }


slots = st.lists(st.integers(4, 22), min_size=8, max_size=8, unique=True)


@settings(max_examples=4, deadline=None, derandomize=True)
@given(places=slots, start=st.integers(0, 17), end=st.integers(135, 150), seed=st.integers(0, 99))
def test_every_slip_is_named_and_none_invented(
    places: list[int], start: int, end: int, seed: int
) -> None:
    a, b, c, d, e, f, g, h = (5 * place + 10 for place in places)
    shown = played(150, {a, b}, {c}, [d]), played(150, {e}, {f, g}, [h])
    mine, other = [k for k in shown[0] if k >= start], [k for k in shown[1] if k < end]
    timing = matched(captured(NATIVE, mine, seed), captured(REFERENCE, other, seed + 1))
    assert all(mine[i] == other[j] for i, j in timing.pairs)
    assert len(timing.pairs) == len({*mine} & {*other})
    assert named(timing, "first") == truth(mine)
    assert named(timing, "second") == truth(other)


def test_drift_is_followed() -> None:
    """A clock 4% fast doubles every 25th frame: the path stays exact."""
    other = played(150, (), range(10, 140, 25), ())
    timing = matched(captured(NATIVE, list(range(150)), 0), captured(REFERENCE, other, 1))
    assert all(i == other[j] for i, j in timing.pairs)
    assert named(timing, "second") == truth(other)
    assert named(timing, "first") == {"doubled": [], "dropped": []}


def test_a_standstill_is_ambiguous_and_nothing_is_invented() -> None:
    """A slip while nothing moves cannot be seen; one that shows later is placed as a range."""
    still = [*range(60), *[60] * 40, *range(61, 120)]
    longer = [*range(60), *[60] * 41, *range(61, 120)]
    timing = matched(captured(NATIVE, still, 0), captured(REFERENCE, still, 1))
    assert not timing.slips
    assert any(b - a > 30 for a, b in timing.ambiguous)
    timing = matched(captured(NATIVE, still, 0), captured(REFERENCE, longer, 1))
    assert all(still[i] == longer[j] for i, j in timing.pairs)
    assert len(timing.slips) == 1
    assert timing.slips[0].latest - timing.slips[0].earliest > 30


def test_unrelated_recordings_do_not_correlate() -> None:
    backwards = REFERENCE[::-1, ::-1, ::-1].copy()
    assert coarse_offsets(NATIVE, REFERENCE).score > 0.9
    assert coarse_offsets(NATIVE, backwards).score < 0.5


@pytest.mark.parametrize("offset", [-60, 0, 33])
def test_the_coarse_offset_is_found(offset: int) -> None:
    first, second = NATIVE[max(0, offset) :], REFERENCE[max(0, -offset) :]
    there = np.arange(len(first)) + offset
    found = coarse_offsets(first, second).offset[(there >= 16) & (there < len(second) - 16)]
    assert np.abs(found - offset).max() <= 2


def test_seconds_lost_are_jumped_over() -> None:
    other = [*range(70), *range(110, 150)]
    timing = matched(captured(NATIVE, list(range(150)), 0), captured(REFERENCE, other, 1))
    assert all(i == other[j] for i, j in timing.pairs)
    assert len(timing.pairs) == len(other)
    assert not timing.slips
