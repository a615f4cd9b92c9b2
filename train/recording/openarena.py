"""OpenArena: bots play a match, a spectator follows one of them, and its demo is replayed.

The game is Debian's, unmodified. It runs under Xvfb with software OpenGL and the preloaded library
of :mod:`temporal_clean.train.recording.preload`. Two steps:

1. A match is played at a tiny size without rasterizing, while the engine records its own demo
   (``.dm_71``, about 140 KB for 1000 frames): 60 snapshots a second, so that the camera is smooth.
   The same map and seed give the same match: the clock, the C library's random numbers and
   /dev/urandom are fixed, and the home folder is fresh. Two demos of it had the same messages but
   for the last byte of 3 in 1000 (oa_shine). With address randomization off (``setarch -R``) two
   were identical byte for byte, so that byte is probably memory that the engine sends unset.
2. The demo is replayed at any size, with or without HUD. Replays are byte-identical, and equal
   outside the HUD, because each place in the code draws from a random stream of its own.

The engine counts whole milliseconds, so frames are 16 or 17 ms apart, exactly 60 a second on
average. ``wait`` in a script counts two a frame. Frames are counted from the one after the engine
opens ``ORIGIN``, which the script does once the level is loaded: loading swaps buffers as often as
there are players and items to load (34 times on oa_shine).

Measured on one core of a shared machine, in CPU-seconds: a match 8 to 13; 60 frames at 1920x1080
from the middle of it 13, of which 3 start the game and load the level.
"""

import hashlib
import os
import random
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording.debian import package_versions, require_tools
from temporal_clean.train.recording.display import virtual_display
from temporal_clean.train.recording.game import Take
from temporal_clean.train.recording.openarena_maps import find_map, map_names
from temporal_clean.train.recording.preload import SOURCE, Session, Settings, compile_preload
from temporal_clean.video import Pixels

__all__ = ["OpenArena"]

PACKAGES = ("openarena", "openarena-data", "ioquake3", "xvfb", "gcc", "libc6-dev")
VERSIONS = ("openarena", "ioquake3", "openarena-081-maps", "openarena-081-textures")
VERSIONS += ("openarena-085-data", "openarena-088-data", "libsdl2-2.0-0", "libgl1-mesa-dri")
DRAWING = Path(__file__).with_name("openarena.cfg")
# An empty script; that it is opened tells the library that the level is loaded.
ORIGIN = "temporal_clean_origin.cfg"
# After that, one frame still shows the loading screen, and the client needs two more to settle on
# the demo's time (looked at on 70 maps).
LOADING_FRAMES = 4
# Twenty seconds: each match has several stretches without a death, and seeking through all of it
# costs 3.5 CPU-seconds (measured on mlctf1beta).
MATCH_FRAMES = 1200
# The bots run to weapons and to each other before the demo starts.
WARM_UP_FRAMES = 600
# Nothing of the match's own picture is used.
MATCH_SIZE = (64, 36)
# The client shows a frame later than it reads it, and leaves when there is nothing more to read.
ENDING_FRAMES = 4
BOTS = 5
# Maps with an area file that cannot be played after all, and why.
UNUSABLE = {"oa_bases3cl": "the server stops: Couldn't find a spawn point"}
# r_gamma and r_intensity where those of openarena.cfg make a map too bright.
BRIGHTNESS = {"islanddm": (1.0, 1.0)}
# All of the game's bots but those of its "mature" archive.
BOT_NAMES = (
    *("Andriy", "Assassin", "Beret", "Broadklin", "Cyber-Garg", "Gargoyle", "Ghost", "Grism"),
    *("Grunt", "Headcrash", "Kyonshi", "Liz", "Major", "Merman", "Metalbot", "Morgan", "Neko"),
    *("Penguin", "S_Marine", "Sarge", "Sergei", "Skelebot", "Tony"),
)

MATCH = """set g_gametype {game_type}
set sv_pure 0
set sv_fps 60
set snaps 60
set sv_maxclients 16
set rate 90000
set sv_maxRate 0
set sv_lanForceRate 1
set g_doWarmup 0
set timelimit 0
set fraglimit 0
set capturelimit 0
set bot_enable 1
set bot_nochat 1
set bot_thinktime 30
set cg_autoswitch 1
map {place}
wait 200
exec {origin}
team spectator
wait 20
{bots}
wait {warm_up}
team spectator
follownext
wait 60
record match
wait {length}
stoprecord
quit
"""
REPLAY = """set cg_draw2D {hud:d}
set nextdemo quit
demo match
exec {origin}
"""


