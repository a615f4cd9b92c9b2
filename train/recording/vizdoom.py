"""ViZDoom: episodes of a scripted explorer on the Freedoom maps, replayed at any screen size.

An episode is recorded once as a Doom demo (the inputs of each tic), at a small size; replaying
it at another size shows the same poses. Doom's world moves 35 times a second and the engine
shows whole tics only, so these recordings run at 35 frames a second, not 60.

The software renderer point-samples its textures and has no mipmaps.
"""

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording.explorer import Explorer, Sight
from temporal_clean.train.recording.floor_plan import FloorPlan, Sector
from temporal_clean.train.recording.freedoom import notice, version_of, wad_of
from temporal_clean.train.recording.game import Take
from temporal_clean.video import Pixels

__all__ = ["ViZDoom"]

EPISODE = 2100  # tics of play recorded for a place and seed: one minute
POLICY_SCREEN = (320, 180)  # what the explorer sees
FIRST_TIC = 1  # of the map that the player can act on
SKILL = 3  # "Hurt me plenty": the number of enemies the maps were made for
WEAPONS = (2, 3, 4, 5, 6)  # pistol, shotgun, chaingun, rocket launcher, plasma rifle
TAN_HALF_VIEW = 4 / 3  # ZDoom: 90 degrees across 4:3, so that 16:9 shows 2 atan(4/3)


class ViZDoom:
    """The game as temporal_clean.train.recording.game.Game; a place is a map: E1M1 or MAP01."""

    name = "vizdoom"
    title = "ViZDoom with Freedoom"
    install = "pip install vizdoom"
    frame_rate = Fraction(35)
    thumbnail = (320, 180)
    has_mip_bias = False

    def require(self) -> None:
        """Raise :class:`TemporalCleanError` with the install line if it is missing."""
        if importlib.util.find_spec("vizdoom") is None:
            raise TemporalCleanError(f"{self.title} is not installed: {self.install}")

    def versions(self) -> dict[str, str]:
        """Versions of the package and of the Freedoom assets in it."""
        self.require()
        package = importlib.metadata.version("vizdoom")
        assets = version_of(wad_of("MAP01"))
        return {"vizdoom": package, "renderer": "ZDoom software", "freedoom": assets}

    def licence(self, place: str) -> tuple[str, str]:
        """The assets' licence: its SPDX name, and the notice that must accompany pictures."""
        return notice(place)

    def length(self, take: Take, work: Path) -> int:
        """Frames of the episode of this place and seed; records it into ``work`` if needed."""
        self.require()
        demo = demo_path(take, work)
        notes = demo.with_suffix(".json")
        if not notes.exists():
            frames = record(take, demo)
            notes.write_text(json.dumps({"place": take.place, "seed": take.seed, "frames": frames}))
        return int(json.loads(notes.read_text())["frames"])

    def render(self, take: Take, work: Path) -> Iterator[Pixels]:
        """The take's frames, (height, width, 3) uint8 RGB, 1/35 s apart."""
        if take.mip_bias:
            raise TemporalCleanError(
                f"{self.title} draws without mipmaps, so a mip bias of {take.mip_bias} cannot be "
                "applied: set it to 0"
            )
        length = self.length(take, work)
        if take.start < 0 or take.frames < 1 or take.start + take.frames > length:
            raise TemporalCleanError(
                f"{take.place}, seed {take.seed}, gives frames 0 to {length - 1}; expected a take "
                f"within, got {take.frames} from frame {take.start}"
            )
        with engine(take.place, (take.width, take.height), work, hud=take.hud) as game:
            game.replay_episode(str(demo_path(take, work).resolve()))
            if take.start:
                game.advance_action(take.start)
            for frame in range(take.frames):
                if frame:
                    game.advance_action()
                yield np.array(screen(game).screen_buffer)


def record(take: Take, demo: Path) -> int:
    """Let an explorer play and write its inputs to ``demo``; returns the tics played."""
    demo.parent.mkdir(parents=True, exist_ok=True)
    partial = demo.with_suffix(".partial.lmp").resolve()
    # The map is read in an engine of its own: telling it every tic costs 5 ms.
    with engine(take.place, POLICY_SCREEN, demo.parent, seed=take.seed, tell_map=True) as game:
        plan = FloorPlan(Sector.of(sector) for sector in screen(game).sectors)
    with engine(take.place, POLICY_SCREEN, demo.parent, seed=take.seed) as game:
        game.new_episode(str(partial))
        # Cheats are part of the demo: nobody dies, and weapons and keys are at hand.
        for command in ("god", "give weapons", "give ammo", "give keys"):
            game.send_game_command(command)
        tics = play(game, plan, take.seed)
    os.replace(partial, demo)
    return tics


