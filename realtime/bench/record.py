"""What a benchmark found, as records and as JSON."""

import os
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from temporal_clean import __version__
from temporal_clean.machine import command_line, package_versions, processor
from temporal_clean.realtime.bench.memory import Memory
from temporal_clean.realtime.bench.timing import Timing

__all__ = ["Bench", "Parts", "Row", "about", "as_json"]

FORMAT = "temporal-clean bench 1"
# Whose versions can move a figure.
PACKAGES = (
    "numpy",
    "onnx",
    "onnxruntime",
    "onnxslim",
    "opencv-python-headless",
    "openvino",
    "torch",
)


@dataclass(frozen=True)
class Row:
    """One thing timed at one size.

    ``ratio`` is its median over that of the reference stack on the same engine in the same run;
    a peer outside any engine has that of the first engine. ``note`` says what is special about it.
    """

    size: str
    kind: str
    name: str
    engine: str
    precision: str
    device: str
    timing: Timing
    ratio: float | None
    memory: Memory | None
    macs_per_pixel: int | None
    note: str = ""


@dataclass(frozen=True)
class Parts:
    """Shares of one model's time on OpenVINO, by part of the network."""

    size: str
    model: str
    precision: str
    shares: dict[str, float]


@dataclass
class Bench:
    """All rows, the split of time, and what could not be measured with the reason."""

    about: dict[str, str]
    rows: list[Row] = field(default_factory=list)
    parts: list[Parts] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def about(program: str = "temporal-clean") -> dict[str, str]:
    """Command of ``program``, date, hardware and versions."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "command": command_line(program),
        "date": date.today().isoformat(),
        "hardware": f"{processor()}, {threads} of them usable",
        "versions": ", ".join([f"temporal-clean {__version__}", *package_versions(PACKAGES)]),
    }


def as_json(bench: Bench) -> dict[str, Any]:
    """Plain values; milliseconds a frame, megabytes of a whole process."""
    return {
        "format": FORMAT,
        "about": bench.about,
        "rows": [_row(row) for row in bench.rows],
        "parts": [asdict(parts) for parts in bench.parts],
        "left_out": bench.left_out,
    }


def _row(row: Row) -> dict[str, Any]:
    values = asdict(row)
    timing, memory = values.pop("timing"), values.pop("memory")
    values |= {
        "frames": timing["frames"],
        "p50_ms": timing["p50"],
        "p95_ms": timing["p95"],
        "p99_ms": timing["p99"],
        "fps": timing["fps"],
    }
    return values | (memory or {})
