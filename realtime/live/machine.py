"""The live session's state machine: events and a clock in, actions out; no threads, no I/O.

The state follows from a handful of facts (is the source there, visible, focused; is cleaning on,
is there an engine for these frames, is there time), so that no order of events can leave it stuck.
Whatever leaves RUN resets the history and begins a new epoch; a picture of an older epoch is never
shown.
"""

from dataclasses import dataclass
from enum import Enum

from temporal_clean.realtime.live.actions import (
    Action,
    Admission,
    Debt,
    Hide,
    Plan,
    RestartCapture,
    Show,
    Skip,
    Stop,
    Tell,
    Ticket,
    Way,
)
from temporal_clean.realtime.live.backoff import BackOff
from temporal_clean.realtime.live.budget import Budget, Level
from temporal_clean.realtime.live.continuity import Continuity
from temporal_clean.realtime.live.engine_keeper import EngineKeeper, FrameFacts
from temporal_clean.realtime.live.events import (
    Closed,
    Command,
    CommandGiven,
    Failed,
    FocusChanged,
    Visibility,
)
from temporal_clean.realtime.live.frames import Frame
from temporal_clean.realtime.live.machine_events import (
    EngineFailed,
    EngineReady,
    MachineEvent,
    NewGeneration,
)

__all__ = ["Machine", "MachineConfig", "State"]


class State(Enum):
    """Where a session stands."""

    WAIT = "wait"  # no frame has come yet
    RUN = "run"
    PAUSED = "paused"  # minimised, or the focus is elsewhere
    REBUILD = "rebuild"  # no engine for these frames yet, or no longer
    BYPASS = "bypass"  # switched off, over budget, or no engine works
    CLOSED = "closed"


@dataclass(frozen=True)
class MachineConfig:
    """Seconds, counts and choices.

    ``covers``: the presenter lies over the game. ``gap`` and ``missed`` (frames) are where history
    no longer helps (facts of the live loop). ``watchdog``: without a fresh picture for so long the
    overlay goes; longer than a game's usual hitch, shorter than a player's patience. ``back_off``:
    waits before an engine is opened again, after the first failure, the second, ...; one more and
    it is given up. A failure is forgotten after ``forget`` seconds of work.
    """

    covers: bool = True
    engines: tuple[str, ...] = ("auto",)
    gap: float = 0.1
    missed: int = 3
    watchdog: float = 0.3
    back_off: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 4.0)
    forget: float = 10.0


OVER_BUDGET = "over budget"
# Why the history is gone once RUN is entered again, by where RUN was left for.
RESET_ON_LEAVING = {State.PAUSED: "resume", State.BYPASS: "bypass", State.REBUILD: "engine"}


