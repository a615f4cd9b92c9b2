"""How the kernels are compiled: by Numba for this very processor, once, kept on disk.

Import OpenVINO first: Numba's threads are then those of the TBB that OpenVINO brings, so kernels
and networks take turns on the same threads instead of standing in each other's way.

Networks that compute in bf16 read and write it: such arrays are uint16 here, the upper half of a
float32. ``loaded`` and ``stored`` go from one to the other and leave float32 as it is.
"""

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import openvino  # noqa: F401  (brings TBB, see above)
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, overload

from temporal_clean.realtime.cache import cache_folder, keep_newest

__all__ = ["F", "exp", "helper", "kernel", "loaded", "sigmoid", "stored", "tell_if_first"]

# Sources change with each version of the project; kernels of one take a few megabytes.
KEPT_VERSIONS = 3

F = np.float32
_LOG2_E, _LN_2 = F(1.4426950408889634), F(0.6931471805599453)


def _kernel_folder() -> Path:
    """One for these sources: Numba looks at a kernel's own file only, not at what it calls."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    folder = cache_folder() / "kernels" / digest
    folder.mkdir(parents=True, exist_ok=True)
    folder.touch()
    keep_newest(folder.parent.iterdir(), KEPT_VERSIONS)
    return folder


# Never Numba's own queue of work: it ends the process when two threads compute at once.
if numba.config.THREADING_LAYER == "default":  # type: ignore[attr-defined]
    numba.config.THREADING_LAYER = "threadsafe"  # type: ignore[attr-defined]
_FOLDER = _kernel_folder()


def tell_if_first() -> None:
    """Says why the first step takes long where nothing has been compiled yet."""
    if not any(_FOLDER.iterdir()):
        logging.getLogger("temporal_clean").warning(
            "compiling the fused engine's loops for this processor: half a minute, once"
        )


def kernel(function: Callable) -> Any:
    """A loop over rows (``numba.prange``) on all threads, called from Python."""
    others, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(_FOLDER)  # type: ignore[attr-defined]
    try:
        return numba.njit(parallel=True, cache=True, fastmath=True, error_model="numpy")(function)
    finally:
        numba.config.CACHE_DIR = others  # type: ignore[attr-defined]


def helper(function: Callable) -> Any:
    """Part of a kernel, written into it."""
    return numba.njit(fastmath=True, error_model="numpy")(function)


def _reinterpreted(of: Any, to: Any, lower: Any) -> Any:
    """Kernels' function that takes the bits of one type's number for another's."""

    def reinterpret(typing_context: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.bitcast(arguments[0], lower)

        return to(of), generate

    return intrinsic(reinterpret)


_float_of_bits = _reinterpreted(types.int32, types.float32, ir.FloatType())
_bits_of_float = _reinterpreted(types.float32, types.uint32, ir.IntType(32))


def loaded(value):
    """The number that an element of a network's array holds."""
    raise NotImplementedError("inside kernels only")


def stored(array, value):
    """The number as an element of that array: bf16 rounds to nearest, ties to even."""
    raise NotImplementedError("inside kernels only")


@overload(loaded)
def _loaded(value):
    if isinstance(value, types.Float):
        return lambda value: value
    return lambda value: _float_of_bits(np.int32(value) << np.int32(16))


@overload(stored)
def _stored(array, value):
    if isinstance(array.dtype, types.Float):
        return lambda array, value: value

    def round_to_nearest(array, value):
        bits = _bits_of_float(value)
        even = (bits >> np.uint32(16)) & np.uint32(1)
        return np.uint16((bits + np.uint32(0x7FFF) + even) >> np.uint32(16))

    return round_to_nearest


@helper
def exp(x):
    """e to the power of ``x`` (float32) to 2e-7 of it, between 1e-30 and 1e37; vectorises."""
    turns = min(max(x * _LOG2_E, F(-100.0)), F(125.0))
    whole = np.int32(turns + F(128.5)) - np.int32(128)
    rest = (turns - F(whole)) * _LN_2
    series = F(1.0 / 120.0) + rest * F(1.0 / 720.0)
    series = F(0.5) + rest * (F(1.0 / 6.0) + rest * (F(1.0 / 24.0) + rest * series))
    series = F(1.0) + rest * (F(1.0) + rest * series)
    return series * _float_of_bits((whole + np.int32(127)) << np.int32(23))


@helper
def sigmoid(x):
    return F(1.0) / (F(1.0) + exp(-x))
