"""What every capture is: a thread of its own that hands over pictures and tells what happens."""

from typing import Any, Protocol

from numpy.typing import NDArray

from temporal_clean.realtime.live.events import Event

__all__ = ["Capture", "CaptureSink"]


class CaptureSink(Protocol):
    """The live loop, as a capture sees it. Both calls come from the capture's thread."""

    def deliver(self, picture: NDArray[Any], source_time: float) -> None:
        """Hand over a picture, (height, width, 4) uint8 BGRA or float16 scRGB RGBA.

        Copied before this returns, in well under a frame's time; rows may be strided. Size and
        format may differ from the last one's: the loop takes that as a resize. ``source_time``
        is in seconds of ``time.monotonic``.
        """
        ...

    def tell(self, event: Event) -> None:
        """Something happened to the source."""
        ...


class Capture(Protocol):
    """One source of frames."""

    @property
    def description(self) -> str:
        """The source in words, for the HUD and the log: 'window "SuperTuxKart" (X11)'."""
        ...

    def start(self, sink: CaptureSink) -> None:
        """Begin to deliver from a thread of its own; raises TemporalCleanError if it cannot.

        First tells ``Moved`` and ``FocusChanged`` where the source is a window. An error on the
        thread is told as ``Failed('capture', error)``, never raised there.
        """
        ...

    def stop(self) -> None:
        """End the thread and free everything; no call on the sink afterwards. Idempotent."""
        ...
