"""What a record says of its making: the command, the processor, versions of packages."""

import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["command_line", "instruction_sets", "package_versions", "processor"]

INFORMATION = Path("/proc/cpuinfo")


def command_line(program: str = "temporal-clean") -> str:
    """The command of this process, which runs ``program``.

    Files and folders that are given by absolute paths stand there by their names: where they lie
    is nobody's business whom a record is shown to.
    """
    return " ".join([program, *(_name(word) for word in sys.argv[1:])])


def _name(word: str) -> str:
    option, equals, value = word.rpartition("=")
    return option + equals + (Path(value).name if Path(value).is_absolute() else value)


def processor() -> str:
    """The processor's name and its cores."""
    return f"{_fields().get('model name', platform.processor())}, {os.cpu_count()} cores"


def instruction_sets(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that the processor has; none where the system does not tell."""
    flags = _fields().get("flags", "").split()
    return [name for name in names if name in flags]


def package_versions(packages: Sequence[str]) -> list[str]:
    """'numpy 2.4' and so on, for those of ``packages`` that are installed."""
    found = []
    for package in packages:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return found


def _fields() -> dict[str, str]:
    if not INFORMATION.is_file():
        return {}
    lines = [line.partition(":") for line in INFORMATION.read_text().splitlines()]
    return {name.strip(): value.strip() for name, _, value in lines}
