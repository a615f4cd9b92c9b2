"""What can happen to a live session, from any thread, as plain records for its state machine."""

from dataclasses import dataclass
from enum import Enum

from temporal_clean.realtime.live.frames import PixelFormat, Rectangle

__all__ = [
    "Closed",
    "Command",
    "CommandGiven",
    "Event",
    "Failed",
    "FocusChanged",
    "Moved",
    "Resized",
    "Visibility",
]


class Command(Enum):
    """What a player asks for, by a hotkey or over the control socket."""

    TOGGLE = "toggle"  # cleaning on or off
    SPLIT = "split"  # A/B: left as it came, right cleaned
    DIVIDER_LEFT = "divider-left"
    DIVIDER_RIGHT = "divider-right"
    STRENGTH_UP = "strength-up"
    STRENGTH_DOWN = "strength-down"
    HUD = "hud"
    PANIC = "panic"  # hide the overlay at once and stay off
    QUIT = "quit"


@dataclass(frozen=True)
class Resized:
    """The source's frames are of this size and format from now on."""

    width: int
    height: int
    pixel_format: PixelFormat = "bgra8"


@dataclass(frozen=True)
class Moved:
    """The source's picture lies here on the screen."""

    place: Rectangle


@dataclass(frozen=True)
class Visibility:
    """The source's window was hidden (minimised, other desktop) or shown again."""

    visible: bool


@dataclass(frozen=True)
class FocusChanged:
    """The source's window lost or got the keyboard."""

    focused: bool


@dataclass(frozen=True)
class Closed:
    """The session ends; by default because its window is gone or its file is at its end."""

    reason: str = "the source has ended"


@dataclass(frozen=True)
class Failed:
    """A part of the session raised. ``part`` is 'capture', 'engine' or 'presenter'."""

    part: str
    error: Exception


@dataclass(frozen=True)
class CommandGiven:
    """A player's command."""

    command: Command


Event = Resized | Moved | Visibility | FocusChanged | Closed | Failed | CommandGiven
