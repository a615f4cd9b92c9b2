"""temporal-clean pairs record"""

import os
from pathlib import Path
from typing import Annotated, Literal

import tyro

from temporal_clean.errors import TemporalCleanError

__all__ = ["record"]

GameName = Literal["openarena", "supertuxkart", "vizdoom", "all"]


def record(
    game: Annotated[GameName, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    /,
    places: tuple[str, ...] = (),
    split: Literal["train", "validation"] = "train",
    windows: int = 2,
    frames: int = 60,
    start: int | None = None,
    seed: int = 0,
    size: str = "1920x1080",
    factor: int = 4,
    hud: Literal["off", "on", "mixed"] = "mixed",
    mip_bias: str = "mixed",
    limit: int | None = None,
    jobs: int | None = None,
    overwrite: bool = False,
) -> None:
    """Record supersampled clips of real games that play themselves. Needs no GPU and no screen.

    Runs the unmodified game under Xvfb with software OpenGL and a clock of its own: the same
    command gives the same frames. What is there already is kept, so a stopped run goes on.

    Install: apt-get install xvfb gcc openarena openarena-data supertuxkart; pip install vizdoom

    Example: temporal-clean pairs record openarena clips --places oa_dm4 --windows 1

    Args:
        game: openarena, supertuxkart, vizdoom, or all of them.
        out: The folder for the clips.
        places: Maps or tracks; those of the catalogue's split if none is named.
        split: train or validation; a place named must belong to it.
        windows: Clips from each place, chosen where there is motion and no cut.
        frames: Frames in each clip.
        start: First frame of the only clip of each place, instead of a choice.
        seed: Of the match or the episode: another seed is another match.
        size: Of the supersampled render.
        factor: How many times larger than the clip it is, each way.
        hud: Keep the HUD and its mask beside the picture; mixed: on one place in three.
        mip_bias: Added to the textures' level of detail, 0 sharp, 2 as smooth as a native render
            for factor 4; mixed: mostly 0.
        limit: Places of each game at most; all by default.
        jobs: Games at once; one a core by default.
        overwrite: Record clips anew that are there already.
    """
    from temporal_clean.commands.progress import say
    from temporal_clean.train.recording.games import GAMES
    from temporal_clean.train.recording.plan import Plan
    from temporal_clean.train.recording.record import Outcome, record_all

    width, height = parse_size(size)
    plan = Plan(
        split=split,
        windows=windows,
        frames=frames,
        start=start,
        seed=seed,
        width=width,
        height=height,
        factor=factor,
        hud="mixed" if hud == "mixed" else hud == "on",
        mip_bias="mixed" if mip_bias == "mixed" else parse_bias(mip_bias),
    )
    if game == "all" and places:
        raise TemporalCleanError("--places needs one game: name openarena, supertuxkart or vizdoom")
    games = GAMES if game == "all" else (game,)
    planned = [job for name in games for job in plan.jobs(name, places, limit)]
    say(f"{len(planned)} places, {sum(job.windows for job in planned)} clips of {frames} frames")
    done: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        done.append(outcome)
        job = outcome.job
        result = ", ".join(clip.name for clip in outcome.clips) or "no clip"
        note = f" ({outcome.note})" if outcome.note else ""
        say(f"[{len(done)}/{len(planned)}] {job.game} {job.take.place}: {result}{note}")

    record_all(planned, out, jobs or os.cpu_count() or 1, overwrite, report)
    clips = [clip for outcome in done for clip in outcome.clips]
    size_mb = sum(file.stat().st_size for clip in clips for file in clip.iterdir()) / 1e6
    say(f"{len(clips)} clips, {len(clips) * frames} master frames, {size_mb:.0f} MB in {out}")
    if failed := [outcome for outcome in done if not outcome.clips]:
        lines = "\n".join(f"  {o.job.game} {o.job.take.place}: {o.note}" for o in failed)
        raise TemporalCleanError(f"{len(failed)} places gave no clip:\n{lines}")


def parse_size(size: str) -> tuple[int, int]:
    """Width and height of the render."""
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise TemporalCleanError(f"expected --size like 1920x1080, got {size!r}")
    return int(width), int(height)


def parse_bias(mip_bias: str) -> float:
    """The bias as a number."""
    try:
        return float(mip_bias)
    except ValueError:
        raise TemporalCleanError(
            f"expected --mip-bias to be mixed or a number such as 2, got {mip_bias!r}"
        ) from None
