"""Recording stretches of play as clips: one place after another, as many at once as asked."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from multiprocessing import active_children, get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temporal_clean.clip import Clip, ClipRecord, Master, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.masks import overlay_from_pair
from temporal_clean.train.recording.game import Game, Take
from temporal_clean.train.recording.games import GAMES
from temporal_clean.train.recording.master import RawFrames, master_loss, write_master
from temporal_clean.train.recording.windows import choose_windows
from temporal_clean.video import Pixels
from temporal_clean.video.generated import write_frames

__all__ = ["Job", "Outcome", "clip_name", "record_all", "record_clip", "record_place"]

MASTER, MASK, HUD = "master.mkv", "mask.mkv", "hud.mkv"
# Doubled frames mean that a game did not advance with its clock.
DOUBLED_SHARE = 0.1


@dataclass(frozen=True)
class Job:
    """Clips of one place: ``windows`` stretches of it, each ``take.frames`` long.

    ``start`` of the take is used if it is given as the only window (``chosen``), else windows are
    chosen from a cheap render of the whole play.
    """

    game: str
    take: Take
    split: str
    factor: int = 4
    windows: int = 2
    chosen: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its clips, or why there is none; a note where fewer were found."""

    job: Job
    clips: tuple[Path, ...]
    note: str = ""


