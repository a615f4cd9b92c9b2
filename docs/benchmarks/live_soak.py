"""A long live session: does memory or latency grow? By minute, printed and as JSON.

python docs/benchmarks/live_soak.py --minutes 30 --out docs/benchmarks/live_soak.json   (on an
otherwise idle machine); --source and --model as for temporal-clean live.
"""

import datetime
import json
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import tyro

from temporal_clean.machine import processor
from temporal_clean.realtime.live.capture.choose import open_capture
from temporal_clean.realtime.live.histogram import Histogram
from temporal_clean.realtime.live.loop import LiveLoop
from temporal_clean.realtime.live.options import LiveOptions, PresenterName
from temporal_clean.realtime.live.present.choose import open_presenter
from temporal_clean.realtime.live.stats import LiveStats

MEGABYTE = 1 << 20
# Buffers, caches and the interpreter settle in the first minutes; growth is counted after them.
SETTLING_MINUTES = 2


class MinuteByMinute(LiveStats):
    """Statistics whose latencies are also kept for the running minute alone."""

    def __init__(self) -> None:
        super().__init__()
        self.minute = Histogram()

    def shown(self, now: float, latency_milliseconds: float | None) -> None:
        super().shown(now, latency_milliseconds)
        if latency_milliseconds is not None:
            self.minute.add(latency_milliseconds)

    def take_minute(self) -> Histogram:
        taken, self.minute = self.minute, Histogram()
        return taken


def watch(loop: LiveLoop, stats: MinuteByMinute, seconds: float, rows: list[dict]) -> None:
    """A row each ``seconds`` until the loop has ended."""
    process, began = psutil.Process(), time.monotonic()
    while loop.ended is None:
        due = began + seconds * (len(rows) + 1)
        while loop.ended is None and time.monotonic() < due:
            time.sleep(0.1)
        if loop.ended is not None:
            return
        latency = stats.take_minute()
        p50, p95 = latency.percentiles([50, 95])
        row: dict[str, Any] = {
            "minute": round(seconds * (len(rows) + 1) / 60, 2),
            "memory_mb": round(process.memory_info().rss / MEGABYTE, 1),
            "threads": process.num_threads(),
            "open_files": process.num_fds() if hasattr(process, "num_fds") else None,
            "shown": latency.count,
            "latency_p50_ms": p50 and round(p50, 2),
            "latency_p95_ms": p95 and round(p95, 2),
        }
        rows.append(row)
        print(row, flush=True)


def growth(rows: list[dict], name: str) -> float | None:
    """Least-squares slope of a column, per minute, once it has settled."""
    points = [(r["minute"], r[name]) for r in rows if r["minute"] > SETTLING_MINUTES and r[name]]
    if len(points) < 3:
        return None
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return round(sum((x - middle_x) * (y - middle_y) for x, y in points) / spread, 4)


def main(
    out: Path,
    minutes: float = 30.0,
    source: str = "pattern:640x360@30",
    model: str = "fast",
    presenter: PresenterName = "none",
    row_seconds: float = 60.0,
) -> None:
    """Run the session and write the rows; ``presenter`` none needs no screen."""
    options = LiveOptions(
        source=source,
        model=model,
        presenter=presenter,
        duration=60.0 * minutes,
        hud=True,
        adaptive=False,  # another engine is other memory
        min_fps=0.0,
    )
    capture = open_capture(options)
    stats = MinuteByMinute()
    loop = LiveLoop(capture, open_presenter(options, capture), options, print, stats=stats)
    rows: list[dict] = []
    watcher = threading.Thread(target=watch, args=(loop, stats, row_seconds, rows), daemon=True)
    watcher.start()
    loop.run()
    watcher.join()
    record = {
        "command": f"python docs/benchmarks/live_soak.py --minutes {minutes:g} --source {source} "
        f"--model {model} --presenter {presenter}",
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "memory_growth_mb_a_minute": growth(rows, "memory_mb"),
        "latency_p50_growth_ms_a_minute": growth(rows, "latency_p50_ms"),
        "rows": rows,
        "session": stats.record(time.monotonic()),
    }
    out.write_text(json.dumps(record, indent=1) + "\n")
    print({key: value for key, value in record.items() if "growth" in key})


if __name__ == "__main__":
    tyro.cli(main)
