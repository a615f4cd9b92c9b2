"""When to try again what failed, and when to give it up; pure, with the clock given in."""

from collections.abc import Sequence

__all__ = ["BackOff"]


class BackOff:
    """Waits ``delays[0]`` seconds after the first failure, ``delays[1]`` after the second, ...

    One failure more than there are delays is one too many. Failures are forgotten once
    ``forget`` seconds have gone by without another.
    """

    def __init__(self, delays: Sequence[float], forget: float) -> None:
        self.delays, self.forget = tuple(delays), forget
        self.failures = 0
        self._failed_at = 0.0
        self._again_at: float | None = None

    def fail(self, now: float) -> bool:
        """It failed. True if it is to be tried again, False if it is to be given up."""
        if now - self._failed_at > self.forget:
            self.failures = 0
        self._failed_at = now
        self.failures += 1
        if self.failures > len(self.delays):
            self.clear()
            return False
        self._again_at = now + self.delays[self.failures - 1]
        return True

    def take_due(self, now: float) -> bool:
        """Whether to try now; True once for each failure."""
        if self._again_at is None or now < self._again_at:
            return False
        self._again_at = None
        return True

    @property
    def waiting(self) -> bool:
        """Whether another try is still to come."""
        return self._again_at is not None

    def clear(self) -> None:
        """Forget all failures and tries to come."""
        self.failures, self._again_at = 0, None
