"""The processing thread: newest frame in, clean picture out, by an engine that can be exchanged."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from temporal_clean.keeping import Keep
from temporal_clean.realtime.live.actions import Admission, Debt, Ticket, Way
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


class InHand(NamedTuple):
    """The newest frame, its ticket, and why it was not shown; ``None`` if it was."""

    frame: Frame
    ticket: Ticket
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
        keep: Keep | None = None,
    ) -> None:
        self.keep = keep
        self.intake, self.gate, self.outbox, self.stats = intake, gate, outbox, stats
        self.pathway_of, self.post = pathway_of, post
        self._look = self._drawn = look
        self._engine: LiveEngine | None = None
        self._last: Finished | None = None
        self._hand: InHand | None = None
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
        self._look = look
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
                elif not self._catch_up() and self._last and self._look is not self._drawn:
                    self._leave(self._last, again=True)
            self._let_go()
        except Exception as error:  # told to the main thread, which ends the session
            self.post(Failed("processing", error))

    def _process(self, frame: Frame) -> None:
        """One frame, on the way that the gate gives it."""
        engine = self._engine
        admission = self.gate.admit(frame, engine.plan if engine else None)
        seen_already = self._hand is not None and self._hand.reason is None
        self._hand = InHand(frame, admission.ticket, None if seen_already else admission.reason)
        made = None
        if engine is not None and admission.way in (Way.CLEAN, Way.PROBE):
            made = self._clean(engine, frame, admission)
        if admission.way is Way.CLEAN and made is None:
            self._hand = self._hand._replace(reason="engine failed")
        elif admission.shown:
            self._hand = self._hand._replace(reason=None)
            pathway = self.pathway_of(pixel_format(frame.picture))
            shown = made if admission.way is Way.CLEAN else None
            self._last = Finished(frame, admission.ticket, pathway, shown)
            self._leave(self._last, again=False)

    def _catch_up(self) -> bool:
        """Do what is owed to the frame in hand, if the source still shows it; True if anything.

        A still picture comes once: the engine may be ready, or the player back, only after it.
        """
        hand, engine = self._hand, self._engine
        if hand is None or not self._is_current(hand.frame):
            return False
        debt = self.gate.owes(hand.ticket, engine.plan if engine else None)
        if debt is Debt.ALL:
            self._process(hand.frame)
        elif debt is Debt.SHOW and self._last is not None:
            self._leave(self._last, again=False)
        return debt is not Debt.NONE

    def _is_current(self, frame: Frame) -> bool:
        sequence, seen = self.intake.confirmed
        return frame.sequence == sequence and self.gate.clock() - seen < CURRENT_SECONDS

    def _let_go(self) -> None:
        """A newer frame is there: the one in hand is dropped, unless it was shown."""
        if self._hand is not None and self._hand.reason is not None:
            self.stats.dropped(self._hand.reason)
        self._hand = None

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
        look = self._drawn = self._look
        lines = self._hud_lines(look) if look.hud else []
        picture = compose(
            finished.pathway, finished.frame.picture, finished.made, look, lines, self.keep
        )
        output = Output(picture, finished.ticket, finished.frame.source_time, again)
        self.outbox.put(output)

    def _hud_lines(self, look: Look) -> list[str]:
        strength = f", strength {look.strength:.0%}" if look.strength < 1.0 else ""
        standing = self.gate.standing() + strength
        lines = self.stats.hud_lines(self.gate.clock())
        # The engine's line begins with its level (LiveEngine): nothing to add where that is all.
        return lines if lines[0].startswith(f"{standing} on ") else [standing, *lines]
