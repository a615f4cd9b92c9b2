"""A real game in a window of the desktop, played by itself, for tests and the benchmark.

Not a test module. It is Debian's, unmodified, with software OpenGL, without sound and with a home
folder of its own.
"""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from temporal_clean.train.recording.preload import SOFTWARE_OPENGL

__all__ = ["INSTALL", "OPENARENA", "RealGame", "openarena"]

INSTALL = (
    "needs OpenArena: apt-get install --no-install-recommends openarena openarena-data ioquake3"
)
OPENARENA = "/usr/games/openarena"
# A match of two bots, seen by the eyes of one of them (of more, one is dead too often). F3 and the
# left button write to the log.
MATCH = """set g_gametype 0
set sv_pure 0
set g_doWarmup 0
set timelimit 0
set fraglimit 0
set bot_enable 1
set bot_nochat 1
set cg_thirdPerson 0
bind F3 "echo the key was heard"
bind MOUSE1 "echo the click was heard"
map oa_dm4
wait 100
{bots}
wait 100
team spectator
wait 60
follownext
echo the match was heard
"""
VALUES = {
    **{"cl_renderer": "opengl1", "r_fullscreen": 0, "r_mode": -1, "r_swapInterval": 0},
    **{"s_initsound": 0, "in_mouse": 0, "in_joystick": 0, "ttycon": 0, "net_enabled": 0},
    **{"com_introplayed": 1, "cl_motd": 0, "com_blood": 0, "logfile": 2, "r_gamma": 1.6},
    **{"r_ignorehwgamma": 1, "r_overBrightBits": 0, "con_notifytime": -1, "cl_noprint": 1},
}
BOTS = ("Grunt", "Kyonshi")


class RealGame(NamedTuple):
    """A running game: a part of its window's title, its process, and what it says it heard.

    ``heard`` has 'match' once play is on; games replace their window while they start.
    """

    title: str
    process: subprocess.Popen[bytes]
    heard: Callable[[], set[str]]


@contextmanager
def openarena(
    display: str, home: Path, width: int = 640, height: int = 360, fps: int = 30
) -> Iterator[RealGame]:
    """OpenArena with bots; ``heard`` has 'key' (F3) and 'click' after those, 'match' in play."""
    folder = home / ".openarena" / "baseoa"
    folder.mkdir(parents=True)
    bots = "\n".join(f"addbot {bot} 3" for bot in BOTS)
    (folder / "match.cfg").write_text(MATCH.format(bots=bots), encoding="ascii")
    values = {**VALUES, "r_customwidth": width, "r_customheight": height, "com_maxfps": fps}
    options = [word for name, value in values.items() for word in ("+set", name, str(value))]
    log = folder / "qconsole.log"

    def heard() -> set[str]:
        text = log.read_text(encoding="latin-1") if log.exists() else ""
        return {name for name in ("key", "click", "match") if f"the {name} was heard" in text}

    command = [OPENARENA, *options, "+exec", "match.cfg"]
    with _running(command, display, home) as process:
        yield RealGame("ioquake3", process, heard)


@contextmanager
def _running(command: list[str], display: str, home: Path) -> Iterator[subprocess.Popen[bytes]]:
    folders = {"XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local", "XDG_CACHE_HOME": ".cache"}
    own = {name: str(home / folder) for name, folder in folders.items()}
    environment = {**os.environ, **SOFTWARE_OPENGL, **own, "DISPLAY": display, "HOME": str(home)}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        # Asked to end (SIGTERM), OpenArena once ran on until the test's time was up.
        process.kill()
        process.wait()
