"""Milliseconds that HDR frames take on one core, by tables and by the plain mathematics.

python docs/benchmarks/hdr.py docs/benchmarks/hdr.json
"""

import datetime
import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from temporal_clean.color import ScRgb
from temporal_clean.machine import command_line, processor
from temporal_clean.realtime.live.hdr import HdrComposer

SIZES = ((640, 360), (1920, 1080))
ROUNDS = 15


def median_ms(work: Callable[[], Any]) -> float:
    """Of rounds after one that is not counted."""
    work()
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return round(1e3 * statistics.median(times), 2)


def figures(width: int, height: int) -> dict[str, Any]:
    """A frame with a twentieth of highlights, of which the engine changed a half."""
    noise = np.random.default_rng(0)
    light = noise.uniform(0.0, 2.5, (height, width, 4))
    light[noise.random((height, width)) < 0.05] *= 10
    picture = light.astype(np.float16)
    tables, plain = HdrComposer(), ScRgb()
    seen = tables.encode(picture)
    clean = np.where(noise.random((height, width, 1)) < 0.5, seen, seen // 2).astype(np.uint16)
    colours, floats = np.ascontiguousarray(picture[..., :3]), clean / np.float32(65535)
    _, context = plain.encode(colours)
    return {
        "size": f"{width}x{height}",
        "encode_ms": median_ms(lambda: tables.encode(picture)),
        "compose_ms": median_ms(lambda: tables.compose(picture, seen, clean)),
        "forced_sdr_ms": median_ms(lambda: tables.to_sdr(picture)),
        "plain_encode_ms": median_ms(lambda: plain.encode(colours)),
        "plain_compose_ms": median_ms(lambda: plain.compose(context, floats)),
    }


def main() -> None:
    record = {
        "command": command_line("python docs/benchmarks/hdr.py"),
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "numpy": version("numpy"),
        "frames": [figures(*size) for size in SIZES],
    }
    Path(sys.argv[1]).write_text(f"{json.dumps(record, indent=2)}\n")


if __name__ == "__main__":
    main()
