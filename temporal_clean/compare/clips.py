"""The frames a comparison shows: read from the videos, and checked to be the same moments."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temporal_clean.compare.stills import Pixels
from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import Frame, VideoInfo, open_input

__all__ = ["Clips", "rate_text", "read_clips"]

MOST_DECODED = 2 * 1024**3  # bytes of RGBA the page holds in memory; a tab has about 4 GiB
ASSUMED_RATE = Fraction(30)  # for files that tell no rate and hold a single frame
SAME_RATE = 0.01  # relative: 59.94 and 60 may be the same frames, 50 and 60 may not


@dataclass(frozen=True)
class Clips:
    """The same frames of every video.

    ``pixels[video][frame]`` is (height, width, 3) 8-bit RGB, ``times`` the first video's seconds,
    one a frame, ``rate`` frames a second, ``warnings`` sentences for the reader of the page.
    """

    pixels: list[list[Pixels]]
    times: list[Fraction]
    rate: Fraction
    warnings: list[str]


@dataclass(frozen=True)
class _Clip:
    path: Path
    pixels: list[Pixels]
    times: list[Fraction]
    more: bool  # the video goes on after these frames


def read_clips(inputs: Sequence[Path], start: float, frames: int) -> Clips:
    """Up to ``frames`` common frames of ``inputs`` from ``start`` seconds on.

    Raises ``TemporalCleanError`` when sizes or frame rates differ, when a video holds no frame
    from ``start`` on, and when a browser could not hold the frames.
    """
    with ExitStack() as stack:
        readers = [stack.enter_context(open_input(path, start=start)) for path in inputs]
        infos = [reader.info for reader in readers]
        _check_sizes(inputs, infos)
        warnings = _check_rates(inputs, infos)
        fitting = MOST_DECODED // (infos[0].width * infos[0].height * 4 * len(inputs))
        most = min(frames, fitting + 1)
        clips = [
            _take(path, reader, most, start) for path, reader in zip(inputs, readers, strict=True)
        ]
    count = min(len(clip.pixels) for clip in clips)
    _check_memory(count, fitting, infos[0], len(inputs))
    warnings += _check_lengths(clips, count)
    rate = infos[0].frame_rate or _rate_of(clips[0].times)
    warnings += _check_times(clips, count, rate)
    return Clips([clip.pixels[:count] for clip in clips], clips[0].times[:count], rate, warnings)


def _take(path: Path, reader: Iterable[Frame], most: int, start: float) -> _Clip:
    frames = iter(reader)
    taken = list(islice(frames, most))
    if not taken:
        raise TemporalCleanError(
            f"{path} has no frame from {start:g} s on: choose an earlier start."
        )
    pixels = [_eight_bits(frame.pixels) for frame in taken]
    more = next(frames, None) is not None
    return _Clip(path, pixels, [frame.time for frame in taken], more)


def _eight_bits(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> Pixels:
    """8 bits of full scale, rounded: 65535 becomes 255."""
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels, np.uint8)
    return ((pixels.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)


def _check_sizes(inputs: Sequence[Path], infos: Sequence[VideoInfo]) -> None:
    sizes = [f"{info.width}x{info.height}" for info in infos]
    if len(set(sizes)) > 1:
        listed = ", ".join(
            f"{path.name} is {size}" for path, size in zip(inputs, sizes, strict=True)
        )
        raise TemporalCleanError(
            f"The videos differ in size ({listed}): bring them to one size first, for example"
            f" ffmpeg -i {inputs[-1].name} -vf scale={sizes[0].replace('x', ':')} scaled.mkv."
        )


def _check_rates(inputs: Sequence[Path], infos: Sequence[VideoInfo]) -> list[str]:
    rates = [info.frame_rate for info in infos]
    known = [rate for rate in rates if rate]
    if len(set(known)) <= 1:
        return []
    listed = ", ".join(
        f"{path.name} has {rate_text(rate)}"
        for path, rate in zip(inputs, rates, strict=True)
        if rate
    )
    if max(known) > min(known) * (1 + SAME_RATE):
        raise TemporalCleanError(
            f"The videos differ in frame rate ({listed}), so their frames are not the same"
            " moments: compare videos of one frame rate."
        )
    return [f"Frame rates differ slightly ({listed}); frames are compared by number."]


def _check_memory(count: int, fitting: int, info: VideoInfo, videos: int) -> None:
    if count > fitting:
        raise TemporalCleanError(
            f"{videos} videos of {info.width}x{info.height} fit a browser's memory with at most"
            f" {fitting} frames each: ask for frames={fitting} or fewer."
        )


def _check_lengths(clips: Sequence[_Clip], count: int) -> list[str]:
    if all(len(clip.pixels) == count and clip.more == clips[0].more for clip in clips):
        return []
    ended = ", ".join(
        clip.path.name for clip in clips if len(clip.pixels) == count and not clip.more
    )
    return [f"The videos differ in length: {ended} ends first, so {count} frames are compared."]


def _check_times(clips: Sequence[_Clip], count: int, rate: Fraction) -> list[str]:
    """Warns where a video's frames, counted from its first, drift from the first video's."""
    first = clips[0].times
    warnings = []
    for clip in clips[1:]:
        drifts = ((clip.times[k] - clip.times[0]) - (first[k] - first[0]) for k in range(count))
        late = next((k for k, drift in enumerate(drifts) if abs(drift) * rate > 0.5), None)
        if late is not None:
            warnings.append(
                f"{clip.path.name} is out of step with {clips[0].path.name} from frame {late + 1}"
                " on (a dropped or repeated frame?); frames are compared by number."
            )
    return warnings


def _rate_of(times: Sequence[Fraction]) -> Fraction:
    """Frames a second, from the frames' own times."""
    passed = times[-1] - times[0]
    return (len(times) - 1) / passed if passed else ASSUMED_RATE


def rate_text(rate: Fraction) -> str:
    """``60 frames/s``, ``59.94 frames/s``."""
    return f"{float(rate):.2f}".rstrip("0").rstrip(".") + " frames/s"
