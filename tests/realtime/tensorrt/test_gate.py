"""The gate: what ships becomes one engine at 1920x1080 in fp16, grids in fp32, within budget."""

from typing import NamedTuple

import pytest

from temporal_clean import assets
from temporal_clean.realtime.graph import GraphRequest, fixed_graph
from temporal_clean.realtime.tensorrt import BuildReport, build_engine, build_report
from temporal_clean.realtime.tensorrt.check import complaints, half_grids

REQUEST = GraphRequest(1080, 1920, "planar")


class Gate(NamedTuple):
    report: BuildReport
    half: list[str]


@pytest.fixture(scope="module", params=assets.MODELS)
def gate(request, rtx) -> Gate:
    """Built for one GPU: three give the same kernels and take three times as long."""
    symbolic = assets.graph_path(request.param, "fp16").read_bytes()
    graph = fixed_graph(symbolic, REQUEST)
    built = build_engine(graph.SerializeToString(), rtx, ["sm89"])
    report = build_report(
        built,
        model=request.param,
        symbolic=symbolic,
        request=REQUEST,
        precision="fp16",
        flavour=rtx,
        targets=["sm89"],
        arguments=["build"],
    )
    return Gate(report, half_grids(graph))


def test_the_step_is_one_engine_of_one_layer(gate: Gate) -> None:
    assert (gate.report.engines, gate.report.layers) == (1, 1)


def test_every_sampling_grid_is_fp32(gate: Gate) -> None:
    assert gate.half == []


def test_inputs_and_outputs_are_the_steps_own(gate: Gate) -> None:
    shapes = {tensor.name: tensor.shape for tensor in gate.report.inputs}
    after = {tensor.name: tensor.shape for tensor in gate.report.outputs}
    assert {tensor.dtype for tensor in gate.report.inputs + gate.report.outputs} == {"half"}
    assert shapes["frame"] == after["clean"] == (1, 3, 1088, 1920)
    for name in ("clean", "hidden", "motion", "valid"):
        assert shapes[f"state_{name}"] == after[f"next_{name}"]


def test_kernels_are_told_apart_by_part_of_the_network(gate: Gate) -> None:
    parts = gate.report.kernels_by_part
    assert sum(parts.values()) == gate.report.kernels
    assert {"flow", "spatial", "fusion", "step"} <= set(parts)
    assert parts.get("layout", 0) < 0.1 * gate.report.kernels


# Strict: when the networks meet the budget this must go. docs/LOG.md says what keeps them from it.
@pytest.mark.xfail(
    strict=True, reason="four levels of flow and three networks: 195 kernels for 120"
)
def test_scratch_and_kernels_are_within_the_budget(gate: Gate) -> None:
    assert complaints(gate.report, gate.half) == []
