"""Temporally stable pictures from a game's final frames alone: causal, in real time.

    import temporal_clean as tc

    cleaner = tc.load("fast")
    for clean in cleaner.stream(frames):
        ...
    tc.clean_video("in.mp4", "out.mp4")

Nothing heavy is imported before it is used; torch only by what trains, exports or evaluates.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from temporal_clean.errors import TemporalCleanError

if TYPE_CHECKING:
    from temporal_clean.checkpoint import load_checkpoint
    from temporal_clean.cleaning import CleanResult, clean_video, load
    from temporal_clean.compare import write_comparison
    from temporal_clean.realtime.cleaner import Cleaner
    from temporal_clean.recurrent import RecurrentCleaner, State

__all__ = [
    "CleanResult",
    "Cleaner",
    "RecurrentCleaner",
    "State",
    "TemporalCleanError",
    "clean_video",
    "load",
    "load_checkpoint",
    "write_comparison",
]
__version__ = "0.1.0"

_HOMES = {
    "CleanResult": "cleaning",
    "Cleaner": "realtime.cleaner",
    "RecurrentCleaner": "recurrent",
    "State": "recurrent",
    "clean_video": "cleaning",
    "load": "cleaning",
    "load_checkpoint": "checkpoint",
    "write_comparison": "compare",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when first asked for (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'temporal_clean' has no attribute '{name}'")
    return getattr(import_module(f"temporal_clean.{_HOMES[name]}"), name)
