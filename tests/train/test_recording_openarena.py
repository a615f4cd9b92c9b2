"""OpenArena: maps are read from archives; matches and replays are the same each time."""

import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording import openarena
from temporal_clean.train.recording.game import Take
from temporal_clean.train.recording.openarena import OpenArena
from temporal_clean.train.recording.openarena_maps import Map, find_map, map_names

ARENAS = """
{
map      "yard"
longname "The Yard"   // a comment
type     "single ffa tourney"
}
{
map      "gate"
type     "ctf oneflag"
}
"""


def level(entities: str) -> bytes:
    """A Quake 3 map with nothing but entities."""
    return b"IBSP" + struct.pack("<iii", 46, 16, len(entities)) + entities.encode()


@pytest.fixture
def archives(tmp_path: Path) -> Path:
    flag = '{\n"classname" "team_CTF_redflag"\n}'
    early = {"old": '{\n"message" "Replaced"\n}', "yard": flag, "gate": flag, "unwalkable": ""}
    late = {"old": f'{{\n"message" "Old Fort"\n}}{flag}'}
    for name, maps in (("pak0.pk3", early), ("pak1.pk3", late)):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for place, entities in maps.items():
                archive.writestr(f"maps/{place}.bsp", level(entities))
                if place != "unwalkable":
                    archive.writestr(f"maps/{place}.aas", b"")
            archive.writestr("scripts/arenas.txt", ARENAS if name == "pak0.pk3" else "")
    return tmp_path


def test_maps_are_those_that_bots_can_walk_on(archives: Path) -> None:
    assert map_names(archives) == ("gate", "old", "yard")
    with pytest.raises(TemporalCleanError, match="got 'unwalkable'; there are gate, old, yard"):
        find_map("unwalkable", archives)


def test_what_is_played_on_a_map(archives: Path) -> None:
    assert find_map("yard", archives) == Map("yard", "The Yard", 0)
    assert find_map("gate", archives) == Map("gate", "gate", 4)
    assert find_map("old", archives) == Map("old", "Old Fort", 4)


def test_a_missing_game_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openarena, "_program", lambda: None)
    with pytest.raises(TemporalCleanError, match=r"apt-get install .*openarena"):
        OpenArena().require()


# ---- With the game ------------------------------------------------------------------------------


def missing() -> bool:
    try:
        OpenArena().require()
    except TemporalCleanError:
        return True
    return False


needs_game = pytest.mark.skipif(missing(), reason=f"needs OpenArena: {OpenArena.install}")
TAKE = Take("oa_dm4", seed=2, start=20, frames=4, width=160, height=90)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache with a match of one second that starts at once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(openarena, "MATCH_FRAMES", 60)
        patch.setattr(openarena, "WARM_UP_FRAMES", 60)
        yield tmp_path_factory.mktemp("openarena")


def rendered(take: Take, work: Path) -> np.ndarray:
    return np.stack(list(OpenArena().render(take, work)))


@pytest.fixture(scope="module")
def plain(work: Path) -> np.ndarray:
    return rendered(TAKE, work)


@needs_game
def test_frames_are_the_same_again_from_another_start(work: Path, plain: np.ndarray) -> None:
    assert plain.shape == (4, 90, 160, 3)
    assert all((a != b).any() for a, b in pairwise(plain))
    np.testing.assert_array_equal(plain[2:], rendered(replace(TAKE, start=22, frames=2), work))


@needs_game
def test_the_hud_alone_is_different(work: Path, plain: np.ndarray) -> None:
    changed = (plain != rendered(replace(TAKE, hud=True), work)).any(axis=(0, 3))
    # Health and ammunition along the bottom, the timer in the upper right corner.
    assert changed[75:, :60].any()
    assert changed[:15, 100:].any()
    assert changed.mean() < 0.2
    # A strip at the side that no part of a HUD covers.
    assert not changed[30:70, :30].any()


@needs_game
def test_a_mip_bias_smooths_textures(work: Path, plain: np.ndarray) -> None:
    smooth = rendered(replace(TAKE, mip_bias=2.0), work)
    assert detail(smooth) < 0.95 * detail(plain)


def detail(frames: np.ndarray) -> float:
    return float(np.abs(np.diff(frames.astype(np.int16), axis=2)).mean())


@needs_game
def test_a_match_is_the_same_again(work: Path, plain: np.ndarray, tmp_path: Path) -> None:
    assert OpenArena().length(TAKE, tmp_path) == 60
    first, second = (messages(*folder.glob("*.dm_71")) for folder in (work, tmp_path))
    assert first == second


def messages(demo: Path) -> list[tuple[int, bytes]]:
    """Numbers and contents of a demo's messages, but for the last byte, which may be unset."""
    data, position, found = demo.read_bytes(), 0, []
    while (header := struct.unpack_from("<ii", data, position))[1] >= 0:
        number, size = header
        found.append((number, data[position + 8 : position + 7 + size]))
        position += 8 + size
    return found


@needs_game
def test_a_match_is_given_to_its_end_and_no_further(work: Path) -> None:
    with pytest.raises(TemporalCleanError, match="within the 60 of oa_dm4 with seed 2"):
        rendered(replace(TAKE, start=57), work)
    assert len(rendered(replace(TAKE, start=56), work)) == 4
    # Nothing else is left behind.
    assert {path.suffix for path in work.iterdir()} == {".dm_71", ".so"}


@needs_game
def test_maps_that_the_game_cannot_play_are_refused(tmp_path: Path) -> None:
    assert "oa_dm4" in OpenArena().places()
    assert "oa_bases3cl" not in OpenArena().places()
    with pytest.raises(TemporalCleanError, match=r"spawn point.*choose another map"):
        rendered(replace(TAKE, place="oa_bases3cl"), tmp_path)
