"""Hotkeys under X11: keys grabbed on the root window, whatever has the focus."""

from collections.abc import Mapping
from itertools import combinations

import xcffib.xproto as xproto

from temporal_clean.realtime.live.events import Command
from temporal_clean.realtime.live.hotkeys import Hotkey
from temporal_clean.realtime.live.x11.server import Server

__all__ = ["Hotkeys", "keysym"]

MODIFIERS = {
    "ctrl": xproto.ModMask.Control,
    "shift": xproto.ModMask.Shift,
    # As on every common keyboard map: xmodmap -pm.
    "alt": xproto.ModMask._1,
    "super": xproto.ModMask._4,
}
# <X11/keysymdef.h>. Letters and digits are their own code points.
KEYSYMS = {
    **{"left": 0xFF51, "up": 0xFF52, "right": 0xFF53, "down": 0xFF54},
    **{"home": 0xFF50, "end": 0xFF57, "page-up": 0xFF55, "page-down": 0xFF56},
    **{"insert": 0xFF63, "delete": 0xFFFF, "space": 0x20, "tab": 0xFF09},
    **{"escape": 0xFF1B, "pause": 0xFF13, "backspace": 0xFF08, "return": 0xFF0D},
    **{f"f{number}": 0xFFBD + number for number in range(1, 25)},
}
NUM_LOCK = 0xFF7F
# Held, these go on; the others act once.
REPEATING = (
    *(Command.DIVIDER_LEFT, Command.DIVIDER_RIGHT),
    *(Command.STRENGTH_UP, Command.STRENGTH_DOWN),
)


class Hotkeys:
    """Grabs ``hotkeys`` on a connection of its own; ``refused`` says in words which it could not.

    Another program's grab is no error: the command is still there by ``--control``.
    """

    def __init__(self, hotkeys: Mapping[Command, Hotkey], display: str | None = None) -> None:
        self.refused: list[str] = []
        self._server = Server(display)
        self._commands: dict[tuple[int, int], Command] = {}
        self._held: dict[int, int] = {}
        keys = self._keys()
        locks = self._locks(keys.get(NUM_LOCK, 0))
        for command, hotkey in hotkeys.items():
            code = keys.get(keysym(hotkey.key), 0)
            if not code:
                self.refused.append(f"{hotkey} ({command.value}): this keyboard has no such key")
                continue
            mask = sum(int(MODIFIERS[name]) for name in hotkey.modifiers)
            if self._grab(code, mask, locks):
                self._commands[code, mask] = command
            else:
                self.refused.append(f"{hotkey} ({command.value}): another program has taken it")
        self._modifiers = sum(int(mask) for mask in MODIFIERS.values())
        self._server.connection.flush()

    def poll(self) -> list[Command]:
        """The commands whose keys were pressed since the last call."""
        found = []
        for event in self._server.events():
            if isinstance(event, xproto.KeyReleaseEvent):
                self._held[event.detail] = event.time
            elif isinstance(event, xproto.KeyPressEvent):
                command = self._commands.get((event.detail, event.state & self._modifiers))
                # A held key repeats as a release and a press of the same time.
                repeated = self._held.pop(event.detail, None) == event.time
                if command and (command in REPEATING or not repeated):
                    found.append(command)
        return found

    def close(self) -> None:
        """Let go of the keys. Idempotent."""
        self._server.close()

    def _grab(self, code: int, mask: int, locks: list[int]) -> bool:
        """Grab a key under each state of CapsLock and NumLock; all of them or none."""
        mode = xproto.GrabMode.Async
        taken = []
        for lock in locks:
            try:
                self._server.core.GrabKey(
                    True, self._server.root, mask | lock, code, mode, mode, is_checked=True
                ).check()
            except xproto.AccessError:
                for other in taken:
                    self._server.core.UngrabKey(code, self._server.root, other)
                return False
            taken.append(mask | lock)
        return True

    def _keys(self) -> dict[int, int]:
        """Keysym -> keycode, as the keyboard is mapped now."""
        setup = self._server.connection.setup
        count = setup.max_keycode - setup.min_keycode + 1
        answer = self._server.core.GetKeyboardMapping(setup.min_keycode, count).reply()
        width, found = answer.keysyms_per_keycode, {}
        for place, symbol in enumerate(answer.keysyms):
            found.setdefault(symbol, setup.min_keycode + place // width)
        return found

    def _locks(self, num_lock: int) -> list[int]:
        """All combinations of CapsLock and the modifier that NumLock's key has."""
        answer = self._server.core.GetModifierMapping().reply()
        held = list(answer.keycodes)
        width = answer.keycodes_per_modifier
        places = [
            place // width for place, code in enumerate(held) if num_lock and code == num_lock
        ]
        single = [int(xproto.ModMask.Lock), *(1 << place for place in places[:1])]
        return [sum(some) for size in range(len(single) + 1) for some in combinations(single, size)]


def keysym(key: str) -> int:
    """The X keysym of a key named as in :mod:`temporal_clean.realtime.live.hotkeys`."""
    return KEYSYMS.get(key) or ord(key)
