"""The processing thread: newest frame in, clean picture out, by an engine that can be exchanged."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from temporal_clean.realtime.live.actions import Admission, Ticket, Way
from temporal_clean.realtime.live.building import CleanPicture, LiveEngine
from temporal_clean.realtime.live.composing import compose
from temporal_clean.realtime.live.events import Failed
from temporal_clean.realtime.live.frames import Frame, PixelFormat, pixel_format
from temporal_clean.realtime.live.gate import Gate
from temporal_clean.realtime.live.intake import Intake
from temporal_clean.realtime.live.look import Look
from temporal_clean.realtime.live.machine import EngineFailed
from temporal_clean.realtime.live.outbox import Outbox, Output
from temporal_clean.realtime.live.pathways import Pathway
from temporal_clean.realtime.live.stats import LiveStats

__all__ = ["Processor"]

# How long the thread sleeps at most when nothing comes: frames and changes wake it.
IDLE_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Finished:
    """The last frame, kept to be drawn again when the player changes the look."""

    frame: Frame
    ticket: Ticket
    pathway: Pathway
    made: CleanPicture | None


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
                    self._process(frame)
                elif self._look_changed and self._last is not None:
                    self._leave(self._last, again=True)
                self._look_changed = False
        except Exception as error:  # told to the main thread, which ends the session
            self.post(Failed("processing", error))

    def _process(self, frame: Frame) -> None:
        """One frame, on the way that the gate gives it."""
        engine = self._engine
        admission = self.gate.admit(frame, engine.plan if engine else None)
        if admission.way is Way.DROP:
            self.stats.dropped(admission.reason)
            return
        made = None
        if engine is not None and admission.way in (Way.CLEAN, Way.PROBE):
            made = self._clean(engine, frame, admission)
            if made is None:
                return
        if admission.way is Way.PROBE:
            self.stats.dropped(admission.reason)
            made = None
        pathway = self.pathway_of(pixel_format(frame.picture))
        self._last = Finished(frame, admission.ticket, pathway, made)
        self._leave(self._last, again=False)

    def _clean(self, engine: LiveEngine, frame: Frame, admission: Admission) -> CleanPicture | None:
        """The engine's answer; ``None`` if it raised, which the machine deals with."""
        try:
            made = engine.clean(frame.picture, admission.reset is not None)
        except Exception as error:  # an engine may fail in any way of its own
            self._engine = None
            self.stats.dropped("engine failed")
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
        lines = self.stats.hud_lines(self.gate.clock()) if look.hud else []
        picture = compose(finished.pathway, finished.frame.picture, finished.made, look, lines)
        output = Output(picture, finished.ticket, finished.frame.source_time, again)
        self.outbox.put(output)
