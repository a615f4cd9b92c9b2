"""The two processes of a measurement, started, stopped and asked for their records."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.latency.analysis import Sighting

__all__ = ["NumberedSource", "Reading", "RunningReader", "running_reader"]

PACKAGE = "temporal_clean.realtime.live.latency"
PATIENCE_SECONDS = 20.0


class NumberedSource:
    """A window of numbered frames in a process of its own, from ``with`` to its end."""

    def __init__(self, title: str, width: int, height: int, fps: float) -> None:
        self.title, self.size, self.fps = title, (width, height), fps

    def __enter__(self) -> Self:
        self.folder = tempfile.TemporaryDirectory(prefix="temporal-clean-")
        self.record = Path(self.folder.name) / "drawn.npy"
        width, height = (str(size) for size in self.size)
        arguments = [self.title, width, height, str(self.fps), str(self.record)]
        self.child = _start("source", arguments)
        try:
            said = json.loads(_first_line(self.child, "the window of numbered frames"))
        except BaseException:
            self.folder.cleanup()
            raise
        self.process, self.window = int(said["process"]), int(said["window"])
        self.place = Rectangle(*said["place"])
        return self

    def __exit__(self, *_: object) -> None:
        try:
            _stop(self.child, "the window of numbered frames")
            self._drawn = np.load(self.record)
        finally:
            self.folder.cleanup()

    def drawn(self) -> list[Sighting]:
        """Every frame with its time, once it has ended."""
        return [Sighting(int(number), float(time)) for number, time in self._drawn]


@dataclass(frozen=True)
class Reading:
    """What a reader saw; see :func:`analyse`."""

    changes: list[Sighting]
    end: float
    looks: int
    unreadable: int


@dataclass(frozen=True)
class RunningReader:
    """A process that reads the screen."""

    record: Path

    @property
    def has_seen(self) -> bool:
        """Whether a number was on the screen yet."""
        return self.record.with_suffix(".seen").exists()

    def result(self) -> Reading:
        """What it saw, once it has ended."""
        with np.load(self.record) as found:
            changes = [Sighting(int(number), float(time)) for number, time in found["changes"]]
            end, looks, unreadable = (found[name] for name in ("end", "looks", "unreadable"))
        return Reading(changes, float(end), int(looks), int(unreadable))


@contextmanager
def running_reader(place: Rectangle, interval: float, folder: Path) -> Iterator[RunningReader]:
    """Read the number at ``place`` of the screen every ``interval`` seconds while in ``with``."""
    record = folder / "seen.npz"
    numbers = [str(number) for number in place]
    child = _start("reader", [*numbers, str(1e3 * interval), str(record)])
    _first_line(child, "the screen's reader")
    try:
        yield RunningReader(record)
    finally:
        _stop(child, "the screen's reader")


def _start(module: str, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"{PACKAGE}.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _first_line(child: subprocess.Popen[str], what: str) -> str:
    """What it says once it works; its own words if it does not."""
    assert child.stdout
    line = child.stdout.readline()
    if not line:
        _, words = child.communicate()
        reason = words.strip().splitlines()[-1] if words.strip() else f"exit {child.returncode}"
        raise TemporalCleanError(f"{what} did not start: {reason}")
    return line


def _stop(child: subprocess.Popen[str], what: str) -> None:
    """End its standard input, which ends it; raise if it does not end well."""
    try:
        _, words = child.communicate(timeout=PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise TemporalCleanError(f"{what} did not end within {PATIENCE_SECONDS:g} s") from None
    if child.returncode:
        raise TemporalCleanError(f"{what} failed: {words.strip().splitlines()[-1:]}")
