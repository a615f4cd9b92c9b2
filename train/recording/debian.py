"""What the recorded games need of a Debian system, and which versions of it made a recording."""

import shutil
import subprocess
from collections.abc import Sequence

from temporal_clean.errors import TemporalCleanError

__all__ = ["package_versions", "require_tools"]


def require_tools(install: str) -> None:
    """Raise :class:`TemporalCleanError` with the line ``install`` without Xvfb or a C compiler."""
    if shutil.which("Xvfb") is None or not (shutil.which("cc") or shutil.which("gcc")):
        raise TemporalCleanError(f"recording needs Xvfb and a C compiler: {install}")


def package_versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of the installed ones of ``packages``, by name; none on other systems."""
    if shutil.which("dpkg-query") is None:
        return {}
    query = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\n", *packages]
    found = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    return dict(line.split(" ", 1) for line in found.splitlines() if " " in line)
