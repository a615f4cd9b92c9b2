"""What every engine is: a compiled step, and a state that stays where the engine computes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Engine", "EngineInfo", "EngineState", "StepResult"]


@dataclass(frozen=True)
class EngineInfo:
    """``name`` as on the command line, its version, the arithmetic, and the device in words."""

    name: str
    version: str
    precision: str
    device: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}, {self.precision}, {self.device}"


@dataclass(frozen=True)
class StepResult:
    """One step's output: the clean frame like the frame given, and maps if asked for."""

    clean: NDArray
    maps: Mapping[str, NDArray[np.float32]]


class EngineState(Protocol):
    """One stream's history. It belongs to the engine that made it."""

    def reset(self) -> None:
        """Forget the past: the next step is purely spatial."""
        ...


class Engine(Protocol):
    """A step compiled for one size and frame format."""

    def new_state(self) -> EngineState:
        """An empty history; several may live at once, each for its own stream."""
        ...

    def step(self, frame: NDArray, state: Any) -> StepResult:
        """Clean one frame and advance ``state``, which this engine made.

        The result's arrays are the caller's.
        """
        ...

    def describe(self) -> EngineInfo:
        """What runs where."""
        ...
