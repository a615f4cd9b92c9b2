"""What two recordings must be before they are aligned; refusals tell the figures."""

from pathlib import Path

import numpy as np

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning.coarse import CoarseMatch
from temporal_clean.train.aligning.recording import Recording

__all__ = ["check_motion", "check_rates", "check_related"]

# 59.94 against 60 frames a second is clock drift; more is another frame rate.
RATE_TOLERANCE = 0.005
# Correlation over time of unrelated recordings stays under 0.2, of one run above 0.9 (measured on
# three maps, native and half resolution).
RELATED = 0.5
# Mean change of a thumbnail pixel from frame to frame, in levels, under which nothing moves.
STILL = 0.05


def check_rates(mine: Recording, other: Recording) -> None:
    """Raise :class:`TemporalCleanError` unless both have one frame rate."""
    if abs(mine.rate / other.rate - 1) > RATE_TOLERANCE:
        raise TemporalCleanError(
            f"expected two recordings of one frame rate, got {mine.rate:.2f} in {mine.path.name} "
            f"and {other.rate:.2f} in {other.path.name}: record both at the same locked rate"
        )


def check_motion(mine: Recording, other: Recording) -> None:
    """Raise if either recording never moves: any offset would fit as well as any other."""
    for recording in (mine, other):
        small = recording.thumbnails[:: max(1, len(recording) // 600), ::4, ::4].astype(np.float32)
        change = float(np.abs(np.diff(small, axis=0)).mean())
        if change < STILL:
            raise TemporalCleanError(
                f"the offset is ambiguous: nothing moves in {recording.path.name} (its pixels "
                f"change by {change:.3f} levels a frame), so every offset fits as well as another; "
                "record a stretch with camera motion"
            )


def check_related(coarse: CoarseMatch, first: Path, second: Path) -> None:
    """Raise :class:`TemporalCleanError` if the recordings' motion does not correlate."""
    if coarse.score < RELATED:
        raise TemporalCleanError(
            f"{first.name} and {second.name} do not show the same run: at the best offset their "
            f"motion correlates by {coarse.score:.2f} (other offsets {coarse.rival:.2f}; two "
            f"recordings of one run give {RELATED} and more); record the same run twice"
        )
