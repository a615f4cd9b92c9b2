"""The other side: finds the running sessions and asks one of them."""

import contextlib
import json
from pathlib import Path
from typing import Any, NamedTuple

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.control.channels import Way, runtime_folder, system_way
from temporal_clean.realtime.live.control.requests import LONGEST_ANSWER, parse_words

__all__ = ["Session", "command_line", "send", "sessions", "sweep"]


class Session(NamedTuple):
    """A running session: its process, and the file by which it is reached."""

    process: int
    path: Path


def sessions(folder: Path | None = None, way: Way | None = None) -> list[Session]:
    """Those of this user, newest first. Files that a killed session left are cleared away."""
    folder, way = folder or runtime_folder(), way or system_way()
    sweep(folder, way)
    found = [(path.stat().st_mtime_ns, path) for path in _files(folder, way)]
    return [Session(int(path.stem), path) for _, path in sorted(found, reverse=True)]


def sweep(folder: Path, way: Way) -> None:
    """Remove the files of sessions at which nobody listens any more."""
    for path in _files(folder, way):
        try:
            way.connect(path).close()
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
        except (OSError, TemporalCleanError):  # busy, or not for us to judge
            continue


def _files(folder: Path, way: Way) -> list[Path]:
    return [path for path in folder.glob(f"*{way.suffix}") if path.stem.isdecimal()]


def send(
    request: dict[str, Any],
    session: int | None = None,
    folder: Path | None = None,
    way: Way | None = None,
) -> dict[str, Any]:
    """Ask the newest session, or that of the process ``session``, and give its answer.

    Raises :class:`TemporalCleanError` if there is none, it stays silent, or it refuses.
    """
    way = way or system_way()
    found = sessions(folder, way)
    chosen = [s for s in found if session in (None, s.process)]
    if not chosen:
        running = ", ".join(str(s.process) for s in found)
        raise TemporalCleanError(
            f"no session {session}: running are {running}"
            if found
            else "no session is running: start one with temporal-clean live --window TITLE"
        )
    try:
        channel = way.connect(chosen[0].path)
    except OSError as error:
        raise TemporalCleanError(
            f"session {chosen[0].process} does not answer: {error.strerror or error}"
        ) from error
    try:
        # A session that takes no more clients may have answered and hung up before it is asked.
        with contextlib.suppress(BrokenPipeError):
            channel.send(json.dumps(request).encode() + b"\n")
        line = channel.receive(LONGEST_ANSWER)
    except OSError as error:
        raise TemporalCleanError(f"session {chosen[0].process} hung up: {error}") from error
    finally:
        channel.close()
    if not line:
        raise TemporalCleanError(f"session {chosen[0].process} ended before it answered")
    result = json.loads(line)
    if not result.pop("ok"):
        raise TemporalCleanError(result["error"])
    return result


def command_line(text: str, session: int | None = None) -> str:
    """Send what a person wrote, ``toggle`` or ``set strength=0.5``; the answer to print."""
    result = send(parse_words(text), session)
    return json.dumps(result, indent=2) if result else "done"
