"""What the state machine asks the live loop to do, and the records that go with it."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from temporal_clean.realtime.live.budget import Level
from temporal_clean.realtime.live.frames import PixelFormat

__all__ = [
    "Action",
    "Admission",
    "Debt",
    "Hide",
    "OpenEngine",
    "Plan",
    "RestartCapture",
    "Show",
    "Skip",
    "Stop",
    "Tell",
    "Ticket",
    "UseEngine",
    "Way",
]


class Plan(NamedTuple):
    """An engine to be opened: for which frames, which model, and which of the engines.

    ``attempt`` counts within the session, so that no two plans are equal.
    """

    generation: int
    width: int
    height: int
    pixel_format: PixelFormat
    level: Level
    engine: str
    attempt: int


class Ticket(NamedTuple):
    """Goes with a frame through the network; what carries an old one is never shown.

    ``epoch`` counts what made all pictures before it worthless: a resize, a pause, another engine.
    """

    epoch: int
    generation: int
    sequence: int
    cleaned: bool


class Way(Enum):
    """What becomes of a frame."""

    CLEAN = "clean"
    PASS = "pass"  # shown as it came, by presenters that do not lie over the game
    PROBE = "probe"  # cleaned to see how long it takes, not shown
    DROP = "drop"


class Debt(Enum):
    """What is still to be done with a frame that the source shows on."""

    NONE = "none"
    SHOW = "show"  # what was made of it is not on the screen any more
    ALL = "all"  # it was not cleaned, or not since the last reset


@dataclass(frozen=True)
class Admission:
    """The answer to a frame: its way, why it is not cleaned, and why the history goes first.

    ``shown``: it is shown, clean or as it came.
    """

    way: Way
    ticket: Ticket
    reason: str
    reset: str | None
    shown: bool


@dataclass(frozen=True)
class OpenEngine:
    """Open an engine, warm it up and report; off the hot path. Newer requests replace older."""

    plan: Plan


@dataclass(frozen=True)
class UseEngine:
    """Clean by the engine of this plan from the next frame on; ``None``: by none."""

    plan: Plan | None


@dataclass(frozen=True)
class Show:
    """Show the picture of this ticket now. ``again``: it was shown before and is only redrawn."""

    ticket: Ticket
    again: bool = False


@dataclass(frozen=True)
class Skip:
    """The picture is not shown."""

    ticket: Ticket
    reason: str


@dataclass(frozen=True)
class Hide:
    """Take the overlay away."""

    reason: str


@dataclass(frozen=True)
class RestartCapture:
    """Stop the capture and start it anew."""


@dataclass(frozen=True)
class Tell:
    """Tell the player."""

    text: str


@dataclass(frozen=True)
class Stop:
    """End the session; ``error`` is what ended it, if it was one."""

    reason: str
    error: Exception | None = None


Action = OpenEngine | UseEngine | Show | Skip | Hide | RestartCapture | Tell | Stop