class Machine:
    """One session. Not thread-safe: the loop puts a lock around it.

    ``levels`` and ``slowest`` are those of :class:`Budget`.
    """

    def __init__(self, config: MachineConfig, levels: tuple[Level, ...], slowest: float) -> None:
        self.config = config
        self.budget = Budget(levels, slowest)
        self.engines = EngineKeeper(config.engines, BackOff(config.back_off, config.forget))
        self.continuity = Continuity(config.gap, config.missed)
        self.state = State.WAIT
        self.on, self.visible, self.focused = True, True, True
        self.overlay = False  # whether a picture is on the screen
        self.generation: int | None = None
        self._capture_retry = BackOff(config.back_off, config.forget)
        self._shown, self._fresh = -1, 0.0
        self._panicked, self._stopped = False, False

    def handle(self, event: MachineEvent, now: float) -> list[Action]:
        """Take in an event. Look commands (split, strength, HUD) and moves change nothing here."""
        if self._stopped:
            return []
        actions: list[Action] = []
        match event:
            case NewGeneration(frames):
                actions = self._begin_generation(frames)
            case EngineReady(plan):
                actions = self._take_engine(plan)
            case EngineFailed(plan, error):
                actions = self._lose_engine(plan, error, now)
            case Visibility(visible):
                self.visible = visible
            case FocusChanged(focused):
                self.focused = focused
            case CommandGiven(command):
                actions = self._obey(command)
            case Failed(part, error):
                actions = self._fail(part, error, now)
            case Closed(reason):
                actions = self._stop(reason)
        return actions + self._settle()

    def tick(self, now: float) -> list[Action]:
        """What is due: the watchdog, another try at an engine or the capture, another level."""
        if self._stopped:
            return []
        actions = self._settle()
        if self.config.covers and self.overlay and now - self._fresh > self.config.watchdog:
            actions += self._hide("watchdog")
        if self._capture_retry.take_due(now):
            actions.append(RestartCapture())
        return actions + self.engines.due(self.budget.level, now)

    def confirm(self, sequence: int, now: float) -> None:
        """The source still showed frame ``sequence`` at this time: its picture is not old."""
        if self.overlay and sequence == self._shown:
            self._fresh = max(self._fresh, now)

    def admit(self, frame: Frame, plan: Plan | None, now: float) -> Admission:
        """What becomes of a frame that the engine of ``plan`` could clean now."""
        way, reason = self._way(frame, plan, now)
        reset = self.continuity.follow(frame) if way is Way.CLEAN else None
        if way is Way.PROBE:
            reset = "probe"
        ticket = Ticket(self.continuity.epoch, frame.generation, frame.sequence, way is Way.CLEAN)
        as_it_came = way in (Way.PASS, Way.PROBE) and self._passes(self._derive())
        return Admission(way, ticket, reason, reset, way is Way.CLEAN or as_it_came)

    def owes(self, ticket: Ticket, plan: Plan | None) -> Debt:
        """What is due to a frame that ``admit`` gave this ticket and the source still shows."""
        if self._stopped or ticket.generation != self.generation:
            return Debt.NONE
        runs = self._derive() is State.RUN and plan == self.engines.running
        if ticket.epoch != self.continuity.epoch or (runs and not ticket.cleaned):
            return Debt.ALL
        hidden = not self.overlay and ticket.sequence == self._shown
        return Debt.SHOW if runs and hidden else Debt.NONE

    def stepped(self, plan: Plan, seconds: float, interval: float | None, now: float) -> None:
        """A step of the engine of ``plan`` took so long; frames come every ``interval``."""
        if plan == self.engines.running and plan.level == self.budget.level:
            self.budget.observe(seconds, interval, now)

    def finished(self, ticket: Ticket, now: float, again: bool = False) -> list[Action]:
        """A picture is ready to be shown, for the first time or drawn ``again``."""
        if self._stopped:
            return [Skip(ticket, "closed")]
        settled = self._settle()
        if reason := self._why_not_shown(ticket, again):
            return [*settled, Skip(ticket, reason)]
        if not again:
            self._shown, self._fresh = ticket.sequence, now
        self.overlay = True
        return [*settled, Show(ticket, again)]

    def choose(self, levels: tuple[Level, ...]) -> None:
        """The player wants another model: its engine is opened at the next tick."""
        self.budget = Budget(levels, self.budget.slowest)

    def standing(self) -> str:
        """State and level in words."""
        word = self._word(self.state)
        return f"{self.budget.level}, {word}" if word != "run" else str(self.budget.level)

    def _way(self, frame: Frame, plan: Plan | None, now: float) -> tuple[Way, str]:
        if self._stopped or frame.generation != self.generation:
            return Way.DROP, "stale"
        state = self._derive()
        usable = plan is not None and plan == self.engines.running
        if usable and state is State.RUN:
            return Way.CLEAN, ""
        reason = self._word(state)
        if usable and reason == OVER_BUDGET and self.budget.probe_due(now):
            return Way.PROBE, reason
        return (Way.PASS if self._passes(state) else Way.DROP), reason

    def _passes(self, state: State) -> bool:
        """Whether pictures go on as they came: beside the game, while there is no cleaning."""
        beside = not (self.config.covers or self._panicked)
        return beside and state in (State.RUN, State.REBUILD, State.BYPASS)

    def _why_not_shown(self, ticket: Ticket, again: bool) -> str | None:
        old = ticket.epoch != self.continuity.epoch or ticket.sequence < self._shown
        if old or ticket.generation != self.generation or (again and not self.overlay):
            return "stale"
        fits = self.state is State.RUN if ticket.cleaned else self._passes(self.state)
        return None if fits else self._word(self.state)

    def _begin_generation(self, frames: FrameFacts) -> list[Action]:
        if self.generation is not None:
            self.continuity.forget("resize", overrule=True)
        self.generation = frames.generation
        self.budget.start_afresh()
        return self.engines.begin(frames, self.budget.level)

    def _take_engine(self, plan: Plan) -> list[Action]:
        changes = self.engines.running is not None
        actions = self.engines.ready(plan)
        if actions and changes:
            self.continuity.forget("engine")
        return actions

    def _lose_engine(self, plan: Plan, error: Exception, now: float) -> list[Action]:
        actions = self.engines.failed(plan, error, self.budget.level, now)
        if self.engines.stays and self.engines.running is not None:
            self.budget.hold(self.engines.running.level)
        return actions

    def _obey(self, command: Command) -> list[Action]:
        if command is Command.QUIT:
            return self._stop("asked to")
        if command is Command.PANIC:
            self.on, self._panicked = False, True
            return self._hide("panic")
        if command is Command.TOGGLE:
            self.on, self._panicked = not self.on, False
            if self.on and self.engines.given_up:  # the player wants another try
                return self.engines.try_again(self.budget.level)
        return []

    def _fail(self, part: str, error: Exception, now: float) -> list[Action]:
        running = self.engines.running
        if part == "engine":
            return self._lose_engine(running, error, now) if running else []
        if part == "capture" and self._capture_retry.fail(now):
            self.continuity.forget("capture")
            return [*self._hide("capture"), Tell(f"capture failed ({error}): it is started again")]
        return self._stop(f"{part} failed: {error}", error)

    def _stop(self, reason: str, error: Exception | None = None) -> list[Action]:
        self._stopped = True
        return [*self._hide("closed"), Stop(reason, error)]

    def _derive(self) -> State:
        if self._stopped:
            return State.CLOSED
        if self.generation is None:
            return State.WAIT
        if not self.visible or (self.config.covers and not self.focused):
            return State.PAUSED
        if not self.on or self.engines.given_up or self.budget.over:
            return State.BYPASS
        return State.RUN if self.engines.running is not None else State.REBUILD

    def _settle(self) -> list[Action]:
        """Follow the facts. Leaving RUN hides an overlay and makes the history old."""
        before, self.state = self.state, self._derive()
        if before is not State.RUN or self.state in (State.RUN, State.CLOSED):
            return []
        self.continuity.forget(RESET_ON_LEAVING[self.state])
        return self._hide(self._word(self.state)) if self.config.covers else []

    def _word(self, state: State) -> str:
        """Why nothing is cleaned in this state, for statistics and HUD."""
        if state is not State.BYPASS:
            return state.value
        if not self.on:
            return "panic" if self._panicked else "off"
        return "given up" if self.engines.given_up else OVER_BUDGET

    def _hide(self, reason: str) -> list[Action]:
        was, self.overlay = self.overlay, False
        return [Hide(reason)] if was else []
