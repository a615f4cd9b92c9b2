"""Windows are found by title, process and click; keys by their names; where they are refused."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from desktop import Desktop, Game, desktop, until

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.choose import open_capture
from temporal_clean.realtime.live.capture.x11 import WindowCapture
from temporal_clean.realtime.live.desktop import describe_desktop
from temporal_clean.realtime.live.events import Command
from temporal_clean.realtime.live.hotkeys import KEYS, parse_hotkey
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.choose import open_presenter
from temporal_clean.realtime.live.x11.hotkeys import Hotkeys
from temporal_clean.realtime.live.x11.pick import pick_window
from temporal_clean.realtime.live.x11.server import Server
from temporal_clean.realtime.live.x11.windows import (
    Window,
    find_by_process,
    find_by_title,
    list_windows,
)

CONTROL, SHIFT, CAPS_LOCK, NUM_LOCK, F6, F7 = 0xFFE3, 0xFFE1, 0xFFE5, 0xFF7F, 0xFFC3, 0xFFC4


@pytest.fixture(scope="module")
def person() -> Iterator[Desktop]:
    with desktop() as person, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", person.display)
        yield person


@pytest.fixture
def server(person: Desktop) -> Iterator[Server]:
    server = Server(person.display)
    yield server
    server.close()


@pytest.fixture
def game(person: Desktop) -> Iterator[Game]:
    game = Game(person)
    yield game
    game.close()
    until(lambda: not person.viewable(game.window), "it has gone")


def test_a_part_of_the_title_in_any_case_is_enough(server: Server, game: Game) -> None:
    found = find_by_title(server, "some g")
    assert found.id == game.window
    assert found.title == "Some Game"
    assert found.process == os.getpid()
    assert found.visible
    assert found.place == (*game.place(), 320, 180)


def test_the_exact_title_wins_and_else_the_choice_is_listed(
    person: Desktop, server: Server, game: Game
) -> None:
    other = Game(person, 200, 100, "Some Game Launcher")
    assert find_by_title(server, "Some Game").id == game.window
    with pytest.raises(TemporalCleanError, match=r"2 windows fit .*'some'.*: use --pid or --pick"):
        find_by_title(server, "some")
    other.close()


def test_without_a_match_all_windows_are_listed(server: Server, game: Game) -> None:
    with pytest.raises(TemporalCleanError) as told:
        find_by_title(server, "nonsense")
    assert f"pid {os.getpid()}" in str(told.value)
    assert "320x180   Some Game" in str(told.value)
    with pytest.raises(TemporalCleanError, match="not a window of process 9999999;"):
        find_by_process(server, 9999999)
    assert game.window


def test_a_window_of_a_process_and_of_the_one_that_started_it(server: Server, game: Game) -> None:
    assert find_by_process(server, os.getpid()).id == game.window
    assert find_by_process(server, os.getppid()).id == game.window


def test_without_a_window_manager_the_tree_is_searched() -> None:
    with desktop(320, 240, manager=False) as person:
        game = Game(person, 200, 100, managed=False)
        server = Server(person.display)
        assert [window.title for window in list_windows(server)] == ["Some Game"]
        assert find_by_title(server, "game").id == game.window
        server.close()


def test_picking_a_window_by_a_click_that_the_game_does_not_hear(
    person: Desktop, server: Server, game: Game
) -> None:
    picked: list[Window] = []
    thread = threading.Thread(target=lambda: picked.append(pick_window(server)))
    thread.start()
    x, y = game.place()
    until(lambda: not person.can_grab_pointer(), "it waits for a click")
    person.click(x + 10, y + 10)
    thread.join(10)
    assert [window.id for window in picked] == [game.window]
    assert game.heard() == []
    assert person.can_grab_pointer()


def test_picking_the_desktop_or_with_another_button_is_no_choice(
    person: Desktop, server: Server
) -> None:
    for button, told in ((1, "no window where you clicked"), (3, "cancelled")):
        errors: list[str] = []

        def pick(errors: list[str] = errors) -> None:
            try:
                pick_window(server)
            except TemporalCleanError as error:
                errors.append(str(error))

        thread = threading.Thread(target=pick)
        thread.start()
        until(lambda: not person.can_grab_pointer(), "it waits for a click")
        person.click(790, 590, button)
        thread.join(10)
        assert told in errors[0]


def test_every_key_has_a_place_on_the_keyboard(person: Desktop) -> None:
    keys = [key for key in KEYS if key not in [f"f{number}" for number in range(13, 25)]]
    text = [f"ctrl+super+{key}" for key in keys]
    for some in (text[:9], text[9:]):
        commands = dict(zip(list(Command) * 9, map(parse_hotkey, some), strict=False))
        hotkeys = Hotkeys(commands, person.display)
        assert not [note for note in hotkeys.refused if "no such key" in note]
        hotkeys.close()


@pytest.mark.parametrize("locks", [(), (CAPS_LOCK,), (NUM_LOCK,), (CAPS_LOCK, NUM_LOCK)])
def test_hotkeys_work_whatever_is_locked(person: Desktop, locks: tuple[int, ...]) -> None:
    hotkeys = Hotkeys({Command.TOGGLE: parse_hotkey("ctrl+shift+f6")}, person.display)
    for lock in locks:
        person.press(lock)
    person.press(CONTROL, SHIFT, F6)
    assert until(hotkeys.poll, "the command") == [Command.TOGGLE]
    for lock in locks:
        person.press(lock)
    hotkeys.close()


def test_other_keys_and_other_modifiers_are_not_taken(person: Desktop, game: Game) -> None:
    hotkeys = Hotkeys({Command.TOGGLE: parse_hotkey("ctrl+shift+f6")}, person.display)
    person.press(CONTROL, F6)
    person.press(CONTROL, SHIFT, F7)
    codes = [("key", person.keycode(symbol)) for symbol in (F6, F7)]
    until(lambda: set(codes) <= set(game.heard()), "the game hears them")
    assert hotkeys.poll() == []
    hotkeys.close()


def test_options_choose_capture_and_presenter(person: Desktop, game: Game) -> None:
    capture = open_capture(LiveOptions(window="some game"))
    assert isinstance(capture, WindowCapture)
    assert capture.window == game.window
    assert open_capture(LiveOptions(pid=os.getpid())).description
    presenter = open_presenter(LiveOptions(window="some game"), capture)
    assert presenter.covers
    assert not person.viewable(presenter.window)  # pyright: ignore[reportAttributeAccessIssue]
    presenter.close()
    with pytest.raises(TemporalCleanError, match="from 1 to 1, got 4"):
        open_capture(LiveOptions(monitor=4))


def test_an_overlay_over_a_captured_monitor_is_refused(person: Desktop) -> None:
    options = LiveOptions(monitor=1)
    with pytest.raises(TemporalCleanError, match="would be captured with it: use --window"):
        open_presenter(options, open_capture(options))
    assert person.display


def test_without_a_display_the_error_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(TemporalCleanError, match="DISPLAY is unset: set DISPLAY"):
        Server()
    with pytest.raises(TemporalCleanError, match="no X server answers at DISPLAY=:4999"):
        Server(":4999")


def test_the_doctor_tells_what_there_is(person: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    found = "Composite, DAMAGE, MIT-SHM and XFIXES are there; monitors 800x600"
    assert describe_desktop() == [f"X11 at {person.display}: {found}"]
    monkeypatch.setenv("DISPLAY", ":4999")
    assert "no X server answers" in describe_desktop()[0]
    monkeypatch.delenv("DISPLAY")
    assert "only --source" in describe_desktop()[0]


def test_without_the_binding_the_install_line_is_told(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['xcffib'] = None\n"
        "from temporal_clean.realtime.live.capture.choose import open_capture\n"
        "from temporal_clean.realtime.live.options import LiveOptions\n"
        "open_capture(LiveOptions(window='x'))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "DISPLAY": ":0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "pip install 'temporal-clean[live]'" in found.stderr
