"""ViZDoom: episodes replay byte for byte; the explorer and its floor plan work without the game."""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording import vizdoom as recording
from temporal_clean.train.recording.explorer import Explorer, Move, Sight
from temporal_clean.train.recording.floor_plan import FloorPlan, Sector
from temporal_clean.train.recording.game import Take
from temporal_clean.train.recording.vizdoom import ViZDoom

TAKE = Take("MAP01", seed=5, start=20, frames=8, width=320, height=180)
needs_game = pytest.mark.skipif(
    importlib.util.find_spec("vizdoom") is None, reason=f"needs ViZDoom: {ViZDoom.install}"
)


def room(left: float, low: float, right: float, high: float, floor: float = 0.0) -> Sector:
    """A rectangle whose left and right edges are open and whose others are walls."""
    corners = [(left, low), (right, low), (right, high), (left, high)]
    walls = (1.0, 0.0, 1.0, 0.0)
    edges = [
        (*a, *b, wall) for a, b, wall in zip(corners, corners[1:] + corners[:1], walls, strict=True)
    ]
    return Sector(floor, floor + 128.0, np.array(edges))


def test_ways_go_round_walls_and_up_low_steps_only() -> None:
    low, step, ledge = room(0, 0, 200, 200), room(200, 0, 400, 200, 20), room(400, 0, 600, 200, 80)
    plan = FloorPlan([low, step, ledge])
    start = plan.cell(100, 100)
    costs, before = plan.ways(start)
    assert plan.cell(300, 100) in costs
    assert plan.cell(500, 100) not in costs
    assert plan.cell(100, 10) not in costs  # too near the wall for a body
    assert plan.cell(100, 100) in plan.ways(plan.cell(500, 100))[0]  # down is possible
    assert start not in before
    assert plan.straight(50, 100, 350, 100)
    plan.block(250, 100, 120)
    assert plan.cell(390, 100) not in plan.ways(start)[0]


def play_in_a_hall(seed: int, tics: int) -> list[tuple[Sight, Move]]:
    """The explorer in an empty hall, moved by simple physics."""
    player = Explorer(FloorPlan([room(0, 0, 2400, 800)]), seed)
    x, y, angle, steps = 1200.0, 400.0, 0.0, []
    for _ in range(tics):
        sight = Sight(x, y, angle)
        move = player.step(sight)
        steps.append((sight, move))
        angle = (angle + move.turn) % 360.0
        way = np.radians(angle)
        x += 0.3 * (move.forward * np.cos(way) + move.side * np.sin(way))
        y += 0.3 * (move.forward * np.sin(way) - move.side * np.cos(way))
    return steps


def test_the_explorer_walks_far_and_turns_smoothly() -> None:
    steps = play_in_a_hall(3, 400)
    places = {(int(sight.x // 200), int(sight.y // 200)) for sight, _ in steps}
    turns = np.array([move.turn for _, move in steps])
    assert len(places) > 8
    assert np.abs(turns).max() < 5.0
    assert np.abs(np.diff(turns)).max() < 2.5
    assert np.abs(turns).std() > 0.3
    assert play_in_a_hall(3, 50) == steps[:50]
    assert play_in_a_hall(4, 50) != steps[:50]


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "EPISODE", 60)
        yield tmp_path_factory.mktemp("work")


def frames(take: Take, work: Path) -> np.ndarray:
    return np.stack(list(ViZDoom().render(take, work)))


@needs_game
def test_a_take_is_the_same_bytes_again(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "EPISODE", 60)
    first, again, afresh = frames(TAKE, work), frames(TAKE, work), frames(TAKE, tmp_path)
    assert first.shape == (8, 180, 320, 3)
    assert first.dtype == np.uint8
    assert (first == again).all()
    assert (first == afresh).all()
    assert (first[0] != first[-1]).any()
    assert not list(work.glob("vizdoom-*")), "the engine's folder is left behind"
    # Seeking does not change what is seen.
    from_start = frames(replace(TAKE, start=0, frames=28), work)
    assert (from_start[20:] == first).all()


@needs_game
def test_the_hud_alone_differs(work: Path) -> None:
    plain, hud = frames(TAKE, work), frames(replace(TAKE, hud=True), work)
    changed = (plain != hud).any(axis=-1)
    assert 0.005 < changed.mean() < 0.1
    assert not changed[:, 60:140, 60:260].any()


@needs_game
def test_two_processes_record_at_once(work: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from temporal_clean.train.recording import vizdoom as v\n"
        "v.EPISODE = 60\n"
        "from temporal_clean.train.recording.game import Take\n"
        "take = Take('MAP01', seed=5, start=20, frames=8, width=320, height=180)\n"
        "sys.stdout.buffer.write(b''.join(f.tobytes() for f in "
        "v.ViZDoom().render(take, Path(sys.argv[1]))))"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / name)], stdout=subprocess.PIPE)
        for name in "ab"
    ]
    pictures = [process.communicate(timeout=100)[0] for process in both]
    assert pictures[0] == pictures[1] == frames(TAKE, work).tobytes()


@needs_game
def test_versions_and_licence() -> None:
    versions = ViZDoom().versions()
    assert versions["freedoom"][0].isdigit()
    name, text = ViZDoom().licence("E1M1")
    assert name == "BSD-3-Clause"
    assert f"Freedoom {versions['freedoom']}, map E1M1" in text
    assert "Redistribution and use" in text


@needs_game
def test_impossible_takes_are_refused(work: Path) -> None:
    for change, words in (
        ({"mip_bias": 2.0}, "without mipmaps"),
        ({"width": 1000}, "cannot draw 1000x180.*1600x900.*1920x1080"),
        ({"start": 59}, "gives frames 0 to 59"),
        ({"place": "MAP33"}, "MAP33 is no Freedoom map"),
    ):
        with pytest.raises(TemporalCleanError, match=words):
            frames(replace(TAKE, **change), work)