def play(game: Any, plan: FloorPlan, seed: int) -> int:
    """One episode of the explorer; ends early where the map's exit is reached."""
    explorer = Explorer(plan, seed)
    arms = np.random.default_rng((seed, 1))  # weapons, drawn apart from the explorer's numbers
    switch = 0
    for tic in range(EPISODE):
        if game.is_episode_finished():
            return tic
        state = screen(game)
        move = explorer.step(sight_of(state))
        keys = [0.0] * len(WEAPONS)
        if tic == switch:
            keys[int(arms.integers(len(WEAPONS)))] = 1.0
            switch += int(arms.integers(350, 900))
        look = 0.1 * (move.pitch + float(state.game_variables[3]))
        walk = (move.forward, move.side, -move.turn, look)
        game.make_action([*walk, float(move.attack), float(move.use), *keys])
    return EPISODE


def sight_of(state: Any) -> Sight:
    """What the explorer needs of an engine state."""
    x, y, angle = (float(value) for value in state.game_variables[:3])
    half = POLICY_SCREEN[0] / 2
    enemies = [label for label in state.labels if label.object_category == "Monster"]
    if not enemies:
        return Sight(x, y, angle)
    near = max(enemies, key=lambda label: label.width * label.height)
    aside = (half - near.x - near.width / 2) / half * TAN_HALF_VIEW
    return Sight(x, y, angle, float(np.degrees(np.arctan(aside))))


@contextlib.contextmanager
def engine(
    place: str,
    size: tuple[int, int],
    work: Path,
    *,
    hud: bool = False,
    seed: int | None = None,
    tell_map: bool = False,
) -> Iterator[Any]:
    """A running engine; with a ``seed`` it is one to play (labels, buttons), else to replay.

    It runs in a fresh folder inside ``work``, so that neither a user's settings nor an earlier
    run's reach it. Raises :class:`TemporalCleanError` for a bad place or size, or if it fails.
    """
    import vizdoom

    game = vizdoom.DoomGame()
    game.set_doom_game_path(str(wad_of(place)))
    game.set_doom_map(place)
    game.set_doom_skill(SKILL)
    game.set_screen_resolution(resolution(*size))
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_episode_start_time(FIRST_TIC)
    game.set_episode_timeout(0)
    game.set_sectors_info_enabled(tell_map)
    game.set_render_hud(hud)
    game.set_render_minimal_hud(hud)  # the full status bar would shrink the view
    game.set_render_weapon(True)
    # Decals, particles and crosshair are pictures of the engine, not of Freedoom: another licence.
    for switch_off in ("decals", "particles", "crosshair", "messages"):
        getattr(game, f"set_render_{switch_off}")(False)
    # Spectres as translucent: the 'fuzz' is noise of screen pixels, not of the scene.
    game.add_game_args("+r_drawfuzz 0")
    game.add_game_args("+cl_showsecretmessage 0")  # text that comes even without HUD and messages
    if seed is not None:
        allow_play(game, seed)
    work.mkdir(parents=True, exist_ok=True)
    try:
        # It writes _vizdoom.ini and _vizdoom/ where it starts.
        folder = tempfile.TemporaryDirectory(prefix="vizdoom-", dir=work)
        with folder as here, contextlib.closing(game):
            with contextlib.chdir(here):
                game.init()
            yield game
    except (vizdoom.ViZDoomErrorException, vizdoom.ViZDoomUnexpectedExitException) as error:
        raise TemporalCleanError(f"ViZDoom failed on {place}: {error}") from error


def allow_play(game: Any, seed: int) -> None:
    """What a player needs beyond a replay: buttons, labels and the pose."""
    import vizdoom

    axes = ("MOVE_FORWARD_BACKWARD", "MOVE_LEFT_RIGHT", "TURN_LEFT_RIGHT", "LOOK_UP_DOWN")
    keys = [*(f"{axis}_DELTA" for axis in axes), "ATTACK", "USE"]
    keys += [f"SELECT_WEAPON{number}" for number in WEAPONS]
    game.set_available_buttons([getattr(vizdoom.Button, key) for key in keys])
    pose = ("POSITION_X", "POSITION_Y", "ANGLE", "PITCH")
    game.set_available_game_variables([getattr(vizdoom.GameVariable, name) for name in pose])
    game.set_labels_buffer_enabled(True)
    game.set_seed(seed)


def screen(game: Any) -> Any:
    """The engine's present state; raises :class:`TemporalCleanError` where play has ended."""
    if (state := game.get_state()) is None:
        raise TemporalCleanError("ViZDoom's episode ended before the frames asked for: record less")
    return state


def resolution(width: int, height: int) -> Any:
    """The engine's name for a screen size: it knows some sizes only."""
    import vizdoom

    sizes = vizdoom.ScreenResolution.__members__
    if (name := f"RES_{width}X{height}") not in sizes:
        known = ", ".join(size.removeprefix("RES_").lower() for size in sizes)
        raise TemporalCleanError(f"ViZDoom cannot draw {width}x{height}: choose one of {known}")
    return sizes[name]


def demo_path(take: Take, work: Path) -> Path:
    """Where the inputs of a place and seed are kept."""
    return work / "vizdoom" / f"{take.place}-{take.seed}.lmp"
