"""Which engine runs: the one asked for, or the best that agrees with the reference."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.realtime.cache import cache_folder
from temporal_clean.realtime.engines.base import Engine
from temporal_clean.realtime.engines.kinds import (
    KINDS,
    REFERENCE_RANK,
    Variant,
    find_variants,
    why_none,
)
from temporal_clean.realtime.engines.self_test import Verdict, compare_to_reference
from temporal_clean.realtime.graph import GraphRequest

__all__ = [
    "ENGINES",
    "OpenedEngine",
    "available",
    "candidates",
    "open_engine",
    "open_variant",
    "self_test",
    "variants_of",
]

# The processor's ONNX Runtime, which the others are compared with.
REFERENCE = Variant("onnxruntime", "fp32", "CPU", REFERENCE_RANK)

# Half-precision coordinates are wrong by 0.2 px at 1920 columns, by 0.01 at 128 (engines.md).
QUICK_TEST, WIDE_TEST = GraphRequest(96, 128, "rgb16"), GraphRequest(64, 1920, "rgb16")

ENGINES: dict[str, str] = {name: kind.install for name, kind in KINDS.items()}


@dataclass(frozen=True)
class OpenedEngine:
    """An engine ready to step, and in a sentence why it was chosen."""

    engine: Engine
    reason: str


def available() -> dict[str, bool]:
    """Which engines are installed."""
    return {name: kind.present for name, kind in KINDS.items()}


def open_engine(model: str | Path, request: GraphRequest, engine: str = "auto") -> OpenedEngine:
    """Open ``model`` ('fast', 'quality' or a path) on ``engine`` for one frame size and format.

    'auto' takes the fastest that agrees with ONNX Runtime over three recurrent frames. A named
    engine ('openvino') or one on a named device ('openvino:gpu') is opened as asked, or refused;
    nothing falls back silently.
    """
    if engine != "auto":
        variant, reason = _asked_for(engine, model)
        return OpenedEngine(open_variant(variant, model, request), reason)
    if Path(str(model)).suffix == ".safetensors":
        variant = variants_of("torch")[0]
        return OpenedEngine(open_variant(variant, model, request), "a checkpoint runs on torch")
    demoted = []
    for variant in _ranked():
        if variant == REFERENCE:
            break
        verdict = self_test(variant, model)
        if verdict.passed:
            try:
                opened = open_variant(variant, model, request)
            except Exception as error:  # at this size it may fail for want of memory
                verdict = _failure(error)
            else:
                reason = "; ".join([*demoted, f"{_words(variant)}: {verdict.text}"])
                return OpenedEngine(opened, reason)
        demoted.append(f"{_words(variant)} demoted: {verdict.text}")
    return OpenedEngine(
        open_variant(REFERENCE, model, request), "; ".join([*demoted, "the reference itself"])
    )


def variants_of(engine: str) -> list[Variant]:
    """The ways to run what --engine names, fastest first; none where it is not installed."""
    name = engine.partition(":")[0]
    found = find_variants(name) if available().get(name) else []
    if engine == name:
        return found
    return [v for v in found if v.id == engine or v.id.startswith(f"{engine}-")]


def candidates(engine: str) -> list[str]:
    """The precisions that an engine offers here, fastest first."""
    return [variant.precision for variant in variants_of(engine) if variant.id == engine]


def self_test(variant: Variant, model: str | Path, again: bool = False) -> Verdict:
    """Three recurrent frames against ONNX Runtime; remembered per graph, version and device.

    ``again`` forgets what is remembered, as after a new driver.
    """
    request = WIDE_TEST if variant.half_grids else QUICK_TEST
    path = _verdict_path(variant, request.key(assets.graph_path(model).read_bytes()))
    if path.is_file() and not again:
        return Verdict(**json.loads(path.read_text()))
    try:
        candidate = open_variant(variant, model, request)
        verdict = compare_to_reference(candidate, open_variant(REFERENCE, model, request), request)
    except Exception as error:  # an engine may fail in any way of its own: that is a verdict
        verdict = _failure(error)
    path.parent.mkdir(exist_ok=True)
    write_whole(path, json.dumps(verdict.__dict__).encode())
    return verdict


def _asked_for(engine: str, model: str | Path) -> tuple[Variant, str]:
    """The variant of a name or id and why, or an error that says what there is.

    Of a device's precisions the first that passes the self-test.
    """
    name = engine.partition(":")[0]
    if name not in ENGINES:
        raise TemporalCleanError(f"no engine '{engine}': expected auto, {', '.join(ENGINES)}")
    if not available()[name]:
        raise TemporalCleanError(
            f"engine '{name}' is not installed: {ENGINES[name]}, or choose --engine auto"
        )
    found = variants_of(engine)
    if not found:
        if reason := why_none(name):
            raise TemporalCleanError(f"engine '{engine}' cannot run here: {reason}")
        ids = ", ".join(dict.fromkeys(v.id for v in find_variants(name))) or "nothing"
        raise TemporalCleanError(
            f"engine '{engine}' finds no device here: '{name}' offers {ids}; 'temporal-clean "
            "doctor' lists every engine and device"
        )
    if engine == name:
        return found[0], "asked for"
    failed = []
    for variant in found:
        verdict = self_test(variant, model)
        if verdict.passed:
            return variant, f"asked for; {_words(variant)} {verdict.text}"
        failed.append(f"{_words(variant)} {verdict.text}")
    raise TemporalCleanError(
        f"engine '{engine}' is refused: {'; '.join(failed)}; choose --engine auto"
    )


def _ranked() -> list[Variant]:
    """All that 'auto' may take, the most promising first."""
    names = [n for n, present in available().items() if present and KINDS[n].automatic]
    found = [variant for name in names for variant in find_variants(name)]
    ranked = [(v.rank, place, v) for place, v in enumerate(found) if v.rank is not None]
    return [variant for _, _, variant in sorted(ranked, key=lambda r: r[:2])]


def open_variant(variant: Variant, model: str | Path, request: GraphRequest) -> Engine:
    """Open one of the ways that ``variants_of`` lists, or raise what the engine raises."""
    return KINDS[variant.id.partition(":")[0]].build(variant, model, request)


def _verdict_path(variant: Variant, graph_key: str) -> Path:
    """One file for each engine's version, device, precision and graph."""
    kind = KINDS[variant.id.partition(":")[0]]
    device = hashlib.sha256(variant.device.encode()).hexdigest()[:8]
    name = f"{variant.id.replace(':', '-')}-{kind.version}-{device}-{variant.precision}-{graph_key}"
    return cache_folder() / "self-test" / f"{name}.json"


def _failure(error: Exception) -> Verdict:
    return Verdict(False, f"failed to run: {error}".splitlines()[0])


def _words(variant: Variant) -> str:
    return f"{variant.id} {variant.precision}"
