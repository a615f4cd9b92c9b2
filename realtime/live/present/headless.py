"""A presenter for machines without a screen: it takes pictures and shows them to nobody."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from temporal_clean.realtime.live.events import Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle

__all__ = ["Headless"]


class Headless:
    """Counts as a window beside the game: pictures go on as they came when cleaning is off."""

    formats: tuple[PixelFormat, ...] = ("bgra8", "rgba16f")
    covers = False
    notes: Sequence[str] = ()
    description = "nowhere"

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Take a picture."""

    def hide(self) -> None:
        """Nothing is to be seen anyway."""

    def poll(self) -> Sequence[Event]:
        """Nobody is there to press a key."""
        return ()

    def close(self) -> None:
        """Nothing is held."""
