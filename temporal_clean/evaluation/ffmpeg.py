"""The ffmpeg program, for filters that PyAV's wheels lack."""

import shutil
import subprocess
from contextlib import suppress
from functools import cache
from importlib.util import find_spec

__all__ = ["program_with"]


@cache
def program_with(name: str) -> str | None:
    """An ffmpeg that has the filter ``name``: imageio-ffmpeg's own, the one on PATH, or None.

    A listing of each program's filters is read once in a process.
    """
    return next((program for program in _programs() if _has_filter(program, name)), None)


def _programs() -> list[str]:
    programs = []
    if find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        # RuntimeError is how it says that its binary is missing and none stands on PATH.
        with suppress(RuntimeError):
            programs.append(imageio_ffmpeg.get_ffmpeg_exe())
    on_path = shutil.which("ffmpeg")
    return [*programs, on_path] if on_path else programs


def _has_filter(program: str, name: str) -> bool:
    try:
        listing = subprocess.run(
            [program, "-hide_banner", "-filters"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return any(line.split()[1:2] == [name] for line in listing.stdout.splitlines())
