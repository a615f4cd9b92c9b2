"""The benchmark itself: for each size open everything, time it in turns, then ask what it holds."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from temporal_clean.realtime.bench.memory import step_memory
from temporal_clean.realtime.bench.parts import share_by_part
from temporal_clean.realtime.bench.plan import (
    BenchPlan,
    Entry,
    Opened,
    chosen_variants,
    open_entry,
    planned,
)
from temporal_clean.realtime.bench.record import Bench, Parts, Row, about
from temporal_clean.realtime.bench.timing import Timing, Workload, interleave
from temporal_clean.realtime.engines.choice import Variant
from temporal_clean.realtime.graph import GraphRequest

__all__ = ["Guest", "Guests", "run_bench"]


@dataclass(frozen=True)
class Guest:
    """A method outside our engines, ready to step; ``close`` ends it."""

    workload: Workload
    note: str
    close: Callable[[], None]


# Opens the guests of one size (width, height); with them, what could not come and why.
Guests = Callable[[int, int], tuple[list[Guest], dict[str, str]]]


def run_bench(
    plan: BenchPlan,
    guests: Guests | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Bench:
    """Measure what ``plan`` says, with ``guests`` in the same turns.

    Compiled graphs go to a cache of this run's own, so that the user's keeps what it holds.
    Engines that fail are left out with the reason.
    """
    bench = Bench(about())
    variants, missing = chosen_variants(plan.engines)
    bench.left_out |= missing
    with _own_cache() as folder:
        for width, height in plan.sizes:
            entries = planned(plan, variants, (width, height), folder)
            progress(f"{width}x{height}: {len(entries)} networks to open and time")
            opened = _open(entries, f"{width}x{height}", bench, progress)
            visitors, absent = guests(width, height) if guests else ([], {})
            bench.left_out |= absent
            try:
                timings = interleave([one.workload for one in [*opened, *visitors]], plan.frames)
            finally:
                for one in visitors:
                    one.close()
            done = [one.entry for one in opened]
            # Engines go before the memory is asked for and the profile is taken.
            del opened
            progress(f"{width}x{height}: timed; now memory and parts")
            _note(bench, done, visitors, timings, (width, height))
            _note_parts(bench, plan, variants, (width, height))
    return bench


@contextmanager
def _own_cache() -> Iterator[Path]:
    """A cache folder of this run's own, for this process and those that it starts."""
    name = "TEMPORAL_CLEAN_CACHE"
    before = os.environ.get(name)
    with tempfile.TemporaryDirectory(prefix="temporal-clean-bench-") as folder:
        os.environ[name] = folder
        try:
            yield Path(folder)
        finally:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before


def _open(
    entries: Sequence[Entry], size: str, bench: Bench, progress: Callable[[str], None]
) -> list[Opened]:
    opened = []
    for entry in entries:
        try:
            opened.append(open_entry(entry))
        except Exception as error:  # an engine may fail in any way of its own: it is left out
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            bench.left_out[f"{entry.title}, {size}"] = reason
            progress(f"left out: {entry.title}: {reason}")
    return opened


def _note(
    bench: Bench,
    entries: Sequence[Entry],
    visitors: Sequence[Guest],
    timings: dict[str, Timing | str],
    size: tuple[int, int],
) -> None:
    """A row for each that was timed."""
    units = {
        (e.variant.id, e.variant.precision): t.p50
        for e in entries
        if e.kind == "reference" and isinstance(t := timings[e.title], Timing)
    }
    first = next(iter(units.values()), None)
    for entry in entries:
        timing = timings[entry.title]
        if isinstance(timing, str):
            bench.left_out[f"{entry.title}, {size[0]}x{size[1]}"] = timing
            continue
        unit = units.get((entry.variant.id, entry.variant.precision), first)
        bench.rows.append(_row(entry, timing, unit, size))
    for guest in visitors:
        timing = timings[guest.workload.name]
        if isinstance(timing, str):
            bench.left_out[f"{guest.workload.name}, {size[0]}x{size[1]}"] = timing
            continue
        ratio = _ratio(timing, first)
        name, where = guest.workload.name, f"{size[0]}x{size[1]}"
        row = Row(where, "peer", name, "own", "", "CPU", timing, ratio, None, None, guest.note)
        bench.rows.append(row)


def _row(entry: Entry, timing: Timing, unit: float | None, size: tuple[int, int]) -> Row:
    width, height = entry.request.width, entry.request.height
    known = entry.kind != "reference"  # a unit of speed alone
    memory = step_memory(entry.variant, entry.model, width, height) if known else None
    return Row(
        size=f"{size[0]}x{size[1]}",
        kind=entry.kind,
        name=entry.name,
        engine=entry.variant.id,
        precision=entry.variant.precision,
        device=entry.variant.device,
        timing=timing,
        ratio=_ratio(timing, unit),
        memory=memory,
        macs_per_pixel=round(entry.macs / (width * height)) if entry.macs else None,
        note=f"always at {width}x{height}" if entry.kind == "reference" else "",
    )


def _ratio(timing: Timing, unit: float | None) -> float | None:
    return round(timing.p50 / unit, 3) if unit else None


def _note_parts(
    bench: Bench, plan: BenchPlan, variants: Sequence[Variant], size: tuple[int, int]
) -> None:
    """OpenVINO's first way to run on the processor tells where its time goes."""
    mine = next((v for v in variants if v.id == "openvino"), None)
    if mine is None:
        return
    for model in plan.models:
        request = GraphRequest(size[1], size[0])
        shares = share_by_part(model, request, mine.precision)
        bench.parts.append(Parts(f"{size[0]}x{size[1]}", model, mine.precision, shares))
