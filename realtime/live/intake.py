"""What the loop gives to a capture: pictures are stamped, doubles dropped, the newest kept."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.engine_keeper import FrameFacts
from temporal_clean.realtime.live.events import Event, Resized
from temporal_clean.realtime.live.frames import Frame, pixel_format
from temporal_clean.realtime.live.machine_events import MachineEvent, NewGeneration
from temporal_clean.realtime.live.mailbox import Mailbox
from temporal_clean.realtime.live.pacing import Cadence, RateCap
from temporal_clean.realtime.live.stats import LiveStats

__all__ = ["Intake"]

# Doubles come closer together than this, or the source had stopped: the gap then counts.
STILL_SECONDS = 0.1


class Intake:
    """A CaptureSink. Everything here runs on the capture's thread, and briefly."""

    def __init__(
        self,
        mailbox: Mailbox,
        cap: RateCap,
        stats: LiveStats,
        post: Callable[[MachineEvent], None],
        clock: Callable[[], float],
    ) -> None:
        self.mailbox, self.cap, self.stats = mailbox, cap, stats
        self.post, self.clock = post, clock
        self.cadence = Cadence()
        # The newest frame's number, and when the source last showed it: read by the main thread.
        self.confirmed = (-1, 0.0)
        self._generation, self._sequence = -1, -1
        self._kind: tuple[Any, ...] = ()
        self._still, self._last_time = 0.0, 0.0

    def deliver(self, picture: NDArray[Any], source_time: float) -> None:
        """Copy, compare with the last, stamp and hand on."""
        now = self.clock()
        self._check_kind(picture)
        if not self.cap.allows(source_time):
            self.stats.captured(now)
            self.stats.dropped("fps cap")
            return
        slot = self.mailbox.write(picture)
        repeats = self.mailbox.repeats(slot)
        self.stats.captured(now, repeats)
        if repeats:
            self.mailbox.discard(slot)
            self._stand_still(source_time, now)
            return
        frame = self._stamp(slot.picture, source_time, now)
        if self.mailbox.publish(slot, frame):
            self.stats.dropped("overwritten")
        self.confirmed = (frame.sequence, now)

    def tell(self, event: Event) -> None:
        """Hand on; sizes are taken from the pictures themselves."""
        if not isinstance(event, Resized):
            self.post(event)

    def _check_kind(self, picture: NDArray[Any]) -> None:
        """Another size or format begins another generation."""
        kind = (picture.shape, picture.dtype)
        if kind == self._kind:
            return
        if picture.ndim != 3 or picture.shape[2] != 4 or picture.dtype not in KINDS:
            raise TemporalCleanError(
                "expected pictures of (height, width, 4) uint8 BGRA or float16 scRGB, got "
                f"{picture.shape} {picture.dtype}: mend the capture"
            )
        self._kind = kind
        self._generation += 1
        height, width = picture.shape[:2]
        facts = FrameFacts(self._generation, width, height, pixel_format(picture))
        self.stats.size(width, height, facts.pixel_format)
        self.post(NewGeneration(facts))

    def _stand_still(self, source_time: float, now: float) -> None:
        """The same picture again: it neither advances nor resets anything."""
        if source_time - self._last_time < STILL_SECONDS:
            self._still += source_time - self._last_time
        self._last_time = source_time
        self.cadence.pause(source_time)
        self.confirmed = (self._sequence, now)
        self.mailbox.poke()  # it may not have been cleaned when it was new

    def _stamp(self, picture: NDArray[Any], source_time: float, now: float) -> Frame:
        steps = self.cadence.advance(source_time)
        if steps > 1:
            self.stats.dropped("skipped by the source", steps - 1)
        self._sequence += steps
        self._last_time = source_time
        return Frame(
            picture=picture,
            generation=self._generation,
            sequence=self._sequence,
            source_time=source_time,
            arrive_time=now,
            moving_time=source_time - self._still,
        )


KINDS = (np.dtype(np.uint8), np.dtype(np.float16))
