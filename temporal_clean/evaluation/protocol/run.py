"""Running every method on every input, and judging what comes out."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import torch
from torch import Tensor

from temporal_clean.evaluation.fidelity import psnr
from temporal_clean.evaluation.measures import MEASURES, MOST_DECIBELS, Stretch
from temporal_clean.evaluation.peers import Peer, classical_peers, own_peers
from temporal_clean.evaluation.perceptual import availability, jod
from temporal_clean.evaluation.protocol.material import INPUTS, Loaded, Material, load
from temporal_clean.evaluation.protocol.rows import Row
from temporal_clean.evaluation.tally import Tally, finished
from temporal_clean.evaluation.temporal import warping_sums

__all__ = ["run_protocol"]

# Two thirds of all time: found only for what the tables show.
SLOW = ("tof", "ssim")
# ColorVideoVDP takes half a second a frame: on the games' native renders alone, for these.
SEEN = ("input", "Gaussian 0.6", "DIS accumulation 0.5", "DIS accumulation + blur 0.4")
SEEN_FAMILIES = ("full", "oracle")
# Frames judged at once.
STRETCH = 8


def run_protocol(
    materials: Sequence[Material],
    models: Sequence[str | Path] = ("fast", "quality"),
    *,
    jobs: int = 1,
    progress: Callable[[int, int | None], None] | None = None,
) -> list[Row]:
    """A row for each method on each input, in the order of ``materials`` and then of methods.

    ``models`` are judged whole and in parts; ``jobs`` processes share the inputs, each on one
    thread. ``progress`` is told (inputs done, all inputs). Raises
    :class:`temporal_clean.errors.TemporalCleanError` for a model or clip that cannot be read.
    """
    _peers(tuple(map(str, models)))
    # All inputs of a clip go to one process, which renders or reads its truth once.
    clips = [list(group) for _, group in groupby(materials, lambda m: (m.kind, m.name, m.frames))]
    rows: dict[int, list[Row]] = {}
    with ProcessPoolExecutor(jobs, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        work = {
            pool.submit(_judge, clip, tuple(map(str, models))): number
            for number, clip in enumerate(clips)
        }
        try:
            for future in as_completed(work):
                rows[work[future]] = future.result()
                if progress:
                    progress(sum(len(clips[number]) for number in rows), len(materials))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [row for number in sorted(rows) for row in rows[number]]


@cache
def _peers(models: tuple[str, ...]) -> list[Peer]:
    return [*classical_peers(), *own_peers(models)]


def _judge(materials: Sequence[Material], models: tuple[str, ...]) -> list[Row]:
    rows = []
    for material, loaded in zip(materials, load(materials), strict=True):
        own = finished(MEASURES["e_warp"], [warping_sums(loaded.reference, loaded.motion)])[0]
        judged = [_row(material, loaded, peer) for peer in _peers(models)]
        rows += [replace(row, figures={**row.figures, "e_warp_own": own}) for row in judged]
    return rows


def _row(material: Material, loaded: Loaded, peer: Peer) -> Row:
    started = time.perf_counter()
    output = peer.run(loaded.frames, loaded.motion if peer.exact_flow else None)
    elapsed = time.perf_counter() - started
    row = Row(
        material.kind,
        material.name,
        material.rendering,
        peer.name,
        peer.family,
        "" if peer.setting is None else f"{peer.setting:g}",
        peer.causal,
        peer.exact_flow,
        {},
    )
    tally = Tally([name for name in MEASURES if row.is_shown or name not in SLOW])
    for stretch in _stretches(output, loaded):
        tally.take(stretch)
    figures = dict(tally.figures(Path(peer.name)).pooled)
    if _is_seen(row):
        figures["jod"] = jod(output, loaded.reference, loaded.frame_rate)
    if loaded.cuts:
        after = psnr(output, loaded.reference)[loaded.cuts[0] :][:3]
        names = (f"cut_{number}" for number in range(len(after)))
        figures |= dict(zip(names, after.clamp_max(MOST_DECIBELS).tolist(), strict=True))
    return replace(row, figures={**figures, "ms": 1e3 * elapsed / len(output)})


def _is_seen(row: Row) -> bool:
    native = row.group == ("game", INPUTS["game"][0])
    chosen = row.peer in SEEN or row.family in SEEN_FAMILIES
    return native and chosen and availability()["jod"] is None


def _stretches(output: Tensor, loaded: Loaded) -> Iterator[Stretch]:
    for begin in range(0, len(output), STRETCH):
        first, end = max(0, begin - 1), min(begin + STRETCH, len(output))
        mask = None if loaded.mask is None else loaded.mask[first:end]
        yield Stretch(
            output[first:end],
            loaded.reference[first:end],
            loaded.motion.cut(slice(first, end - 1)),
            mask,
            end - begin,
        )
