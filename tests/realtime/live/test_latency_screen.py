"""Numbered frames on a real X server: a known delay is measured, a cover hides what is below."""

import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

if sys.platform != "linux":
    pytest.skip("needs X11", allow_module_level=True)
if TYPE_CHECKING:
    from tests.realtime.live.desktop import Desktop, desktop, until
else:
    pytest.importorskip("xcffib", reason="pip install 'temporal-clean[live]'")
    shared = runpy.run_path(str(Path(__file__).with_name("desktop.py")))
    Desktop, desktop, until = shared["Desktop"], shared["desktop"], shared["until"]

from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.latency.analysis import Sighting, analyse
from temporal_clean.realtime.live.latency.barcode import layout
from temporal_clean.realtime.live.latency.processes import NumberedSource, running_reader
from temporal_clean.realtime.live.latency.reader import ScreenReader
from temporal_clean.realtime.live.latency.source import Scenery, SourceWindow
from temporal_clean.realtime.live.present.x11 import OverlayPresenter

WIDTH, HEIGHT = 320, 180
DELAY, PERIOD = 0.06, 0.04


@pytest.fixture
def person(monkeypatch) -> Iterator[Desktop]:
    with desktop(640, 480) as person:
        monkeypatch.setenv("DISPLAY", person.display)
        yield person


def numbered(number: int) -> np.ndarray:
    picture = Scenery(WIDTH, HEIGHT).frame(number)
    layout(WIDTH, HEIGHT).stamp(picture, number)
    return picture


def test_a_known_delay_and_known_drops_are_measured(person: Desktop, tmp_path: Path) -> None:
    """The oracle: each frame is shown ``DELAY`` after it was 'drawn', each tenth never."""
    window = SourceWindow("oracle", WIDTH, HEIGHT)
    place = window.settle()
    pictures = [numbered(number) for number in range(50)]
    with running_reader(place, interval=0.002, folder=tmp_path) as reader:
        start = time.monotonic() + 0.1
        drawn = [Sighting(number, start + number * PERIOD) for number in range(50)]
        shown: dict[int, float] = {}
        for number, due in drawn:
            if number % 10 != 9:
                time.sleep(max(due + DELAY - time.monotonic(), 0))
                shown[number] = time.monotonic()
                window.draw(pictures[number])
        time.sleep(PERIOD)
    window.close()
    seen = reader.result()
    report = analyse(drawn, seen.changes, seen.end, seen.looks, seen.unreadable)
    # On a busy machine a frame can come and go between two looks, but hardly more.
    assert {change.number for change in seen.changes} <= shown.keys()
    assert 35 <= report.seen <= 45
    assert report.drawn == report.seen + report.dropped
    assert report.repeats >= 4  # 9, 19, 29 and 39; the last one drawn is 48
    assert report.out_of_order == 0
    # Never before it was shown; after it by drawing and by a look.
    lateness = [change.time - shown[change.number] for change in seen.changes]
    assert min(lateness) >= 0
    assert np.median(lateness) < 0.015
    true = {number: 1e3 * (time - drawn[number].time) for number, time in shown.items()}
    assert report.latency["min"] >= 1e3 * DELAY
    assert report.latency["p50"] == pytest.approx(np.median(list(true.values())), abs=15)


def test_only_an_overlay_is_seen_never_the_window_below(person: Desktop) -> None:
    with NumberedSource("covered game", WIDTH, HEIGHT, fps=30) as source:
        eye = ScreenReader(source.place)
        overlay = OverlayPresenter(source.window, {})
        assert {eye.look() for _ in range(20)} == {None}
        for _ in range(3):  # again and again: the cover makes way each time
            overlay.show(numbered(77), source.place)
            # What the cover hid at first is drawn when the overlay hears of it.
            until(lambda: overlay.poll() or eye.look() == 77, "the overlay is on the screen")
            time.sleep(0.1)
            assert eye.look() == 77
            overlay.hide()
            until(lambda: eye.look() is None, "the cover is on the screen")
        overlay.close()
        eye.close()
    drawn = source.drawn()
    assert [number for number, _ in drawn] == list(range(len(drawn)))
    steps = np.diff([time for _, time in drawn])
    assert np.median(steps) == pytest.approx(1 / 30, rel=0.2)


def test_the_source_is_placed_by_a_window_manager_and_found_by_process(person: Desktop) -> None:
    with NumberedSource("some title", WIDTH, HEIGHT, fps=30) as source:
        assert source.place[2:] == (WIDTH, HEIGHT)
        assert Rectangle(*source.place).y > 0  # below openbox's title bar
        assert person.property(source.window, "_NET_WM_PID") == source.process.to_bytes(4, "little")


def test_the_scenery_moves_and_comes_back() -> None:
    scenery = Scenery(64, 32)
    first, second = scenery.frame(0), scenery.frame(1)
    assert np.array_equal(first[:, 3:], second[:, :-3])
    assert not np.array_equal(first, second)
    assert scenery.frame(64).shape == (32, 64, 4)
    assert np.array_equal(scenery.frame(64), first)
