"""Whole sessions on a real X server: a program's window, cleaned, and shown over it."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desktop import Desktop, Game, desktop, own_segments, picture_of, until
from games import INSTALL, OPENARENA, openarena
from numpy.typing import NDArray
from staged import PATIENCE, real_session

from temporal_clean.realtime.graph import GraphRequest
from temporal_clean.realtime.live.capture.x11 import WindowCapture
from temporal_clean.realtime.live.events import Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle
from temporal_clean.realtime.live.loop import LiveLoop
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.x11 import OverlayPresenter
from temporal_clean.realtime.live.x11.server import Server
from temporal_clean.realtime.live.x11.windows import find_by_title

CONTROL, SHIFT, F6, F9, F10 = 0xFFE3, 0xFFE1, 0xFFC3, 0xFFC6, 0xFFC7


class Watched:
    """A real overlay, with what it was asked to show kept beside it."""

    formats: tuple[PixelFormat, ...] = ("bgra8",)
    covers = True
    notes: tuple[str, ...] = ()
    description = "watched"

    def __init__(self, overlay: OverlayPresenter) -> None:
        self.overlay = overlay
        self.first: NDArray[Any] | None = None
        self.last: NDArray[Any] = np.zeros((1, 1, 4), np.uint8)
        self.count = 0

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        self.overlay.show(picture, place)
        self.last = picture.copy()
        self.first = self.last if self.first is None else self.first
        self.count += 1

    def hide(self) -> None:
        self.overlay.hide()

    def poll(self) -> list[Event]:
        return list(self.overlay.poll())

    def close(self) -> None:
        self.overlay.close()


class Live:
    """A session over a game that draws a new picture twenty times a second, when it does."""

    def __init__(self, person: Desktop, game: Game, strength: float) -> None:
        self.person, self.game = person, game
        options = LiveOptions(
            window="Some Game",
            engine="onnxruntime",
            strength=strength,
            min_fps=0.0,
            adaptive=False,
        )
        self.screen = Watched(OverlayPresenter(game.window, options.hotkeys, person.display))
        capture = WindowCapture(game.window, display=person.display)
        self.loop = LiveLoop(capture, self.screen, options, lambda _: None, real_session)
        self.thread = threading.Thread(target=self.loop.run, name="x11 loop")
        self.number = 0

    def until(self, true: Callable[[], Any], what: str, draws: bool = True) -> None:
        """Wait while the game plays, or stands still."""

        def step() -> Any:
            if draws:
                self.number += 1
                self.game.draw(self.number)
                time.sleep(0.05)
            return true()

        until(step, what, PATIENCE)

    def plays(self) -> None:
        """Wait for five fresh pictures, with the overlay on the screen."""
        wanted = self.screen.count + 5
        self.until(lambda: self.screen.count >= wanted and self.shown(), "it plays")

    def shown(self) -> bool:
        return self.person.viewable(self.screen.overlay.window)

    def sees(self, picture: NDArray[Any]) -> bool:
        """Whether the screen shows exactly that where the game's window is."""
        height, width = picture.shape[:2]
        seen = self.person.see(*self.game.place(), width, height)
        return np.array_equal(seen, picture[..., :3])

    def ended(self) -> bool:
        return not self.thread.is_alive()


@contextmanager
def living(person: Desktop, strength: float = 1.0) -> Iterator[Live]:
    """A session that has to end cleanly and to leave nothing behind."""
    windows, threads = set(person.children()), threading.active_count()
    game = Game(person, 64, 64)
    live = Live(person, game, strength)
    live.game.draw(0)
    live.thread.start()
    try:
        yield live
    finally:
        if live.thread.is_alive():
            live.loop.desk.ask({"command": "quit"})
        live.thread.join(PATIENCE)
        game.close()
    assert live.ended()
    assert threading.active_count() == threads
    assert not own_segments()
    until(lambda: set(person.children()) == windows, "no window more than before")


@pytest.fixture(scope="module")
def person() -> Iterator[Desktop]:
    for width in (64, 80):
        real_session("fast", GraphRequest(64, width, "bgra8"), "onnxruntime")
    with desktop() as person:
        yield person


def test_the_overlay_shows_exactly_what_the_engine_made_of_the_game(person: Desktop) -> None:
    with living(person) as live:
        live.until(lambda: live.screen.first is not None, "the first picture")
        first, drawn = live.screen.first, range(live.number + 1)
        session = real_session("fast", GraphRequest(64, 64, "bgra8"), "onnxruntime")

        def alone(number: int) -> NDArray[Any]:
            session.state.reset()
            return session.step(picture_of(number, 64, 64)).clean[..., :3]

        assert first is not None
        assert any(np.array_equal(first[..., :3], alone(number)) for number in reversed(drawn))
        live.plays()
        live.until(lambda: live.sees(live.screen.last), "the cleaned picture on the screen")
        assert not np.array_equal(live.screen.last, picture_of(live.number, 64, 64))


