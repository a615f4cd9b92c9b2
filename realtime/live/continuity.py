"""Does the past still help? Epochs of history, and what ends one; pure."""

from temporal_clean.realtime.live.frames import Frame

__all__ = ["Continuity"]


class Continuity:
    """Counts epochs: each reset that makes pictures on their way worthless begins one.

    A frame that comes more than ``gap`` seconds of motion or more than ``missed`` frames after the
    one cleaned before it goes without history too, but begins no epoch: the picture before it is
    still the newest there is until this one is ready.
    """

    def __init__(self, gap: float, missed: int) -> None:
        self.gap, self.missed = gap, missed
        self.epoch = 0
        self._pending: str | None = None
        self._last: Frame | None = None

    def forget(self, reason: str, overrule: bool = False) -> None:
        """The next frame starts without history; what is on its way belongs to an old epoch.

        Of several reasons before that frame the first counts, unless one overrules it.
        """
        self.epoch += 1
        if self._pending is None or overrule:
            self._pending = reason

    def follow(self, frame: Frame) -> str | None:
        """The next frame to be cleaned; why the history must go first, if it must."""
        reason = self._pending or self._broken(frame)
        self._pending, self._last = None, frame
        return reason

    def _broken(self, frame: Frame) -> str | None:
        if self._last is None:
            return None
        if frame.moving_time - self._last.moving_time > self.gap:
            return "gap"
        return "missed" if frame.sequence - self._last.sequence > self.missed else None
