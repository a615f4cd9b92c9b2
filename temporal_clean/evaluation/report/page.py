"""The report itself: reads each clip's frames, gathers what the page shows, writes it whole."""

from collections.abc import Callable
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
from temporal_clean.compare.clips import rate_text
from temporal_clean.compare.stills import choose_storage, encode_all
from temporal_clean.compare.viewing import Video, shimmer_warning, viewer_facts
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.report.figures import (
    clip_table,
    curves,
    key_figures,
    pooled_table,
)
from temporal_clean.evaluation.report.shown import files_of, read_shown
from temporal_clean.evaluation.report.slices import slices
from temporal_clean.evaluation.report.worst import worst_frames
from temporal_clean.evaluation.results import ClipResult, Evaluation
from temporal_clean.files import write_whole

__all__ = ["ReportPage", "check_report", "write_report"]

Progress = Callable[[int, int], None]
NAMED = 6  # clips told by name under the heading
ROLES = {"input": "Input", "output": "Output", "reference": "Reference"}


@dataclass(frozen=True)
class ReportPage:
    """What was written: ``size`` in bytes, ``warnings`` sentences for who ordered it."""

    path: Path
    size: int
    warnings: tuple[str, ...]


def write_report(
    evaluation: Evaluation,
    output: Path,
    *,
    overwrite: bool = False,
    frames: int = 120,
    quality: str = "auto",
    progress: Progress | None = None,
) -> ReportPage:
    """Writes one HTML page, free of the network, that shows an evaluation and its videos' frames.

    Of each clip at most ``frames`` frames are on the page, the stretch where the output is worst;
    ``quality`` stores them as :func:`temporal_clean.compare.write_comparison` does. ``progress`` is
    told (stored, all) pictures. Raises ``TemporalCleanError`` when an argument is refused, when
    the output exists and ``overwrite`` is false, and when a video cannot be read.
    """
    output = Path(output)
    check_report(output, overwrite, frames=frames, quality=quality)
    videos = [path for clip in evaluation.clips for path in files_of(clip).values()]
    check_output(videos, output, overwrite)
    if not evaluation.clips:
        raise TemporalCleanError("A report needs at least one clip, but the evaluation has none.")

    # Clip after clip: the decoded frames of one are gone before the next is read.
    parts, scripts, warnings = [], [], []
    ahead = _Pictures(evaluation, frames, progress)
    for index, clip in enumerate(evaluation.clips):
        part, stored = _clip_part(index, clip, frames, quality, len(evaluation.clips), ahead)
        parts.append(part)
        scripts.append(picture_scripts(stored, f' data-clip="{index}"'))
        warnings += [f"{clip.name}: {warning}" for warning in part["viewer"]["warnings"]]

    title, subtitle = _heading(evaluation)
    several = len(evaluation.clips) > 1
    table = pooled_table(evaluation) if several else clip_table(evaluation.clips[0])
    facts = {
        "title": title,
        "subtitle": subtitle,
        "about": [[name.capitalize(), text] for name, text in evaluation.about.items()],
        "table": table,
        "keys": key_figures(table),
        "clips": parts,
    }
    values = {
        "title": text_safe(title),
        "level": "h3",
        "page": script_safe(facts),
        "pictures": "\n".join(scripts),
    }
    content = fill("report.html", values)
    write_whole(output, content)
    return ReportPage(output, len(content), (*warnings, *size_warning(len(content))))


def check_report(
    output: Path, overwrite: bool = False, *, frames: int = 120, quality: str = "auto"
) -> None:
    """Raises what :func:`write_report` would refuse, before any work is done."""
    check_output([], Path(output), overwrite)
    check_pictures(frames, quality)


class _Pictures:
    """Counts stored pictures over all clips, for whoever watches."""

    def __init__(self, evaluation: Evaluation, frames: int, progress: Progress | None) -> None:
        counts = [len(files_of(clip)) * min(frames, clip.length) for clip in evaluation.clips]
        self._done, self._total, self._progress = 0, sum(counts), progress

    def one_more(self, *_: int) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, max(self._done, self._total))


def _clip_part(
    index: int, clip: ClipResult, frames: int, quality: str, clips: int, ahead: _Pictures
) -> tuple[dict, list[list[str]]]:
    """What the page knows of one clip, and its frames in base64."""
    shown = read_shown(clip, frames)
    trial = choose_storage(quality, shown.clips.pixels, share=1 / clips)
    stored = encode_all(shown.clips.pixels, trial.storage, ahead.one_more)
    files = files_of(clip)
    videos = [Video(ROLES[role], files[role].name) for role in shown.roles]
    found = slices(shown)
    viewer = viewer_facts(clip.name, videos, shown.clips, trial, shown.first, clip.length)
    viewer["warnings"] = [
        *shown.warnings,
        *shown.clips.warnings,
        *shimmer_warning(trial.fidelity),
    ]
    viewer["clip"] = index + 1
    if found is not None:
        viewer["row"] = found["row"]
    part = {
        "name": clip.name,
        "facts": _clip_facts(clip),
        "warnings": list(clip.warnings),
        "table": clip_table(clip),
        "curves": curves(clip),
        "viewer": viewer,
        "slices": found,
        "worst": worst_frames(clip, shown),
    }
    return part, stored


def _clip_facts(clip: ClipResult) -> list[list[str]]:
    """What was compared: a line a video, then size, length and where the motion came from."""
    files = [[ROLES[role], path.name] for role, path in files_of(clip).items()]
    size = f"{clip.width}x{clip.height}, {rate_text(clip.frame_rate)}"
    frames = f"{clip.length} frame{'s' if clip.length > 1 else ''}"
    return [*files, ["Video", f"{size}, {frames}"], ["Motion", clip.motion]]


def _heading(evaluation: Evaluation) -> tuple[str, str]:
    """What was compared, in a line, and by what it was judged."""
    clips = evaluation.clips
    judged = all(clip.reference for clip in clips)
    if len(clips) > 1:
        names = ", ".join(clip.name for clip in clips[:NAMED])
        names += f" and {len(clips) - NAMED} more" if len(clips) > NAMED else ""
        return f"{len(clips)} clips", names if judged else f"{names}; judged without a reference"
    clip = next(iter(clips))
    title = clip.output.file.name
    if clip.input is not None:
        title += f" against {clip.input.file.name}"
    if clip.reference is None:
        return title, "judged without a reference"
    return title, f"judged by {clip.reference.file.name}"
