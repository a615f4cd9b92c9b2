"""What is to be judged by what: videos, and the clips that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from temporal_clean.clip import RECORD, Clip
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.motion import Motion, read_motion

__all__ = ["Subject", "subjects"]

# Flow on a master larger than this costs more than it tells.
LARGEST_MASTER = 4096 * 2304


@dataclass(frozen=True)
class Subject:
    """One output with what it is judged by; ``clip`` is the reference's clip, if it is of one."""

    name: str
    output: Path
    reference: Path | None = None
    input: Path | None = None
    clip: Clip | None = None

    def exact_motion(self) -> Motion | None:
        """The clip's exact motion, where it has one."""
        file = self.clip and self.clip.record.motion
        return read_motion(self.clip.folder / file) if self.clip and file else None

    @property
    def master_factor(self) -> int | None:
        """How many times larger a master the flow can be found on."""
        master = self.clip and self.clip.record.master
        if not master or master.width * master.height > LARGEST_MASTER:
            return None
        return master.factor


def subjects(
    outputs: Sequence[Path], references: Sequence[Path] = (), inputs: Sequence[str | Path] = ()
) -> list[Subject]:
    """Pair the outputs with references and inputs, in the order in which they were named.

    A reference may be a clip's folder; then an input may be the name of one of its renderings.
    One reference or one input serves all outputs. Raises :class:`TemporalCleanError` where the
    numbers do not fit or a clip has no such rendering.
    """
    if not outputs:
        raise TemporalCleanError("nothing to evaluate: name at least one video")
    references = _for_each(outputs, references, "reference")
    given = _for_each(outputs, inputs, "input")
    names = _names(outputs)
    return [
        _subject(name, Path(output), reference, source)
        for name, output, reference, source in zip(names, outputs, references, given, strict=True)
    ]


def _for_each(outputs: Sequence[Path], others: Sequence, what: str) -> list:
    if len(others) <= 1:
        return [*others, *[others[0] if others else None] * (len(outputs) - len(others))]
    if len(others) != len(outputs):
        raise TemporalCleanError(
            f"{len(outputs)} outputs came with {len(others)} {what}s: name one {what} for each "
            "output, in the same order, or one for all"
        )
    return list(others)


def _subject(name: str, output: Path, reference: Path | None, source: str | Path | None) -> Subject:
    clip = None
    if reference is not None and (Path(reference) / RECORD).is_file():
        clip = Clip.open(reference)
        if "reference" not in clip.record.renderings:
            raise TemporalCleanError(
                f"{clip.folder} holds a master and no reference yet: temporal-clean pairs degrade "
                f"{clip.folder} makes it"
            )
        reference = clip.path("reference")
        if source is not None and str(source) in clip.inputs:
            source = clip.path(str(source))
    source = None if source is None else Path(source)
    for path in (output, reference, source):
        if path is not None and "%" not in path.name and not path.exists():
            raise TemporalCleanError(f"{path} does not exist: name a video or a picture folder")
    return Subject(name, output, reference, source, clip)


def _names(outputs: Sequence[Path]) -> list[str]:
    """File names without their ending; with as many folders before them as tell them apart."""
    parts = [Path(output).with_suffix("").resolve().parts for output in outputs]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(part[-depth:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [f"{'/'.join(part[-1:])} ({number})" for number, part in enumerate(parts, 1)]
