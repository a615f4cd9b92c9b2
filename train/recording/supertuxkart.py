"""SuperTuxKart: a race that computer players drive, seen from behind one of the karts.

The game is Debian's, unmodified. It runs under Xvfb with software OpenGL and the preloaded library
of :mod:`temporal_clean.train.recording.preload`, in its profiling mode: all karts are driven by
the game's AI, no menu, no countdown. A take is played anew each time it is rendered; what is not
wanted of it is played without rasterizing.

Time: the game counts whole milliseconds and moves its world in steps of 1/120 s. At 60 frames a
second that gives 1, 2 or 3 steps a frame, unless the clock stands away from the brink between two
steps: shifted by ``CLOCK_SHIFT``, each frame is exactly two steps (seen on the race's timer).

The renderer is the one for OpenGL 2 (fixed lighting, no shadows): lighthouse at 1920x1080 takes
0.11 CPU-seconds a frame, and textures can be smoothed (``mip_bias``). The one for OpenGL 3.3 looks
richer, but takes 0.47, starts slowly and has no mip bias. A start takes 6 CPU-seconds (20 on tracks
full of trees), and what is skipped 0.005 to 0.03 a frame.

Two renders of a take are byte-identical but for a rare pixel: of 8 frames of xr591 at 1920x1080 one
pixel had one of two values, in 14 of 30 runs the other one. It is not the address layout, the
rasterizer's thread or malloc's arenas; what it is was not found. Renders of six other tracks at
480x270 and below repeated exactly; none of them was repeated at 1920x1080.
"""

import random
import shutil
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
from temporal_clean.train.recording.preload import Session, Settings, compile_preload
from temporal_clean.train.recording.supertuxkart_assets import (
    find_track,
    kart_names,
    licence_of,
    track_names,
)
from temporal_clean.video import Pixels

__all__ = ["SuperTuxKart"]

PACKAGES = ("supertuxkart", "supertuxkart-data", "xvfb", "gcc", "libc6-dev")
VERSIONS = ("supertuxkart", "supertuxkart-data", "libsdl2-2.0-0", "libgl1-mesa-dri")
# Debian puts games where not every PATH looks.
PROGRAM = "/usr/games/supertuxkart"
# The version of the configuration's format and folder in 1.2 to 1.4.
CONFIGURATION = Path(".config", "supertuxkart", "config-0.10", "config.xml")
# Milliseconds, half of a step of the world.
CLOCK_SHIFT = 4
# The camera reaches the karts and they reach their speed in 2.5 seconds.
STANDING_FRAMES = 150
# Nothing is left out while the level's first pictures load.
LOADING_FRAMES = 10
# Twenty seconds, as of the other games; each seed drives them with other karts.
RACE_FRAMES = 1200
# More than anyone drives in that time, so that the race does not end.
LAPS = 20
KARTS = 5
# Expert: faster karts that use what they pick up.
DIFFICULTY = 2

SETTINGS = """<?xml version="1.0"?>
<stkconfig version="8">
<Audio sfx_on="false" music_on="false"/>
<RaceSetup numkarts="{karts}" difficulty="{difficulty}" random-player-pos="false"/>
<Video real_width="{width}" real_height="{height}" width="{width}" height="{height}"
 prev_real_width="{width}" prev_real_height="{height}" fullscreen="false" max_fps="1000"
 show_fps="false" force_legacy_device="true" enable_texture_compression="false"
 enable_high_definition_textures="3" scale_rtts_factor="1.0" old_driver_popup="false"/>
<GFX particles-effecs="2" christmas-mode="2" easter-ear-mode="2" animated-characters="true"
 geometry_level="0" anisotropic="0" swap-interval="0"/>
<enable_internet value="2"/><HWReport hw-report-enabled="false"/>
<artist_debug_mode value="true"/><debug_hide_gui value="{hidden}"/>
<language value="en"/>
</stkconfig>
"""


