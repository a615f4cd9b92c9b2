"""The live loop: a capture's frames, cleaned on the way, are shown on the main thread.

Four threads, one story. The capture's thread copies a picture into the mailbox. The processing
thread takes the newest, asks the state machine what becomes of it, and cleans it. The builder's
thread opens engines. The main thread, here, hears of events, lets the state machine decide, does
what it says, and presents.
"""

import functools
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from temporal_clean.keeping import Keep
from temporal_clean.realtime.cleaner import open_session
from temporal_clean.realtime.live.actions import (
    Action,
    Hide,
    OpenEngine,
    RestartCapture,
    Show,
    Skip,
    Stop,
    Tell,
    UseEngine,
)
from temporal_clean.realtime.live.budget import levels_for
from temporal_clean.realtime.live.building import Builder, OpenSession
from temporal_clean.realtime.live.capture.base import Capture
from temporal_clean.realtime.live.desk import Desk
from temporal_clean.realtime.live.events import Closed, Command, CommandGiven, Failed, Moved
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle
from temporal_clean.realtime.live.gate import Gate
from temporal_clean.realtime.live.intake import Intake
from temporal_clean.realtime.live.look import Look
from temporal_clean.realtime.live.machine import Machine, MachineConfig
from temporal_clean.realtime.live.machine_events import MachineEvent
from temporal_clean.realtime.live.mailbox import Mailbox
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.outbox import Outbox, Output
from temporal_clean.realtime.live.pacing import RateCap
from temporal_clean.realtime.live.pathways import Pathway, pathway_for
from temporal_clean.realtime.live.present.base import Presenter
from temporal_clean.realtime.live.processing import Processor
from temporal_clean.realtime.live.stats import LiveStats

__all__ = ["LiveLoop"]

# The main thread looks at the presenter's window and hotkeys at least so often.
POLL_SECONDS = 0.005
# Opening an engine may take a minute the first time, and cannot be interrupted.
BUILDER_SECONDS = 1.0


