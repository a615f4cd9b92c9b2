"""What one engine holds in memory, asked of a process that does nothing else.

python -m temporal_clean.realtime.bench.memory MODEL WIDTHxHEIGHT ENGINE PRECISION
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from temporal_clean.realtime.engines.choice import Variant, open_variant, variants_of
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest

__all__ = ["Memory", "process_memory", "step_memory"]

STATUS = Path("/proc/self/status")
STEPS = 4
TIMEOUT_S = 300


@dataclass(frozen=True)
class Memory:
    """Megabytes of a whole process: resident after a few steps, and the most it ever held.

    Python and the engine's libraries are in it.
    """

    resident_mb: float
    peak_mb: float


def step_memory(variant: Variant, model: str | Path, width: int, height: int) -> Memory | None:
    """Of a process that opens this engine and steps; None if it failed or the system won't say."""
    here = "temporal_clean.realtime.bench.memory"
    command = [sys.executable, "-m", here, str(model), f"{width}x{height}"]
    command += [variant.id, variant.precision]
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return None
    lines = found.stdout.splitlines()
    return Memory(**json.loads(lines[-1])) if found.returncode == 0 and lines else None


def process_memory() -> Memory | None:
    """Of this process; None where the system keeps no /proc (everywhere but Linux)."""
    if not STATUS.is_file():
        return None
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines() if ":" in line)
    resident, peak = (int(fields[name].split()[0]) / 1e3 for name in ("VmRSS", "VmHWM"))
    return Memory(round(resident, 1), round(peak, 1))


def main(model: str, size: str, engine: str, precision: str) -> None:
    width, height = (int(side) for side in size.split("x"))
    request = GraphRequest(height, width)
    variant = next(v for v in variants_of(engine) if v.precision == precision)
    opened = open_variant(variant, model, request)
    state = opened.new_state()
    for frame in moving_pattern(request, STEPS):
        opened.step(frame, state)
    if found := process_memory():
        print(json.dumps(found.__dict__))


if __name__ == "__main__":
    main(*sys.argv[1:])
