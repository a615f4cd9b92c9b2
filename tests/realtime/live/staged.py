"""A live session on a stage: real loop, real threads, real engine; source and screen obey a test.

Every source picture carries its number in its first pixel, which strength 0 leaves alone, so that
the screen knows what it is shown.
"""

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from temporal_clean.realtime.cleaner import Session, open_session
from temporal_clean.realtime.engines.base import StepResult
from temporal_clean.realtime.live.capture.clocked import ClockedCapture, Timed
from temporal_clean.realtime.live.capture.pattern import Pattern, PatternCapture
from temporal_clean.realtime.live.events import Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle
from temporal_clean.realtime.live.loop import LiveLoop, machine_config
from temporal_clean.realtime.live.options import LiveOptions

# Of patience, not of speed: a test waits for what it wants to see, on a busy machine too.
PATIENCE = 120.0
SIZES = {64: PatternCapture(Pattern(64, 64)), 80: PatternCapture(Pattern(80, 64))}


class Source(ClockedCapture):
    """A pattern at 33 frames a second that can stall, repeat itself, change size, raise and end."""

    description = "a staged pattern"

    def __init__(self) -> None:
        super().__init__()
        self.width, self.index = 64, 0
        self.flowing, self.repeating, self.ended = threading.Event(), False, False
        self.flowing.set()
        self.error: Exception | None = None
        self.errors = 0
        self.widths: dict[int, int] = {}
        self.started = 0

    def start(self, sink: Any) -> None:
        self.sink = sink
        self.started += 1
        super().start(sink)

    def frames(self) -> Iterator[Timed]:
        begun = time.monotonic()
        while not self.ended:
            self.flowing.wait(0.05)
            if not self.flowing.is_set():
                if self._stopping.is_set():
                    return
                continue
            if self.error is not None and self.errors > 0:
                self.errors -= 1
                raise self.error
            self.index += not self.repeating
            self.widths[self.index] = self.width
            picture = SIZES[self.width].picture(self.index).copy()
            picture[0, 0, :3] = self.index // 65536, self.index // 256 % 256, self.index % 256
            yield Timed(picture, time.monotonic() - begun + 0.03)


@dataclass
class Screen:
    """An overlay in memory, which checks what it is shown."""

    covers: bool = True
    formats: tuple[PixelFormat, ...] = ("bgra8",)
    notes: tuple[str, ...] = ()
    description: str = "a staged screen"
    visible: bool = False
    closed: bool = False
    error: Exception | None = None
    numbers: list[int] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)
    waiting: list[Event] = field(default_factory=list)

    def show(self, picture: np.ndarray, place: Rectangle) -> None:
        assert not self.closed
        if self.error is not None:
            raise self.error
        high, middle, low = (int(value) for value in picture[0, 0, :3])
        self.numbers.append(high * 65536 + middle * 256 + low)
        self.pictures = [*self.pictures[-9:], picture.copy()]
        self.visible = True

    def hide(self) -> None:
        self.visible = False

    def poll(self) -> list[Event]:
        events, self.waiting = self.waiting, []
        return events

    def close(self) -> None:
        self.visible, self.closed = False, True


@functools.cache
def _engine(model: str, request: Any, engine: str) -> Session:
    return open_session(model, request, engine)


def real_session(model: Any, request: Any, engine: str) -> Session:
    """The real engine, opened once for all tests, with a history of the session's own."""
    opened = _engine(str(model), request, "onnxruntime")
    return Session(request, opened.engine, opened.engine.new_state(), opened.reason)


class Faulty:
    """An engine that does what cannot be provoked in a real one: raise, or take its time."""

    def __init__(self, engine: Any, fault: Callable[[], None]) -> None:
        self.engine, self.fault = engine, fault

    def new_state(self) -> Any:
        return self.engine.new_state()

    def step(self, frame: np.ndarray, state: Any) -> StepResult:
        self.fault()
        return self.engine.step(frame, state)

    def describe(self) -> Any:
        return self.engine.describe()


def faulty_session(fault: Callable[[], None]) -> Callable[[Any, Any, str], Session]:
    """Opens real engines, each step of which calls ``fault`` first."""

    def opened(model: Any, request: Any, engine: str) -> Session:
        session = real_session(model, request, engine)
        return Session(request, Faulty(session.engine, fault), session.state, session.reason)

    return opened


class Stage:
    """A running session and everything around it."""

    def __init__(self, screen: Screen | None, open_engine: Any, **choices: Any) -> None:
        config = {name: choices.pop(name) for name in ("back_off", "engines") if name in choices}
        still = choices.pop("still", None)
        defaults = {"source": "staged", "strength": 0.0, "min_fps": 0.0, "adaptive": False}
        options = LiveOptions(**{**defaults, "engine": "onnxruntime", **choices})
        self.source, self.screen = Source(), screen or Screen()
        if still is not None:  # the same picture from the start on
            self.source.index, self.source.repeating = still, True
        self.told: list[str] = []
        made = machine_config(options, self.screen)
        self.loop = LiveLoop(
            self.source,
            self.screen,
            options,
            self.told.append,
            open_engine,
            type(made)(**{**vars(made), **config}),
        )
        self.thread = threading.Thread(target=self.loop.run, name="staged loop")

    def until(self, met: Callable[[], Any]) -> None:
        """Wait until it is so."""
        deadline = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < deadline, self.record()
            assert self.thread.is_alive() or met(), self.loop.ended
            time.sleep(0.02)

    def plays(self, frames: int = 5) -> None:
        """Wait for so many new pictures on a visible screen."""
        wanted = len(self.screen.numbers) + frames
        self.until(lambda: len(self.screen.numbers) >= wanted and self.screen.visible)

    def record(self) -> dict[str, Any]:
        return self.loop.stats.record(self.loop.clock())

    def ends(self) -> None:
        """Wait until the loop has ended by itself."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


@contextmanager
def staged(
    screen: Screen | None = None, open_engine: Any = real_session, **choices: Any
) -> Iterator[Stage]:
    """A session that plays, and after the test must have ended and left nothing behind."""
    before = set(threading.enumerate())
    stage = Stage(screen, open_engine, **choices)
    stage.thread.start()
    try:
        yield stage
    finally:
        with suppress(Exception):
            stage.loop.desk.ask({"command": "quit"}) if stage.thread.is_alive() else None
        stage.thread.join(PATIENCE)
    assert not stage.thread.is_alive()
    assert stage.screen.closed
    assert not stage.screen.visible
    left = [thread.name for thread in set(threading.enumerate()) - before]
    assert not [name for name in left if name.startswith(("temporal-clean", "staged"))]
    numbers = stage.screen.numbers
    assert stage.loop.options.strength > 0.0 or numbers == sorted(numbers)
