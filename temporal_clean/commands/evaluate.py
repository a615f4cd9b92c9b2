"""temporal-clean evaluate"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable

if TYPE_CHECKING:
    from temporal_clean.evaluation import Evaluation

__all__ = ["evaluate"]


def evaluate(
    outputs: Annotated[tuple[Path, ...], tyro.conf.Positional] = (),
    /,
    reference: tuple[Path, ...] = (),
    input: tuple[Path, ...] = (),
    json: Path | None = None,
    csv: Path | None = None,
    report: Path | None = None,
    quick: bool = False,
    frames: int | None = None,
    protocol: bool = False,
    clips: Path | None = None,
    models: tuple[str, ...] = ("fast", "quality"),
    results: Path = Path("docs"),
    jobs: int | None = None,
    flows: tuple[str, ...] = (),
    overwrite: bool = False,
) -> None:
    """Measure flicker, ghosting and sharpness of videos, with or without a reference.

    With a reference every figure is against it; without one, flicker along the motion, shimmer of
    what stands still and suspected ghosts are told from the video (and its input) alone.

    Example: temporal-clean evaluate clean.mkv --reference best.mkv --input game.mkv --report r.html

    Args:
        outputs: The videos to judge: files, picture folders or patterns.
        reference: What each should be: a video, or a clip's folder; one for all, or one each.
        input: What each was made from, for the change; of a clip, a rendering's name will do.
        json: Write all figures, also frame by frame, to this file.
        csv: Write a row for each video to this file.
        report: Write one HTML page with tables, curves, slices, worst frames and a slider.
        quick: Leave out FLIP, ColorVideoVDP, VMAF and tLP, which take seconds a frame.
        frames: Compare at most this many frames.
        protocol: Judge models and classical methods by scenes and games; writes RESULTS.md.
        clips: With --protocol or --flows: a folder of validation clips (pairs record all --split
            validation).
        models: With --protocol: fast, quality, or checkpoints.
        results: With --protocol: the folder for RESULTS.md and its plots.
        jobs: With --protocol: processes, each on one thread; one a core by default.
        flows: Judge optical flows on --clips: models, dis-fast, dis-medium, or
            ptlflow:MODEL:WEIGHTS.
        overwrite: Replace results of an earlier run.
    """
    for path in (json, csv, report):
        if path is not None:
            require_writable(path, overwrite)
    if frames is not None and frames < 1:
        raise TemporalCleanError(f"frames must be 1 or more, got {frames}")
    if flows:
        from temporal_clean.commands.flows import judge_and_print

        judge_and_print(flows, clips, frames)
        return
    if protocol:
        from temporal_clean.commands.protocol import run_and_write

        if outputs or reference or input or json or csv or report:
            raise TemporalCleanError("--protocol judges its own clips: name no videos with it")
        run_and_write(clips, models, results, frames, jobs, overwrite)
        return
    from temporal_clean.commands.progress import progress_bar, say
    from temporal_clean.evaluation import evaluate as judge
    from temporal_clean.evaluation import subjects
    from temporal_clean.evaluation.files import write_csv, write_json

    judged = subjects(outputs, reference, input)
    with progress_bar("evaluating") as progress:
        evaluation = judge(judged, quick=quick, frames=frames, progress=progress)
    print_tables(evaluation)
    if json:
        write_json(evaluation, json)
        say(f"figures  {json}")
    if csv:
        write_csv(evaluation, csv)
        say(f"table    {csv}")
    if report:
        from temporal_clean.evaluation.report import write_report

        with progress_bar("report") as progress:
            page = write_report(evaluation, report, overwrite=overwrite, progress=progress)
        say(f"report   {page.path} ({page.size / 1e6:.1f} MB)")
        for warning in page.warnings:
            say(f"note: {warning}")


def print_tables(evaluation: "Evaluation") -> None:
    """A table for each clip, and one of the means where there are several."""
    from rich.console import Console

    from temporal_clean.commands.tables import clip_table, means_table

    console = Console(highlight=False)
    for clip in evaluation.clips:
        console.print(clip_table(clip))
        for note in (f"motion: {clip.motion}", *clip.warnings):
            console.print(note, style="dim")
        for name, reason in clip.missing.items():
            console.print(f"no {name}: {reason}", style="dim")
    if len(evaluation.clips) > 1:
        console.print(means_table(evaluation))
