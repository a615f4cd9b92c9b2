"""What a benchmark measures: the engines that are here, and for each size the steps to time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

import onnx
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.bench.counting import count_graph
from temporal_clean.realtime.bench.peer_nets import PEER_NETS, REFERENCE_SIZE, reference_stack
from temporal_clean.realtime.bench.timing import Workload
from temporal_clean.realtime.engines.base import Engine, EngineState
from temporal_clean.realtime.engines.choice import (
    ENGINES,
    Variant,
    available,
    open_variant,
    variants_of,
)
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest, fixed_graph

__all__ = ["BenchPlan", "Entry", "Opened", "chosen_variants", "open_entry", "planned"]

# What every engine runs beside the models, to tell one machine's speed from another's.
REFERENCE = "reference"
FRAMES_IN_PATTERN = 4
# Engines that run our step and no other graph: torch runs checkpoints, fused knows its parts.
OWN_STEP_ONLY = frozenset({"torch", "fused"})


@dataclass(frozen=True)
class BenchPlan:
    """``sizes`` are (width, height); ``engines`` names or ids, none for all that 'auto' may take.

    ``frames`` is the most that are timed of each; ``peers`` adds other networks on the first
    engine that runs graphs.
    """

    models: tuple[str, ...] = ("fast", "quality")
    sizes: tuple[tuple[int, int], ...] = ((480, 270), (960, 540), (1920, 1080))
    engines: tuple[str, ...] = ()
    frames: int = 100
    peers: bool = False


@dataclass(frozen=True)
class Entry:
    """One network to time on one engine; ``kind`` is 'model', 'reference' or 'peer'."""

    kind: str
    name: str
    model: str | Path
    variant: Variant
    request: GraphRequest
    macs: int | None = None

    @property
    def title(self) -> str:
        """Unique at one size."""
        return f"{self.name}, {self.variant.id} {self.variant.precision}"


@dataclass(frozen=True)
class Opened:
    """An entry, and what steps it; the engine lives as long as this does."""

    entry: Entry
    workload: Workload


def chosen_variants(engines: Sequence[str]) -> tuple[list[Variant], dict[str, str]]:
    """The ways to run what was asked for, and for engines that are not here the install line."""
    wanted = engines or list(ENGINES)
    variants: list[Variant] = []
    missing: dict[str, str] = {}
    for engine in wanted:
        name = engine.partition(":")[0]
        if name not in ENGINES:
            raise TemporalCleanError(f"no engine '{engine}': expected {', '.join(ENGINES)}")
        if not available()[name]:
            missing[engine] = f"not installed: {ENGINES[name]}"
            continue
        found = variants_of(engine)
        if not found:
            missing[engine] = "finds no device here"
        # A device that 'auto' would not take (a graphics card in software) must be asked for by id.
        variants += [v for v in found if v.rank is not None or v.id in engines]
    return variants, missing


def planned(
    plan: BenchPlan, variants: Sequence[Variant], size: tuple[int, int], folder: Path
) -> list[Entry]:
    """The entries of one size; graphs that are not ours are written into ``folder``."""
    request = GraphRequest(size[1], size[0])
    graphs = [v for v in variants if v.id.partition(":")[0] not in OWN_STEP_ONLY]
    entries = []
    for variant in graphs:
        small = GraphRequest(*REFERENCE_SIZE)
        entries.append(_foreign(REFERENCE, REFERENCE, reference_stack, variant, small, folder))
    for model in plan.models:
        entries += [Entry("model", model, model, variant, request) for variant in variants]
    for name, build in PEER_NETS.items() if plan.peers else ():
        entries += [_foreign("peer", name, build, v, request, folder) for v in graphs[:1]]
    return entries


def _foreign(
    kind: str,
    name: str,
    build: Callable[[int, int], onnx.ModelProto],
    variant: Variant,
    request: GraphRequest,
    folder: Path,
) -> Entry:
    path = folder / f"{name.replace(' ', '-')}-{request.width}x{request.height}.onnx"
    if not path.is_file():
        path.write_bytes(build(request.height, request.width).SerializeToString())
    macs = count_graph(fixed_graph(path.read_bytes(), request)).macs
    return Entry(kind, name, path, variant, request, macs)


def open_entry(entry: Entry) -> Opened:
    """Build the engine and give it a moving pattern; raises what the engine raises."""
    engine = open_variant(entry.variant, entry.model, entry.request)
    frames = cycle(moving_pattern(entry.request, FRAMES_IN_PATTERN))
    step = partial(_step, engine, frames, engine.new_state())
    return Opened(entry, Workload(entry.title, step))


def _step(engine: Engine, frames: Iterator[NDArray], state: EngineState) -> None:
    engine.step(next(frames), state)
