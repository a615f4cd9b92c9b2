"""Which perceptual figures can run here, and the line that installs what the others lack."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.ffmpeg import program_with

__all__ = ["VMAF_FILTER", "availability", "require"]

VMAF_FILTER = "libvmaf"

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
    if program_with(VMAF_FILTER):
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
