"""The order of engines, devices by name, and what the self-test remembers, with engines made up."""

from dataclasses import replace

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines import choice, kinds
from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.engines.kinds import EngineKind, Variant
from temporal_clean.realtime.graph import GraphRequest

REQUEST = GraphRequest(64, 64)


class Sham:
    """Gives the frame back plus ``error``, as a share of the largest value."""

    def __init__(self, variant: Variant, error: float) -> None:
        self.variant, self.error = variant, error

    def new_state(self) -> None:
        return None

    def step(self, frame: np.ndarray, state: object) -> StepResult:
        moved = np.clip(frame + self.error * np.iinfo(frame.dtype).max, 0, None)
        return StepResult(moved.astype(frame.dtype), {})

    def describe(self) -> EngineInfo:
        return EngineInfo(self.variant.id, "1", self.variant.precision, self.variant.device)


ERRORS = {"card fp16": 0.05, "card fp32": 0.0, "npu f16": 0.0, "reference fp32": 0.0}
VARIANTS = [
    Variant("sham:npu", "f16", "npu", 70, half_grids=True),
    Variant("sham:card-gpu", "fp16", "card", 20),
    Variant("sham:card-gpu", "fp32", "card", 20.1),
    Variant("sham:slow", "fp32", "slow"),
]


@pytest.fixture
def machine(tmp_path, monkeypatch) -> list[tuple[str, int]]:
    """A machine with one card and an NPU; what was opened, with the width, in order."""
    opened: list[tuple[str, int]] = []

    def build(variant: Variant, model: object, request: GraphRequest) -> Sham:
        opened.append((f"{variant.device} {variant.precision}", request.width))
        if variant.device == "broken":
            raise RuntimeError("driver too old\nmore")
        return Sham(variant, ERRORS[f"{variant.device} {variant.precision}"])

    def reference(variant: Variant, model: object, request: GraphRequest) -> Sham:
        return Sham(variant, 0.0)

    sham = EngineKind("numpy", "numpy", "pip install sham", lambda: list(VARIANTS), build)
    plain = replace(
        kinds.KINDS["onnxruntime"], variants=lambda: [choice.REFERENCE], build=reference
    )
    monkeypatch.setenv("TEMPORAL_CLEAN_CACHE", str(tmp_path))
    for table in (choice.KINDS, kinds.KINDS):
        for name in list(table):
            monkeypatch.delitem(table, name, raising=False)
        monkeypatch.setitem(table, "sham", sham)
        monkeypatch.setitem(table, "onnxruntime", plain)
    monkeypatch.setattr(choice, "ENGINES", {"sham": "pip install sham", "onnxruntime": "x"})
    return opened


def test_auto_takes_the_lowest_rank_that_agrees_and_says_why_not_others(machine) -> None:
    opened = choice.open_engine("fast", REQUEST)
    assert opened.engine.describe().precision == "fp32"
    assert opened.engine.describe().name == "sham:card-gpu"
    assert opened.reason.startswith("sham:card-gpu fp16 demoted: differs from ONNX Runtime")
    assert [name for name, _ in machine] == ["card fp16", "card fp32", "card fp32"]


def test_verdicts_are_remembered_until_asked_again(machine) -> None:
    first = choice.self_test(VARIANTS[2], "fast")
    assert choice.self_test(VARIANTS[2], "fast") == first
    assert len(machine) == 1
    choice.self_test(VARIANTS[2], "fast", again=True)
    assert len(machine) == 2


def test_another_driver_is_another_verdict(machine) -> None:
    choice.self_test(VARIANTS[2], "fast")
    ERRORS["card, driver 2 fp32"] = 0.0
    choice.self_test(replace(VARIANTS[2], device="card, driver 2"), "fast")
    assert len(machine) == 2


def test_half_precision_coordinates_are_looked_for_in_a_wide_frame(machine) -> None:
    choice.self_test(VARIANTS[0], "fast")
    choice.self_test(VARIANTS[2], "fast")
    assert [width for _, width in machine] == [1920, 128]


def test_a_device_by_name_gets_the_first_precision_that_agrees(machine) -> None:
    assert choice.open_engine("fast", REQUEST, "sham:card").engine.describe().precision == "fp32"
    with pytest.raises(
        TemporalCleanError, match=r"'sham:vpu' finds no device.*sham:npu, sham:card"
    ):
        choice.open_engine("fast", REQUEST, "sham:vpu")


def test_a_device_that_fails_is_refused_with_its_own_words(machine, monkeypatch) -> None:
    broken = Variant("sham:old-gpu", "fp32", "broken", 5)
    kind = replace(choice.KINDS["sham"], variants=lambda: [broken])
    for table in (choice.KINDS, kinds.KINDS):
        monkeypatch.setitem(table, "sham", kind)
    with pytest.raises(
        TemporalCleanError, match=r"refused: .*failed to run: driver too old; choose"
    ):
        choice.open_engine("fast", REQUEST, "sham:old")
    opened = choice.open_engine("fast", REQUEST)
    assert opened.engine.describe().name == "onnxruntime"
    assert "sham:old-gpu fp32 demoted: failed to run: driver too old" in opened.reason
