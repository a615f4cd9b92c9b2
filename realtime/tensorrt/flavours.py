"""One interface over tensorrt_rtx (TensorRT for RTX) and tensorrt, whose Python API is the same."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import cast

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.tensorrt.interface import Module

__all__ = ["FLAVOURS", "Flavour", "load_flavour"]


@dataclass(frozen=True)
class Flavour:
    """``engine`` is the name on the command line; ``ahead``: builds without a GPU, for the compute
    capabilities that it is told; ``oldest``: the least capability that it runs on."""

    engine: str
    module: str
    distribution: str
    install: str
    ahead: bool
    oldest: int


# The oldest capability: Turing for RTX (its ComputeCapability begins at SM75); TensorRT 11's
# support matrix begins there too.
FLAVOURS: dict[str, Flavour] = {
    "tensorrt-rtx": Flavour(
        "tensorrt-rtx",
        "tensorrt_rtx",
        "tensorrt-rtx",
        "pip install 'temporal-clean[rtx]'",
        ahead=True,
        oldest=75,
    ),
    "tensorrt": Flavour(
        "tensorrt",
        "tensorrt",
        "tensorrt",
        "pip install tensorrt cuda-bindings",
        ahead=False,
        oldest=75,
    ),
}


def load_flavour(flavour: Flavour) -> Module:
    """Import the flavour's module; raises TemporalCleanError with the install line without it."""
    if importlib.util.find_spec(flavour.module) is None:
        raise TemporalCleanError(
            f"'{flavour.engine}' needs the Python module {flavour.module}: {flavour.install}"
        )
    try:
        return cast(Module, importlib.import_module(flavour.module))
    except (ImportError, OSError, RuntimeError) as error:
        raise TemporalCleanError(
            f"the Python module {flavour.module} is installed but cannot be loaded: {error}; "
            f"install it anew: {flavour.install}"
        ) from error
