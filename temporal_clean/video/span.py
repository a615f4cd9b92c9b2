"""The part of a clip to be read."""

from dataclasses import dataclass
from fractions import Fraction

from temporal_clean.errors import TemporalCleanError

__all__ = ["Span"]

# Times typed by people are decimal: 0.1 means 1/10, not the nearest binary fraction.
FINEST = 1_000_000


@dataclass(frozen=True)
class Span:
    """From ``start`` to before ``end``, seconds from the clip's first frame; ``None`` is open."""

    start: Fraction | None = None
    end: Fraction | None = None

    @classmethod
    def of(cls, start: float | None, end: float | None) -> "Span":
        """A span from what a user typed.

        Raises :class:`TemporalCleanError` if it is negative, empty or not a number.
        """
        for name, value in (("start", start), ("end", end)):
            if value is not None and not 0 <= value < float("inf"):
                raise TemporalCleanError(f"expected {name} to be 0 seconds or more, got {value:g}")
        if end is not None and end <= (start or 0.0):
            raise TemporalCleanError(
                f"expected end to lie after start, got start {start or 0:g} s and end {end:g} s"
            )
        return cls(
            *(None if v is None else Fraction(v).limit_denominator(FINEST) for v in (start, end))
        )

    def __str__(self) -> str:
        first = f"{float(self.start or 0):g} s"
        return f"from {first} on" if self.end is None else f"from {first} to {float(self.end):g} s"

    def length(self, whole: Fraction) -> Fraction:
        """Seconds of a clip of ``whole`` seconds that lie inside."""
        last = whole if self.end is None else min(self.end, whole)
        return max(last - (self.start or 0), Fraction(0))
