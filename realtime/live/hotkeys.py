"""Hotkeys as text, ``ctrl+shift+f6``, the same on every system; each presenter registers them."""

from collections.abc import Mapping
from typing import NamedTuple

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command

__all__ = ["DEFAULT_HOTKEYS", "KEYS", "MODIFIERS", "Hotkey", "hotkeys_from", "parse_hotkey"]

MODIFIERS = ("ctrl", "alt", "shift", "super")
LETTERS_AND_DIGITS = tuple("abcdefghijklmnopqrstuvwxyz0123456789")
FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 25))
NAMED_KEYS = (
    *("left", "right", "up", "down", "home", "end", "page-up", "page-down"),
    *("insert", "delete", "space", "tab", "escape", "pause", "backspace", "return"),
)
KEYS = (*LETTERS_AND_DIGITS, *FUNCTION_KEYS, *NAMED_KEYS)
# Keys that no game and no text field wants for itself: they may stand without a modifier.
ALONE = (*FUNCTION_KEYS, "pause")


class Hotkey(NamedTuple):
    """``modifiers`` of MODIFIERS, in that order, and one ``key`` of KEYS."""

    modifiers: tuple[str, ...]
    key: str

    def __str__(self) -> str:
        return "+".join((*self.modifiers, self.key))


def parse_hotkey(text: str) -> Hotkey:
    """``ctrl+shift+f6`` -> its parts; raises :class:`TemporalCleanError` on anything else."""
    *modifiers, key = (part.strip().lower() for part in text.split("+"))
    unknown = [name for name in modifiers if name not in MODIFIERS]
    if unknown or key not in KEYS:
        raise TemporalCleanError(
            f"no hotkey '{text}': expected modifiers ({', '.join(MODIFIERS)}) and one key joined "
            f"by +, like ctrl+shift+f6; keys are a to z, 0 to 9, f1 to f24, {', '.join(NAMED_KEYS)}"
        )
    held = tuple(name for name in MODIFIERS if name in modifiers)
    if key not in ALONE and set(held) <= {"shift"}:
        raise TemporalCleanError(
            f"hotkey '{text}' would take that key from every program: add ctrl, alt or super"
        )
    return Hotkey(held, key)


# Not Ctrl+Alt: that is AltGr, and with a function key it switches Linux consoles. Not the arrows:
# text fields select words by them. Not F12: Windows keeps it for debuggers.
DEFAULT_HOTKEYS: dict[Command, Hotkey] = {
    Command.DIVIDER_LEFT: parse_hotkey("ctrl+shift+f1"),
    Command.DIVIDER_RIGHT: parse_hotkey("ctrl+shift+f2"),
    Command.STRENGTH_DOWN: parse_hotkey("ctrl+shift+f3"),
    Command.STRENGTH_UP: parse_hotkey("ctrl+shift+f4"),
    Command.TOGGLE: parse_hotkey("ctrl+shift+f6"),
    Command.SPLIT: parse_hotkey("ctrl+shift+f7"),
    Command.HUD: parse_hotkey("ctrl+shift+f8"),
    Command.PANIC: parse_hotkey("ctrl+shift+f9"),
    Command.QUIT: parse_hotkey("ctrl+shift+f10"),
}


def hotkeys_from(changes: Mapping[str, str]) -> dict[Command, Hotkey]:
    """The defaults with ``changes`` (command's name -> hotkey, empty for none) applied.

    Raises :class:`TemporalCleanError` on an unknown command or hotkey, or one used twice.
    """
    result = dict(DEFAULT_HOTKEYS)
    known = [command.value for command in Command]
    for name, text in changes.items():
        if name not in known:
            raise TemporalCleanError(
                f"no command '{name}' for a hotkey: expected one of {', '.join(known)}"
            )
        result.pop(Command(name), None)
        if text.strip():
            result[Command(name)] = parse_hotkey(text)
    owners: dict[Hotkey, Command] = {}
    for command, hotkey in result.items():
        other = owners.setdefault(hotkey, command)
        if other is not command:
            raise TemporalCleanError(
                f"hotkey {hotkey} is given to both {other.value} and {command.value}: change one"
            )
    return result
