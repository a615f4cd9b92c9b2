"""Which engine is in use, which is being opened, and what to do when one fails; pure."""

from typing import NamedTuple

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.actions import Action, OpenEngine, Plan, Tell, UseEngine
from temporal_clean.realtime.live.backoff import BackOff
from temporal_clean.realtime.live.budget import Level
from temporal_clean.realtime.live.frames import PixelFormat

__all__ = ["EngineKeeper", "FrameFacts"]


class FrameFacts(NamedTuple):
    """What frames of one generation are like."""

    generation: int
    width: int
    height: int
    pixel_format: PixelFormat


class EngineKeeper:
    """Opens engines by plans, one at a time; the one in use works on until the next is ready.

    ``engines`` are tried in order: one that keeps failing is given up for the next.
    ``given_up`` once there is no next; ``stays`` if that happened on the way to another level,
    so that the one in use has to do.
    """

    def __init__(self, engines: tuple[str, ...], retry: BackOff) -> None:
        self.engines, self._retry = engines, retry
        self.running: Plan | None = None
        self.building: Plan | None = None
        self.given_up, self.stays = False, False
        self._frames: FrameFacts | None = None
        self._choice, self._plans = 0, 0

    def begin(self, frames: FrameFacts, level: Level) -> list[Action]:
        """Frames are of another kind: what was open is of no use."""
        self._frames, self.running = frames, None
        return [UseEngine(None), *self.try_again(level)]

    def try_again(self, level: Level) -> list[Action]:
        """Start from the first engine, whatever failed before."""
        self.given_up, self.stays, self._choice = False, False, 0
        self._retry.clear()
        return self._open(level)

    def ready(self, plan: Plan) -> list[Action]:
        """A plan's engine is open. Nothing comes of one that is no longer wanted."""
        if plan != self.building:
            return []
        self.running, self.building = plan, None
        return [UseEngine(plan)]

    def failed(self, plan: Plan, error: Exception, level: Level, now: float) -> list[Action]:
        """A plan's engine could not be opened or raised at a step."""
        if plan not in (self.running, self.building):
            return []
        actions: list[Action] = []
        if plan == self.running:
            self.running = None
            actions.append(UseEngine(None))
        else:
            self.building = None
        # A refusal (a size too small, a model not found) will not go away by trying again.
        if not isinstance(error, TemporalCleanError) and self._retry.fail(now):
            return [*actions, Tell(f"engine {plan.engine} failed ({error}): it is opened again")]
        return actions + self._give_up(plan, error, level)

    def due(self, level: Level, now: float) -> list[Action]:
        """Another try after a failure, or another level than the latest plan's."""
        latest = self.building or self.running
        changed = latest is not None and latest.level != level and not self._retry.waiting
        return self._open(level) if self._retry.take_due(now) or changed else []

    def _open(self, level: Level) -> list[Action]:
        if self._frames is None:
            return []
        self._plans += 1
        self.building = Plan(*self._frames, level, self.engines[self._choice], self._plans)
        return [OpenEngine(self.building)]

    def _give_up(self, plan: Plan, error: Exception, level: Level) -> list[Action]:
        self._retry.clear()
        if self._choice + 1 < len(self.engines):
            self._choice += 1
            following = self.engines[self._choice]
            text = f"engine {plan.engine} is given up ({error}): {following} takes over"
            return [Tell(text), *self._open(level)]
        self.given_up = self.running is None
        self.stays = not self.given_up
        verb = "cleaning is off" if self.given_up else "the model stays as it is"
        return [Tell(f"{verb}: engine {plan.engine} is given up ({error})")]
