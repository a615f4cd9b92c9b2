"""TensorRT for RTX builds without a GPU; without the module these tests skip."""

import pytest

from temporal_clean.realtime.tensorrt.flavours import FLAVOURS, Flavour
from temporal_clean.realtime.tensorrt.interface import Module


@pytest.fixture(scope="session")
def tensorrt() -> Module:
    """The module tensorrt_rtx."""
    return pytest.importorskip("tensorrt_rtx", reason="pip install 'temporal-clean[rtx]'")


@pytest.fixture(scope="session")
def rtx(tensorrt: Module) -> Flavour:
    """Of which the module is installed."""
    return FLAVOURS["tensorrt-rtx"]
