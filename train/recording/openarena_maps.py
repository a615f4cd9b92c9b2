"""OpenArena's maps as its archives describe them: which there are, and what is played on them."""

import re
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["ARCHIVES", "FREE_FOR_ALL", "Map", "find_map", "map_names"]

# Where Debian's openarena-data packages put them.
ARCHIVES = Path("/usr/share/games/openarena/baseoa")
# Values of the game's g_gametype.
FREE_FOR_ALL, CAPTURE_THE_FLAG = 0, 4
# Of Quake 3's map format: the first of its lumps is the text of the entities; offset and length.
ENTITIES_OFFSET = 8


@dataclass(frozen=True)
class Map:
    """A map: its file's name, its title for people and the value of g_gametype that suits it."""

    name: str
    title: str
    game_type: int


@cache
def map_names(folder: Path = ARCHIVES) -> tuple[str, ...]:
    """All maps that bots can walk on, sorted: those with an area file (.aas) beside the map."""
    names: dict[str, set[str]] = {"bsp": set(), "aas": set()}
    for archive in _archives(folder):
        for entry in archive.namelist():
            if match := re.fullmatch(r"maps/([^/]+)\.(bsp|aas)", entry):
                names[match[2]].add(match[1])
    return tuple(sorted(names["bsp"] & names["aas"]))


@cache
def find_map(name: str, folder: Path = ARCHIVES) -> Map:
    """The map ``name``; later archives replace what is in earlier ones, as in the game.

    Raises :class:`TemporalCleanError` if there is none that bots can play on.
    """
    if name not in map_names(folder):
        known = ", ".join(map_names(folder))
        raise TemporalCleanError(f"expected a map of OpenArena, got {name!r}; there are {known}")
    entities, arena = "", {}
    for archive in _archives(folder):
        for entry in archive.namelist():
            if entry == f"maps/{name}.bsp":
                entities = _entities(archive.read(entry))
            elif re.fullmatch(r"scripts/(arenas\.txt|[^/]+\.arena)", entry):
                arenas = _arenas(archive.read(entry).decode("latin-1"))
                arena = next((a for a in arenas if a["map"] == name), arena)
    message = re.search(r'"message"\s+"([^"]*)"', entities)
    title = arena.get("longname") or (message[1] if message else name)
    # Some maps for free-for-all hold flags too; no arena file lists some with flags.
    capture = "team_CTF_redflag" in entities and "ffa" not in arena.get("type", "").split()
    return Map(name, title, CAPTURE_THE_FLAG if capture else FREE_FOR_ALL)


def _archives(folder: Path) -> Iterator[zipfile.ZipFile]:
    for path in sorted(folder.glob("*.pk3")):
        with zipfile.ZipFile(path) as archive:
            yield archive


def _entities(data: bytes) -> str:
    offset, length = struct.unpack_from("<ii", data, ENTITIES_OFFSET)
    return data[offset : offset + length].decode("latin-1")


def _arenas(text: str) -> Iterator[dict[str, str]]:
    """The blocks of an arena file as dictionaries; each has a "map"."""
    for block in re.findall(r"\{(.*?)\}", text, re.DOTALL):
        arena = dict(re.findall(r'^\s*"?(\w+)"?\s+"([^"]*)"', block, re.MULTILINE))
        if "map" in arena:
            yield arena
