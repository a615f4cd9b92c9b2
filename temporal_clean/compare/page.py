"""The comparison itself: checks the request, reads and stores the frames, writes the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from temporal_clean.compare.assembly import (
    check_output,
    check_pictures,
    fill,
    picture_scripts,
    script_safe,
    size_warning,
    text_safe,
)
from temporal_clean.compare.clips import read_clips
from temporal_clean.compare.stills import Fidelity, choose_storage, encode_all
from temporal_clean.compare.viewing import Video, shimmer_warning, viewer_facts
from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole

__all__ = ["ComparisonPage", "write_comparison"]


@dataclass(frozen=True)
class ComparisonPage:
    """What was written: ``size`` in bytes, how frames are stored and how true that is."""

    path: Path
    frames: int
    size: int
    storage: str
    fidelity: Fidelity
    warnings: tuple[str, ...]


def write_comparison(
    inputs: Sequence[Path],
    output: Path,
    *,
    labels: Sequence[str] | None = None,
    start: float = 0.0,
    frames: int = 120,
    title: str | None = None,
    quality: str = "auto",
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ComparisonPage:
    """Writes one HTML page, free of the network, that compares the same frames of the inputs.

    ``start`` in seconds; at most ``frames`` frames of each video; ``labels`` name the videos (by
    default their file names). ``quality`` is ``lossless``, ``high`` or ``medium``, or ``auto``: of
    those that leave flicker as it is, the finest that keeps the page near 15 MB.
    ``progress`` is told (stored, all) pictures. Raises ``TemporalCleanError`` when an argument is
    refused, when the output exists and ``overwrite`` is false, and when the videos do not hold
    the same frames.
    """
    inputs = [Path(path) for path in inputs]
    output = Path(output)
    _check_request(inputs, labels, frames, quality)
    check_output(inputs, output, overwrite)
    clips = read_clips(inputs, start, frames)
    trial = choose_storage(quality, clips.pixels)
    pictures = encode_all(clips.pixels, trial.storage, progress)
    names = list(labels) if labels is not None else _labels(inputs)
    title = title or " vs ".join(names)
    warnings = (*clips.warnings, *shimmer_warning(trial.fidelity))
    videos = [Video(name, path.name) for name, path in zip(names, inputs, strict=True)]
    facts = viewer_facts(title, videos, clips, trial) | {"warnings": warnings}
    values = {
        "title": text_safe(title),
        "level": "h1",
        "page": script_safe(facts),
        "pictures": picture_scripts(pictures),
    }
    content = fill("compare.html", values)
    write_whole(output, content)
    return ComparisonPage(
        path=output,
        frames=len(clips.times),
        size=len(content),
        storage=trial.storage.text,
        fidelity=trial.fidelity,
        warnings=(*warnings, *size_warning(len(content))),
    )


def _check_request(
    inputs: Sequence[Path],
    labels: Sequence[str] | None,
    frames: int,
    quality: str,
) -> None:
    if len(inputs) < 2:
        raise TemporalCleanError(
            f"A comparison needs at least two videos, but {len(inputs)} was given."
        )
    if labels is not None and len(labels) != len(inputs):
        raise TemporalCleanError(
            f"One label a video is needed: {len(inputs)} videos came with {len(labels)} labels."
        )
    check_pictures(frames, quality)


def _labels(inputs: Sequence[Path]) -> list[str]:
    """File names without their ending; with their folder where those would be the same."""
    stems = [path.stem for path in inputs]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{path.resolve().parent.name}/{path.name}" for path in inputs]
