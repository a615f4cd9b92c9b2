"""temporal-clean bench"""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable, write_whole

if TYPE_CHECKING:
    from temporal_clean.realtime.bench.run import Guest

__all__ = ["bench"]


def bench(
    models: tuple[str, ...] = ("fast", "quality"),
    sizes: tuple[str, ...] = ("480x270", "960x540", "1920x1080"),
    engines: tuple[str, ...] = (),
    frames: int = 100,
    peers: bool = False,
    roofline: bool = False,
    json: Path | None = None,
    plot: Path | None = None,
    overwrite: bool = False,
) -> None:
    """Time models on the engines of this machine, beside peers, in turns.

    Everything of one size takes turns of a third of a second, so that whatever else the machine
    does hits all alike; a ratio to the reference (a stack of convolutions on the same engine)
    travels better between machines than milliseconds. Leave the machine alone meanwhile.

    Example: temporal-clean bench --peers --json bench.json --plot bench.png

    Args:
        models: fast, quality, or paths of symbolic .onnx graphs.
        sizes: WIDTHxHEIGHT of the frames.
        engines: Names or ids as 'doctor' lists them; all that auto may choose from if none is
            named.
        frames: The most frames that are timed of each; slow ones get fewer.
        peers: Time other methods too: FastDVDnet and BasicVSR with random weights, OpenCV DIS
            accumulation, hqdn3d.
        roofline: Run nothing: count products and bytes, and say what they take at least on named
            devices.
        json: Write all figures, with hardware, versions, date and command, to this file.
        plot: Draw them into this .png.
        overwrite: Replace what stands under these names.
    """
    from temporal_clean.assets import graph_path
    from temporal_clean.commands.graphs import parse_size

    for path in (json, plot):
        if path is not None:
            require_writable(path, overwrite)
    if frames < 1:
        raise TemporalCleanError(f"frames must be 1 or more, got {frames}")
    asked = [parse_size(size) for size in sizes]
    for model in models:
        graph_path(model)  # refuses what is no model
    if roofline:
        if plot or peers or engines:
            raise TemporalCleanError("--roofline only counts: no --plot, --peers or --engines")
        record = _count(models, asked)
    else:
        if plot and find_spec("matplotlib") is None:
            raise TemporalCleanError("--plot needs matplotlib: pip install matplotlib")
        record = _measure(models, asked, engines, frames, peers)
    if json:
        _write_json(record, json)
    if plot:
        from temporal_clean.realtime.bench.plot import draw

        draw(record, plot)


def _measure(
    models: tuple[str, ...],
    sizes: list[tuple[int, int]],
    engines: tuple[str, ...],
    frames: int,
    peers: bool,
) -> dict[str, Any]:
    import sys

    from temporal_clean.commands.bench_tables import print_bench
    from temporal_clean.realtime.bench.plan import BenchPlan
    from temporal_clean.realtime.bench.record import as_json
    from temporal_clean.realtime.bench.run import run_bench

    plan = BenchPlan(models, tuple(sizes), engines, frames, peers)
    found = run_bench(plan, _guests if peers else None, lambda t: print(t, file=sys.stderr))
    print_bench(found)
    return as_json(found)


def _count(models: tuple[str, ...], sizes: list[tuple[int, int]]) -> dict[str, Any]:
    from temporal_clean.commands.bench_tables import print_floors
    from temporal_clean.realtime.bench.record import about
    from temporal_clean.realtime.bench.roofline import as_json, model_floors

    found = [model_floors(model, *size) for size in sizes for model in models]
    print_floors(found)
    return {"about": about(), **as_json(found)}


def _guests(width: int, height: int) -> "tuple[list[Guest], dict[str, str]]":
    """Methods outside our engines; they need torch, OpenCV and ffmpeg."""
    install = "pip install 'temporal-clean[metrics]'"
    lacking = [name for name in ("torch", "cv2") if find_spec(name) is None]
    if lacking:
        reason = f"needs {' and '.join(lacking)}: {install}"
        return [], dict.fromkeys(("OpenCV DIS accumulation", "ffmpeg hqdn3d"), reason)
    from temporal_clean.evaluation.peers.stepping import dis_accumulation, hqdn3d
    from temporal_clean.realtime.bench.run import Guest
    from temporal_clean.realtime.bench.timing import Workload
    from temporal_clean.realtime.engines.self_test import moving_pattern
    from temporal_clean.realtime.graph import GraphRequest

    frames = moving_pattern(GraphRequest(height, width), 4)
    guests, absent = [], {}
    for name, make in (("OpenCV DIS accumulation", dis_accumulation), ("ffmpeg hqdn3d", hqdn3d)):
        try:
            peer = make(frames)
        except TemporalCleanError as error:
            absent[name] = str(error)
        else:
            guests.append(Guest(Workload(peer.name, peer.step), peer.note, peer.close))
    return guests, absent


def _write_json(record: dict[str, Any], path: Path) -> None:
    from json import dumps

    write_whole(path, f"{dumps(record, indent=1)}\n".encode())
