"""Where an output goes, under which name it grows, and how it comes to its final name."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.encoders import CONTAINERS
from temporal_clean.video.image_formats import PICTURE_FORMATS
from temporal_clean.video.images import is_image, listing, numbered

__all__ = ["Kind", "Place", "find_place"]


class Kind(Enum):
    """What is to stand at the output's path."""

    VIDEO = auto()
    FOLDER = auto()
    NUMBERED = auto()
    PICTURE = auto()


@dataclass(frozen=True)
class Place:
    """An output that grows under ``partial`` (a file for video, else a folder) until it is whole.

    Use :func:`find_place`, which checks that it may be written.
    """

    final: Path
    kind: Kind

    @property
    def partial(self) -> Path:
        """The temporary name, hidden, in the same folder so that renaming is atomic."""
        suffix = self.final.suffix if self.kind is Kind.VIDEO else ""
        return self.final.with_name(f".{self.final.name}.partial{suffix}")

    def prepare(self) -> None:
        """Clear away what an earlier, killed run left under the temporary name."""
        self.discard()
        if self.kind is not Kind.VIDEO:
            self.partial.mkdir()

    def discard(self) -> None:
        """Remove the unfinished output."""
        if self.partial.is_dir():
            shutil.rmtree(self.partial)
        else:
            self.partial.unlink(missing_ok=True)

    def commit(self) -> None:
        """Give the finished output its final name, replacing what was there."""
        if self.kind is Kind.VIDEO:
            os.replace(self.partial, self.final)
        elif self.kind is Kind.FOLDER:
            self._swap_folders()
        else:
            self._move_pictures()

    def _swap_folders(self) -> None:
        old = self.partial.with_suffix(".old")
        shutil.rmtree(old, ignore_errors=True)
        if self.final.exists():
            os.replace(self.final, old)
        os.replace(self.partial, self.final)
        shutil.rmtree(old, ignore_errors=True)

    def _move_pictures(self) -> None:
        """Move picture by picture; leftovers of a longer row of the same names go."""
        fresh = sorted(self.partial.iterdir())
        for stale in set(self.occupants()) - {self.final.parent / file.name for file in fresh}:
            stale.unlink()
        for file in fresh:
            os.replace(file, self.final.parent / file.name)
        self.partial.rmdir()

    def occupants(self) -> list[Path]:
        """The files this output would replace."""
        if self.kind is Kind.FOLDER:
            return sorted(listing(self.final))
        if pattern := (numbered(self.final.name) if self.kind is Kind.NUMBERED else None):
            return sorted(f for f in listing(self.final.parent) if pattern.fullmatch(f.name))
        return [self.final] if self.final.exists() else []


def find_place(path: str | Path, sources: Iterable[Path], overwrite: bool) -> Place:
    """The place that ``path`` means.

    A folder is meant by a trailing slash, an existing folder or a name without suffix. Raises
    :class:`TemporalCleanError` if it cannot be written, holds something, or is the input.
    """
    place = Place(Path(path), kind_of(path))
    folder = place.final.parent
    if not folder.is_dir():
        raise TemporalCleanError(f"the folder {folder} does not exist: create it first")
    taken = {source.resolve() for source in sources}
    occupants = place.occupants()
    if place.final.resolve() in taken or any(file.resolve() in taken for file in occupants):
        raise TemporalCleanError(f"{path} is the input: choose another output")
    if occupants and not overwrite:
        raise TemporalCleanError(
            f"{path} exists{' and is not empty' if place.kind is Kind.FOLDER else ''}: "
            "choose another output, or overwrite it with --overwrite"
        )
    if place.kind is Kind.FOLDER and not all(is_image(file) for file in occupants):
        raise TemporalCleanError(
            f"{path} holds more than pictures and is not replaced: choose a new folder"
        )
    return place


def kind_of(path: str | Path) -> Kind:
    """What a path's form asks for.

    Raises :class:`TemporalCleanError` for a suffix that is neither a video's nor a picture's.
    """
    final, text = Path(path), str(path)
    suffix = final.suffix.lower()
    if numbered(final.name) and suffix in PICTURE_FORMATS:
        return Kind.NUMBERED
    if text.endswith(("/", os.sep)) or final.is_dir() or not suffix:
        return Kind.FOLDER
    if suffix in PICTURE_FORMATS:
        return Kind.PICTURE
    if suffix in CONTAINERS:
        return Kind.VIDEO
    raise TemporalCleanError(
        f"{path} ends in {suffix}, which cannot be written: expected a video "
        f"({' '.join(CONTAINERS)}), a picture ({' '.join(PICTURE_FORMATS)}) or a "
        "folder"
    )
