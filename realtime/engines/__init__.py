"""One interface over every engine: open a graph at a size, step frames through a state."""

from temporal_clean.realtime.engines.base import Engine, EngineInfo, EngineState
from temporal_clean.realtime.engines.choice import ENGINES, OpenedEngine, available, open_engine

__all__ = [
    "ENGINES",
    "Engine",
    "EngineInfo",
    "EngineState",
    "OpenedEngine",
    "available",
    "open_engine",
]
