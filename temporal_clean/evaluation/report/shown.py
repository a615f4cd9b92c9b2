"""The frames of a clip that go on the page: which stretch of it, and read from its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from temporal_clean.compare.clips import Clips, fitting_frames, read_clips
from temporal_clean.compare.stills import Pixels
from temporal_clean.evaluation.known import KNOWN
from temporal_clean.evaluation.report.figures import badness, judges, number
from temporal_clean.evaluation.results import ClipResult

__all__ = ["Shown", "files_of", "read_shown"]


@dataclass(frozen=True)
class Shown:
    """The frames from number ``first`` (0 is the clip's first) on.

    ``roles`` tells whose they are, in the order of ``clips.pixels``: ``input``, ``output`` and
    ``reference``, where there are such.
    """

    roles: tuple[str, ...]
    clips: Clips
    first: int
    warnings: tuple[str, ...]

    def pixels(self, role: str) -> list[Pixels]:
        """The frames of one video, each (height, width, 3) 8-bit RGB."""
        return self.clips.pixels[self.roles.index(role)]

    @property
    def length(self) -> int:
        """Frames on the page."""
        return len(self.clips.times)


def files_of(clip: ClipResult) -> dict[str, Path]:
    """The clip's videos by role, in the order in which the page shows them."""
    videos = {"input": clip.input, "output": clip.output, "reference": clip.reference}
    return {role: video.file for role, video in videos.items() if video is not None}


def read_shown(clip: ClipResult, frames: int) -> Shown:
    """At most ``frames`` frames of each video: the stretch where the output is worst.

    Raises ``TemporalCleanError`` when a video cannot be read any more, or does not match.
    """
    files = files_of(clip)
    count = min(frames, fitting_frames(clip.width, clip.height, len(files)), clip.length)
    first = _worst_stretch(clip, count)
    clips = read_clips(list(files.values()), start=0.0, frames=count, skip=first)
    return Shown(tuple(files), clips, first, tuple(_notes(clip, first, count)))


def _worst_stretch(clip: ClipResult, count: int) -> int:
    """The first of the ``count`` frames in a row that are worst in all, by the first judge."""
    if not judges(clip):
        return 0
    name = judges(clip)[0]
    return _heaviest([badness(name, value) for value in clip.output.frames[name]], count)


def _heaviest(weights: Sequence[float | None], count: int) -> int:
    known = [number(weight) for weight in weights]
    least = min((weight for weight in known if weight is not None), default=0.0)
    sums = np.cumsum([0.0, *(least if weight is None else weight for weight in known)])
    return int(np.argmax(sums[count:] - sums[: len(sums) - count]))


def _notes(clip: ClipResult, first: int, count: int) -> list[str]:
    if count == clip.length:
        return []
    where = f"frames {first + 1} to {first + count} of {clip.length}"
    why = f", where the output's {KNOWN[judges(clip)[0]].title} is worst" if judges(clip) else ""
    return [f"Pictures show {where}{why}; figures and curves cover all."]
