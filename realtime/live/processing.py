"""The processing thread: newest frame in, clean picture out, by an engine that can be exchanged."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from temporal_clean.realtime.live.actions import Admission, Ticket, Way
from temporal_clean.realtime.live.building import CleanPicture, LiveEngine
from temporal_clean.realtime.live.composing import compose
from temporal_clean.realtime.live.events import Failed
from temporal_clean.realtime.live.frames import Frame, PixelFormat, pixel_format
from temporal_clean.realtime.live.gate import Gate
from temporal_clean.realtime.live.intake import Intake
from temporal_clean.realtime.live.look import Look
from temporal_clean.realtime.live.machine_events import EngineFailed
from temporal_clean.realtime.live.outbox import Outbox, Output
from temporal_clean.realtime.live.pathways import Pathway
from temporal_clean.realtime.live.stats import LiveStats

__all__ = ["Processor"]

# How long the thread sleeps at most when nothing comes: frames and changes wake it.
IDLE_SECONDS = 0.5
# The source showed a frame so lately that it still does, at any rate that games have.
CURRENT_SECONDS = 0.1


@dataclass(frozen=True, eq=False)
class Finished:
    """The last frame, kept to be drawn again when the player changes the look."""

    frame: Frame
    ticket: Ticket
    pathway: Pathway
    made: CleanPicture | None


class Waiting(NamedTuple):
    """A frame that was not cleaned, and why; ``None`` if it was shown as it came."""

    frame: Frame
    reason: str | None


class Processor:
    """Takes frames from the mailbox, asks the gate, cleans, composes, leaves the output."""

    def __init__(
        self,
        intake: Intake,
        gate: Gate,
        outbox: Outbox,
        stats: LiveStats,
        pathway_of: Callable[[PixelFormat], Pathway],
        look: Look,
        post: Callable[[Failed | EngineFailed], None],
    ) -> None:
        self.intake, self.gate, self.outbox, self.stats = intake, gate, outbox, stats
        self.pathway_of, self.post = pathway_of, post
        self._look, self._look_changed = look, False
        self._engine: LiveEngine | None = None
        self._last: Finished | None = None
        self._waiting: Waiting | None = None
        self._ending = False
        self._thread = threading.Thread(
            target=self._run, name="temporal-clean cleaner", daemon=True
        )

    def start(self) -> None:
        """Begin to take frames."""
        self._thread.start()

    def use(self, engine: LiveEngine | None) -> None:
        """Clean by this engine from the next frame on."""
        self._engine = engine
        self.intake.mailbox.poke()

    def set_look(self, look: Look) -> None:
        """Compose like this from now on, and the last picture again."""
        self._look, self._look_changed = look, True
        self.intake.mailbox.poke()

    def stop(self) -> None:
        """End the thread, after the frame that it is at."""
        self._ending = True
        self.intake.mailbox.close()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ending:
                frame = self.intake.mailbox.take(IDLE_SECONDS)
                if frame is not None:
                    self._let_go()
                    self._process(frame)
                elif not self._try_again() and self._look_changed and self._last is not None:
                    self._leave(self._last, again=True)
                self._look_changed = False
            self._let_go()
        except Exception as error:  # told to the main thread, which ends the session
            self.post(Failed("processing", error))

    def _process(self, frame: Frame) -> None:
        """One frame, on the way that the gate gives it."""
        engine = self._engine
        admission = self.gate.admit(frame, engine.plan if engine else None)
        if admission.way is Way.CLEAN and engine is not None:
            self._show_cleaned(engine, frame, admission, again=False)
            return
        self._waiting = Waiting(frame, admission.reason)
        if admission.way is Way.PROBE and engine is not None:
            self._clean(engine, frame, admission)
        if admission.shown:
            self._waiting = Waiting(frame, None)
            pathway = self.pathway_of(pixel_format(frame.picture))
            self._last = Finished(frame, admission.ticket, pathway, None)
            self._leave(self._last, again=False)

    def _show_cleaned(
        self, engine: LiveEngine, frame: Frame, admission: Admission, again: bool
    ) -> None:
        made = self._clean(engine, frame, admission)
        if made is None:
            self._waiting = Waiting(frame, "engine failed")
        else:
            self._waiting = None
            self._last = Finished(frame, admission.ticket, engine.pathway, made)
            self._leave(self._last, again)

    def _try_again(self) -> bool:
        """Clean the frame in hand that was not, if it is still what the source shows.

        A still picture comes once: the engine may be ready, or the player back, only after it.
        """
        waiting, engine = self._waiting, self._engine
        if waiting is None or engine is None or not self._is_current(waiting.frame):
            return False
        if not self.gate.would_clean(waiting.frame, engine.plan):
            return False
        admission = self.gate.admit(waiting.frame, engine.plan)
        if admission.way is Way.CLEAN:
            self._show_cleaned(engine, waiting.frame, admission, again=waiting.reason is None)
        return True

    def _is_current(self, frame: Frame) -> bool:
        sequence, seen = self.intake.confirmed
        return frame.sequence == sequence and self.gate.clock() - seen < CURRENT_SECONDS

    def _let_go(self) -> None:
        """A newer frame is there: the one that waited was dropped."""
        if self._waiting is not None and self._waiting.reason is not None:
            self.stats.dropped(self._waiting.reason)
        self._waiting = None

    def _clean(self, engine: LiveEngine, frame: Frame, admission: Admission) -> CleanPicture | None:
        """The engine's answer; ``None`` if it raised, which the machine deals with."""
        try:
            made = engine.clean(frame.picture, admission.reset is not None)
        except Exception as error:  # an engine may fail in any way of its own
            self._engine = None
            self.post(EngineFailed(engine.plan, error))
            return None
        if admission.way is Way.CLEAN:
            self.stats.cleaned(1e3 * made.seconds)
            if admission.reset is not None:
                self.stats.reset(admission.reset)
        self.gate.stepped(engine.plan, made.seconds, self.intake.cadence.interval)
        return made

    def _leave(self, finished: Finished, again: bool) -> None:
        """Compose the picture and leave it for the main thread."""
        look = self._look
        lines = self._hud_lines(look) if look.hud else []
        picture = compose(finished.pathway, finished.frame.picture, finished.made, look, lines)
        output = Output(picture, finished.ticket, finished.frame.source_time, again)
        self.outbox.put(output)

    def _hud_lines(self, look: Look) -> list[str]:
        strength = f", strength {look.strength:.0%}" if look.strength < 1.0 else ""
        return [self.gate.standing() + strength, *self.stats.hud_lines(self.gate.clock())]