@dataclass(frozen=True)
class SuperTuxKart:
    """SuperTuxKart's race tracks; a seed chooses the karts and what their drivers do.

    With ``hud`` a take shows the timer, the positions, the map, the speed and what is picked up;
    all else is the same, as far as two renders are.
    """

    name: str = "supertuxkart"
    title: str = "SuperTuxKart"
    install: str = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"
    frame_rate: Fraction = Fraction(60)
    thumbnail: tuple[int, int] = (160, 90)
    has_mip_bias: bool = True

    def require(self) -> None:
        """Raise :class:`TemporalCleanError` with the install line if something is missing."""
        if shutil.which(PROGRAM) is None or not track_names():
            raise TemporalCleanError(f"SuperTuxKart is missing: {self.install}")
        require_tools(self.install)

    def versions(self) -> dict[str, str]:
        """Of Debian's packages: the game, its assets, SDL, and Mesa's llvmpipe."""
        return package_versions(VERSIONS)

    def places(self) -> tuple[str, ...]:
        """All race tracks; each of the 21 in Debian's 1.4 was rendered and looked at."""
        return track_names()

    def licence(self, place: str) -> tuple[str, str]:
        """SPDX expression and authors of all that a recording of ``place`` can show."""
        return licence_of(place)

    def length(self, take: Take, work: Path) -> int:
        """How many frames there are of a race: the same for all tracks and seeds."""
        self.require()
        find_track(take.place)
        return RACE_FRAMES

    def render(self, take: Take, work: Path) -> Iterator[Pixels]:
        """Play the race and yield ``take.frames`` frames, (height, width, 3) uint8 RGB."""
        length = self.length(take, work)
        if take.start < 0 or take.start + take.frames > length:
            raise TemporalCleanError(
                f"expected frames within the {length} of a race, got {take.start} to "
                f"{take.start + take.frames}; choose another start"
            )
        with _prepared(take, work) as session:
            yield from session.frames(take.width, take.height)


@contextmanager
def _prepared(take: Take, work: Path) -> Iterator[Session]:
    """The game on a display of its own, with a fresh home: nothing of earlier runs leaks in."""
    library = compile_preload(work)
    settings = Settings(
        seed=take.seed,
        origin=f"tracks/{take.place}/scene.xml",
        first=STANDING_FRAMES + take.start,
        count=take.frames,
        discard_from=LOADING_FRAMES,
        mip_bias=take.mip_bias,
        shift=CLOCK_SHIFT,
    )
    with (
        TemporaryDirectory(dir=work) as folder,
        virtual_display(take.width, take.height) as display,
    ):
        home = Path(folder).resolve()
        configuration = home / CONFIGURATION
        configuration.parent.mkdir(parents=True)
        configuration.write_text(_configuration(take), encoding="ascii")
        environment = {
            "DISPLAY": display,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_CACHE_HOME": str(home / ".cache"),
        }
        yield Session(_command(take), settings, environment, library, home / "game.log")


def _configuration(take: Take) -> str:
    return SETTINGS.format(
        width=take.width,
        height=take.height,
        karts=KARTS,
        difficulty=DIFFICULTY,
        hidden=str(not take.hud).lower(),
    )


def _command(take: Take) -> tuple[str, ...]:
    """The race: the camera follows the first of the karts that the seed draws."""
    first, *others = random.Random(take.seed).sample(kart_names(), KARTS)
    options = f"--windowed --no-sound --no-high-scores --xmas=2 --easter=2 --seed={take.seed}"
    race = f"--race-now --profile-laps={LAPS} --difficulty={DIFFICULTY} --track={take.place}"
    karts = f"--kart={first} --ai={','.join(others)} --numkarts={KARTS}"
    size = f"--screensize={take.width}x{take.height}"
    addons = "--disable-addon-karts --disable-addon-tracks"
    return (PROGRAM, *f"{size} {options} {addons} {race} {karts}".split())
