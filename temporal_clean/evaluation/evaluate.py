"""From videos to figures: one pass over the frames, every measure of output and input."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from temporal_clean.evaluation.blind import blind_figures
from temporal_clean.evaluation.bootstrap import pool
from temporal_clean.evaluation.libraries import Held, library_figures
from temporal_clean.evaluation.measures import MEASURES
from temporal_clean.evaluation.provenance import provenance
from temporal_clean.evaluation.results import ClipResult, Evaluation, Figures
from temporal_clean.evaluation.stretches import Video, read_frames, read_stretches, video_of
from temporal_clean.evaluation.subjects import Subject
from temporal_clean.evaluation.tally import Tally, finished
from temporal_clean.evaluation.temporal import warping_sums

__all__ = ["evaluate", "evaluate_clip"]

Progress = Callable[[int, int | None], None]


def evaluate(
    clips: Sequence[Subject],
    *,
    quick: bool = False,
    frames: int | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Judge every clip, with means over clips and their bootstrap intervals.

    A clip without a reference gets the figures that need none (BLIND_METRICS).
    ``quick`` leaves out the figures of other people's libraries (FLIP, ColorVideoVDP, VMAF, tLP),
    which cost seconds a frame; ``frames`` compares so many at most. Raises
    :class:`temporal_clean.errors.TemporalCleanError` before any work if a clip cannot be compared.
    """
    videos = [video_of(clip, frames) for clip in clips]
    known = [video.frames for video in videos]
    total = sum(count for count in known if count) if all(known) else None
    results, done = [], 0
    for clip, video in zip(clips, videos, strict=True):
        before = done

        def tell(count: int, before: int = before) -> None:
            if progress:
                progress(before + count, total)

        results.append(evaluate_clip(clip, video, quick=quick, frames=frames, progress=tell))
        done += results[-1].length
    return Evaluation(tuple(results), pool(results), provenance())


def evaluate_clip(
    subject: Subject,
    video: Video,
    *,
    quick: bool = False,
    frames: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> ClipResult:
    """Judge one output by its reference and its input beside it, or by itself without one.

    See :func:`evaluate` for the arguments.
    """
    if subject.reference is None:
        return _judge_alone(subject, video, frames, progress)
    output, reference = Tally(), []
    given = Tally() if subject.input else None
    held = {} if quick else {role: Held() for role in ("output", "input", "reference")}
    done = 0
    for stretch, before in read_stretches(subject, video, frames):
        output.take(stretch)
        reference.append(warping_sums(stretch.reference, stretch.motion))
        if given and before is not None:
            given.take(replace(stretch, output=before))
        for role, keep in held.items():
            pictures = {"output": stretch.output, "reference": stretch.reference, "input": before}
            if (fresh := pictures[role]) is not None:
                keep.take(fresh[-stretch.fresh :])
        done += stretch.fresh
        if progress:
            progress(done)
    own, each = finished(MEASURES["e_warp"], reference)
    ours, missing = _with_libraries(output.figures(subject.output), "output", held, video)
    theirs = None
    if given and subject.input:
        theirs, _ = _with_libraries(given.figures(subject.input), "input", held, video)
    return ClipResult(
        name=subject.name,
        width=video.width,
        height=video.height,
        frame_rate=video.frame_rate,
        motion=motion_source(subject),
        output=ours,
        input=theirs,
        reference=Figures(subject.reference, {"e_warp": own}, {"e_warp": each}),
        missing=_missing(ours, done) | missing,
        warnings=_warnings(video),
    )


def _with_libraries(
    figures: Figures, role: str, held: Mapping[str, Held], video: Video
) -> tuple[Figures, dict[str, str]]:
    if not held:
        return figures, {}
    found, missing = library_figures(held[role], held["reference"], video)
    pooled = {name: value for name, (value, _) in found.items()}
    frames = {name: each for name, (_, each) in found.items()}
    return (
        Figures(figures.file, {**figures.pooled, **pooled}, {**figures.frames, **frames}),
        missing,
    )


def _judge_alone(
    subject: Subject,
    video: Video,
    frames: int | None,
    progress: Callable[[int], None] | None,
) -> ClipResult:
    """The figures that need no reference; the input's own beside them."""

    def told(done: int, _: int | None) -> None:
        if progress:
            progress(done)

    streams = {
        role: lambda path=path: read_frames(path, frames)
        for role, path in (("output", subject.output), ("input", subject.input))
        if path is not None
    }
    source = streams["input"]() if "input" in streams else None
    found = blind_figures(streams["output"](), video.frame_rate, source, told)
    given = None
    if subject.input is not None:
        alone = blind_figures(streams["input"](), video.frame_rate)
        given = Figures(subject.input, alone.pooled, alone.frames)
    return ClipResult(
        name=subject.name,
        width=video.width,
        height=video.height,
        frame_rate=video.frame_rate,
        motion="DIS on the video itself, slightly blurred, forward-backward checked",
        output=Figures(subject.output, found.pooled, found.frames),
        input=given,
        missing=found.missing,
        warnings=_warnings(video),
    )


def motion_source(subject: Subject) -> str:
    """Where the flow came from, in words."""
    if subject.clip and subject.clip.record.motion:
        return "exact, from the clip"
    if subject.clip and subject.clip.record.master and subject.master_factor:
        master = subject.clip.record.master
        return f"DIS on the {master.width}x{master.height} master, forward-backward checked"
    return "DIS on the reference, forward-backward checked"


def _missing(figures: Figures, frames: int) -> dict[str, str]:
    """Why figures are None."""
    reasons = {
        "ssim": "pictures are smaller than its 11x11 window",
        "sharp": "the reference has no gradient",
        "ghost": "nothing came into view",
        "disoccluded_psnr": "nothing came into view",
        "hud_psnr": "the clip has no mask of overlays",
    }
    missing = {}
    for name, measure in MEASURES.items():
        if figures.pooled[name] is None:
            alone = measure.temporal and frames < 2
            missing[name] = (
                "a single frame has no change"
                if alone
                else reasons.get(name, "no pixel could be followed")
            )
    return missing


def _warnings(video: Video) -> tuple[str, ...]:
    if video.transfer == "SDR":
        return ()
    return (f"{video.transfer} video: figures are of its code values, not of light.",)
