"""From an ONNX graph of one size to a serialized engine, with everything the builder said.

tensorrt_rtx does this without a GPU; tensorrt needs the GPU that the engine is for (not run here).
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.tensorrt.flavours import Flavour, load_flavour
from temporal_clean.realtime.tensorrt.interface import (
    Builder,
    Config,
    HostMemory,
    Module,
    Network,
    Parser,
    ParserError,
)

__all__ = ["Built", "Message", "TensorInfo", "build_engine", "collecting_logger", "errors_among"]

# What tensorrt_rtx says about the missing GPU while it builds well.
HARMLESS = "cudaError 35"
# Where in NVIDIA's sources a message comes from: of no use to the reader.
ORIGIN = re.compile(r"^\S+ Error Code \d+: |\(?In \S+ at \S+:\d+\)? ?")


@dataclass(frozen=True)
class Message:
    """One line of the builder's log; ``severity`` is ERROR, WARNING, INFO, VERBOSE, ..."""

    severity: str
    text: str


@dataclass(frozen=True)
class TensorInfo:
    """An input or output: ``dtype`` as TensorRT names it, in lower case."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Built:
    """``plan`` is the serialized engine; ``messages`` the whole log, ``seconds`` of building."""

    plan: bytes
    messages: tuple[Message, ...]
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    seconds: float


def build_engine(graph: bytes, flavour: Flavour, targets: Sequence[str] = ()) -> Built:
    """Build an ONNX graph whose sizes are all fixed.

    ``targets`` are compute capabilities ('sm89') that the engine shall run on, for a flavour that
    builds ahead. Raises TemporalCleanError with TensorRT's reason if it refuses the graph, and
    with what it logged as an error even if it gives an engine.
    """
    module = load_flavour(flavour)
    logger, messages = collecting_logger(module)
    builder: Builder = module.Builder(logger)
    network: Network = builder.create_network(0)
    _parse(module.OnnxParser(network, logger), graph, flavour)
    config = builder.create_builder_config()
    # Names every kernel in the log; costs nothing but the log.
    config.profiling_verbosity = module.ProfilingVerbosity.DETAILED
    if flavour.ahead:
        _set_targets(config, module, flavour, targets)
    started = time.perf_counter()
    plan: HostMemory | None = builder.build_serialized_network(network, config)
    seconds = time.perf_counter() - started
    errors = errors_among(messages)
    if plan is None or errors:
        reason = "; ".join(errors) or "it gave no reason"
        raise TemporalCleanError(f"{flavour.engine} cannot build this graph: {reason}")
    inputs = (network.get_input(i) for i in range(network.num_inputs))
    outputs = (network.get_output(i) for i in range(network.num_outputs))
    return Built(
        bytes(plan),
        tuple(messages),
        tuple(_info(tensor) for tensor in inputs),
        tuple(_info(tensor) for tensor in outputs),
        seconds,
    )


def collecting_logger(module: Module) -> tuple[Any, list[Message]]:
    """A logger for TensorRT, and the list that it fills."""
    messages: list[Message] = []

    class Collector(module.ILogger):
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            messages.append(Message(severity.name, text))

    return Collector(), messages


def errors_among(messages: Sequence[Message], with_missing_gpu: bool = False) -> list[str]:
    """What was logged as an error, each once, without source positions.

    That there is no GPU is left out unless asked for: it does not keep tensorrt_rtx from building.
    """
    found = [message.text for message in messages if message.severity.endswith("ERROR")]
    told = [text for text in found if with_missing_gpu or HARMLESS not in text]
    return list(dict.fromkeys(_plain(text) for text in told))


def _parse(parser: Parser, graph: bytes, flavour: Flavour) -> None:
    if parser.parse(graph):
        return
    refused = [_refusal(parser.get_error(index)) for index in range(parser.num_errors)]
    raise TemporalCleanError(f"{flavour.engine} does not take this graph: {'; '.join(refused)}")


def _refusal(error: ParserError) -> str:
    lines = [line for line in error.desc().splitlines() if HARMLESS not in line]
    # The first line repeats the node where a second one tells why.
    reason = _plain(lines[-1]) if lines else ""
    known = "no reason given" if reason in ("", "false") else reason
    return f"operator {error.node_operator()} (node '{error.node_name()}'): {known}"


def _plain(text: str) -> str:
    plain = ORIGIN.sub("", text).strip()
    return plain[:-1] if plain.count(")") > plain.count("(") else plain


def _set_targets(config: Config, module: Module, flavour: Flavour, targets: Sequence[str]) -> None:
    known = {n: v for n, v in module.ComputeCapability.__members__.items() if n.startswith("SM")}
    unknown = [target for target in targets if target.upper() not in known]
    if unknown or not targets:
        raise TemporalCleanError(
            f"{flavour.engine} builds for {', '.join(known).lower()}, got "
            f"{', '.join(unknown) or 'no target'}; sm86 is RTX 30, sm89 RTX 40, sm120 RTX 50"
        )
    config.num_compute_capabilities = len(targets)
    for index, target in enumerate(targets):
        config.set_compute_capability(known[target.upper()], index)


def _info(tensor: Any) -> TensorInfo:
    return TensorInfo(tensor.name, tensor.dtype.name.lower(), tuple(tensor.shape))
