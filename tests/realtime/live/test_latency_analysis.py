"""Latency, drops, repeats and order from made-up records whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.latency.analysis import Sighting, analyse

PERIOD = 1 / 60


def frames(count: int) -> list[Sighting]:
    return [Sighting(number, 10 + number * PERIOD) for number in range(count)]


@settings(deadline=None)
@given(
    st.lists(st.booleans(), min_size=10, max_size=80).filter(lambda kept: sum(kept) >= 4),
    st.floats(0.001, 0.2),
)
def test_a_constant_delay_with_drops(kept: list[bool], delay: float) -> None:
    drawn = frames(len(kept))
    changes = [
        Sighting(f.number, f.time + delay) for f, keep in zip(drawn, kept, strict=True) if keep
    ]
    report = analyse(drawn, changes, changes[-1].time + 1, looks=1000, unreadable=3)
    inside = kept[kept.index(True) : len(kept) - kept[::-1].index(True)]
    assert report.latency["p50"] == pytest.approx(1e3 * delay, abs=2e-3)
    assert report.latency["max"] == pytest.approx(1e3 * delay, abs=2e-3)
    assert report.drawn == len(inside)
    assert report.seen == sum(kept)
    # Each frame that never came left its predecessor on screen for one frame time more.
    assert report.dropped == report.repeats == inside.count(False)
    assert report.out_of_order == 0
    assert report.frame_time == pytest.approx(1e3 * PERIOD, rel=1e-3)
    assert (report.looks, report.unreadable) == (1000, 3)


def test_percentiles_are_of_the_frames() -> None:
    drawn = frames(101)
    delays = np.arange(101) / 1000 + 0.001
    changes = sorted(
        (Sighting(f.number, f.time + d) for f, d in zip(drawn, delays, strict=True)),
        key=lambda s: s.time,
    )
    latency = analyse(drawn, changes, 20, looks=1, unreadable=0).latency
    assert latency == {"min": 1.0, "p50": 51.0, "p95": 96.0, "p99": 100.0, "max": 101.0}


def test_an_older_frame_after_a_newer_one_is_out_of_order() -> None:
    drawn = frames(6)
    changes = [Sighting(n, 10 + 0.1 * i) for i, n in enumerate([0, 1, 3, 2, 3, 5])]
    report = analyse(drawn, changes, 11, looks=6, unreadable=0)
    assert report.out_of_order == 1
    assert report.dropped == 1
    assert report.seen == 5


def test_the_warm_up_is_left_out() -> None:
    drawn = frames(120)
    changes = [Sighting(f.number, f.time + (0.2 if f.number < 60 else 0.01)) for f in drawn]
    report = analyse(drawn, changes, changes[-1].time, looks=2000, unreadable=0, warm_up=1.0)
    assert report.latency["max"] == pytest.approx(10, abs=0.01)
    assert report.seen == 48  # those that came 1 s after the first, which came at 0.2 s
    looking = changes[-1].time - changes[0].time
    assert report.resolution == pytest.approx(1e3 * looking / 2000, abs=1e-3)


def test_numbers_that_were_never_drawn_do_not_count() -> None:
    changes = [Sighting(n, 10 + 0.02 * n) for n in (0, 1, 2, 999, 3)]
    assert analyse(frames(4), changes, 11, looks=5, unreadable=0).seen == 4


def test_nothing_seen_is_an_error_that_says_where_to_look() -> None:
    with pytest.raises(TemporalCleanError, match=r"only 1 numbered frames.*in 50 looks"):
        analyse(frames(10), [Sighting(3, 10.1)], 11, looks=50, unreadable=50)


def test_the_record_is_plain_json() -> None:
    import json

    drawn = frames(5)
    report = analyse(drawn, [Sighting(n, t + 0.01) for n, t in drawn], 11, 90, 0)
    assert json.loads(json.dumps(report.record()))["latency"]["p50"] == pytest.approx(10)
