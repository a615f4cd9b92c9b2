"""Files that appear whole or not at all, and only where nothing stood."""

import os
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["require_writable", "write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write under a temporary name, then rename: a cancelled run leaves nothing at ``path``.

    Raises :class:`TemporalCleanError` if the file cannot be written.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise TemporalCleanError(
            f"'{path}' cannot be written: {error.strerror or error}"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def require_writable(path: Path, overwrite: bool) -> None:
    """Raise :class:`TemporalCleanError` if ``path`` cannot become a new file; before the work."""
    if path.is_dir():
        raise TemporalCleanError(f"'{path}' is a folder: name a file in it")
    if path.exists() and not overwrite:
        raise TemporalCleanError(
            f"'{path}' exists already: choose another name, or add --overwrite to replace it"
        )
    if not path.parent.is_dir():
        raise TemporalCleanError(f"the folder '{path.parent}' does not exist: create it first")
