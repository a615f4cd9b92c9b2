"""Reading an output, its reference and its input side by side, a few frames at a time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.measures import Stretch
from temporal_clean.evaluation.motion import Motion, reference_motion
from temporal_clean.evaluation.subjects import Subject
from temporal_clean.video import Pixels, Reader, VideoInfo, open_input

__all__ = ["Video", "read_frames", "read_stretches", "video_of"]

# Frames held at once: a few dozen planes of this many samples, about 2 GB in all.
SAMPLES_HELD = 24_000_000
MOST_FRAMES = 16
# 59.94 and 60 may be the same frames, 50 and 60 may not.
SAME_RATE = Fraction(101, 100)
HDR_TRANSFERS = {16: "PQ", 18: "HLG"}  # ITU-T H.273, table 3


@dataclass(frozen=True)
class Video:
    """What is known of a subject before it is read; ``frames`` None where no file tells."""

    width: int
    height: int
    frame_rate: Fraction
    frames: int | None
    transfer: str


def video_of(subject: Subject, frames: int | None = None) -> Video:
    """Open the subject's videos and check that they can be compared, frame by frame.

    Raises :class:`TemporalCleanError` where they differ in size, frame rate, length or transfer;
    ``frames`` (compare so many at most) allows for different lengths.
    """
    paths = {"output": subject.output, "reference": subject.reference, "input": subject.input}
    with ExitStack() as stack:
        readers = {
            f"{role} {path.name}": stack.enter_context(open_input(path))
            for role, path in paths.items()
            if path is not None
        }
        infos = {name: reader.info for name, reader in readers.items()}
    sizes = {name: f"{info.width}x{info.height}" for name, info in infos.items()}
    _require_same(sizes, "size", "bring them to one size first, without moving the picture")
    transfers = {
        name: HDR_TRANSFERS.get(info.color.transfer, "SDR") for name, info in infos.items()
    }
    _require_same(transfers, "transfer", "convert them to one transfer first")
    rate = _frame_rate(infos)
    lengths = {name: info.frames for name, info in infos.items() if info.frames}
    if frames is None:
        _require_same(
            {name: f"{count} frames" for name, count in lengths.items()},
            "length",
            f"cut them to the same frames, or add --frames {min(lengths.values(), default=0)} "
            "if they begin together",
        )
    first = next(iter(infos.values()))
    known = min(lengths.values()) if len(lengths) == len(infos) else None
    count = known if frames is None else min(frames, known or frames)
    return Video(first.width, first.height, rate, count, next(iter(transfers.values())))


def _frame_rate(infos: Mapping[str, VideoInfo]) -> Fraction:
    """The videos' common rate; that of pictures, which is assumed, only where there is no video."""
    rates = {name: info.frame_rate for name, info in infos.items() if info.frame_rate}
    told = {name: rate for name, rate in rates.items() if not infos[name].is_images}
    if told and max(told.values()) > min(told.values()) * SAME_RATE:
        texts = {name: f"{float(rate):.4g} fps" for name, rate in told.items()}
        _require_same(texts, "frame rate", "their frames are not the same moments")
    return next(iter((told or rates).values()), Fraction(60))


def _require_same(values: dict[str, str], what: str, remedy: str) -> None:
    if len(set(values.values())) > 1:
        listed = ", ".join(f"{name} has {value}" for name, value in values.items())
        raise TemporalCleanError(f"the videos differ in {what} ({listed}): {remedy}")