class LiveLoop:
    """One live session, from ``run``'s start to its end.

    ``tell`` hears what the player should know. ``open_session`` opens engines. ``config`` stands
    in place of the state machine's that options and presenter decide. ``desk`` takes requests of
    the control socket, from any thread. What ``keep`` marks stays the game's own.
    """

    def __init__(
        self,
        capture: Capture,
        presenter: Presenter,
        options: LiveOptions,
        tell: Callable[[str], None],
        open_session: OpenSession = open_session,
        config: MachineConfig | None = None,
        stats: LiveStats | None = None,
        keep: Keep | None = None,
    ) -> None:
        self.capture, self.presenter, self.options, self.tell = capture, presenter, options, tell
        self.stats, self.look = stats or LiveStats(), look_of(options)
        self.ended: Stop | None = None
        self._events: queue.SimpleQueue[MachineEvent] = queue.SimpleQueue()
        self._wake = threading.Event()
        self._place: Rectangle | None = None
        self._interrupts, self._shown = 0, -1
        self.clock = time.monotonic
        machine = Machine(
            config or machine_config(options, presenter),
            levels_for(options.model, options.adaptive),
            1.0 / options.min_fps if options.min_fps else float("inf"),
        )
        self.gate = Gate(machine, self.clock)
        self.intake = Intake(Mailbox(), RateCap(options.fps_cap), self.stats, self.post, self.clock)
        hdr_shown = "rgba16f" in presenter.formats and not options.force_sdr

        @functools.cache
        def pathway_of(captured: PixelFormat) -> Pathway:
            return pathway_for(captured, hdr_shown, options.white_nits)

        self.desk = Desk(self._wake.set)
        self.outbox = Outbox(self.stats, self._wake.set)
        self.builder = Builder(open_session, pathway_of, self.post)
        self.processor = Processor(
            self.intake,
            self.gate,
            self.outbox,
            self.stats,
            pathway_of,
            self.look,
            self.post,
            keep,
        )

    def post(self, event: MachineEvent) -> None:
        """Tell the main thread of an event, from any thread."""
        self._events.put(event)
        self._wake.set()

    def run(self) -> LiveStats:
        """Live until the source ends, the player quits or time is up; then everything is closed.

        Ctrl-C and SIGTERM end it like a player's quit. What ended it is in ``ended``.
        """
        self.stats.started = self.clock()
        with self._interruptible(), ExitStack() as running:
            running.callback(self._close_presenter)
            running.callback(self.processor.stop)
            running.callback(self._stop_builder)
            running.callback(self.capture.stop)
            self.builder.start()
            self.processor.start()
            self.capture.start(self.intake)
            while self.ended is None:
                # Sleep until there is something to do.
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()
                # Hear what has happened, here and on the other threads, and what is due.
                for event in self._heard():
                    self._take(event)
                self.desk.serve(self._obey)
                self._do(self.gate.tick(self.intake.confirmed))
                # Show the newest picture, if it still belongs on the screen.
                output = self.outbox.take()
                if output is not None:
                    self._do(self.gate.finished(output.ticket, output.again), output)
            self.stats.ended = self.clock()
        return self.stats

    def _heard(self) -> Iterator[MachineEvent]:
        """Events of all threads, of the presenter, of signals and of the clock."""
        while not self._events.empty():
            yield self._events.get()
        try:
            yield from self.presenter.poll()
        except Exception as error:  # a display may go away in any way of its own
            yield Failed("presenter", error)
        limit, started = self.options.duration, self.stats.started
        if self._interrupts:
            yield Closed("interrupted")
        if limit is not None and started is not None and self.clock() - started >= limit:
            yield Closed("time is up")

    def _take(self, event: MachineEvent) -> None:
        """The look and the place are the loop's; everything else is the state machine's."""
        if isinstance(event, Moved):
            self._place = event.place
        if isinstance(event, CommandGiven):
            self.set_look(self.look.after(event.command))
        self._do(self.gate.handle(event))

    def _obey(self, request: dict[str, Any]) -> dict[str, Any]:
        """A request of the control socket, checked by ``control.requests``; gives the answer."""
        values = dict(request)
        command = values.pop("command")
        if command not in ("status", "set"):
            self._take(CommandGiven(Command(command)))
        if "model" in values:
            self.gate.choose(levels_for(values["model"], self.options.adaptive))
        if "fps-cap" in values:
            self.intake.cap = RateCap(values["fps-cap"])
            self.gate.set_gap(longest_gap(values["fps-cap"]))
        looks = {name: values[name] for name in ("strength", "divider") if name in values}
        self.set_look(replace(self.look, **looks))
        answer = {"standing": self.gate.standing(), **vars(self.look)}
        return {**answer, **self.stats.record(self.clock())} if command == "status" else answer

    def set_look(self, look: Look) -> None:
        """Strength, split, HUD: from the next picture on, and the last one is drawn again."""
        if look != self.look:
            self.look = look
            self.processor.set_look(look)

    def _do(self, actions: list[Action], output: Output | None = None) -> None:
        """What the state machine says, in its order."""
        for action in actions:
            match action:
                case OpenEngine(plan):
                    self.builder.open(plan)
                case UseEngine(plan):
                    engine = self.builder.take(plan) if plan else None
                    self.processor.use(engine)
                    self.stats.engine = str(engine) if engine else self.stats.engine
                case Show() if output is not None:
                    self._show(output)
                case Skip(_, reason) if output is not None and not output.again:
                    self.stats.dropped(reason)
                case Hide(reason):
                    self.stats.hidden(reason)
                    self._present(self.presenter.hide)
                case RestartCapture():
                    self._restart_capture()
                case Tell(text):
                    self.stats.message(text)
                    self.tell(text)
                case Stop():
                    self.ended = action

    def _show(self, output: Output) -> None:
        picture = output.picture
        place = self._place or Rectangle(0, 0, picture.shape[1], picture.shape[0])
        self._present(lambda: self.presenter.show(picture, place))
        now = self.clock()
        again = output.ticket.sequence == self._shown
        self._shown = output.ticket.sequence
        self.stats.shown(now, None if again else 1e3 * (now - output.source_time))

    def _present(self, call: Callable[[], Any]) -> None:
        """A call of the presenter; if it raises, the session ends."""
        try:
            call()
        except Exception as error:  # a display may go away in any way of its own
            self._do(self.gate.handle(Failed("presenter", error)))

    def _restart_capture(self) -> None:
        try:
            self.capture.stop()
            self.capture.start(self.intake)
        except Exception as error:  # tried again, or given up, as the state machine says
            self.post(Failed("capture", error))

    def _stop_builder(self) -> None:
        if not self.builder.stop(BUILDER_SECONDS):
            self.tell("waiting for an engine that is being opened; Ctrl-C leaves at once")
            self.builder.stop()

    def _close_presenter(self) -> None:
        try:
            self.presenter.close()
        except Exception as error:  # the session is over: there is nothing left to save
            self.stats.message(f"the presenter did not close: {error}")

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end the session in good order; a second one ends it at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def interrupt(*_: object) -> None:
            self._interrupts += 1
            if self._interrupts > 1:
                raise KeyboardInterrupt

        before = {
            number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def look_of(options: LiveOptions) -> Look:
    """The look to begin with."""
    return Look(options.strength, options.split, options.divider, options.hud)


def machine_config(options: LiveOptions, presenter: Presenter) -> MachineConfig:
    """What the options and the presenter decide of the state machine."""
    # If the best engine keeps failing, the processor's own is the safest.
    engines = ("auto", "onnxruntime") if options.engine == "auto" else (options.engine,)
    return MachineConfig(presenter.covers, engines, longest_gap(options.fps_cap))


def longest_gap(fps_cap: float | None) -> float:
    """Seconds after which history no longer helps; a capped rate is no gap."""
    return max(MachineConfig.gap, 1.5 / fps_cap if fps_cap else 0.0)
