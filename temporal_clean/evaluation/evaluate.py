"""From videos to figures: one pass over the frames, every measure of output and input."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from temporal_clean.evaluation.bootstrap import pool
from temporal_clean.evaluation.measures import MEASURES
from temporal_clean.evaluation.provenance import provenance
from temporal_clean.evaluation.results import ClipResult, Evaluation, Figures
from temporal_clean.evaluation.stretches import Video, read_stretches, video_of
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
    """Judge one output by its reference, and its input beside it.

    See :func:`evaluate` for the arguments.
    """
    assert subject.reference is not None
    output, reference = Tally(), []
    given = Tally() if subject.input else None
    done = 0
    for stretch, before in read_stretches(subject, video, frames):
        output.take(stretch)
        reference.append(warping_sums(stretch.reference, stretch.motion))
        if given and before is not None:
            given.take(replace(stretch, output=before))
        done += stretch.fresh
        if progress:
            progress(done)
    own, each = finished(MEASURES["e_warp"], reference)
    return ClipResult(
        name=subject.name,
        width=video.width,
        height=video.height,
        frame_rate=video.frame_rate,
        motion=motion_source(subject),
        output=output.figures(subject.output),
        input=given.figures(subject.input) if given and subject.input else None,
        reference=Figures(subject.reference, {"e_warp": own}, {"e_warp": each}),
        missing=_missing(output.figures(subject.output), done),
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
