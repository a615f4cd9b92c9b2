"""What every presenter is: it shows pictures on the main thread and never holds the game up."""

from collections.abc import Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from temporal_clean.realtime.live.events import Event
from temporal_clean.realtime.live.frames import PixelFormat, Rectangle

__all__ = ["Presenter"]


class Presenter(Protocol):
    """A place to show pictures. All calls come from the main thread.

    An overlay never takes focus, clicks or keys, is never part of what the capture sees, and is
    hidden until the first ``show``.
    """

    # The formats that ``show`` takes.
    formats: tuple[PixelFormat, ...]
    # True for an overlay, which lies over the source: hidden, the game shows through. A window
    # beside the game or a recording goes on with the pictures as they came instead.
    covers: bool

    @property
    def description(self) -> str:
        """How pictures are shown, in words: 'X11 overlay, shared memory'."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What the player should be told once: hotkeys that another program has taken."""
        ...

    def show(self, picture: NDArray[Any], place: Rectangle) -> None:
        """Show a picture at ``place`` (scaled where the presenter can, else at its top left).

        (height, width, 4) uint8 BGRA, or float16 scRGB RGBA. Returns when the picture is on its
        way to the screen and the array may be written again.
        """
        ...

    def hide(self) -> None:
        """Take the picture away, so that the game shows through. Idempotent."""
        ...

    def poll(self) -> Sequence[Event]:
        """Hotkeys and the presenter's own window events since the last call; never waits."""
        ...

    def close(self) -> None:
        """Hide and free everything. Idempotent."""
        ...
