"""The games that can be recorded, by the name that a command gives."""

from collections.abc import Callable
from importlib import import_module

from temporal_clean.train.recording.game import Game

__all__ = ["GAMES"]


def _maker(module: str, name: str) -> Callable[[], Game]:
    """Makes the game; its module is imported only then."""
    return lambda: getattr(import_module(f"temporal_clean.train.recording.{module}"), name)()


GAMES: dict[str, Callable[[], Game]] = {
    "openarena": _maker("openarena", "OpenArena"),
    "supertuxkart": _maker("supertuxkart", "SuperTuxKart"),
    "vizdoom": _maker("vizdoom", "ViZDoom"),
}
