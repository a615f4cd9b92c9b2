"""The types that stand in for TensorRT's compiled API name what the real module has."""

import inspect

import pytest

from temporal_clean.realtime.tensorrt import interface

REAL = {
    interface.Builder: "Builder",
    interface.Config: "IBuilderConfig",
    interface.Context: "IExecutionContext",
    interface.Engine: "ICudaEngine",
    interface.HostMemory: "IHostMemory",
    interface.Network: "INetworkDefinition",
    interface.Parser: "OnnxParser",
    interface.ParserError: "ParserError",
    interface.Runtime: "Runtime",
    interface.RuntimeCache: "IRuntimeCache",
    interface.RuntimeConfig: "IRuntimeConfig",
    interface.Tensor: "ITensor",
}


def members(protocol: type) -> list[str]:
    names = {*vars(protocol), *getattr(protocol, "__annotations__", {})}
    return sorted(name for name in names if not name.startswith("_"))


@pytest.mark.parametrize("protocol", REAL, ids=lambda p: p.__name__)
def test_every_member_exists_and_takes_these_arguments(protocol: type, tensorrt) -> None:
    real = getattr(tensorrt, REAL[protocol])
    assert members(protocol)
    for name in members(protocol):
        assert hasattr(real, name), f"{REAL[protocol]} has no {name}"
        ours = vars(protocol).get(name)
        if not inspect.isfunction(ours):
            continue
        for argument in list(inspect.signature(ours).parameters)[1:]:
            # pybind11 writes each signature into the docstring.
            assert f"{argument}:" in getattr(real, name).__doc__, f"{name}({argument})"


def test_every_protocol_is_compared(tensorrt) -> None:
    assert {p.__name__ for p in REAL} | {"Module"} == set(interface.__all__)
    for name in members(interface.Module):
        assert hasattr(tensorrt, name)
    assert tensorrt.__version__
