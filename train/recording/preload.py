"""Playing an unmodified game under the preloaded library: exact game time, frames as arrays.

What the library does is told in ``preload.c``: a clock that advances one frame's time at each
buffer swap, fixed random numbers, frames read back and written out, seeking without rasterizing,
a mip bias and scripted keys. All of it works on any SDL 2 + OpenGL game.
"""

import hashlib
import os
import re
import select
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fcntl import fcntl
from pathlib import Path

import numpy as np

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import Pixels

__all__ = ["SOFTWARE_OPENGL", "Key", "Session", "Settings", "compile_preload"]

SOURCE = Path(__file__).with_name("preload.c")
# Of the log, shown when a game fails: its end, and errors before it.
LOG_LINES = 12
ERROR_LINE = re.compile(r"\b(error|fatal)\b", re.IGNORECASE)
# Linux's number for the size of a pipe (fcntl.h), 1 MB instead of 64 KB: fewer switches a frame.
F_SETPIPE_SZ, PIPE_BYTES = 1031, 1 << 20
# The one OpenGL that is the same on every machine; one thread, since recorders run side by side.
SOFTWARE_OPENGL = {
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "GALLIUM_DRIVER": "llvmpipe",
    "LP_NUM_THREADS": "1",
    "SDL_VIDEODRIVER": "x11",
    "SDL_AUDIODRIVER": "dummy",
    "ALSOFT_DRIVERS": "null",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True)
class Key:
    """``name`` as SDL knows it ("Up", "Space"), pressed or released at the start of ``frame``."""

    frame: int
    name: str
    pressed: bool


@dataclass(frozen=True)
class Settings:
    """What the library is told; frames count from the first swap after ``origin`` was opened.

    ``origin`` is the end of a file's path that the game opens once its level is loaded; without it
    frames count from the first buffer swap. ``discard_from`` starts seeking, which ends ``settle``
    frames before ``first`` so that what a frame keeps of those before it is in place. ``shift`` is
    what the clock gains once, at frame 30, in milliseconds: it moves a game that counts its steps
    in whole milliseconds away from the brink between two numbers of steps.
    """

    fps: int = 60
    seed: int = 0
    origin: str | None = None
    first: int = 0
    count: int = 0
    discard_from: int | None = None
    settle: int = 12
    mip_bias: float = 0.0
    shift: int = 0
    keys: tuple[Key, ...] = ()

    def environment(self, library: Path, file: str) -> dict[str, str]:
        """The library's variables; ``file`` receives the frames."""
        keys = ",".join(f"{key.frame}:{key.name}:{int(key.pressed)}" for key in self.keys)
        values = {
            "LD_PRELOAD": library,
            "TC_FPS": self.fps,
            "TC_SEED": self.seed,
            "TC_ORIGIN": self.origin,
            "TC_FIRST": self.first if self.count else None,
            "TC_COUNT": self.count,
            "TC_FILE": file,
            "TC_DISCARD_FROM": self.discard_from,
            "TC_SETTLE": self.settle,
            "TC_MIP_BIAS": self.mip_bias,
            "TC_SHIFT": self.shift,
            "TC_KEYS": keys or None,
        }
        return {name: str(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True)
class Session:
    """One run of a game.

    ``environment`` adds to this process's (DISPLAY, HOME), ``log`` receives what the game prints,
    and ``patience`` is how long it may take to end or to give its next frame, in seconds.
    """

    command: tuple[str, ...]
    settings: Settings
    environment: Mapping[str, str]
    library: Path
    log: Path
    patience: float = 300.0

    def run(self) -> None:
        """Play until the game leaves by itself; its frames are not kept.

        Raises :class:`TemporalCleanError` with the log's end if it fails or takes too long.
        """
        game = self._start(os.devnull, ())
        try:
            status = game.wait(timeout=self.patience)
        except subprocess.TimeoutExpired:
            raise self.failure(f"did not end within {self.patience:.0f} seconds") from None
        finally:
            _stop(game)
        if status:
            raise self.failure(f"stopped with status {status}")

    def frames(self, width: int, height: int) -> Iterator[Pixels]:
        """The ``settings.count`` frames as they come: (height, width, 3) uint8 RGB, top row first.

        The game waits while a frame is in use and is stopped when the iterator is closed. Raises
        :class:`TemporalCleanError` with the log's end if it fails or takes too long.
        """
        count = self.settings.count
        reading, writing = os.pipe()
        try:
            fcntl(writing, F_SETPIPE_SZ, PIPE_BYTES)
            game = self._start(f"/dev/fd/{writing}", (writing,))
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        try:
            for index in range(count):
                frame = np.empty((height, width, 3), np.uint8)
                problem = _fill(frame.data.cast("B"), reading, self.patience)
                if problem:
                    raise self.failure(f"{problem} after {index} of {count} frames")
                yield frame
        finally:
            os.close(reading)
            _stop(game)

    def _start(self, file: str, handles: tuple[int, ...]) -> subprocess.Popen[bytes]:
        """The game, in a process group of its own so that all of it can be stopped."""
        variables = self.settings.environment(self.library, file)
        with self.log.open("wb") as output:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **SOFTWARE_OPENGL, **self.environment, **variables},
                pass_fds=handles,
                start_new_session=True,
            )

    def failure(self, problem: str) -> TemporalCleanError:
        """What to raise: the problem and what the game printed last."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        earlier = [line for line in lines[:-LOG_LINES] if ERROR_LINE.search(line)]
        end = "\n  ".join(earlier[-3:] + lines[-LOG_LINES:])
        return TemporalCleanError(f"{self.command[0]} {problem}; its log ends:\n  {end}")


def compile_preload(folder: Path) -> Path:
    """The library in ``folder``, built there by the system's C compiler unless it already is."""
    name = f"preload-{hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]}.so"
    library = folder.resolve() / name
    if library.exists():
        return library
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise TemporalCleanError("a C compiler is missing: apt-get install gcc libc6-dev")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = library.with_suffix(f".{os.getpid()}")
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(unfinished), str(SOURCE), "-ldl"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise TemporalCleanError(f"{compiler} could not build {SOURCE}:\n{result.stderr}")
    unfinished.replace(library)
    return library


def _fill(frame: memoryview, pipe: int, patience: float) -> str | None:
    """Read a frame's bytes; what went wrong, if the pipe gives nothing for ``patience`` seconds."""
    while frame:
        ready, _, _ = select.select([pipe], [], [], patience)
        if not ready:
            return f"gave nothing for {patience:.0f} seconds"
        read = os.readv(pipe, [frame])
        if not read:
            return "stopped"
        frame = frame[read:]
    return None


def _stop(game: subprocess.Popen[bytes]) -> None:
    if game.poll() is None:
        os.killpg(game.pid, signal.SIGKILL)
    game.wait()
