"""All no-reference figures of a video, read once as a stream of frames."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.blind.flicker import BANDS, band_energies, covered_bands
from temporal_clean.evaluation.blind.following import follow
from temporal_clean.evaluation.blind.metrics import BLIND_METRICS
from temporal_clean.evaluation.blind.ratios import Ratio, Spread
from temporal_clean.evaluation.blind.steady import shimmer
from temporal_clean.evaluation.blind.steps import (
    FlowFunction,
    calm_flow,
    look_back,
    newly_seen,
)
from temporal_clean.evaluation.blind.streams import check_frame, together
from temporal_clean.evaluation.blind.windows import SHORTEST, View, Window, window_length, windows
from temporal_clean.models import luma

__all__ = ["BlindFigures", "blind_figures"]

Picture = Float[Tensor, "1 3 height width"]


class BlindFigures(NamedTuple):
    """``pooled`` and ``frames`` by the names of BLIND_METRICS, as in the Figures record.

    None is a figure that does not exist; ``missing`` says why of those with no value at all.
    """

    pooled: dict[str, float | None]
    frames: dict[str, tuple[float | None, ...]]
    missing: dict[str, str]


def blind_figures(
    frames: Iterable[Picture],
    frame_rate: float | Fraction,
    input_frames: Iterable[Picture] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
    flow: FlowFunction = calm_flow,
) -> BlindFigures:
    """Measure a video without a reference, in one pass, holding a quarter second of it.

    ``frames`` are (1, 3, height, width), display-encoded RGB in [0, 1], on any device, of one
    size; ``input_frames`` the same video before it was processed, frame for frame. ``frame_rate``
    in Hz sorts flicker into its bands. ``flow(frame, previous)`` gives the motion, by default DIS
    on slightly blurred frames. Flicker and shimmer of a frame are means over the windows that
    hold it; the first frame has no ghosting. ``progress`` is told (frames done, None).

    Raises ValueError for tensors of another shape and for values that are not finite,
    TemporalCleanError for a video without frames, sizes that change or differ from the input's,
    an input of another length, and a frame rate that is not positive.
    """
    if not float(frame_rate) > 0:
        raise TemporalCleanError(
            f"expected a positive frame rate, got {frame_rate}: give the video's in frames a second"
        )
    sums = _Sums(float(frame_rate))
    pairs = together(frames, input_frames)
    for window in windows(_views(pairs, sums, flow, progress), window_length(sums.frame_rate)):
        _measure_window(window, sums)
    if sums.length == 0:
        raise TemporalCleanError("expected a video of at least one frame, got none")
    return _figures(sums, input_frames is not None)


@dataclass
class _Sums:
    """Everything that is kept of the frames that went by."""

    frame_rate: float
    length: int = 0
    flicker: dict[str, Spread] = field(default_factory=lambda: {name: Spread() for name in BANDS})
    followed: Spread = field(default_factory=Spread)
    shimmer: Spread = field(default_factory=Spread)
    sharpness: Ratio = field(default_factory=Ratio)
    gradient: Ratio = field(default_factory=Ratio)
    ghost: Ratio = field(default_factory=Ratio)


def _views(
    pairs: Iterator[tuple[Tensor, Tensor | None]],
    sums: _Sums,
    flow: FlowFunction,
    progress: Callable[[int, int | None], None] | None,
) -> Iterator[View]:
    """Each frame with its step, its own figures already counted."""
    before: tuple[Tensor, Tensor | None] | None = None
    for index, (frame, source) in enumerate(pairs):
        check_frame(frame, before[0] if before else None, index, "video")
        _count_gradients(index, frame, source, sums)
        step = None
        if before is not None:
            step = look_back(frame, before[0], flow)
            if source is not None and before[1] is not None:
                _count_ghost(index, frame, source, before[1], flow, sums)
        yield View(index, luma(frame).float(), step)
        before, sums.length = (frame, source), index + 1
        if progress:
            progress(sums.length, None)


def _count_gradients(index: int, frame: Tensor, source: Tensor | None, sums: _Sums) -> None:
    own, common, theirs = 0.0, 0.0, 0.0
    for axis in (-1, -2):
        own += float(torch.diff(luma(frame).float(), dim=axis).square().sum())
        if source is not None:
            # As in Sharp: forward differences, summed over the channels.
            o, i = (torch.diff(picture.float(), dim=axis) for picture in (frame, source))
            common, theirs = common + float((o * i).sum()), theirs + float((i * i).sum())
    pixels = frame.shape[-1] * frame.shape[-2]
    sums.gradient.add(index, 1e3 * own, pixels if pixels > 1 else 0)
    if source is not None:
        sums.sharpness.add(index, common, theirs)


def _count_ghost(
    index: int,
    frame: Tensor,
    source: Tensor,
    source_before: Tensor,
    flow: FlowFunction,
    sums: _Sums,
) -> None:
    """Ghost as evaluation's figure of that name has it, with the input in the reference's place."""
    new = newly_seen(look_back(source, source_before, flow))
    old = (source_before - source).float() * new
    added = (frame - source).float() * new
    sums.ghost.add(index, float((added * old).sum()), float((old * old).sum()))


def _measure_window(window: Window, sums: _Sums) -> None:
    frames = [view.number for view in window]
    trails, followed = follow(window)
    count = float(followed.sum())
    sums.followed.add(frames, count, followed.numel())
    for name, energy in band_energies(trails, sums.frame_rate).items():
        sums.flicker[name].add(frames, 1e3 * float(energy[followed[0]].sum()), count)
    variance, static = shimmer(window)
    sums.shimmer.add(frames, float(variance[static].sum()), float(static.sum()))


def _figures(sums: _Sums, has_input: bool) -> BlindFigures:
    measured: dict[str, Ratio | Spread] = {
        **sums.flicker,
        "followed": sums.followed,
        "static_shimmer": sums.shimmer,
        "sharpness_change": sums.sharpness,
        "gradient_energy": sums.gradient,
        "ghost_suspect": sums.ghost,
    }

    def shown(name: str, value: float | None) -> float | None:
        # Shimmer is added up as variance and shown as a deviation in codes.
        return 255.0 * value**0.5 if name == "static_shimmer" and value is not None else value

    pooled = {name: shown(name, measured[name].pooled()) for name in BLIND_METRICS}
    frames = {
        name: tuple(shown(name, measured[name].of(k)) for k in range(sums.length))
        for name in BLIND_METRICS
    }
    missing = {
        name: _reason(name, sums, has_input) for name, value in pooled.items() if value is None
    }
    return BlindFigures(pooled, frames, missing)


def _reason(name: str, sums: _Sums, has_input: bool) -> str:
    if name in ("sharpness_change", "ghost_suspect") and not has_input:
        return "needs the unprocessed input"
    if name == "gradient_energy":
        return "one pixel has no gradient"
    if name == "sharpness_change":
        return "the input has no gradient"
    if name == "ghost_suspect":
        return "nothing new came into view"
    if sums.followed.count == 0:
        return f"needs {SHORTEST} frames without a cut"
    if name == "static_shimmer":
        return "nothing stands still"
    length = window_length(sums.frame_rate)
    if name in BANDS and name not in covered_bands(length, sums.frame_rate):
        return f"needs more than {2 * BANDS[name][0]:g} frames a second"
    return "no motion could be followed, or scenes are too short"
