"""FFmpeg's and the system's errors, told in one sentence a user can act on."""

import errno
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["cannot_open", "cannot_write", "reason"]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def reason(error: BaseException) -> str:
    """The bare reason inside an error: ``Permission denied``, ``Invalid data found ...``."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).rstrip(".")


def cannot_open(path: Path, error: Exception) -> TemporalCleanError:
    """Why an input cannot be opened, and what to do."""
    if isinstance(error, PermissionError):
        return TemporalCleanError(f"{path} may not be read: check the file's permissions")
    if is_mp4(path):
        return TemporalCleanError(
            f"{path} is cut short: its index is missing, as after an interrupted recording or "
            f"copy; record or copy it again, or repair it with a tool such as untrunc "
            f"({reason(error)})"
        )
    return TemporalCleanError(
        f"{path} is not a video or picture that ffmpeg can read ({reason(error)}); "
        "give a video file, a picture, or a folder of pictures"
    )


def is_mp4(path: Path) -> bool:
    """Whether the file begins as MP4 and QuickTime files do (ISO/IEC 14496-12, section 4.3)."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"ftyp"


def cannot_write(path: Path, error: Exception) -> TemporalCleanError:
    """Why an output cannot be written, and what to do."""
    number = getattr(error, "errno", None)
    if number in NO_ROOM:
        advice = "the disk is full; free some space or choose an output on another disk"
    elif number == errno.EFBIG:
        advice = (
            "the file became larger than this disk or account allows; choose another disk, a "
            "shorter --start/--end, or a codec that compresses more"
        )
    elif number in (errno.EACCES, errno.EPERM, errno.EROFS):
        advice = "the folder may not be written to; choose another folder"
    else:
        advice = f"{reason(error)}; choose another output or codec"
    return TemporalCleanError(f"{path} could not be written: {advice}")