def read_stretches(
    subject: Subject, video: Video, frames: int | None = None
) -> Iterator[tuple[Stretch, Tensor | None]]:
    """The subject's frames in stretches that overlap by one, and the input's with them.

    Each stretch has the motion between its frames: exact where the clip has it, else seen in the
    master or in the reference. Raises :class:`TemporalCleanError` if one video ends before others.
    """
    assert subject.reference is not None
    exact = subject.exact_motion()
    if exact is not None:
        _require_motion(subject, exact, video)
    size = max(2, min(MOST_FRAMES, SAMPLES_HELD // (3 * video.width * video.height)))
    with ExitStack() as stack:
        streams = _streams(stack, subject, use_master=exact is None, frames=frames)
        held: dict[str, Tensor] = {}
        done = 0
        while True:
            fresh = {name: list(islice(stream, size)) for name, stream in streams.items()}
            counts = {name: len(pictures) for name, pictures in fresh.items()}
            if len(set(counts.values())) > 1:
                shortest = min(counts, key=lambda name: counts[name])
                raise TemporalCleanError(
                    f"{subject.name}: the {shortest} ends after {done + counts[shortest]} frames, "
                    f"before the others; add --frames {done + counts[shortest]} if they begin "
                    "together"
                )
            count = next(iter(counts.values()))
            if not count:
                break
            held = {
                name: torch.cat([*([held[name][-1:]] if name in held else []), *_read(name, new)])
                for name, new in fresh.items()
            }
            first = done + count - len(held["output"])
            motion = _motion(subject, held, exact, slice(first, done + count - 1))
            yield (
                Stretch(held["output"], held["reference"], motion, held.get("mask"), count),
                held.get("input"),
            )
            done += count
    if not done:
        raise TemporalCleanError(f"{subject.output} holds no frame: nothing to evaluate")


def read_frames(path: Path, frames: int | None = None) -> Iterator[Tensor]:
    """A video's frames, (1, 3, height, width) in [0, 1], one at a time."""
    with open_input(path) as reader:
        for frame in islice(reader, frames):
            yield _planes(frame.pixels)


def _streams(
    stack: ExitStack, subject: Subject, use_master: bool, frames: int | None
) -> Mapping[str, Iterator[Pixels]]:
    clip = subject.clip
    paths = {"output": subject.output, "reference": subject.reference, "input": subject.input}
    if clip and use_master and subject.master_factor:
        paths["master"] = clip.path("master")
    streams = {
        name: islice(_pixels(stack.enter_context(open_input(path))), frames)
        for name, path in paths.items()
        if path is not None
    }
    if clip and clip.record.mask:
        # A still mask stands for all frames.
        pictures = [frame.pixels for frame in stack.enter_context(clip.read("mask"))]
        still = len(pictures) == 1
        length = clip.record.frames if frames is None else min(frames, clip.record.frames)
        streams["mask"] = islice(cycle(pictures) if still else iter(pictures), length)
    return streams


def _pixels(reader: Reader) -> Iterator[Pixels]:
    return (frame.pixels for frame in reader)


def _read(name: str, pictures: Sequence[Pixels]) -> list[Tensor]:
    """Planes of a video, or the one plane of a mask."""
    planes = [_planes(pixels) for pixels in pictures]
    return [plane[:, :1] for plane in planes] if name == "mask" else planes


def _planes(pixels: Pixels) -> Tensor:
    """(1, 3, height, width) in [0, 1]."""
    scale = 255.0 if pixels.dtype == np.uint8 else 65535.0
    return torch.from_numpy(pixels.astype(np.float32) / scale).permute(2, 0, 1)[None]


def _motion(
    subject: Subject, held: dict[str, Tensor], exact: Motion | None, pairs: slice
) -> Motion:
    if exact is not None:
        return exact.cut(pairs)
    if "master" in held:
        motion = reference_motion(held["master"], subject.master_factor or 1)
    else:
        motion = reference_motion(held["reference"])
    if "mask" not in held:
        return motion
    # Overlays move by a law of their own: they are judged by themselves.
    bare = (held["mask"] == 0).float()
    bare = bare[1:] * bare[:-1]
    return Motion(motion.motion, motion.valid * bare, motion.disoccluded * bare)


def _require_motion(subject: Subject, motion: Motion, video: Video) -> None:
    expected = (video.height, video.width)
    if motion.motion.shape[-2:] != expected or len(motion.motion) < (video.frames or 1) - 1:
        raise TemporalCleanError(
            f"{subject.name}: the clip's motion has {len(motion.motion)} pairs of "
            f"{motion.motion.shape[-1]}x{motion.motion.shape[-2]}, the video is "
            f"{video.width}x{video.height} with {video.frames} frames: make the clip again"
        )
