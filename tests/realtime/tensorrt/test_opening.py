"""Without a GPU it says so, and everything that needs none is done; plans are built once."""

from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines import open_engine
from temporal_clean.realtime.engines.kinds import find_variants, why_none
from temporal_clean.realtime.graph import GraphRequest
from temporal_clean.realtime.tensorrt.cuda import Gpu, require_gpu
from temporal_clean.realtime.tensorrt.flavours import FLAVOURS, load_flavour
from temporal_clean.realtime.tensorrt.opening import cached_plan, deserialize, open_tensorrt


def gpu_here() -> bool:
    try:
        require_gpu()
    except TemporalCleanError:
        return False
    return True


without_gpu = pytest.mark.skipif(gpu_here(), reason="says what is missing where there is no GPU")


@pytest.fixture(scope="module")
def graph() -> bytes:
    weight = numpy_helper.from_array(np.full((4, 3, 3, 3), 0.1, np.float16), "weight")
    picture = helper.make_tensor_value_info("a", TensorProto.FLOAT16, [1, 3, 64, 64])
    result = helper.make_tensor_value_info("b", TensorProto.FLOAT16, [1, 4, 62, 62])
    node = helper.make_node("Conv", ["a", "weight"], ["b"])
    body = helper.make_graph([node], "small", [picture], [result], [weight])
    opset = [helper.make_opsetid("", 18)]
    return helper.make_model(body, opset_imports=opset, ir_version=10).SerializeToString()


@without_gpu
def test_the_engine_asked_for_is_refused_with_the_reason(tensorrt) -> None:
    with pytest.raises(TemporalCleanError, match=r"'tensorrt-rtx' cannot run here: .*NVIDIA GPU"):
        open_engine("fast", GraphRequest(64, 64), "tensorrt-rtx")
    assert find_variants("tensorrt-rtx") == []
    assert "NVIDIA GPU" in why_none("tensorrt-rtx")


@without_gpu
def test_opening_refuses_before_it_builds(rtx, graph, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TEMPORAL_CLEAN_CACHE", str(tmp_path))
    with pytest.raises(TemporalCleanError, match="NVIDIA GPU"):
        open_tensorrt(graph, rtx)
    assert list(tmp_path.rglob("*.plan")) == []


@without_gpu
def test_loading_a_plan_gives_the_drivers_own_words(rtx, graph, tmp_path, monkeypatch) -> None:
    """The last call that can be made here: TensorRT itself asks for the driver."""
    monkeypatch.setenv("TEMPORAL_CLEAN_CACHE", str(tmp_path))
    plan = cached_plan(graph, rtx, Gpu("a card", 89))
    with pytest.raises(TemporalCleanError, match=r"cannot load the engine here: .*cudaError"):
        deserialize(plan, load_flavour(rtx), rtx)


def test_a_plan_is_built_once_for_each_card(rtx, graph, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TEMPORAL_CLEAN_CACHE", str(tmp_path))
    first = cached_plan(graph, rtx, Gpu("a card", 89))
    [path] = tmp_path.rglob("*.plan")
    path.write_bytes(b"kept")
    assert cached_plan(graph, rtx, Gpu("a card", 89)) == b"kept"
    assert len(cached_plan(graph, rtx, Gpu("another", 120))) > 1000
    assert len(list(tmp_path.rglob("*.plan"))) == 2
    assert len(first) > 1000


def test_a_missing_module_gives_its_install_line() -> None:
    flavour = replace(FLAVOURS["tensorrt"], module="no_such_module_here")
    with pytest.raises(TemporalCleanError, match="pip install tensorrt cuda-bindings"):
        load_flavour(flavour)