def test_clicks_keys_and_focus_stay_with_the_game(person: Desktop) -> None:
    with living(person) as live:
        live.plays()
        x, y = live.game.place()
        person.click(x + 30, y + 30)
        person.press(ord("w"))
        wanted = {("button", 1), ("key", person.keycode(ord("w")))}
        live.until(lambda: wanted <= set(live.game.heard()), "click and key")
        assert person.focus() == live.game.window
        assert live.shown()


def test_hotkeys_switch_it_off_and_on_and_end_it(person: Desktop) -> None:
    with living(person) as live:
        live.plays()
        person.press(CONTROL, SHIFT, F6)
        live.until(lambda: not live.shown(), "it is off")
        drawn = live.game.draw(9)
        assert live.sees(drawn)
        person.press(CONTROL, SHIFT, F6)
        live.plays()
        person.press(CONTROL, SHIFT, F9)
        live.until(lambda: not live.shown(), "panic hides it")
        person.press(CONTROL, SHIFT, F10)
        live.until(live.ended, "it ends")


def test_a_game_that_stands_still_is_seen_itself(person: Desktop) -> None:
    with living(person) as live:
        live.plays()
        live.until(lambda: not live.shown(), "the watchdog hides it", draws=False)
        drawn = live.game.draw(12)
        live.until(lambda: live.sees(drawn) or live.shown(), "the game, or it goes on", draws=False)
        live.plays()


def test_resized_while_running(person: Desktop) -> None:
    with living(person, strength=0.0) as live:
        live.plays()
        live.game.resize(80, 64)
        live.until(lambda: live.screen.last.shape == (64, 80, 4), "pictures of the new size")
        live.plays()
        live.until(lambda: live.sees(live.screen.last), "exactly over the window")


def test_iconified_and_restored(person: Desktop) -> None:
    with living(person, strength=0.0) as live:
        live.plays()
        person.iconify(live.game.window)
        live.until(lambda: not person.viewable(live.game.window), "the window is away")
        live.until(lambda: not live.shown(), "and so is the overlay")
        count = live.screen.count
        time.sleep(0.3)
        assert live.screen.count <= count + 1
        person.activate(live.game.window)
        live.plays()
        live.until(lambda: live.sees(live.screen.last), "exactly over the window")


def test_moved_with_the_window(person: Desktop) -> None:
    with living(person, strength=0.0) as live:
        live.plays()
        live.game.move(420, 310)
        live.plays()
        live.until(lambda: live.sees(live.screen.last), "exactly over the window")


def test_another_window_in_front_takes_the_focus_and_is_not_covered(person: Desktop) -> None:
    with living(person) as live:
        live.plays()
        other = Game(person, 300, 200, "Another")
        person.activate(other.window)
        other.move(*live.game.place())
        live.until(lambda: not live.shown(), "hidden while the game has no focus")
        drawn = other.draw(5)
        assert np.array_equal(person.see(*other.place(), 300, 200), drawn)
        other.close()
        person.activate(live.game.window)
        live.plays()


def test_a_second_overlay_above_does_not_disturb_it(person: Desktop) -> None:
    with living(person, strength=0.0) as live:
        live.plays()
        second = OverlayPresenter(live.game.window, {}, person.display)
        x, y = live.game.place()
        second.show(np.zeros((20, 20, 4), np.uint8), Rectangle(x, y, 20, 20))
        live.plays()
        live.until(
            lambda: (
                second.poll(),
                np.array_equal(person.see(x, y + 20, 64, 44), live.screen.last[20:, :, :3]),
            )[1],
            "its own picture beside the other's",
        )
        second.close()
        live.plays()
        live.until(lambda: live.sees(live.screen.last), "all of it")


def test_the_window_closed_ends_the_session(person: Desktop) -> None:
    with living(person) as live:
        live.plays()
        live.game.close()
        live.until(live.ended, "it ends", draws=False)
        assert live.loop.ended
        assert live.loop.ended.error is None


@pytest.mark.skipif(not os.access(OPENARENA, os.X_OK), reason=INSTALL)
@pytest.mark.timeout(600)
def test_a_real_game_is_captured_as_it_is_on_the_screen(tmp_path: Path) -> None:
    with desktop() as person, openarena(person.display, tmp_path) as game:
        until(lambda: "match" in game.heard(), "play is on", 300)
        server = Server(person.display)
        window = find_by_title(server, game.title)
        assert window.place[2:] == (640, 360)
        pictures: list[NDArray[Any]] = []

        class Sink:
            def deliver(self, picture: NDArray[Any], source_time: float) -> None:
                pictures.append(picture[..., :3].copy())

            def tell(self, event: Event) -> None:
                pass

        capture = WindowCapture(window.id, display=person.display)
        capture.start(Sink())
        until(lambda: len(pictures) > 10, "it draws", 120)
        until(lambda: np.array_equal(pictures[-1], person.see(*window.place)), "as on the screen")
        capture.stop()
        assert len({picture.tobytes() for picture in pictures}) > 5
        assert pictures[-1].std() > 10
        person.click(window.place.x + 30, window.place.y + 30)
        person.press(0xFFC0)
        until(lambda: {"key", "click"} <= game.heard(), "the game hears", 60)
        server.close()
        shutil.rmtree(tmp_path / ".openarena")
