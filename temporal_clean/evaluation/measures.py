"""The measures that an evaluation takes of each video, in one table."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from temporal_clean.evaluation.disocclusion import disoccluded_error, ghost_sums
from temporal_clean.evaluation.fidelity import sharp_sums, squared_error, ssim_sums
from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.sums import Sums, decibels
from temporal_clean.evaluation.temporal import change_sums, mcflick_sums, tof_sums, warping_sums

__all__ = ["MEASURES", "MOST_DECIBELS", "Measure", "Stretch"]

# Stands for equal in decibels: 16-bit pictures that differ by a code in one pixel of a frame come
# to more than that; a mean over clips needs a number.
MOST_DECIBELS = 120.0


@dataclass(frozen=True)
class Stretch:
    """Consecutive frames of an output with its reference; the first is the last of those before.

    ``mask`` is the coverage of HUD and overlays, if the clip knows it. ``fresh`` is how many of
    the frames were not in the stretch before.
    """

    output: Tensor
    reference: Tensor
    motion: Motion
    mask: Tensor | None
    fresh: int


@dataclass(frozen=True)
class Measure:
    """``sums`` of a stretch: one value for each fresh frame, or for each pair if ``temporal``."""

    sums: Callable[[Stretch], Sums]
    temporal: bool = False
    decibels: bool = False

    def figure(self, quotient: Tensor) -> list[float | None]:
        """Quotients of sums as figures: in decibels where it is told so, None for nothing."""
        values = decibels(quotient).clamp_max(MOST_DECIBELS) if self.decibels else quotient
        return [None if math.isnan(value) else value for value in values.tolist()]


def _hud_error(stretch: Stretch) -> Sums:
    if stretch.mask is None:
        nothing = stretch.output.new_zeros(stretch.fresh)
        return Sums(nothing, nothing)
    return squared_error(*_fresh(stretch), stretch.mask[-stretch.fresh :])


def _fresh(stretch: Stretch) -> tuple[Tensor, Tensor]:
    return stretch.output[-stretch.fresh :], stretch.reference[-stretch.fresh :]


MEASURES: dict[str, Measure] = {
    "psnr": Measure(lambda s: squared_error(*_fresh(s)), decibels=True),
    "ssim": Measure(lambda s: ssim_sums(*_fresh(s))),
    "tpsnr": Measure(lambda s: change_sums(s.output, s.reference), temporal=True, decibels=True),
    "mcflick": Measure(lambda s: mcflick_sums(s.output, s.reference, s.motion), temporal=True),
    "e_warp": Measure(lambda s: warping_sums(s.output, s.motion), temporal=True),
    "tof": Measure(lambda s: tof_sums(s.output, s.reference), temporal=True),
    "sharp": Measure(lambda s: sharp_sums(*_fresh(s))),
    "ghost": Measure(lambda s: ghost_sums(s.output, s.reference, s.motion), temporal=True),
    "disoccluded_psnr": Measure(
        lambda s: disoccluded_error(s.output, s.reference, s.motion), temporal=True, decibels=True
    ),
    "hud_psnr": Measure(_hud_error, decibels=True),
}
