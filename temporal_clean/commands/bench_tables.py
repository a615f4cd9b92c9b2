"""Tables of a benchmark for a terminal."""

from rich.console import Console
from rich.table import Table

from temporal_clean.realtime.bench.devices import DEVICES
from temporal_clean.realtime.bench.parts import PARTS
from temporal_clean.realtime.bench.record import Bench, Row
from temporal_clean.realtime.bench.roofline import ModelFloors, arithmetic

__all__ = ["print_bench", "print_floors"]

TABLE_WIDTH = 110


def print_bench(bench: Bench) -> None:
    """A table for each size, the split of time, and what was left out."""
    console = _console()
    for size in dict.fromkeys(row.size for row in bench.rows):
        console.print(_times(size, [row for row in bench.rows if row.size == size]))
    if bench.parts:
        console.print(_parts(bench))
    for name, reason in bench.left_out.items():
        console.print(f"left out: {name}: {reason}", markup=False, soft_wrap=True)
    for name, text in bench.about.items():
        console.print(f"{name}: {text}", style="dim", markup=False, soft_wrap=True)


def _console() -> Console:
    """As wide as the tables need where the output is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=TABLE_WIDTH)


def _times(size: str, rows: list[Row]) -> Table:
    table = Table(title=f"{size}: milliseconds a frame; the ratio is to the engine's reference")
    table.add_column("what")
    table.add_column("engine")
    for title in ("frames", "p50", "p95", "p99", "frames/s", "ratio", "MB"):
        table.add_column(title, justify="right")
    for row in rows:
        timing = row.timing
        cells = (str(timing.frames), *(f"{v:.1f}" for v in (timing.p50, timing.p95, timing.p99)))
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        memory = "-" if row.memory is None else f"{row.memory.resident_mb:.0f}"
        engine = f"{row.engine} {row.precision}".strip()
        table.add_row(row.name, engine, *cells, f"{timing.fps:.1f}", ratio, memory)
    return table


def _parts(bench: Bench) -> Table:
    table = Table(title="share of OpenVINO's time, %")
    table.add_column("model")
    table.add_column("size")
    for part in PARTS:
        table.add_column(part, justify="right")
    for one in bench.parts:
        shares = (f"{100 * one.shares[part]:.0f}" for part in PARTS)
        table.add_row(f"{one.model}, {one.precision}", one.size, *shares)
    return table


def print_floors(found: list[ModelFloors]) -> None:
    """Counts, and for each device the least milliseconds with the arithmetic behind them."""
    console = _console()
    console.print("Estimates from counts and data sheets: nothing was run on these devices.")
    for one in found:
        cost = one.cost
        console.print(
            f"\n{one.model} at {one.width}x{one.height}, fp16: {cost.macs / 1e9:.2f} GMAC, "
            f"{one.macs_per_pixel:.0f} a pixel; {cost.nodes} nodes in {cost.kernels} kernels"
        )
        table = Table()
        table.add_column("least ms on")
        for title in ("floor", "fused", "unfused"):
            table.add_column(title, justify="right")
        for floor in one.floors:
            values = (floor.floor_ms, floor.fused_floor_ms, floor.unfused_floor_ms)
            table.add_row(floor.device, *(f"{value:.2f}" for value in values))
        console.print(table)
        for device, floor in zip(DEVICES, one.floors, strict=True):
            text = f"{device.name}: {arithmetic(cost, device, floor)}"
            console.print(text, style="dim", soft_wrap=True)
