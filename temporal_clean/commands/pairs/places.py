"""temporal-clean pairs places"""

from typing import Annotated, Literal

import tyro

__all__ = ["places"]


def places(
    game: Annotated[Literal["openarena", "supertuxkart", "vizdoom"], tyro.conf.Positional], /
) -> None:
    """List the maps or tracks of a game, and whether they train or validate.

    Example: temporal-clean pairs places openarena
    """
    from temporal_clean.commands.progress import say
    from temporal_clean.train.recording.catalogue import places as catalogued

    for split in ("train", "validation"):
        for place in catalogued(game, split):
            say(f"{split:<11} {place}")
