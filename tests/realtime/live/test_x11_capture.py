"""Capture of a window and of a monitor on a real X server with a window manager."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from desktop import Desktop, Game, desktop, own_segments, until
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.x11 import MonitorCapture, WindowCapture
from temporal_clean.realtime.live.events import (
    Closed,
    Event,
    Failed,
    FocusChanged,
    Moved,
    Visibility,
)
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.x11.cursor import blend


class Sink:
    """Keeps what a capture tells: the last picture, all events, all ages."""

    def __init__(self) -> None:
        self.picture: NDArray[Any] = np.zeros((0, 0, 3), np.uint8)
        self.count = 0
        self.ages: list[float] = []
        self.events: list[Event] = []

    def deliver(self, picture: NDArray[Any], source_time: float) -> None:
        self.picture = picture[..., :3].copy()
        self.ages.append(time.monotonic() - source_time)
        self.count += 1

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def has(self, picture: NDArray[Any]) -> bool:
        return np.array_equal(self.picture, picture)

    def last(self, kind: type) -> Any:
        return next((event for event in reversed(self.events) if isinstance(event, kind)), None)


@pytest.fixture(scope="module")
def person() -> Iterator[Desktop]:
    with desktop() as person:
        yield person


@pytest.fixture
def game(person: Desktop) -> Iterator[Game]:
    game = Game(person)
    yield game
    game.close()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def capture(person: Desktop, game: Game, sink: Sink) -> Iterator[WindowCapture]:
    capture = WindowCapture(game.window, display=person.display)
    capture.start(sink)
    yield capture
    capture.stop()


def test_what_is_on_screen_already_comes_first(person: Desktop, game: Game, sink: Sink) -> None:
    drawn = game.draw(1)
    capture = WindowCapture(game.window, display=person.display)
    capture.start(sink)
    until(lambda: sink.has(drawn), "the picture that was there")
    capture.stop()
    assert sink.events[:2] == [Moved(Rectangle(*game.place(), 320, 180)), FocusChanged(True)]
    assert capture.description == 'window "Some Game" (X11)'


@pytest.mark.usefixtures("capture")
def test_every_frame_comes_exactly_as_it_was_drawn(game: Game, sink: Sink) -> None:
    for number in range(60):
        drawn = game.draw(number)
        until(lambda drawn=drawn: sink.has(drawn), f"frame {number}")
    # The server's time of the drawing: never in the future, and not long ago.
    assert min(sink.ages) >= 0
    assert np.median(sink.ages) < 0.1


@pytest.mark.usefixtures("capture")
def test_a_window_that_does_not_draw_costs_nothing(game: Game, sink: Sink) -> None:
    drawn = game.draw(1)
    until(lambda: sink.has(drawn), "the frame")
    time.sleep(0.2)
    count = sink.count
    time.sleep(0.3)
    assert sink.count == count


@pytest.mark.usefixtures("capture")
def test_what_lies_above_the_window_is_not_in_the_picture(
    person: Desktop, game: Game, sink: Sink
) -> None:
    other = Game(person, 200, 100, "In Front")
    other.move(*game.place())
    other.draw(5)
    drawn = game.draw(2)
    until(lambda: sink.has(drawn), "the game's own picture")
    assert not np.array_equal(person.see(*game.place(), 320, 180), drawn)
    until(lambda: sink.last(FocusChanged) == FocusChanged(False), "the focus went")
    other.close()
    until(lambda: sink.last(FocusChanged) == FocusChanged(True), "the focus came back")


@pytest.mark.usefixtures("capture")
def test_resizes_while_running_bring_pictures_of_the_new_size(game: Game, sink: Sink) -> None:
    for number, (width, height) in enumerate([(400, 300), (128, 72), (401, 203), (320, 180)]):
        game.resize(width, height)
        until(
            lambda: sink.last(Moved) == Moved(Rectangle(*game.place(), *game.size)),
            "its place was told",
        )
        drawn = game.draw(number)
        until(lambda drawn=drawn: sink.has(drawn), f"{width}x{height}")


@pytest.mark.usefixtures("capture")
def test_moves_are_told_where_the_window_is_within_its_frame(game: Game, sink: Sink) -> None:
    before = game.place()
    game.move(300, 260)
    until(lambda: game.place() != before, "it moved")
    until(lambda: sink.last(Moved) == Moved(Rectangle(*game.place(), 320, 180)), "it was told")


@pytest.mark.usefixtures("capture")
def test_iconified_and_restored(person: Desktop, game: Game, sink: Sink) -> None:
    game.draw(1)
    person.iconify(game.window)
    until(lambda: sink.last(Visibility) == Visibility(False), "it was hidden")
    until(lambda: sink.last(FocusChanged) == FocusChanged(False), "it lost the focus")
    count = sink.count
    person.activate(game.window)
    until(lambda: sink.last(Visibility) == Visibility(True), "it was shown")
    drawn = game.draw(2)
    until(lambda: sink.has(drawn), "a fresh picture")
    assert sink.count > count
    until(lambda: sink.last(Moved) == Moved(Rectangle(*game.place(), 320, 180)), "its place")


@pytest.mark.usefixtures("capture")
def test_a_window_that_closes_ends_the_capture(game: Game, sink: Sink) -> None:
    game.close()
    until(lambda: sink.last(Closed), "it was told")
    assert sink.last(Failed) is None


def test_an_iconified_window_can_be_waited_for(person: Desktop, game: Game, sink: Sink) -> None:
    person.iconify(game.window)
    until(lambda: not person.viewable(game.window), "it is hidden")
    capture = WindowCapture(game.window, display=person.display)
    capture.start(sink)
    assert Visibility(False) in sink.events
    person.activate(game.window)
    until(lambda: sink.last(Visibility) == Visibility(True), "it was shown")
    drawn = game.draw(3)
    until(lambda: sink.has(drawn), "its picture")
    capture.stop()


def test_stopped_and_started_again_it_goes_on_and_nothing_is_left(
    person: Desktop, game: Game, sink: Sink
) -> None:
    threads = threading.active_count()
    capture = WindowCapture(game.window, display=person.display)
    for number in range(5):
        capture.start(sink)
        drawn = game.draw(number)
        until(lambda drawn=drawn: sink.has(drawn), "a picture")
        assert own_segments()
        capture.stop()
        capture.stop()
        count = sink.count
        game.draw(100 + number)
        assert sink.count == count
    assert threading.active_count() == threads
    assert not own_segments()


def test_a_sink_that_raises_is_told_to_itself(person: Desktop, game: Game) -> None:
    class Broken(Sink):
        def deliver(self, picture: NDArray[Any], source_time: float) -> None:
            raise ValueError("no room")

    sink = Broken()
    capture = WindowCapture(game.window, display=person.display)
    capture.start(sink)
    until(lambda: sink.last(Failed), "the failure")
    assert sink.last(Failed).part == "capture"
    assert str(sink.last(Failed).error) == "no room"
    capture.stop()


def test_a_window_that_has_gone_cannot_be_captured(person: Desktop, sink: Sink) -> None:
    game = Game(person)
    game.close()
    until(lambda: not person.viewable(game.window), "it has gone")
    with pytest.raises(TemporalCleanError, match="is the game running"):
        WindowCapture(game.window, display=person.display).start(sink)


def test_a_monitor_shows_all_that_is_on_it(person: Desktop, game: Game, sink: Sink) -> None:
    capture = MonitorCapture(1, display=person.display)
    capture.start(sink)
    assert sink.events[0] == Moved(Rectangle(0, 0, 800, 600))
    game.draw(4)
    until(lambda: sink.has(person.screen()), "the whole screen")
    capture.stop()


def test_a_monitor_that_there_is_not_is_refused_with_those_that_there_are(
    person: Desktop, sink: Sink
) -> None:
    with pytest.raises(TemporalCleanError, match="from 1 to 1, got 2; there are 1: 800x600"):
        MonitorCapture(2, display=person.display).start(sink)


def test_the_cursor_is_drawn_where_it_points(person: Desktop, game: Game, sink: Sink) -> None:
    drawn = game.draw(1)
    x, y = game.place()
    person.point(x + 100, y + 80)
    capture = WindowCapture(game.window, cursor=True, display=person.display)
    capture.start(sink)
    until(lambda: sink.count, "a picture")
    capture.stop()
    changed = np.argwhere((sink.picture != drawn).any(axis=2))
    assert len(changed) > 10
    # A pointer is a few dozen pixels around its tip.
    assert (abs(changed - [80, 100]) < 48).all()


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 255))
def test_a_blended_image_stays_inside_the_picture(x: int, y: int, alpha: int) -> None:
    whole = np.full((10, 10, 4), 100, np.uint8)
    image = np.full((6, 5, 4), alpha, np.uint8)
    blend(whole[2:8, 2:8], image, x, y)
    expected = np.full((10, 10, 4), 100, np.uint8)
    # Alpha blending by definition: what is over, plus what is under times what is let through.
    for row in range(6):
        for column in range(6):
            if 0 <= row - y < 6 and 0 <= column - x < 5:
                value = alpha + 100 * (255 - alpha) / 255
                expected[2 + row, 2 + column] = min(255, int(value + 0.5))
    assert abs(whole.astype(int) - expected).max() <= 1
    outside = np.ones((10, 10), bool)
    outside[2:8, 2:8] = False
    assert (whole[outside] == 100).all()


@pytest.mark.parametrize("missing", ["Composite", "MIT-SHM", "DAMAGE"])
def test_a_missing_extension_is_named_with_what_to_do(missing: str, sink: Sink) -> None:
    with desktop(320, 240, "-extension", missing) as person:
        game = Game(person, 200, 100)
        with pytest.raises(TemporalCleanError, match=f"lacks {missing}, which live use needs: "):
            WindowCapture(game.window, display=person.display).start(sink)


def test_the_end_of_the_x_server_is_told_as_a_failure(sink: Sink) -> None:
    with desktop(320, 240) as person:
        game = Game(person, 200, 100)
        capture = WindowCapture(game.window, display=person.display)
        capture.start(sink)
        until(lambda: sink.count, "a picture")
    # The window's end may be told before the server's.
    until(lambda: sink.last(Failed) or sink.last(Closed), "the end")
    if failed := sink.last(Failed):
        assert "the server has ended" in str(failed.error)
    capture.stop()
    assert not own_segments()


def test_another_depth_is_refused(sink: Sink) -> None:
    with desktop(320, 240, depth=16) as person:
        game = Game(person, 200, 100)
        with pytest.raises(TemporalCleanError, match=r"24 or 32 bits a pixel .* got depth 16"):
            WindowCapture(game.window, display=person.display).start(sink)
