"""Timing in turns, peers as step graphs, memory, and the whole benchmark on something small."""

import json
import time
from itertools import pairwise

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.bench import memory, timing
from temporal_clean.realtime.bench.counting import count_graph
from temporal_clean.realtime.bench.memory import process_memory, step_memory
from temporal_clean.realtime.bench.parts import PARTS, share_by_part
from temporal_clean.realtime.bench.peer_nets import (
    PEER_NETS,
    basicvsr,
    fastdvdnet,
    reference_stack,
)
from temporal_clean.realtime.bench.plan import chosen_variants
from temporal_clean.realtime.bench.timing import Timing, Workload, interleave, summary
from temporal_clean.realtime.engines.choice import variants_of
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.realtime.engines.self_test import moving_pattern
from temporal_clean.realtime.graph import GraphRequest, fixed_graph


def sleeper(name: str, seconds: float, log: list[str]) -> Workload:
    def step() -> None:
        log.append(name)
        time.sleep(seconds)

    return Workload(name, step)


def timed(found: Timing | str) -> Timing:
    assert isinstance(found, Timing), found
    return found


def test_percentiles_of_known_times() -> None:
    found = summary([0.001 * k for k in range(1, 102)])
    assert (found.frames, found.p50, found.p95, found.p99) == (101, 51.0, 96.0, 100.0)
    assert found.fps == pytest.approx(1 / 0.051, rel=1e-3)


def test_workloads_take_turns_and_a_slow_one_is_not_asked_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(timing, "TURN_S", 0.02)
    monkeypatch.setattr(timing, "TOTAL_S", 0.3)
    log: list[str] = []
    fast, slow = sleeper("fast", 0.002, log), sleeper("slow", 0.05, log)
    found = interleave([fast, slow], frames=30)
    assert timed(found["fast"]).frames == 30
    assert timing.LEAST_FRAMES <= timed(found["slow"]).frames < 30
    assert timed(found["slow"]).p50 > 3 * timed(found["fast"]).p50
    changes = sum(a != b for a, b in pairwise(log))
    assert changes >= 6


def test_what_fails_is_left_out_with_its_reason() -> None:
    log: list[str] = []

    def broken() -> None:
        raise MemoryError("no room\nfor this")

    calls = iter(range(5))

    def late() -> None:
        if next(calls) == 4:
            raise ValueError("after a while")

    found = interleave(
        [Workload("broken", broken), Workload("late", late), sleeper("good", 0.001, log)], 10
    )
    assert found["broken"] == "MemoryError: no room"
    assert found["late"] == "ValueError: after a while"
    assert timed(found["good"]).frames == 10


@pytest.mark.parametrize("name", [*PEER_NETS, "reference"])
def test_peers_run_remember_and_stay_finite(name: str) -> None:
    """Over 12 frames through ONNX Runtime; after a reset the first frame comes back alike."""
    build = PEER_NETS.get(name, reference_stack)
    request = GraphRequest(70, 90, "rgb16")
    model = fixed_graph(build(70, 90).SerializeToString(), request)
    engine = OnnxRuntimeEngine(model.SerializeToString())
    state = engine.new_state()
    frames = moving_pattern(request, 4)
    results = [engine.step(frames[k % 4], state).clean for k in range(12)]
    assert results[0].shape == frames[0].shape
    for output in state.front.values():
        assert np.isfinite(output.numpy()).all()
        assert np.abs(output.numpy()).max() < 1e3
    assert not np.array_equal(results[0], results[8])  # the same frame with another past
    state.reset()
    assert np.array_equal(engine.step(frames[0], state).clean, results[0])


def test_peers_cost_what_their_papers_layers_do() -> None:
    """MAC a pixel by hand: two U-Nets of FastDVDnet; the parts of BasicVSR that depend on size."""
    height, width = 128, 256
    unet = (
        3 * (4 * 30 * 9)
        + 90 * 32 * 9
        + (32 * 64 + 2 * 64 * 64) * 9 / 4
        + (64 * 128 + 2 * 128 * 128) * 9 / 16
        + (2 * 128 * 128 + 128 * 256) * 9 / 16
        + (2 * 64 * 64 + 64 * 128) * 9 / 4
        + (32 * 32 + 32 * 3) * 9
    )
    assert count_graph(fastdvdnet(height, width)).macs == 2 * unet * height * width
    level = 49 * (8 * 32 + 32 * 64 + 64 * 32 + 32 * 16 + 16 * 2)
    spynet = level * sum(1 / 4**k for k in range(6)) / 16
    block = 2 * 64 * 64 * 9
    first = 3 * 64 * 9 / 4 + (64 * 64 * 9 + 64 * 64 * 9 + 5 * block) / 16
    branch = (128 * 64 * 9 + 7 * block) / 16
    last = 64 * 256 * 9 / 16 + 64 * 256 * 9 / 4 + 64 * 64 * 9 + 64 * 3 * 9
    counted = count_graph(basicvsr(height, width)).macs
    assert counted == pytest.approx((spynet + first + branch + last) * height * width, rel=1e-9)


def test_fastdvdnet_has_the_published_number_of_weights() -> None:
    """2.48 M parameters in its two blocks (github.com/m-tassano/fastdvdnet)."""
    weights = sum(int(np.prod(w.dims)) for w in fastdvdnet(64, 64).graph.initializer)
    assert weights == pytest.approx(2.48e6, rel=0.01)


def test_an_engine_tells_its_memory(capsys) -> None:
    if process_memory() is None:
        pytest.skip("memory is told by /proc, on Linux alone")
    memory.main("fast", "64x64", "onnxruntime", "fp32")
    told = json.loads(capsys.readouterr().out)
    assert 20 < told["resident_mb"] <= told["peak_mb"]


def test_no_memory_is_told_of_what_cannot_be_opened() -> None:
    assert step_memory(variants_of("onnxruntime")[0], "no-such-model", 64, 64) is None


def test_parts_of_the_time_sum_to_one() -> None:
    shares = share_by_part("fast", GraphRequest(128, 192), "f32")
    assert list(shares) == list(PARTS)
    assert sum(shares.values()) == pytest.approx(1.0, abs=1e-3)
    assert all(shares[part] > 0.01 for part in ("flow", "spatial", "fusion"))


def test_engines_are_chosen_by_name_or_all() -> None:
    variants, missing = chosen_variants(("onnxruntime",))
    assert [v.id for v in variants] == ["onnxruntime"]
    assert not missing
    everything, _ = chosen_variants(())
    assert {"openvino", "onnxruntime"} <= {v.id for v in everything}
    assert all(v.rank is not None for v in everything)
    with pytest.raises(TemporalCleanError, match="no engine 'abacus': expected"):
        chosen_variants(("abacus",))
