"""What an evaluation found: figures of each video of each clip, pooled and frame by frame."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

__all__ = ["ClipResult", "Evaluation", "Figures", "Interval"]


@dataclass(frozen=True)
class Figures:
    """Figures of one video, by the names in :data:`~temporal_clean.evaluation.METRICS`.

    ``pooled`` is of the whole video, ``frames`` has one value a frame, None where there is none:
    the first frame has no temporal figures, and a figure whose definition finds nothing to
    measure (no disoccluded pixel, no gradient) is None and not zero.
    """

    file: Path
    pooled: Mapping[str, float | None]
    frames: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class ClipResult:
    """One clip: ``output`` and, where given, its ``input``, judged by ``reference``.

    ``reference.pooled`` holds what a reference scores by itself (``e_warp``). Without a reference
    it is None and the figures are those that need none. ``motion`` says where the flow came from,
    ``missing`` why a figure could not be had, by metric.
    """

    name: str
    width: int
    height: int
    frame_rate: Fraction
    motion: str
    output: Figures
    input: Figures | None = None
    reference: Figures | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Frames that were compared."""
        return max(len(values) for values in self.output.frames.values())


@dataclass(frozen=True)
class Interval:
    """A mean over clips, its 95 % bootstrap interval; ``low``, ``high`` None for one clip."""

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Evaluation:
    """All clips, their means by ``pooled[video][metric]``, and how it was made.

    ``pooled`` has ``output``, ``input`` and ``change`` (output against input); ``about`` has the
    command, versions, hardware and date, as lines to print.
    """

    clips: tuple[ClipResult, ...]
    pooled: Mapping[str, Mapping[str, Interval]]
    about: Mapping[str, str]
