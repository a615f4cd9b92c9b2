"""From the torch module to one ONNX graph of the whole step. Needs torch."""

import logging
import warnings
from typing import Literal, get_args

import onnx
import torch
from torch import Tensor, nn

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.graph import (
    CLEAN_OUTPUT,
    FRAME_INPUT,
    INSPECTION_OUTPUTS,
    MULTIPLE_OF,
    OPSET,
    STATE_INPUTS,
    STATE_OUTPUTS,
)
from temporal_clean.recurrent import RecurrentCleaner, State

__all__ = ["PRECISIONS", "Precision", "export_graph"]

Precision = Literal["fp32", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)


class PlainStep(nn.Module):
    """The step with plain tensors for the state, inspection maps last."""

    def __init__(self, model: RecurrentCleaner) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        frame: Tensor,
        state_clean: Tensor,
        state_hidden: Tensor,
        state_motion: Tensor,
        state_valid: Tensor,
    ) -> tuple[Tensor, ...]:
        state = State(state_clean, state_hidden, state_motion, state_valid)
        clean, following, maps = self.model.inspect(frame, state)
        return clean, *following, *maps


def export_graph(model: RecurrentCleaner, precision: Precision = "fp32") -> onnx.ModelProto:
    """The step as opset 18 with symbolic height and width (16*h, 16*w) and batch 1.

    fp16 weights and planes where asked; sampling grids stay fp32 (engines.md: an fp16 grid is
    wrong by up to 0.22 px). Takes about half a minute.
    """
    dtype = torch.float16 if precision == "fp16" else torch.float32
    step = PlainStep(model).eval().to(dtype)
    frame = torch.rand(1, 3, 7 * MULTIPLE_OF, 11 * MULTIPLE_OF, dtype=dtype)
    state = model.initial_state(frame)
    # Each example input is a tensor of its own: the exporter merges equal ones silently.
    arguments = (frame, *(torch.rand_like(part) for part in state))
    height, width = torch.export.Dim("h", min=4), torch.export.Dim("w", min=4)
    full = {2: MULTIPLE_OF * height, 3: MULTIPLE_OF * width}
    quarter = {2: MULTIPLE_OF // 4 * height, 3: MULTIPLE_OF // 4 * width}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("onnxscript").setLevel(logging.ERROR)
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            step,
            arguments,
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=(full, full, quarter, quarter, {}),
            input_names=[FRAME_INPUT, *STATE_INPUTS],
            output_names=[CLEAN_OUTPUT, *STATE_OUTPUTS, *INSPECTION_OUTPUTS],
            verbose=False,
        )
    assert program is not None
    exported = program.model_proto
    _forget_sources(exported)
    _check_consumed(exported)
    return exported


def _forget_sources(model: onnx.ModelProto) -> None:
    """Leave out where in the source each node came from: paths of the machine that exported, and
    over a third of the file.

    What part of the network it belongs to stays: profiles and kernels are told by it.
    """
    for node in model.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key.endswith("name_scopes")]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)


def _check_consumed(model: onnx.ModelProto) -> None:
    used = {name for node in model.graph.node for name in node.input}
    unused = [value.name for value in model.graph.input if value.name not in used]
    if unused:
        raise TemporalCleanError(
            f"the exported graph never reads {', '.join(unused)}: two example inputs were merged "
            "or the model ignores its state; this is a defect of the export, please report it"
        )
