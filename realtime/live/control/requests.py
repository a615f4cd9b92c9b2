"""What can be asked of a running session: one JSON object a line, checked before it is obeyed.

A request is ``{"command": "toggle"}``, with any command of events.Command, ``status``, or ``set``
with settings beside it: ``{"command": "set", "strength": 0.5, "model": "quality"}``. The answer is
one line too: ``{"ok": true, ...}``, or ``{"ok": false, "error": "what was wrong"}``.
"""

import json
import math
from collections.abc import Callable
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command

__all__ = [
    "LONGEST_ANSWER",
    "LONGEST_REQUEST",
    "SETTINGS",
    "answer",
    "parse_request",
    "parse_words",
    "refusal",
]

# Bytes of a line, its newline included. Requests are tens of bytes, answers hold the statistics.
LONGEST_REQUEST, LONGEST_ANSWER = 4096, 65536
COMMANDS = (*(command.value for command in Command), "status", "set")


def _fraction(value: Any) -> float:
    """A number in [0, 1]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TemporalCleanError(f"expected a number in 0..1, got {value!r}")
    return float(value)


def _rate(value: Any) -> float | None:
    """Frames a second; None or 0 for no cap."""
    if value is None or value == 0:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 1 <= value <= 1000:
        raise TemporalCleanError(f"expected frames a second in 1..1000, or 0, got {value!r}")
    return float(value)


def _name(value: Any) -> str:
    """A model's name or path."""
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise TemporalCleanError(f"expected a model's name or path, got {value!r}")
    return value


SETTINGS: dict[str, Callable[[Any], Any]] = {
    "strength": _fraction,
    "divider": _fraction,
    "model": _name,
    "fps-cap": _rate,
}


def parse_request(line: bytes) -> dict[str, Any]:
    """A line as a checked request; :class:`TemporalCleanError` says what is wrong with it."""
    if len(line) > LONGEST_REQUEST:
        raise TemporalCleanError(f"a request has at most {LONGEST_REQUEST} bytes")
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise TemporalCleanError(f"expected one JSON object a line: {error}") from error
    if not isinstance(found, dict):
        raise TemporalCleanError(f"expected a JSON object, got {type(found).__name__}")
    command = found.pop("command", None)
    if command not in COMMANDS:
        raise TemporalCleanError(
            f"no command {command!r}: expected one of {', '.join(COMMANDS)} under 'command'"
        )
    allowed = SETTINGS if command == "set" else {}
    unknown = [key for key in found if key not in allowed]
    if unknown:
        known = ", ".join(allowed) if allowed else f"nothing beside {command}"
        raise TemporalCleanError(f"no setting {unknown[0]!r}: expected {known}")
    if command == "set" and not found:
        raise TemporalCleanError(f"set what? Give one of {', '.join(SETTINGS)}")
    return {"command": command, **{key: _checked(key, value) for key, value in found.items()}}


def _checked(key: str, value: Any) -> Any:
    try:
        return SETTINGS[key](value)
    except TemporalCleanError as error:
        raise TemporalCleanError(f"{key}: {error}") from error


def parse_words(text: str) -> dict[str, Any]:
    """A request as a person writes it: ``toggle``, ``set strength=0.5 fps-cap=60``."""
    words = text.split()
    if words and "=" in words[0]:
        words.insert(0, "set")
    request: dict[str, Any] = {"command": words[0] if words else ""}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals:
            raise TemporalCleanError(f"expected a setting like strength=0.5, got '{word}'")
        try:
            number = float(value)
            request[key] = number if math.isfinite(number) else value
        except ValueError:
            request[key] = value
    return parse_request(json.dumps(request).encode())


def answer(line: bytes, handle: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Obey a line and give the line to send back, whatever the line holds."""
    try:
        result: dict[str, Any] = {"ok": True, **handle(parse_request(line))}
    except TemporalCleanError as error:
        return refusal(str(error))
    return json.dumps(result).encode() + b"\n"


def refusal(reason: str) -> bytes:
    """The line that says no."""
    return json.dumps({"ok": False, "error": reason}).encode() + b"\n"
