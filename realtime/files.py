"""Files that appear whole or not at all."""

import os
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["save_graph"]


def save_graph(content: bytes, path: Path) -> None:
    """Write under a temporary name, then rename."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise TemporalCleanError(f"'{path}' cannot be written: {error.strerror}") from error
