"""Hotkeys on Windows: RegisterHotKey, and WM_HOTKEY among the thread's messages. Not run yet."""

from collections.abc import Iterable, Mapping

from temporal_clean.realtime.live.events import Command
from temporal_clean.realtime.live.hotkeys import Hotkey
from temporal_clean.realtime.live.windows.native import library

__all__ = ["Hotkeys", "modifier_bits", "virtual_key"]

# winuser.h: MOD_ALT, MOD_CONTROL, MOD_SHIFT, MOD_WIN and MOD_NOREPEAT.
MODIFIER_BITS = {"alt": 0x1, "ctrl": 0x2, "shift": 0x4, "super": 0x8}
NO_REPEAT = 0x4000
# Held, these go on; the others act once.
REPEATING = (
    *(Command.DIVIDER_LEFT, Command.DIVIDER_RIGHT),
    *(Command.STRENGTH_UP, Command.STRENGTH_DOWN),
)
# winuser.h. Letters and digits are their own capital code points, VK_F1 is 0x70.
VIRTUAL_KEYS = {
    **{"left": 0x25, "up": 0x26, "right": 0x27, "down": 0x28},
    **{"home": 0x24, "end": 0x23, "page-up": 0x21, "page-down": 0x22},
    **{"insert": 0x2D, "delete": 0x2E, "space": 0x20, "tab": 0x09},
    **{"escape": 0x1B, "pause": 0x13, "backspace": 0x08, "return": 0x0D},
    **{f"f{number}": 0x6F + number for number in range(1, 25)},
}
# Ids of applications lie below 0xC000; any first one does.
FIRST_ID = 0x100


def virtual_key(key: str) -> int:
    """The VK code of a key of ``hotkeys.KEYS``."""
    return VIRTUAL_KEYS[key] if key in VIRTUAL_KEYS else ord(key.upper())


def modifier_bits(command: Command, hotkey: Hotkey) -> int:
    """What RegisterHotKey takes as fsModifiers."""
    bits = sum(MODIFIER_BITS[name] for name in hotkey.modifiers)
    return bits if command in REPEATING else bits | NO_REPEAT


class Hotkeys:
    """Registered for the thread that makes this; ``refused`` says in words which could not be.

    Another program's claim is no error: the command is still there by ``--control``.
    """

    def __init__(self, hotkeys: Mapping[Command, Hotkey]) -> None:
        self.refused: list[str] = []
        self._commands: dict[int, Command] = {}
        user = library("user32")
        for number, (command, hotkey) in enumerate(hotkeys.items(), FIRST_ID):
            bits, key = modifier_bits(command, hotkey), virtual_key(hotkey.key)
            if user.RegisterHotKey(None, number, bits, key):
                self._commands[number] = command
            else:
                self.refused.append(f"{hotkey} ({command.value}): another program has taken it")

    def commands(self, pressed: Iterable[int]) -> list[Command]:
        """The commands of the ids that WM_HOTKEY brought."""
        return [self._commands[number] for number in pressed if number in self._commands]

    def close(self) -> None:
        """Give the keys back. Idempotent."""
        while self._commands:
            library("user32").UnregisterHotKey(None, self._commands.popitem()[0])
