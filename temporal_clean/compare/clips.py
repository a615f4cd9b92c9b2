"""The frames a comparison shows: read from the videos, and checked to be the same moments."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

from temporal_clean.compare.stills import Pixels
from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import Reader, VideoInfo, open_input, to_8_bits

__all__ = ["Clips", "fitting_frames", "rate_text", "read_clips"]

MOST_DECODED = 2 * 1024**3  # bytes of RGBA the page holds in memory; a tab has about 4 GiB
ASSUMED_RATE = Fraction(30)  # for files that tell no rate and hold a single frame
HDR_TRANSFERS = (16, 18)  # PQ and HLG, ITU-T H.273 table 3
SAME_RATE = 0.01  # relative: 59.94 and 60 may be the same frames, 50 and 60 may not


@dataclass(frozen=True)
class Clips:
    """The same frames of every video.

    ``pixels[video][frame]`` is (height, width, 3) 8-bit RGB, ``times`` seconds, one a frame,
    ``rate`` frames a second, ``warnings`` sentences for the reader of the page.
    """

    pixels: list[list[Pixels]]
    times: list[Fraction]
    rate: Fraction
    warnings: list[str]


@dataclass(frozen=True)
class _Clip:
    name: str
    info: VideoInfo
    pixels: list[Pixels]
    times: list[Fraction]
    warnings: list[str]


def read_clips(inputs: Sequence[Path], start: float, frames: int, skip: int = 0) -> Clips:
    """Up to ``frames`` common frames of ``inputs`` from ``start`` seconds and ``skip`` frames on.

    Raises ``TemporalCleanError`` when an input cannot be read or holds no frame from ``start`` on,
    when sizes or frame rates differ, and when a browser could not hold the frames.
    """
    names = [path.name for path in inputs]
    with ExitStack() as stack:
        readers = [stack.enter_context(open_input(path, start)) for path in inputs]
        infos = [reader.info for reader in readers]
        _check_sizes(names, infos)
        warnings = [*_check_rates(names, infos), *_check_colors(names, infos)]
        fitting = fitting_frames(infos[0].width, infos[0].height, len(inputs))
        most = min(frames, fitting + 1)
        clips = [
            _take(name, reader, skip, most) for name, reader in zip(names, readers, strict=True)
        ]
    count = min(len(clip.pixels) for clip in clips)
    _check_memory(count, fitting, infos[0], len(inputs))
    # Pictures' times are assumed, a video's are told: where there is one, it sets the clock.
    leader = next((clip for clip in clips if not clip.info.is_images), clips[0])
    rate = leader.info.frame_rate or _rate_of(leader.times)
    for clip in clips:
        warnings += [f"{clip.name}: {warning}." for warning in clip.warnings]
    warnings += [*_check_lengths(clips, count), *_check_times(leader, clips, count, rate)]
    return Clips([clip.pixels[:count] for clip in clips], leader.times[:count], rate, warnings)


def fitting_frames(width: int, height: int, videos: int) -> int:
    """Frames of each video that a browser's memory holds."""
    return MOST_DECODED // (width * height * 4 * videos)


def _take(name: str, reader: Reader, skip: int, most: int) -> _Clip:
    pixels: list[Pixels] = []
    times: list[Fraction] = []
    for frame in islice(reader, skip, skip + most):
        pixels.append(to_8_bits(frame.pixels))
        times.append(frame.time)
    return _Clip(name, reader.info, pixels, times, reader.warnings)


def _check_sizes(names: Sequence[str], infos: Sequence[VideoInfo]) -> None:
    sizes = [f"{info.width}x{info.height}" for info in infos]
    if len(set(sizes)) > 1:
        listed = ", ".join(f"{name} is {size}" for name, size in zip(names, sizes, strict=True))
        other = next(name for name, size in zip(names, sizes, strict=True) if size != sizes[0])
        raise TemporalCleanError(
            f"The videos differ in size ({listed}): bring them to one size first, for example"
            f" ffmpeg -i {other} -vf scale={sizes[0].replace('x', ':')} -c:v ffv1 scaled.mkv."
        )


def _check_rates(names: Sequence[str], infos: Sequence[VideoInfo]) -> list[str]:
    rates = {
        name: info.frame_rate
        for name, info in zip(names, infos, strict=True)
        if info.frame_rate and not info.is_images
    }
    if len(set(rates.values())) <= 1:
        return []
    listed = ", ".join(f"{name} has {rate_text(rate)}" for name, rate in rates.items())
    if max(rates.values()) > min(rates.values()) * (1 + SAME_RATE):
        raise TemporalCleanError(
            f"The videos differ in frame rate ({listed}), so their frames are not the same"
            " moments: compare videos of one frame rate."
        )
    return [f"Frame rates differ slightly ({listed}); frames are compared by number."]


def _check_colors(names: Sequence[str], infos: Sequence[VideoInfo]) -> list[str]:
    return [
        f"{name} is HDR: its code values are shown as they are, without tone mapping."
        for name, info in zip(names, infos, strict=True)
        if info.color.transfer in HDR_TRANSFERS
    ]


def _check_memory(count: int, fitting: int, info: VideoInfo, videos: int) -> None:
    if count > fitting:
        raise TemporalCleanError(
            f"{videos} videos of {info.width}x{info.height} fit a browser's memory with at most"
            f" {fitting} frames each: ask for frames={fitting} or fewer."
        )


def _check_lengths(clips: Sequence[_Clip], count: int) -> list[str]:
    ended = [clip.name for clip in clips if len(clip.pixels) == count]
    if len(ended) == len(clips):
        return []
    verb = "ends" if len(ended) == 1 else "end"
    return [
        f"The videos differ in length: {', '.join(ended)} {verb} first,"
        f" so {count} frames are compared."
    ]


def _check_times(
    leader: _Clip, clips: Sequence[_Clip], count: int, rate: Fraction
) -> Iterator[str]:
    """Warns of videos whose frames, counted from their first, drift from the leader's."""
    for clip in clips:
        drifts = (
            (clip.times[k] - clip.times[0]) - (leader.times[k] - leader.times[0])
            for k in range(count)
        )
        late = next((k for k, drift in enumerate(drifts) if abs(drift) * rate > 0.5), None)
        if late is not None and not clip.info.is_images:
            yield (
                f"{clip.name} is out of step with {leader.name} from frame {late + 1} on (a"
                " dropped or repeated frame?); frames are compared by number."
            )


def _rate_of(times: Sequence[Fraction]) -> Fraction:
    """Frames a second, from the frames' own times."""
    passed = times[-1] - times[0]
    return (len(times) - 1) / passed if passed else ASSUMED_RATE


def rate_text(rate: Fraction) -> str:
    """``60 fps``, ``59.94 fps``."""
    return f"{float(rate):.2f}".rstrip("0").rstrip(".") + " fps"
