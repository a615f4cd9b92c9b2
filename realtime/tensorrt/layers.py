"""What became of the graph, read from the builder's log.

The engine inspector would tell, but needs a GPU. The log's words are those of one version
(``KNOWN``); where they are missing this says so instead of counting nothing.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import onnx

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.tensorrt.builder import Message

__all__ = ["Kernel", "Layout", "kernels_by_part", "read_layout"]

KNOWN = "TensorRT for RTX 1.7"
ENGINES = re.compile(r"Adding (\d+) engine\(s\) to plan file")
FUSED = re.compile(r"After Myelin optimization: (\d+) layers")
SCRATCH = re.compile(r"Total Activation Memory: (\d+) bytes")
WEIGHTS = re.compile(r"Total Weights Memory: (\d+) bytes")
LAYER = re.compile(r"^Name: (.+?), LayerType: (\w+), Inputs: (.*)$", re.MULTILINE)
NODE = re.compile(r"\[ONNX Layer: ([^\]|]+)")
# Entries of the engine that launch nothing on the GPU, or only order its streams.
NO_KERNELS = {"shape_call", "signal", "wait", "ShapeHostToDevice"}
SCOPES = "pkg.torch.onnx.name_scopes"


@dataclass(frozen=True)
class Kernel:
    """One launch: TensorRT's name and kind, and the ONNX nodes that it computes."""

    name: str
    kind: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """``layers`` of the engine after fusion (a graph fused whole is one), its kernels, and the
    bytes that running it needs beside inputs and outputs: scratch, and weights with constants."""

    engines: int
    layers: int
    kernels: tuple[Kernel, ...]
    scratch_bytes: int
    weights_bytes: int


def read_layout(messages: Sequence[Message]) -> Layout:
    """Raises TemporalCleanError if the log does not have the words that are looked for."""
    text = "\n".join(message.text for message in messages)
    entries = LAYER.findall(text)
    if not entries:
        raise TemporalCleanError(
            "the builder's log lists no kernels: its words differ from those of "
            f"{KNOWN}, which is read here; install that version"
        )
    kernels = [
        Kernel(name, kind, tuple(node.strip() for node in NODE.findall(rest)))
        for name, kind, rest in entries
        if kind not in NO_KERNELS
    ]
    return Layout(
        engines=_number(ENGINES, text),
        layers=_number(FUSED, text),
        kernels=tuple(kernels),
        scratch_bytes=_number(SCRATCH, text),
        weights_bytes=_number(WEIGHTS, text),
    )


def kernels_by_part(
    kernels: Sequence[Kernel], graph: onnx.ModelProto, depth: int = 1
) -> Mapping[str, int]:
    """How many kernels each part of the network became, most first.

    ``graph`` is the symbolic one, whose nodes still know their module. A kernel counts for the
    part that most of its nodes come from. 'step' is what lies outside the three networks (warps,
    scene cut), 'layout' what TensorRT put between (copies, padding) or what converts pictures;
    a greater ``depth`` tells submodules apart.
    """
    parts = {node.name: _part(node, depth) for node in graph.graph.node}
    counts: Counter[str] = Counter()
    for kernel in kernels:
        found = Counter(parts[node] for node in kernel.nodes if node in parts)
        counts[found.most_common(1)[0][0] if found else "layout"] += 1
    return dict(counts.most_common())


def _part(node: onnx.NodeProto, depth: int) -> str:
    """'flow' or 'flow.refinements' of ['', 'model.flow', 'model.flow.refinements.0', 'conv2d']."""
    scopes = next((p.value for p in node.metadata_props if p.key == SCOPES), "")
    modules = re.findall(r"'model\.([\w.]+)'", scopes)
    return ".".join(modules[-1].split(".")[:depth]) if modules else "step"


def _number(pattern: re.Pattern[str], text: str) -> int:
    found = pattern.findall(text)
    if not found:
        raise TemporalCleanError(
            f"the builder's log has no line like '{pattern.pattern}': its words differ from those "
            f"of {KNOWN}, which is read here; install that version"
        )
    return int(found[-1])
