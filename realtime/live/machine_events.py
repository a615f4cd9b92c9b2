"""What the state machine is told beside the events of capture and player."""

from dataclasses import dataclass

from temporal_clean.realtime.live.actions import Plan
from temporal_clean.realtime.live.engine_keeper import FrameFacts
from temporal_clean.realtime.live.events import Event

__all__ = ["EngineFailed", "EngineReady", "MachineEvent", "NewGeneration"]


@dataclass(frozen=True)
class NewGeneration:
    """Frames are like this from now on (told by the loop's intake)."""

    frames: FrameFacts


@dataclass(frozen=True)
class EngineReady:
    """The engine of a plan is open and warm."""

    plan: Plan


@dataclass(frozen=True)
class EngineFailed:
    """The engine of a plan could not be opened, or raised at a step."""

    plan: Plan
    error: Exception


MachineEvent = Event | NewGeneration | EngineReady | EngineFailed
