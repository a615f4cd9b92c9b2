"""Statistics: percentiles within the stated error, in constant memory, as the issue's JSON."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.realtime.live.histogram import Histogram
from temporal_clean.realtime.live.stats import LiveStats


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 3000), spread=st.floats(0.1, 2.0))
def test_percentiles_are_within_half_a_percent(seed: int, count: int, spread: float) -> None:
    values = np.random.default_rng(seed).lognormal(2.0, spread, count).clip(0.02, 9e4)
    histogram = Histogram()
    for value in values:
        histogram.add(float(value))
    exact = np.percentile(values, [50, 95, 99], method="inverted_cdf")
    assert histogram.percentiles([50, 95, 99]) == pytest.approx(exact.tolist(), rel=0.00501)


def test_values_beyond_the_ends_count_as_the_ends() -> None:
    histogram = Histogram()
    for value in (0.0, -1.0, 1e9):
        histogram.add(value)
    assert histogram.percentiles([1, 99]) == pytest.approx([0.01, 1e5], rel=0.01)


def test_record_has_the_names_that_were_promised() -> None:
    stats = LiveStats()
    stats.started, stats.engine = 5.0, "fast on a test"
    stats.size(640, 360, "bgra8")
    for index in range(10):
        stats.captured(5.0 + index, duplicate=index == 3)
        stats.cleaned(4.0)
        stats.shown(5.0 + index, 9.0)
    stats.dropped("overwritten")
    stats.dropped("overwritten", 2)
    stats.reset("gap")
    record = json.loads(json.dumps(stats.record(15.5)))
    assert record["captured"] == 10
    assert record["duplicates"] == 1
    assert record["cleaned"] == record["shown"] == 10
    assert record["dropped"] == {"overwritten": 3}
    assert record["resets"] == {"gap": 1}
    assert record["step_ms"] == pytest.approx({"p50": 4.0, "p95": 4.0, "p99": 4.0}, rel=0.005)
    assert record["latency_ms"]["p99"] == pytest.approx(9.0, rel=0.005)
    assert record["engine"] == "fast on a test"
    assert record["sizes"] == ["640x360 bgra8"]
    assert record["duration"] == 10.5


def test_a_redrawn_picture_is_not_shown_twice() -> None:
    stats = LiveStats()
    stats.shown(1.0, 9.0)
    stats.shown(1.1, None)
    record = stats.record(2.0)
    assert record["shown"] == record["redrawn"] == 1


def test_hud_tells_rates_and_drops() -> None:
    stats = LiveStats()
    stats.engine = "fast on a test"
    for index in range(120):
        stats.captured(index / 60)
        stats.shown(index / 60, 12.0)
    stats.cleaned(4.0)
    stats.dropped("stale")
    lines = stats.hud_lines(119 / 60)
    assert lines[0] == "fast on a test"
    assert lines[1] in ("in 60  out 60 frames/s", "in 61  out 61 frames/s")
    assert "step 4.0/4.0 ms" in lines[2]
    assert "1 stale" in lines[3]
