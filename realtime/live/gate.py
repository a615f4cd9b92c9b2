"""The state machine behind a lock: asked by the processing thread, led by the main thread."""

import threading
from collections.abc import Callable

from temporal_clean.realtime.live.actions import Action, Admission, Debt, Plan, Ticket
from temporal_clean.realtime.live.budget import Level
from temporal_clean.realtime.live.frames import Frame
from temporal_clean.realtime.live.machine import Machine
from temporal_clean.realtime.live.machine_events import MachineEvent

__all__ = ["Gate"]


class Gate:
    """Every call is one of :class:`Machine`, at the clock's present time, a few microseconds."""

    def __init__(self, machine: Machine, clock: Callable[[], float]) -> None:
        self.machine, self.clock = machine, clock
        self._lock = threading.Lock()

    def handle(self, event: MachineEvent) -> list[Action]:
        with self._lock:
            return self.machine.handle(event, self.clock())

    def tick(self, confirmed: tuple[int, float]) -> list[Action]:
        """What is due; the source showed frame ``confirmed[0]`` at time ``confirmed[1]``."""
        with self._lock:
            self.machine.confirm(*confirmed)
            return self.machine.tick(self.clock())

    def admit(self, frame: Frame, plan: Plan | None) -> Admission:
        with self._lock:
            return self.machine.admit(frame, plan, self.clock())

    def owes(self, ticket: Ticket, plan: Plan | None) -> Debt:
        with self._lock:
            return self.machine.owes(ticket, plan)

    def stepped(self, plan: Plan, seconds: float, interval: float | None) -> None:
        with self._lock:
            self.machine.stepped(plan, seconds, interval, self.clock())

    def finished(self, ticket: Ticket, again: bool) -> list[Action]:
        with self._lock:
            return self.machine.finished(ticket, self.clock(), again)

    def choose(self, levels: tuple[Level, ...]) -> None:
        with self._lock:
            self.machine.choose(levels)

    def set_gap(self, seconds: float) -> None:
        """Longer waits than this end the history."""
        with self._lock:
            self.machine.continuity.gap = seconds

    def standing(self) -> str:
        """The state in words, for the HUD and the control socket."""
        with self._lock:
            return self.machine.standing()
