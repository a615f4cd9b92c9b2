"""The four networks compiled by OpenVINO, with channels last and the numbers it computes in."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.engines.openvino import compiled_model, shared_core

__all__ = ["Network"]


class Network:
    """One compiled graph; its inputs and outputs are arrays (rows, columns, channels).

    Of bf16 the arrays are uint16. ``read_from`` takes another network's outputs without a copy.
    """

    def __init__(self, graph: bytes, precision: str, cache: Path | None) -> None:
        import openvino
        from openvino import Layout, Type
        from openvino.preprocess import PrePostProcessor

        number = Type.bf16 if precision == "bf16" else Type.f32
        model = shared_core().read_model(graph)
        process = PrePostProcessor(model)
        sides = ((model.inputs, process.input), (model.outputs, process.output))
        for ports, of in sides:
            for port in ports:
                one = of(port.any_name)
                one.tensor().set_element_type(number).set_layout(Layout("NHWC"))
                one.model().set_layout(Layout("NCHW"))
        self.compiled = compiled_model(process.build(), precision, cache)
        self.request = self.compiled.create_infer_request()
        self.arrays: dict[str, NDArray] = {}
        self.tensors: dict[str, Any] = {}
        for port in (*self.compiled.inputs, *self.compiled.outputs):
            shape = list(port.shape)
            array = np.zeros(shape, np.uint16 if precision == "bf16" else np.float32)
            tensor = openvino.Tensor(array, shape, number)
            self.arrays[port.any_name] = array[0]
            self.tensors[port.any_name] = tensor
            self.request.set_tensor(port, tensor)

    def __getitem__(self, name: str) -> NDArray:
        return self.arrays[name]

    def read_from(self, other: "Network") -> None:
        """What this network reads under the name of another's output is that output."""
        ours = {port.any_name for port in self.compiled.inputs}
        for name in ours & {port.any_name for port in other.compiled.outputs}:
            self.arrays[name], self.tensors[name] = other.arrays[name], other.tensors[name]
            self.request.set_tensor(name, self.tensors[name])

    def run(self) -> None:
        self.request.infer()
