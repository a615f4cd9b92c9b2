"""Order and names of devices, from lists as ONNX Runtime gives them on machines not at hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from temporal_clean.realtime.engines.devices import (
    CPU_PROVIDER,
    GPU_RANKS,
    NAMES,
    Device,
    choices,
    device_from_metadata,
    stands_for_others,
)


def gpu(provider: str, vendor: str, name: str, memory: int, discrete: bool) -> Device:
    """As Windows tells it: DXGI's description and memory, DXCore's Discrete."""
    told = {"Description": name, "DxgiVideoMemory": f"{memory} MB", "Discrete": str(int(discrete))}
    return device_from_metadata(provider, "gpu", vendor, told)


def npu(provider: str, vendor: str, name: str) -> Device:
    return device_from_metadata(provider, "npu", vendor, {"Description": name})


RTX, UHD = "NVIDIA GeForce RTX 4070 Laptop GPU", "Intel(R) UHD Graphics"
RADEON, ARC = "AMD Radeon RX 7600", "Intel(R) Arc(TM) 140V GPU"
ADRENO = "Qualcomm(R) Adreno(TM) X1-85 GPU"
CPU = Device(CPU_PROVIDER, "cpu", "GenuineIntel")
MACHINES = {
    "RTX laptop, Windows ML": [
        CPU,
        gpu("DmlExecutionProvider", "Intel", UHD, 128, False),
        gpu("DmlExecutionProvider", "NVIDIA", RTX, 7957, True),
        gpu("NvTensorRTRTXExecutionProvider", "NVIDIA", RTX, 7957, True),
        gpu("OpenVINOExecutionProvider", "Intel", UHD, 128, False),
        Device("OpenVINOExecutionProvider", "cpu", "GenuineIntel"),
    ],
    "RX 7600, onnxruntime-directml": [
        CPU,
        gpu("DmlExecutionProvider", "AMD", RADEON, 8151, True),
    ],
    "RX 7600, Windows ML": [
        CPU,
        gpu("DmlExecutionProvider", "AMD", RADEON, 8151, True),
        gpu("MIGraphXExecutionProvider", "AMD", RADEON, 8151, True),
    ],
    "Arc and NPU, Windows ML": [
        CPU,
        Device("OpenVINOExecutionProvider", "cpu", "GenuineIntel"),
        npu("OpenVINOExecutionProvider", "Intel", "Intel(R) AI Boost"),
        gpu("OpenVINOExecutionProvider", "Intel", ARC, 128, False),
        gpu("DmlExecutionProvider", "Intel", ARC, 128, False),
        npu("DmlExecutionProvider", "Intel", "Intel(R) AI Boost"),
    ],
    "Snapdragon X, Windows ML": [
        CPU,
        npu("QNNExecutionProvider", "Qualcomm", "Snapdragon(R) X Elite NPU"),
        gpu("QNNExecutionProvider", "Qualcomm", ADRENO, 0, False),
        gpu("DmlExecutionProvider", "Qualcomm", ADRENO, 0, False),
    ],
}
# What 'auto' tries, in order; ids in brackets only when asked for.
EXPECTED = {
    "RTX laptop, Windows ML": [
        "onnxruntime:tensorrt-rtx-gpu",
        "onnxruntime:openvino-gpu",
        "onnxruntime:dml-gpu",
        "onnxruntime:dml-gpu-2",
        "(onnxruntime:openvino-cpu)",
    ],
    "RX 7600, onnxruntime-directml": ["onnxruntime:dml-gpu"],
    "RX 7600, Windows ML": ["onnxruntime:migraphx-gpu", "onnxruntime:dml-gpu"],
    "Arc and NPU, Windows ML": [
        "onnxruntime:openvino-gpu",
        "onnxruntime:dml-gpu",
        "onnxruntime:openvino-npu",
        "onnxruntime:dml-npu",
        "(onnxruntime:openvino-cpu)",
    ],
    "Snapdragon X, Windows ML": [
        "onnxruntime:dml-gpu",
        "onnxruntime:qnn-gpu",
        "onnxruntime:qnn-npu",
    ],
}


@pytest.mark.parametrize("machine", MACHINES)
def test_order_on_typical_machines(machine: str) -> None:
    found = choices(MACHINES[machine])
    assert [c.id if c.rank is not None else f"({c.id})" for c in found] == EXPECTED[machine]
    assert [MACHINES[machine][c.place] for c in found] == [c.device for c in found]


def test_the_card_with_memory_of_its_own_comes_first() -> None:
    first = next(c for c in choices(MACHINES["RTX laptop, Windows ML"]) if c.id.endswith("dml-gpu"))
    assert first.device.name == RTX
    assert str(first.device) == f"GPU {RTX}, 7957 MB"


def test_npus_are_probed_with_a_wide_frame() -> None:
    halved = {c.id for c in choices(MACHINES["Arc and NPU, Windows ML"]) if c.half_grids}
    assert halved == {"onnxruntime:openvino-npu"}


def test_a_provider_from_the_future_is_listed_but_never_chosen() -> None:
    (choice,) = choices([CPU, gpu("FancyExecutionProvider", "Fancy", "Fancy 1", 4096, True)])
    assert (choice.id, choice.rank) == ("onnxruntime:fancy-gpu", None)


devices = st.builds(
    Device,
    st.sampled_from([CPU_PROVIDER, *NAMES, "FancyExecutionProvider"]),
    st.sampled_from(["cpu", "gpu", "npu"]),
    st.just("Any"),
    discrete=st.sampled_from([None, True, False]),
)


@given(st.lists(devices, max_size=12))
def test_every_device_has_an_id_of_its_own(listed: list[Device]) -> None:
    found = choices(listed)
    assert len({c.id for c in found}) == len(found)
    assert len(found) == sum(d.provider != CPU_PROVIDER for d in listed)
    ranks = [c.rank for c in found]
    assert ranks == sorted(ranks, key=lambda rank: (rank is None, rank or 0.0))
    assert all(c.rank is None for c in found if c.device.kind == "cpu")


def test_every_ranked_provider_has_a_name() -> None:
    assert set(GPU_RANKS) <= set(NAMES.values())


def test_what_picks_among_devices_is_none() -> None:
    # As onnxruntime-ep-openvino 1.8.1 lists an Intel Xeon: once as it is, once behind AUTO.
    told = {"ov_device": "CPU", "EXECUTION_DEVICES": "CPU", "version": "1.8.1+95d534b.ci.79"}
    assert not stands_for_others(told)
    assert stands_for_others(told | {"ov_meta_device": "AUTO"})
    assert not stands_for_others({})
