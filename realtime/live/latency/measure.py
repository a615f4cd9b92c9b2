"""A measurement from start to end: numbered frames, a live session over them, the screen's reader.

X11 only: the window and the reader talk to the X server. The times are of its picture; a
monitor adds its own scan-out.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.machine import processor
from temporal_clean.realtime.live.capture.pattern import Pattern
from temporal_clean.realtime.live.desktop import has_x11, require_x11
from temporal_clean.realtime.live.events import Command, CommandGiven
from temporal_clean.realtime.live.latency.analysis import LatencyReport, analyse
from temporal_clean.realtime.live.latency.processes import (
    NumberedSource,
    RunningReader,
    running_reader,
)
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.session import open_loop

__all__ = ["Measurement", "measure_latency"]

SECONDS = 20.0
# For the first picture: opening an engine takes seconds, a first GPU build minutes.
PATIENCE_SECONDS = 600.0
# Between looks at the screen: an eighth of a frame time at 60 frames a second.
INTERVAL = 0.002
# From the overlay's first frame on, engine and caches settle.
WARM_UP = 1.0
# The acceptable delay: waiting for a frame's end and for the screen, beside the engine's own time.
FRAME_TIMES = 1.5


@dataclass(frozen=True)
class Measurement:
    """What the reader saw, and what the session says of itself."""

    report: LatencyReport
    session: dict[str, Any]

    @property
    def allowed(self) -> float | None:
        """One and a half frame times and the engine's p95, in milliseconds."""
        step = self.session["step_ms"]["p95"]
        return None if step is None else round(FRAME_TIMES * self.report.frame_time + step, 3)

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "capture_to_screen": self.report.record(),
            "allowed_p95_ms": self.allowed,
            "session": self.session,
            "machine": processor(),
        }

    def summary(self) -> str:
        """The outcome in a line."""
        report, shown = self.report, self.report.latency
        limit = "" if self.allowed is None else f" (allowed {self.allowed:.1f})"
        return (
            f"drawn to screen: p50 {shown['p50']:.1f}, p95 {shown['p95']:.1f}{limit}, "
            f"p99 {shown['p99']:.1f} ms; of {report.drawn} frames {report.dropped} dropped, "
            f"{report.repeats} repeats, {report.out_of_order} out of order; "
            f"looked every {report.resolution:.1f} ms"
        )


def measure_latency(
    options: LiveOptions, pattern: Pattern, tell: Callable[[str], None]
) -> Measurement:
    """Measure with the size and rate of ``pattern``; the source in ``options`` is not used.

    For ``options.duration`` seconds (20 without one) from the first picture on. Raises
    :class:`TemporalCleanError` without X11, or if hardly a frame came to the screen.
    """
    if not has_x11():
        raise TemporalCleanError(
            "--measure-latency shows and reads windows through an X server: set DISPLAY, or see "
            "docs/WINDOWS.md for how to measure there"
        )
    require_x11()
    title = f"temporal-clean numbered frames {os.getpid()}"
    # The HUD would lie over the upper number, and half of a split picture is not cleaned.
    over = replace(
        options, window=title, pid=None, pick=False, monitor=None, source=None, duration=None,
        hud=False, split=False,
    )  # fmt: skip
    seconds = options.duration or SECONDS
    source = NumberedSource(title, pattern.width, pattern.height, pattern.rate)
    with tempfile.TemporaryDirectory(prefix="temporal-clean-") as folder, source:
        with running_reader(source.place, INTERVAL, Path(folder)) as reader:
            stats = _live(over, reader, seconds + WARM_UP, tell)
        seen = reader.result()
    report = analyse(
        source.drawn(), seen.changes, seen.end, seen.looks, seen.unreadable, warm_up=WARM_UP
    )
    return Measurement(report, stats)


def _live(
    options: LiveOptions, reader: RunningReader, seconds: float, tell: Callable[[str], None]
) -> dict[str, Any]:
    """A session that ends ``seconds`` after its first picture was seen on screen; its figures."""
    loop = open_loop(options, tell)
    over = threading.Event()

    def end_in_time() -> None:
        began = time.monotonic()
        while not reader.has_seen and not over.wait(0.05):
            if time.monotonic() - began > PATIENCE_SECONDS:
                break
        over.wait(seconds)
        loop.post(CommandGiven(Command.QUIT))

    watcher = threading.Thread(target=end_in_time, name="temporal-clean measurement")
    watcher.start()
    try:
        loop.run()
    finally:
        over.set()
        watcher.join()
    assert loop.ended
    if loop.ended.error is not None:
        raise TemporalCleanError(f"the session ended early: {loop.ended.reason}")
    return loop.stats.record(loop.clock())
