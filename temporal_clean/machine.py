"""What this machine's processor is."""

import os
import platform
from collections.abc import Sequence
from pathlib import Path

__all__ = ["instruction_sets", "processor"]

INFORMATION = Path("/proc/cpuinfo")


def processor() -> str:
    """The processor's name and its cores."""
    return f"{_fields().get('model name', platform.processor())}, {os.cpu_count()} cores"


def instruction_sets(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that the processor has; none where the system does not tell."""
    flags = _fields().get("flags", "").split()
    return [name for name in names if name in flags]


def _fields() -> dict[str, str]:
    if not INFORMATION.is_file():
        return {}
    lines = [line.partition(":") for line in INFORMATION.read_text().splitlines()]
    return {name.strip(): value.strip() for name, _, value in lines}