def record_all(
    jobs: list[Job],
    out: Path,
    processes: int = 1,
    overwrite: bool = False,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Record every job into ``out``; clips that are there already are kept as they are.

    A place that fails does not stop the others: its outcome says why. ``report`` is called as each
    job ends. Raises :class:`TemporalCleanError` at once if a game is not installed.
    """
    for name in sorted({job.game for job in jobs}):
        GAMES[name]().require()
    out.mkdir(parents=True, exist_ok=True)
    if processes == 1:
        return [_reported(attempt(job, out, overwrite), report) for job in jobs]
    # One thread each: the processes fill the cores, and two teams of threads starve each other.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(processes, get_context("spawn"), _heed_signals) as pool:
        futures = [pool.submit(attempt, job, out, overwrite) for job in jobs]
        try:
            return [_reported(future.result(), report) for future in as_completed(futures)]
        except BaseException:
            # What runs is stopped, too, and clears its partial folders away.
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
            raise


def _heed_signals() -> None:
    """In a worker: being stopped is an interruption, so that ``finally`` blocks run.

    The pool would then hand the worker the job that it keeps ready: it is left, too.
    """

    def stop(*_: object) -> None:
        _stopped.append(True)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


_stopped: list[bool] = []


def _reported(outcome: Outcome, report: Callable[[Outcome], None]) -> Outcome:
    report(outcome)
    return outcome


def attempt(job: Job, out: Path, overwrite: bool) -> Outcome:
    """Record one job; a failure becomes an outcome without clips."""
    if _stopped:
        raise KeyboardInterrupt
    try:
        return record_place(job, out, overwrite)
    except TemporalCleanError as error:
        return Outcome(job, (), str(error))


def record_place(job: Job, out: Path, overwrite: bool = False) -> Outcome:
    """Record one job's clips: play, choose the windows, render each at full size.

    Clips of it that an earlier run finished are taken as they are.
    """
    game, take = GAMES[job.game](), job.take
    if not overwrite and len(known := find_recorded(job, out)) >= job.windows:
        return Outcome(job, tuple(known), "was there already")
    work = out / f".work-{job.game}-{take.place}-{take.seed}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        starts, note = (take.start,), ""
        if not job.chosen:
            starts, note = find_starts(game, job, work)
        clips = [
            record_clip(game, job, replace(take, start=start), work, out, overwrite)
            for start in starts
        ]
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return Outcome(job, tuple(clip.folder for clip in clips), note)


def find_recorded(job: Job, out: Path) -> list[Path]:
    """Whole clips in ``out`` that show what the job asks for, its start aside if none was given."""
    take, found = job.take, []
    for folder in sorted(out.glob(f"{job.game}-{take.place}-s{take.seed}-f*")):
        steps = Clip.open(folder).record.how_made
        made = {name: value for name, value in steps[0].items() if name in asdict(take)}
        start = take.start if job.chosen else made.get("start")
        if made == {**asdict(take), "start": start}:
            found.append(folder)
    return found


def find_starts(game: Game, job: Job, work: Path) -> tuple[tuple[int, ...], str]:
    """First frames of the stretches worth recording, and a note if they are fewer than asked."""
    length = game.length(job.take, work)
    width, height = game.thumbnail
    whole = replace(
        job.take, start=0, frames=length, width=width, height=height, mip_bias=0.0, hud=False
    )
    thumbnails = np.stack(list(game.render(whole, work)))
    try:
        windows = choose_windows(thumbnails, job.take.frames, job.windows, at_least=1)
    except TemporalCleanError as error:
        raise TemporalCleanError(
            f"{game.title} {job.take.place}, seed {job.take.seed}: {error}; try another --seed"
        ) from error
    note = f"{len(windows)} of {job.windows} windows" if len(windows) < job.windows else ""
    return tuple(window.start for window in windows), note


def clip_name(game: str, take: Take) -> str:
    """Says what a clip shows: ``openarena-oa_dm4-s0-f00110``, with ``-mip2`` and ``-hud``."""
    name = f"{game}-{take.place}-s{take.seed}-f{take.start:05d}"
    name += f"-mip{take.mip_bias:g}" if take.mip_bias else ""
    return name + ("-hud" if take.hud else "")


def record_clip(
    game: Game, job: Job, take: Take, work: Path, out: Path, overwrite: bool = False
) -> Clip:
    """Record one take as a clip folder in ``out``, whole or not at all.

    The master never shows the HUD; with ``take.hud`` it is kept beside it, with its exact mask.
    Raises :class:`TemporalCleanError` if the game fails or does not move.
    """
    folder = out / clip_name(game.name, take)
    if folder.exists() and not overwrite:
        return Clip.open(folder)
    partial = out / f".{folder.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        fill_folder(game, job, take, work, partial)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Clip.open(folder)


def fill_folder(game: Game, job: Job, take: Take, work: Path, folder: Path) -> None:
    """Render, compress, measure, and write the record."""
    raw = RawFrames(work / "frames.raw", take.frames, take.height, take.width)
    with raw as frames:
        for index, frame in enumerate(game.render(replace(take, hud=False), work)):
            frames[index] = frame
        check_motion(game, take, frames)
        write_master(folder / MASTER, frames, game.frame_rate)
        loss = master_loss(folder / MASTER, frames, game.frame_rate, job.factor)
        if take.hud:
            shown = game.render(take, work)
            write_overlay(folder, frames, shown, job.factor, game)
    licence, attribution = game.licence(take.place)
    master = Master(MASTER, take.width, take.height, job.factor, take.mip_bias, loss)
    record = ClipRecord(
        name=clip_name(game.name, take),
        width=take.width // job.factor,
        height=take.height // job.factor,
        frames=take.frames,
        frame_rate=game.frame_rate,
        game=game.title,
        place=take.place,
        split=job.split,
        licence=licence,
        attribution=attribution,
        master=master,
        mask=MASK if take.hud else None,
        hud=HUD if take.hud else None,
        how_made=({"step": "record", **asdict(take), "versions": game.versions()},),
    )
    write_record(folder, record)


def write_overlay(
    folder: Path,
    frames: NDArray[np.uint8],
    shown: Iterator[Pixels],
    factor: int,
    game: Game,
) -> None:
    """The HUD by the difference that it makes: its colour and its coverage, lossless."""
    huds = [
        overlay_from_pair(without, np.asarray(with_hud, np.uint8), factor)
        for without, with_hud in zip(frames, shown, strict=True)
    ]
    masks = (np.repeat(hud.coverage[..., None], 3, axis=-1) for hud in huds)
    write_frames(folder / HUD, (hud.colour for hud in huds), game.frame_rate)
    write_frames(folder / MASK, masks, game.frame_rate)


def check_motion(game: Game, take: Take, frames: NDArray[np.uint8]) -> None:
    """Raise :class:`TemporalCleanError` if many frames repeat the one before."""
    doubled = sum(np.array_equal(before, after) for before, after in pairwise(frames))
    if doubled > DOUBLED_SHARE * len(frames):
        raise TemporalCleanError(
            f"{game.title} {take.place}: {doubled} of {len(frames)} frames from {take.start} on "
            "repeat the one before: the game stood still; choose another --start or --seed"
        )
