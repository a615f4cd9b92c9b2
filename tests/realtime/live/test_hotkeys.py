"""Hotkeys as a player writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command
from temporal_clean.realtime.live.hotkeys import (
    DEFAULT_HOTKEYS,
    KEYS,
    MODIFIERS,
    Hotkey,
    hotkeys_from,
    parse_hotkey,
)


@given(st.sets(st.sampled_from(MODIFIERS)), st.sampled_from(KEYS), st.randoms())
def test_order_case_and_spaces_do_not_matter(held: set[str], key: str, random) -> None:
    held = held | {"ctrl"}
    names = sorted(held)
    random.shuffle(names)
    hotkey = parse_hotkey(" + ".join([*names, key]).upper())
    assert hotkey == Hotkey(tuple(name for name in MODIFIERS if name in held), key)
    assert parse_hotkey(str(hotkey)) == hotkey


@pytest.mark.parametrize("text", ["", "ctrl+", "hyper+a", "ctrl+f25", "f6+ctrl", "ctrl shift f6"])
def test_what_is_no_hotkey_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(TemporalCleanError, match=r"no hotkey .*like ctrl\+shift\+f6"):
        parse_hotkey(text)


@pytest.mark.parametrize("text", ["a", "shift+a", "space"])
def test_a_key_that_games_use_needs_a_modifier(text: str) -> None:
    with pytest.raises(TemporalCleanError, match="add ctrl, alt or super"):
        parse_hotkey(text)
    assert parse_hotkey("pause").key == "pause"


def test_every_command_has_a_default_and_none_is_used_twice() -> None:
    assert set(DEFAULT_HOTKEYS) == set(Command)
    assert hotkeys_from({}) == DEFAULT_HOTKEYS


def test_changes_replace_swap_and_remove() -> None:
    toggle, split = str(DEFAULT_HOTKEYS[Command.TOGGLE]), str(DEFAULT_HOTKEYS[Command.SPLIT])
    swapped = hotkeys_from({"toggle": split, "split": toggle, "quit": ""})
    assert str(swapped[Command.TOGGLE]) == split
    assert str(swapped[Command.SPLIT]) == toggle
    assert Command.QUIT not in swapped


def test_a_clash_and_an_unknown_command_are_told() -> None:
    with pytest.raises(TemporalCleanError, match="given to both"):
        hotkeys_from({"toggle": "ctrl+a", "hud": "Ctrl+A"})
    with pytest.raises(TemporalCleanError, match=r"no command 'togle'.*toggle, split"):
        hotkeys_from({"togle": "ctrl+a"})
