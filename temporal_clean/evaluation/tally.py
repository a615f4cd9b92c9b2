"""Adding up the measures of one video, stretch by stretch."""

from collections.abc import Collection, Sequence
from pathlib import Path

import torch

from temporal_clean.evaluation.measures import MEASURES, Measure, Stretch
from temporal_clean.evaluation.results import Figures
from temporal_clean.evaluation.sums import Sums

__all__ = ["Tally", "finished"]


class Tally:
    """The sums of one video, measure by measure, as its stretches come; all measures, or some."""

    def __init__(self, names: Collection[str] = tuple(MEASURES)) -> None:
        self.sums: dict[str, list[Sums]] = {name: [] for name in MEASURES if name in names}

    def take(self, stretch: Stretch) -> None:
        """Add the next stretch; it overlaps the one before by one frame."""
        for name, parts in self.sums.items():
            parts.append(MEASURES[name].sums(stretch))

    def figures(self, file: Path) -> Figures:
        """What came of it; ``file`` says of what."""
        results = {name: finished(MEASURES[name], parts) for name, parts in self.sums.items()}
        pooled = {name: value for name, (value, _) in results.items()}
        return Figures(file, pooled, {name: frames for name, (_, frames) in results.items()})


def finished(
    measure: Measure, parts: Sequence[Sums]
) -> tuple[float | None, tuple[float | None, ...]]:
    """A measure's figure of the whole video, and one a frame."""
    # In double from here on: what is pooled may be hours of video.
    whole = Sums(*(torch.cat(values).double().cpu() for values in zip(*parts, strict=True)))
    # The first frame has none before it.
    leading = [None] if measure.temporal else []
    return measure.figure(whole.pooled())[0], (*leading, *measure.figure(whole.each()))
