"""Overlays and windows by shared memory and by OpenGL, on a real X server with a window manager."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from desktop import Desktop, Game, desktop, own_segments, picture_of, until
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command, CommandGiven
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.hotkeys import Hotkey, parse_hotkey

for package in ("glfw", "moderngl"):
    pytest.importorskip(package, reason=f"needs {package}: pip install 'temporal-clean[live]'")

# ruff: noqa: E402
from temporal_clean.realtime.live.present.gl import (
    GLOverlayPresenter,
    GLWindowPresenter,
    fitted,
)
from temporal_clean.realtime.live.present.x11 import OverlayPresenter, WindowPresenter

HOTKEYS = {Command.TOGGLE: parse_hotkey("ctrl+shift+f6")}
CONTROL, SHIFT, F6 = 0xFFE3, 0xFFE1, 0xFFC3
Shown = OverlayPresenter | GLOverlayPresenter
Windowed = WindowPresenter | GLWindowPresenter
PRESENTERS = [
    pytest.param((OverlayPresenter, WindowPresenter), id="shared-memory"),
    pytest.param((GLOverlayPresenter, GLWindowPresenter), id="opengl"),
]


@pytest.fixture(scope="module")
def person() -> Iterator[Desktop]:
    with desktop() as person, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", person.display)
        patch.setenv("LIBGL_ALWAYS_SOFTWARE", "1")
        yield person


@pytest.fixture
def game(person: Desktop) -> Iterator[Game]:
    game = Game(person)
    yield game
    game.close()


@pytest.fixture(params=PRESENTERS)
def overlay(request: pytest.FixtureRequest, game: Game) -> Iterator[Shown]:
    presenter = request.param[0](game.window, HOTKEYS)
    yield presenter
    presenter.close()


@pytest.fixture(params=PRESENTERS)
def window(request: pytest.FixtureRequest, person: Desktop) -> Iterator[Windowed]:
    presenter = request.param[1]("A Window", HOTKEYS)
    yield presenter
    presenter.close()


def place_of(game: Game) -> Rectangle:
    return Rectangle(*game.place(), *game.size)


def sees(person: Desktop, place: Rectangle, picture: NDArray[Any]) -> bool:
    return np.array_equal(person.see(*place), picture[..., :3])


def test_hidden_until_first_shown_and_after_hiding(
    person: Desktop, game: Game, overlay: Shown
) -> None:
    drawn, place = game.draw(1), place_of(game)
    assert sees(person, place, drawn)
    assert not person.viewable(overlay.window)
    for number in (7, 8):
        clean = picture_of(number, 320, 180)
        overlay.show(clean, place)
        until(lambda clean=clean: sees(person, place, clean), "exactly the picture")
        overlay.hide()
        overlay.hide()
        until(lambda: not person.viewable(overlay.window), "it is gone")
        game.draw(1)
        assert sees(person, place, drawn)


def test_focus_clicks_and_keys_stay_with_the_game(
    person: Desktop, game: Game, overlay: Shown
) -> None:
    place = place_of(game)
    overlay.show(picture_of(7, 320, 180), place)
    person.click(place.x + 100, place.y + 100)
    person.press(ord("g"))
    # openbox looks at each click first, so that it may come after the key.
    wanted = {("button", 1), ("key", person.keycode(ord("g")))}
    until(lambda: (overlay.poll(), set(game.heard()) == wanted)[1], "click and key")
    assert person.focus() == game.window


def test_hotkeys_reach_the_overlay_and_not_the_game(
    person: Desktop, game: Game, overlay: Shown
) -> None:
    person.press(CONTROL, SHIFT, F6)
    assert until(overlay.poll, "a command") == [CommandGiven(Command.TOGGLE)]
    assert ("key", person.keycode(F6)) not in game.heard()
    assert overlay.notes == ()


def test_it_follows_moves_and_resizes(person: Desktop, game: Game, overlay: Shown) -> None:
    for width, height, x, y in ((320, 180, 100, 90), (200, 150, 300, 200), (321, 177, 20, 40)):
        game.resize(width, height)
        game.move(x, y)
        until(lambda: (game.core.GetInputFocus().reply(), True)[1], "done")
        time.sleep(0.1)
        place, clean = place_of(game), picture_of(width, width, height)
        overlay.show(clean, place)
        until(lambda clean=clean, place=place: sees(person, place, clean), f"at {place}")


def test_it_stays_right_above_the_game(person: Desktop, game: Game, overlay: Shown) -> None:
    place, clean = place_of(game), picture_of(7, 320, 180)
    overlay.show(clean, place)
    other = Game(person, 300, 150, "Another")
    person.activate(other.window)
    other.move(place.x + 20, place.y + 20)
    time.sleep(0.1)
    drawn, there = other.draw(3), place_of(other)

    def polled(picture: NDArray[Any], where: Rectangle) -> bool:
        overlay.poll()
        other.draw(3)
        overlay.show(clean, place)
        return sees(person, where, picture)

    # A window above the game is above its overlay.
    until(lambda: polled(drawn, there), "the other window")
    # Raised, the game takes its overlay with it.
    person.activate(game.window)
    until(lambda: polled(clean, place), "the overlay over the raised game")
    other.close()


def test_a_second_overlay_above_stays_above_and_nobody_fights(
    person: Desktop, game: Game, overlay: Shown
) -> None:
    place, clean = place_of(game), picture_of(7, 320, 180)
    overlay.show(clean, place)
    second = OverlayPresenter(game.window, {})
    above = picture_of(9, 100, 60)
    second.show(above, Rectangle(place.x, place.y, 100, 60))
    restacked = 0
    for _ in range(50):
        overlay.poll()
        second.poll()
        overlay.show(clean, place)
        order = person.children()
        restacked += order != person.children()
        time.sleep(0.002)
    assert restacked == 0
    frame_and_overlays = [
        each for each in person.children() if each in (overlay.window, second.window)
    ]
    assert len(frame_and_overlays) == 2
    seen = person.see(*place)
    in_front = above if frame_and_overlays[-1] == second.window else clean[:60, :100]
    until(lambda: np.array_equal(person.see(place.x, place.y, 100, 60), in_front[..., :3]), "one")
    assert np.array_equal(seen[60:], clean[60:, :, :3])
    second.close()


def test_without_a_target_it_comes_back_to_the_top(person: Desktop, game: Game) -> None:
    overlay = OverlayPresenter(None, {})
    place, clean = Rectangle(60, 60, 200, 150), picture_of(7, 200, 150)
    overlay.show(clean, place)
    other = Game(person, 400, 300, "Another")
    other.move(20, 20)
    until(lambda: (overlay.poll(), sees(person, place, clean))[1], "above the new window")
    other.close()
    overlay.close()


def test_two_overlays_that_want_the_top_do_not_go_on_for_ever(person: Desktop) -> None:
    first, second = OverlayPresenter(None, {}), OverlayPresenter(None, {})
    place = Rectangle(60, 60, 20, 20)
    first.show(picture_of(1, 20, 20), place)
    second.show(picture_of(2, 20, 20), place)
    changes, last = 0, person.children()
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        first.poll()
        second.poll()
        changes, last = changes + (last != person.children()), person.children()
    assert changes <= 25
    first.close()
    second.close()


def test_what_uncovers_the_overlay_is_painted_again(person: Desktop, game: Game) -> None:
    overlay = OverlayPresenter(game.window, {})
    place, clean = place_of(game), picture_of(7, 320, 180)
    overlay.show(clean, place)
    other = Game(person, 300, 150, "Another")
    other.move(place.x + 20, place.y + 20)
    other.draw(3)
    other.close()
    until(lambda: (overlay.poll(), sees(person, place, clean))[1], "the whole picture again")
    overlay.close()


def test_a_window_shows_exactly_the_picture_and_does_not_take_the_keyboard(
    person: Desktop, game: Game, window: Windowed
) -> None:
    clean = picture_of(7, 200, 100)

    def shown() -> bool:
        window.show(clean, Rectangle(0, 0, 1, 1))
        window.poll()
        corner = person.core.TranslateCoordinates(window.window, person.root, 0, 0).reply()
        return sees(person, Rectangle(corner.dst_x, corner.dst_y, 200, 100), clean)

    until(shown, "the picture")
    assert person.focus() == game.window
    assert b"A Window" in person.property(window.window, "_NET_WM_NAME")
    window.hide()
    until(lambda: not person.viewable(window.window), "hidden")


def test_a_window_can_be_closed(person: Desktop, window: Windowed) -> None:
    window.show(picture_of(7, 200, 100), Rectangle(0, 0, 1, 1))
    until(lambda: (window.poll(), person.viewable(window.window))[1], "it is there")
    person.ask(window.window, "_NET_CLOSE_WINDOW")
    assert until(window.poll, "the wish") == [CommandGiven(Command.QUIT)]


@pytest.mark.parametrize("make", [WindowPresenter, GLWindowPresenter])
def test_in_a_larger_window_the_picture_stands_in_the_middle_of_black(
    person: Desktop, make: Callable[[str, Mapping[Command, Hotkey]], Windowed]
) -> None:
    window, clean = make("Wide", {}), picture_of(7, 200, 100)
    window.show(clean, Rectangle(0, 0, 1, 1))
    until(lambda: (window.poll(), person.viewable(window.window))[1], "it is there")
    person.core.ConfigureWindow(window.window, 4 | 8, [320, 100])

    def shown() -> bool:
        window.poll()
        window.show(clean, Rectangle(0, 0, 1, 1))
        corner = person.core.TranslateCoordinates(window.window, person.root, 0, 0).reply()
        seen = person.see(corner.dst_x, corner.dst_y, 320, 100)
        middle = np.array_equal(seen[:, 60:260], clean[..., :3])
        return middle and not seen[:, :60].any() and not seen[:, 260:].any()

    until(shown, "picture and bars")
    window.close()


def test_opengl_scales_a_picture_to_its_place(person: Desktop, game: Game) -> None:
    overlay, place = GLOverlayPresenter(game.window, {}), place_of(game)
    ramp = np.zeros((90, 160, 4), np.uint8)
    ramp[..., 1] = np.arange(160)
    overlay.show(ramp, place)
    until(lambda: person.viewable(overlay.window), "it is there")
    # Linear interpolation between pixel centres (OpenGL 3.3, 3.8.11).
    expected = (np.arange(320) + 0.5) / 2 - 0.5
    until(
        lambda: abs(person.see(*place)[90, :, 1] - expected.clip(0, 159)).max() <= 1,
        "a smooth ramp",
    )
    overlay.close()


@given(st.tuples(*[st.integers(1, 4000)] * 4))
def test_a_fitted_picture_is_as_large_as_possible_and_in_proportion(
    sizes: tuple[int, int, int, int],
) -> None:
    width, height, wide, high = sizes
    place = fitted((width, height), (wide, high))
    assert place.x >= 0
    assert place.y >= 0
    assert place.x + place.width <= wide
    assert place.y + place.height <= high
    assert place.width == wide or place.height == high
    assert abs(place.x - (wide - place.x - place.width)) <= 1
    assert abs(place.width * height / width - place.height) <= max(1, height / width)


@pytest.mark.parametrize(
    "make",
    [
        lambda game: OverlayPresenter(game.window, HOTKEYS),
        lambda game: GLOverlayPresenter(game.window, HOTKEYS),
        lambda game: WindowPresenter("Window", HOTKEYS),
        lambda game: GLWindowPresenter("Window", HOTKEYS),
    ],
    ids=["overlay", "gl-overlay", "window", "gl-window"],
)
def test_closed_it_leaves_nothing_behind(
    person: Desktop, game: Game, make: Callable[[Game], Any]
) -> None:
    windows, threads = set(person.children()), threading.active_count()
    presenter = make(game)
    presenter.show(picture_of(1, 320, 180), place_of(game))
    presenter.poll()
    presenter.close()
    presenter.close()
    until(lambda: set(person.children()) == windows, "no window more than before")
    assert not own_segments()
    assert threading.active_count() == threads
    again = make(game)
    again.close()
    assert again.notes == ()


def test_taken_hotkeys_are_reported_and_not_fatal(person: Desktop, game: Game) -> None:
    first = OverlayPresenter(game.window, HOTKEYS)
    second = OverlayPresenter(game.window, {**HOTKEYS, Command.SPLIT: parse_hotkey("ctrl+f7")})
    assert second.notes == ("ctrl+shift+f6 (toggle): another program has taken it",)
    person.press(CONTROL, 0xFFC4)
    assert until(second.poll, "a command") == [CommandGiven(Command.SPLIT)]
    second.close()
    first.close()


def test_without_opengl_the_other_presenters_are_named() -> None:
    with desktop(320, 240, "-extension", "GLX") as person, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", person.display)
        with pytest.raises(TemporalCleanError, match="use --presenter overlay or window"):
            GLWindowPresenter("Window", {})


def test_the_end_of_the_x_server_is_no_obstacle_to_closing() -> None:
    with desktop(320, 240) as person:
        overlay = OverlayPresenter(None, {}, person.display)
        overlay.show(picture_of(1, 100, 100), Rectangle(0, 0, 100, 100))
    overlay.close()
    assert not own_segments()
