"""Sums that add up over frames or windows, for a figure of each and one of all."""

from dataclasses import dataclass, field

__all__ = ["Ratio", "Spread"]


@dataclass
class Ratio:
    """A quotient of sums, frame by frame and pooled: strong frames weigh more in the pooled one."""

    above: dict[int, float] = field(default_factory=dict)
    below: dict[int, float] = field(default_factory=dict)

    def add(self, frame: int, above: float, below: float) -> None:
        """Count one frame."""
        self.above[frame], self.below[frame] = above, below

    def of(self, frame: int) -> float | None:
        """A frame's own quotient, None where there is nothing to divide by."""
        below = self.below.get(frame, 0.0)
        return self.above[frame] / below if below > 0.0 else None

    def pooled(self) -> float | None:
        """The quotient of the sums."""
        below = sum(self.below.values())
        return sum(self.above.values()) / below if below > 0.0 else None


@dataclass
class Spread:
    """Means over windows: of all that was measured, and of the windows that hold a frame."""

    total: float = 0.0
    count: float = 0.0
    frames: dict[int, tuple[float, float]] = field(default_factory=dict)

    def add(self, frames: list[int], total: float, count: float) -> None:
        """Count one window: the sum of what was measured, and on how many pixels."""
        self.total, self.count = self.total + total, self.count + count
        for frame in frames:
            before = self.frames.get(frame, (0.0, 0.0))
            self.frames[frame] = (before[0] + total, before[1] + count)

    def of(self, frame: int) -> float | None:
        """The mean over the windows that hold a frame, None where none measured anything."""
        total, count = self.frames.get(frame, (0.0, 0.0))
        return total / count if count > 0.0 else None

    def pooled(self) -> float | None:
        """The mean over all windows."""
        return self.total / self.count if self.count > 0.0 else None
