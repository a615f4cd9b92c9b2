"""Clips on disk: the same frames in several renderings, with a record of how they were made.

A clip is a folder with ``clip.json`` and a lossless video (or a folder of pictures) for each
rendering: ``reference`` is what a cleaner should give, every other name is an input. A clip may
hold a supersampled ``master`` instead, from which all of them are derived, and a ``mask`` of the
HUD and other overlays (coverage in grey, one picture or one a frame) with their colour in ``hud``
(premultiplied by coverage), and the exact ``motion`` between its frames where it was computed
(:func:`temporal_clean.evaluation.write_motion`), or ``teacher``, what was seen of it in clean
frames (:mod:`temporal_clean.train.loading.teacher`).
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.video import Pixels, Reader, open_input

__all__ = ["FORMAT", "Clip", "ClipRecord", "Master", "Rendering", "find_clips", "write_record"]

FORMAT = "temporal-clean clip 1"
RECORD = "clip.json"


@dataclass(frozen=True)
class Master:
    """The supersampled render: ``factor`` times the clip's size, each way.

    ``mip_bias`` was added to the textures' level of detail: at ``log2(factor)`` they are as smooth
    as in a native render. ``loss`` is what compression cost: PSNR in dB against the frames as
    rendered, of the master, of a native sampling and of the reference derived from it.
    """

    file: str
    width: int
    height: int
    factor: int
    mip_bias: float = 0.0
    loss: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Rendering:
    """A video (or folder of pictures) of the clip, and the steps that made it from the master."""

    file: str
    seed: int | None = None
    steps: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class ClipRecord:
    """What ``clip.json`` says. Sizes in pixels, ``frame_rate`` in frames a second.

    ``split`` is ``train`` or ``validation``: clips of the latter never enter training.
    """

    name: str
    width: int
    height: int
    frames: int
    frame_rate: Fraction = Fraction(60)
    game: str = ""
    place: str = ""
    split: str = "train"
    licence: str = ""
    attribution: str = ""
    master: Master | None = None
    renderings: Mapping[str, Rendering] = field(default_factory=dict)
    mask: str | None = None
    hud: str | None = None
    motion: str | None = None
    teacher: str | None = None
    how_made: tuple[Mapping[str, Any], ...] = ()
    alignment: Mapping[str, Any] | None = None
    check: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """For ``json.dumps``; fields that say nothing are left out."""
        values = asdict(replace(self, renderings=dict(self.renderings)))
        values["frame_rate"] = f"{self.frame_rate.numerator}/{self.frame_rate.denominator}"
        known = {name: value for name, value in values.items() if value not in (None, "", (), {})}
        return {"format": FORMAT, **known}

    @classmethod
    def from_json(cls, values: Any, origin: str = RECORD) -> "ClipRecord":
        """The record in ``values``; ``origin`` names the file in errors.

        Raises :class:`TemporalCleanError` where it is not one.
        """
        if not isinstance(values, dict) or values.get("format") != FORMAT:
            found = values.get("format") if isinstance(values, dict) else type(values).__name__
            raise TemporalCleanError(
                f"{origin}: expected format {FORMAT!r}, got {found!r}: make the clip again with "
                "temporal-clean pairs"
            )
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        try:
            if master := known.get("master"):
                known["master"] = Master(**master)
            renderings = known.get("renderings", {}).items()
            known["renderings"] = {name: _rendering(value) for name, value in renderings}
            known["how_made"] = tuple(known.get("how_made", ()))
            known["frame_rate"] = Fraction(known.get("frame_rate", 60))
            record = cls(**known)
        except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
            raise TemporalCleanError(f"{origin} is not a clip's record ({error})") from error
        record._check(origin)
        return record

    def _check(self, origin: str) -> None:
        for name in ("width", "height", "frames"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise TemporalCleanError(f"{origin}: expected {name} of 1 or more, got {value!r}")
        if self.split not in ("train", "validation"):
            raise TemporalCleanError(
                f"{origin}: expected split train or validation, got {self.split!r}"
            )
        if self.master is None:
            return
        size, factor = (self.master.width, self.master.height), self.master.factor
        if size != (self.width * factor, self.height * factor):
            raise TemporalCleanError(
                f"{origin}: a master of factor {factor} for {self.width}x{self.height} has "
                f"{self.width * factor}x{self.height * factor}, got {size[0]}x{size[1]}"
            )


def _rendering(values: Mapping[str, Any]) -> Rendering:
    return Rendering(**{**values, "steps": tuple(values.get("steps", ()))})


@dataclass(frozen=True)
class Clip:
    """A clip's folder and its record."""

    folder: Path
    record: ClipRecord

    @classmethod
    def open(cls, folder: str | Path) -> "Clip":
        """The clip in ``folder``.

        Raises :class:`TemporalCleanError` if there is none, or if a file that it names is missing.
        """
        place = Path(folder)
        try:
            values = json.loads((place / RECORD).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise TemporalCleanError(
                f"{place} is not a clip: expected a folder with {RECORD}; "
                "temporal-clean pairs makes them"
            ) from None
        except (OSError, ValueError) as error:
            raise TemporalCleanError(f"{place / RECORD} cannot be read: {error}") from error
        clip = cls(place, ClipRecord.from_json(values, str(place / RECORD)))
        for name, file in clip.files().items():
            if not (place / file).exists():
                raise TemporalCleanError(f"{place} lacks {file}, its {name}: copy it again")
        return clip

    def files(self) -> dict[str, str]:
        """File names by rendering, and ``master``, ``mask``, ``hud``, ``motion``, ``teacher``."""
        record = self.record
        named = {name: rendering.file for name, rendering in record.renderings.items()}
        extra = {"master": record.master and record.master.file}
        extra |= {"mask": record.mask, "hud": record.hud}
        extra |= {"motion": record.motion, "teacher": record.teacher}
        return named | {name: file for name, file in extra.items() if file}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the renderings that are to be cleaned."""
        return tuple(name for name in self.record.renderings if name != "reference")

    def path(self, name: str) -> Path:
        """Where the rendering ``name`` lies, or another of the record's files.

        Raises :class:`TemporalCleanError` if the clip lacks it.
        """
        files = self.files()
        if name not in files:
            raise TemporalCleanError(
                f"{self.folder} has no {name!r}: expected one of {', '.join(sorted(files))}"
            )
        return self.folder / files[name]

    def read(self, name: str) -> Reader:
        """Open a rendering for reading; use it in a ``with`` block."""
        return open_input(self.path(name), image_rate=self.record.frame_rate)

    def frames(self, name: str) -> Iterator[Pixels]:
        """The frames of a rendering, (height, width, 3) RGB, in order.

        Raises :class:`TemporalCleanError` if there are not as many as the record says.
        """
        count = 0
        with self.read(name) as reader:
            for frame in reader:
                yield frame.pixels
                count += 1
        if count != self.record.frames:
            raise TemporalCleanError(
                f"{self.path(name)} has {count} frames, its record says {self.record.frames}: "
                "it is cut or was changed; make it again"
            )


def find_clips(folder: str | Path) -> list[Clip]:
    """The clip in ``folder``, or all clips below it, by name; unfinished ones are left out.

    Links to clips are followed where they lie directly in ``folder``, not farther down.

    Raises :class:`TemporalCleanError` if there is none.
    """
    place = Path(folder)
    if (place / RECORD).is_file():
        return [Clip.open(place)]
    records = {*place.rglob(RECORD), *place.glob(f"*/{RECORD}")}
    found = [Clip.open(file.parent) for file in sorted(records) if not _hidden(file)]
    if not found:
        raise TemporalCleanError(
            f"{place} holds no clips: expected folders with {RECORD}; temporal-clean pairs record "
            "makes them"
        )
    return found


def _hidden(file: Path) -> bool:
    """Folders that begin with a dot are clips in the making."""
    return any(part.startswith(".") for part in file.parts[-3:-1])


def write_record(folder: Path, record: ClipRecord) -> None:
    """Write ``clip.json``, whole or not at all.

    Raises :class:`TemporalCleanError` if it cannot be written.
    """
    write_whole(folder / RECORD, f"{json.dumps(record.as_json(), indent=1)}\n".encode())
