"""SuperTuxKart's tracks and karts as installed, and who made what a track shows.

The package carries no licence file per track. Debian's copyright file
(https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/) names author and licence of
the files by pattern, the last pattern that fits counting; files without an entry of their own come
under the game's own: SuperTuxKart-Team, GPL-3+.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import translate
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from temporal_clean.errors import TemporalCleanError

__all__ = ["Track", "find_track", "kart_names", "licence_of", "track_names"]

# Where Debian's supertuxkart-data puts them.
ROOT = Path("/usr/share/games/supertuxkart")
COPYRIGHT = Path("/usr/share/doc/supertuxkart-data/copyright")
# track.xml marks with "Y" what is not raced on.
NO_RACE = ("arena", "soccer", "cutscene", "internal")
# What a picture shows; models (.spm) name their textures in plain text.
SHOWN = {".spm", ".b3d", ".png", ".jpg", ".jpeg"}
NAMING = {".spm", ".b3d", ".xml"}
# Seen on every track, whatever it names: karts, items, effects.
COMMON = ("data/karts", "data/models", "data/gfx")
# Debian's short names of licences where they are not SPDX's; "GPL" alone leaves the version open.
SPDX = {
    "GPL": "GPL-1.0-or-later",
    "GPL-2": "GPL-2.0-only",
    "GPL-2+": "GPL-2.0-or-later",
    "GPL-3": "GPL-3.0-only",
    "GPL-3+": "GPL-3.0-or-later",
    "CC0": "CC0-1.0",
    "CC-BY-SA": "LicenseRef-CC-BY-SA",
    "public-domain": "LicenseRef-public-domain",
    "zlib": "Zlib",
}


@dataclass(frozen=True)
class Track:
    """A track: its folder's name, its title and its designers."""

    name: str
    title: str
    designer: str


@dataclass(frozen=True)
class Entry:
    """Of the copyright file: which files, their licence as SPDX has it, and who holds it."""

    files: re.Pattern[str]
    licence: str
    holders: tuple[str, ...]


@cache
def track_names(root: Path = ROOT) -> tuple[str, ...]:
    """All tracks that karts race on, sorted; none if the game's data is missing."""
    found = sorted((root / "data" / "tracks").glob("*/track.xml"))
    return tuple(path.parent.name for path in found if _is_raced(path))


def find_track(name: str, root: Path = ROOT) -> Track:
    """The track ``name``. Raises :class:`TemporalCleanError` if nobody races there."""
    if name not in track_names(root):
        raise TemporalCleanError(
            f"expected one of SuperTuxKart's race tracks, got {name!r}; "
            f"there are {', '.join(track_names(root))}"
        )
    about = ElementTree.parse(root / "data" / "tracks" / name / "track.xml").getroot()
    return Track(name, about.get("name", name), about.get("designer", "SuperTuxKart-Team"))


@cache
def kart_names(root: Path = ROOT) -> tuple[str, ...]:
    """All karts, sorted."""
    return tuple(sorted(path.parent.name for path in (root / "data" / "karts").glob("*/kart.xml")))


@cache
def licence_of(track: str, root: Path = ROOT, copyright_file: Path = COPYRIGHT) -> tuple[str, str]:
    """SPDX expression of all that a recording of ``track`` can show, and its authors.

    Counted are the track's pictures and models, the shared textures and objects that it names,
    and all karts, items and effects. Raises :class:`TemporalCleanError` without the track or the
    copyright file.
    """
    about = find_track(track, root)
    if not copyright_file.exists():
        raise TemporalCleanError(
            f"expected Debian's list of authors, but {copyright_file} is missing: "
            "apt-get install --reinstall supertuxkart-data"
        )
    entries = _entries(copyright_file)
    own = _credits(entries, _shown(root, f"data/tracks/{track}"), root)
    shared = _credits(entries, _shared(root, track), root)
    terms = {term for licence in (*own, *shared) for term in licence.split(" AND ")}
    return " AND ".join(sorted(terms)), (
        f"Frames from SuperTuxKart (https://supertuxkart.net/). Track '{about.title}' ({track}) by "
        f"{about.designer}: {_told(own)}. Karts, items and shared textures: {_told(shared)}. "
        "Per file: debian/copyright of supertuxkart-data."
    )


def _is_raced(path: Path) -> bool:
    about = ElementTree.parse(path).getroot()
    return not any(about.get(mark, "N").upper() == "Y" for mark in NO_RACE)


def _shown(root: Path, folder: str) -> Iterator[Path]:
    return (path for path in sorted((root / folder).rglob("*")) if path.suffix.lower() in SHOWN)


def _shared(root: Path, track: str) -> Iterator[Path]:
    """Karts, items and effects, and those of the shared textures and objects that are named."""
    folders = ("data/tracks/" + track, *COMMON)
    files = [path for folder in folders for path in (root / folder).rglob("*")]
    text = b"\n".join(path.read_bytes() for path in files if path.suffix in NAMING)
    for folder in COMMON:
        yield from _shown(root, folder)
    for texture in _shown(root, "data/textures"):
        if texture.name.encode() in text:
            yield texture
    for thing in sorted((root / "data" / "library").glob("*")):
        if thing.name.encode() in text:
            yield from _shown(root, f"data/library/{thing.name}")


def _credits(entries: tuple[Entry, ...], files: Iterator[Path], root: Path) -> dict[str, list[str]]:
    """Holders by licence, of these files."""
    holders: dict[str, set[str]] = {}
    for file in files:
        name = str(file.relative_to(root))
        entry = next(entry for entry in reversed(entries) if entry.files.match(name))
        holders.setdefault(entry.licence, set()).update(entry.holders)
    return {licence: sorted(holders[licence]) for licence in sorted(holders)}


def _told(credits: dict[str, list[str]]) -> str:
    return "; ".join(f"{licence}: {', '.join(names)}" for licence, names in credits.items())


@cache
def _entries(copyright_file: Path) -> tuple[Entry, ...]:
    """The copyright file's paragraphs that name files, in their order."""
    text = copyright_file.read_text(encoding="utf-8")
    fields = (
        dict(re.findall(r"^(\S+?):[ \t]*(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
        for paragraph in re.split(r"\n\s*\n", text)
    )
    return tuple(
        Entry(
            re.compile("|".join(map(translate, field["Files"].split()))),
            _spdx(field["License"].split("\n")[0].strip()),
            _holders(field["Copyright"]),
        )
        for field in fields
        if "Files" in field
    )


def _spdx(licence: str) -> str:
    words = [SPDX.get(word, word) for word in licence.split()]
    known = [word.upper() if word in ("and", "or") else word for word in words]
    return f"({' '.join(known)})" if "OR" in known else " ".join(known)


def _holders(text: str) -> tuple[str, ...]:
    """Names without their years, addresses and repeated heads."""
    lines = (re.sub(r"<[^>]*>|\([Cc]\)|^\s*Copyright", "", line) for line in text.splitlines())
    names = (re.sub(r"^[\s\d?,-]+", "", line).strip() for line in lines)
    return tuple(name for name in names if name)
