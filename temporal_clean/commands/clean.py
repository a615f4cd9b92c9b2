"""temporal-clean clean"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable, write_whole

__all__ = ["clean"]


def clean(
    inputs: Annotated[tuple[str, ...], tyro.conf.Positional],
    /,
    output: Annotated[str, tyro.conf.arg(aliases=["-o"])],
    model: str = "fast",
    engine: str = "auto",
    strength: float = 1.0,
    keep: Path | None = None,
    start: float | None = None,
    end: float | None = None,
    codec: str = "auto",
    inspect: Path | None = None,
    stats: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Clean videos: any file that ffmpeg reads, picture folders, patterns like frame_%04d.png.

    Keeps frame rate and timestamps, sound, subtitles, colour tags and bit depth.

    Example: temporal-clean clean match.mp4 -o match-clean.mp4 --model quality

    Args:
        inputs: Video files, picture folders or patterns. Several go into a folder.
        output: The clean video; a folder for several inputs or for pictures.
        model: fast, quality, or the path of an .onnx graph or a .safetensors checkpoint.
        engine: auto, or one that 'temporal-clean doctor' lists.
        strength: 0 leaves the video as it is, 1 cleans fully.
        keep: A picture, white where the video stays as it came, such as over its HUD;
            'temporal-clean hud-mask' makes one.
        start: Seconds to begin at.
        end: Seconds to end at.
        codec: auto (visually lossless), ffv1 (lossless), or any video encoder of ffmpeg.
        inspect: A folder for videos of motion, doubt, surprise and masks.
        stats: A JSON file for frames, fps, milliseconds of each stage and the engine.
        overwrite: Replace what stands under the output's name.
    """
    from temporal_clean.cleaning import clean_video, load
    from temporal_clean.commands.progress import progress_bar, say

    if not inputs:
        raise TemporalCleanError("no input given: name at least one video or picture folder")
    if stats:
        require_writable(stats, overwrite)
    cleaner = load(model, engine=engine, strength=strength, inspect=inspect is not None, keep=keep)
    results = []
    for job in plan(inputs, output, inspect):
        with progress_bar(Path(job.source).name) as progress:
            result = clean_video(
                job.source,
                job.output,
                cleaner=cleaner,
                start=start,
                end=end,
                codec=codec,
                overwrite=overwrite,
                inspect=job.inspect,
                progress=progress,
            )
        results.append(result)
        say(
            f"{result.output}: {result.frames} frames at {result.fps} frames/s "
            f"(step p50 {result.step_ms['p50']} ms) on {result.engine}"
        )
        for warning in result.warnings:
            say(f"note: {warning}")
    if stats:
        write_stats(stats, [result.stats() for result in results])


@dataclass(frozen=True)
class Job:
    """One input and where its results go."""

    source: str
    output: str | Path
    inspect: Path | None


def plan(inputs: tuple[str, ...], output: str, inspect: Path | None) -> list[Job]:
    """Where each input goes: the output itself for one, files in the output folder for several.

    Refuses two inputs that would land on one name, before anything is written.
    """
    folder = Path(output)
    if len(inputs) == 1 and not (folder.is_dir() and Path(inputs[0]).is_file()):
        # As written: a slash at the end means a folder of pictures.
        return [Job(inputs[0], output, inspect)]
    if folder.suffix and not folder.is_dir():
        raise TemporalCleanError(
            f"{len(inputs)} inputs need a folder to go into, but '{output}' looks like a file; "
            "give a folder with -o"
        )
    jobs: dict[Path, Job] = {}
    for source in inputs:
        target = folder / Path(source).name
        if target in jobs:
            raise TemporalCleanError(
                f"'{jobs[target].source}' and '{source}' would both become '{target}'; "
                "clean them in two runs"
            )
        maps = inspect / Path(source).stem if inspect else None
        jobs[target] = Job(source, target, maps)
    folder.mkdir(parents=True, exist_ok=True)
    return list(jobs.values())


def write_stats(path: Path, results: list[dict]) -> None:
    """One record for one input, a list for several."""
    import json

    content = json.dumps(results[0] if len(results) == 1 else results, indent=2)
    write_whole(path, f"{content}\n".encode())
