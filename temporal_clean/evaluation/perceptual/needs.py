"""Which perceptual figures can run here, and the line that installs what the others lack."""

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["availability", "require", "vmaf_program"]

# The weights of the shift-tolerant AlexNet, which its package installs; nothing is downloaded.
TLP_WEIGHTS = Path("weights", "vST0.0", "alex_shift_tolerant.pth")


def availability() -> dict[str, str | None]:
    """By metric (flip, jod, vmaf, tlp): None if it can run here, else why not and what to install.

    Imports none of the libraries. The answer for VMAF starts ffmpeg once in a process.
    """
    return {metric: reason() for metric, reason in _REASONS.items()}


def require(metric: str) -> None:
    """Raise TemporalCleanError with the reason of :func:`availability` if there is one."""
    if (reason := _REASONS[metric]()) is not None:
        raise TemporalCleanError(reason)


@lru_cache(maxsize=1)
def vmaf_program() -> str | None:
    """An ffmpeg with the libvmaf filter: imageio-ffmpeg's own, else the one on PATH, else None."""
    return next((program for program in _programs() if _has_libvmaf(program)), None)


def _programs() -> list[str]:
    programs = []
    if find_spec("imageio_ffmpeg"):
        import imageio_ffmpeg

        # RuntimeError is how it says that its binary is missing and none stands on PATH.
        with suppress(RuntimeError):
            programs.append(imageio_ffmpeg.get_ffmpeg_exe())
    on_path = shutil.which("ffmpeg")
    return [*programs, on_path] if on_path else programs


def _has_libvmaf(program: str) -> bool:
    try:
        listing = subprocess.run(
            [program, "-hide_banner", "-filters"], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return any(line.split()[1:2] == ["libvmaf"] for line in listing.stdout.splitlines())


def _lacks(metric: str, packages: dict[str, str]) -> str | None:
    """Says which importable names are missing; ``packages`` gives each one's name on PyPI."""
    missing = [package for module, package in packages.items() if not find_spec(module)]
    if not missing:
        return None
    return f"{metric} needs {', '.join(missing)}: pip install {' '.join(missing)}"


def _flip_reason() -> str | None:
    return _lacks("FLIP", {"flip_evaluator": "flip-evaluator"})


def _jod_reason() -> str | None:
    return _lacks("ColorVideoVDP", {"pycvvdp": "cvvdp", "torchvision": "torchvision"})


def _vmaf_reason() -> str | None:
    if vmaf_program():
        return None
    return "VMAF needs an ffmpeg with libvmaf: pip install imageio-ffmpeg"


def _tlp_reason() -> str | None:
    # stlpips_pytorch imports the other two without declaring them.
    names = {"stlpips_pytorch": "stlpips_pytorch", "IPython": "ipython"}
    reason = _lacks("tLP", names | {"torchsummary": "torchsummary", "torchvision": "torchvision"})
    if reason is not None:
        return reason
    package = find_spec("stlpips_pytorch")
    folders = list(package.submodule_search_locations or ()) if package else []
    if any((Path(folder) / TLP_WEIGHTS).is_file() for folder in folders):
        return None
    return (
        "tLP needs the weights that stlpips_pytorch installs, and they are missing: "
        "pip install --force-reinstall --no-deps stlpips_pytorch"
    )


_REASONS: dict[str, Callable[[], str | None]] = {
    "flip": _flip_reason,
    "jod": _jod_reason,
    "vmaf": _vmaf_reason,
    "tlp": _tlp_reason,
}