@dataclass(frozen=True)
class OpenArena:
    """OpenArena's maps with bots on them, from the eyes of one of the bots.

    With ``hud`` a take shows the followed bot's status bar, timer and crosshair, and that it is
    being followed. ``skill`` of the bots is 1 to 5.
    """

    name: str = "openarena"
    title: str = "OpenArena"
    install: str = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
    frame_rate: Fraction = Fraction(60)
    thumbnail: tuple[int, int] = (160, 90)
    has_mip_bias: bool = True
    skill: int = 3

    def require(self) -> None:
        """Raise :class:`TemporalCleanError` with the install line if something is missing."""
        if _program() is None or not map_names():
            raise TemporalCleanError(f"OpenArena is missing: {self.install}")
        require_tools(self.install)

    def versions(self) -> dict[str, str]:
        """Of Debian's packages: the game, its engine and assets, SDL, and Mesa's llvmpipe."""
        return package_versions(VERSIONS)

    def places(self) -> tuple[str, ...]:
        """All maps on which bots play."""
        return tuple(name for name in map_names() if name not in UNUSABLE)

    def licence(self, place: str) -> tuple[str, str]:
        """As /usr/share/doc/openarena-data/copyright states for all files: GPL-2+."""
        attribution = (
            "Frames from OpenArena (https://openarena.ws/), (c) 2005-2012 OpenArena Team and "
            "others (see CREDITS in the game's packages), (c) 1997-2006 id Software, Inc. "
            f"Map '{find_map(place).title}' ({place}). GPL-2.0-or-later."
        )
        return "GPL-2.0-or-later", attribution

    def length(self, take: Take, work: Path) -> int:
        """Frames of the match of ``take.place`` and ``take.seed``, played if it was not yet."""
        return _demo_frames(self._demo(take, work))

    def render(self, take: Take, work: Path) -> Iterator[Pixels]:
        """Replay the match and yield ``take.frames`` frames, (height, width, 3) uint8 RGB."""
        demo = self._demo(take, work)
        length = _demo_frames(demo)
        if take.start < 0 or take.start + take.frames > length:
            raise TemporalCleanError(
                f"expected frames within the {length} of {take.place} with seed {take.seed}, "
                f"got {take.start} to {take.start + take.frames}; choose another start"
            )
        settings = Settings(
            seed=take.seed,
            origin=ORIGIN,
            first=LOADING_FRAMES + take.start,
            count=take.frames,
            discard_from=LOADING_FRAMES,
            mip_bias=take.mip_bias,
        )
        script = REPLAY.format(hud=take.hud, origin=ORIGIN)
        size = take.width, take.height
        with _prepared(work, script, settings, size, take.place) as (session, folder):
            shutil.copy(demo, folder / "demos" / "match.dm_71")
            yield from session.frames(take.width, take.height)

    def _demo(self, take: Take, work: Path) -> Path:
        """The match's demo in ``work``; its name tells all that it depends on."""
        self.require()
        if take.place in UNUSABLE:
            reason = UNUSABLE[take.place]
            raise TemporalCleanError(
                f"{take.place} cannot be played ({reason}); choose another map"
            )
        bots = random.Random(f"{take.place} {take.seed}").sample(BOT_NAMES, BOTS)
        script = MATCH.format(
            game_type=find_map(take.place).game_type,
            place=take.place,
            bots="\n".join(f"addbot {bot} {self.skill}" for bot in bots),
            warm_up=2 * WARM_UP_FRAMES,
            length=2 * (MATCH_FRAMES + LOADING_FRAMES + ENDING_FRAMES),
            origin=ORIGIN,
        )
        made_by = hashlib.sha256(script.encode() + SOURCE.read_bytes()).hexdigest()[:8]
        demo = work / f"{take.place}-{take.seed}-{made_by}.dm_71"
        if not demo.exists():
            settings = Settings(seed=take.seed, origin=ORIGIN, discard_from=0)
            with _prepared(work, script, settings, MATCH_SIZE, take.place) as (session, folder):
                session.run()
                recorded = folder / "demos" / "match.dm_71"
                if not recorded.exists():
                    raise session.failure("recorded no demo")
                recorded.replace(demo)
        return demo


@contextmanager
def _prepared(
    work: Path, script: str, settings: Settings, size: tuple[int, int], place: str
) -> Iterator[tuple[Session, Path]]:
    """The game on a display of its own with a fresh home, and the folder that it keeps files in.

    Nothing of an earlier run may leak in: the home's key file alone changes a match.
    """
    library = compile_preload(work)
    with TemporaryDirectory(dir=work) as home, virtual_display(*size) as display:
        folder = Path(home).resolve() / ".openarena" / "baseoa"
        (folder / "demos").mkdir(parents=True)
        shutil.copy(DRAWING, folder / "autoexec.cfg")
        (folder / ORIGIN).touch()
        (folder / "script.cfg").write_text(script, encoding="ascii")
        values = {"cl_renderer": "opengl1", "ttycon": 0, "net_enabled": 0, "r_mode": -1}
        values |= {"r_customwidth": size[0], "r_customheight": size[1]}
        if place in BRIGHTNESS:
            values["r_gamma"], values["r_intensity"] = BRIGHTNESS[place]
        options = [word for name, value in values.items() for word in ("+set", name, str(value))]
        command = (_program() or "openarena", *options, "+exec", "script.cfg")
        environment = {"DISPLAY": display, "HOME": str(folder.parents[1])}
        yield Session(command, settings, environment, library, folder / "game.log"), folder


def _program() -> str | None:
    """Debian's games are not always on the path."""
    return shutil.which("openarena", path=f"{os.environ.get('PATH', '')}:/usr/games")


def _demo_frames(demo: Path) -> int:
    """Frames of play that a demo gives: the server sent a message a frame.

    A demo is messages, each headed by its number and its length (-1 ends the demo).
    """
    data, position, messages = demo.read_bytes(), 0, 0
    while position + 8 <= len(data):
        _, size = struct.unpack_from("<ii", data, position)
        if size < 0:
            break
        position += 8 + size
        messages += 1
    return messages - LOADING_FRAMES - ENDING_FRAMES
