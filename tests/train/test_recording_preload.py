"""The preloaded library: virtual time and fixed random numbers, in a program that is no game."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording import preload
from temporal_clean.train.recording.preload import Key, Session, Settings, compile_preload

needs_compiler = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc")), reason="needs: apt-get install gcc libc6-dev"
)
PROGRAM = """
import ctypes, threading, time
library = ctypes.CDLL(None)
before = time.monotonic()
time.sleep(1000)
print(round(time.monotonic() - before), int(time.time()) // 10**8, library.rand())
library.fopen.restype = ctypes.c_void_p
file, bytes = ctypes.c_void_p(library.fopen(b"/dev/urandom", b"rb")), ctypes.create_string_buffer(8)
library.fread(bytes, 1, 8, file)
print(bytes.raw.hex())
other = threading.Thread(target=lambda: print(time.monotonic() > 1_700_000_000))
other.start()
other.join()
"""


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return compile_preload(tmp_path / "built")


def played(library: Path, seed: int) -> str:
    """What the program prints under the library."""
    environment = Settings(seed=seed).environment(library, os.devnull)
    command = [sys.executable, "-S", "-c", PROGRAM]
    result = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@needs_compiler
def test_main_thread_lives_in_virtual_time_with_fixed_random_numbers(library: Path) -> None:
    time_line, bytes_line, other_thread = played(library, 1).splitlines()
    slept, hundred_million_seconds, _ = time_line.split()
    assert (slept, hundred_million_seconds) == ("1000", "17")
    assert other_thread == "False"
    assert len(bytes_line) == 16
    assert played(library, 1).splitlines()[:2] == [time_line, bytes_line]
    again = played(library, 2).splitlines()
    assert again[0] != time_line
    assert again[1] != bytes_line


@needs_compiler
def test_the_library_is_built_once(library: Path) -> None:
    assert library.is_absolute()
    built = library.stat().st_mtime_ns
    assert compile_preload(library.parent) == library
    assert library.stat().st_mtime_ns == built
    assert list(library.parent.iterdir()) == [library]


def test_a_missing_compiler_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preload.shutil, "which", lambda _: None)
    with pytest.raises(TemporalCleanError, match="apt-get install gcc"):
        compile_preload(tmp_path)


def test_settings_as_variables(tmp_path: Path) -> None:
    keys = (Key(3, "Up", True), Key(9, "Up", False))
    values = Settings(first=40, count=2, discard_from=5, keys=keys).environment(tmp_path, "/out")
    assert values["TC_KEYS"] == "3:Up:1,9:Up:0"
    assert (values["TC_FIRST"], values["TC_COUNT"], values["TC_FILE"]) == ("40", "2", "/out")
    assert "TC_ORIGIN" not in values
    assert "TC_FIRST" not in Settings().environment(tmp_path, "/out")


def session(tmp_path: Path, script: str, patience: float = 30.0) -> Session:
    """A shell script in the place of a game; no library is loaded."""
    command, environment = ("sh", "-c", script), {"TC_TEST": "7"}
    return Session(command, Settings(count=2), environment, Path(), tmp_path / "game.log", patience)


def test_frames_come_as_pictures(tmp_path: Path) -> None:
    frames = list(session(tmp_path, 'printf "%s" abcdefABCDEF > "$TC_FILE"').frames(2, 1))
    assert [frame.tobytes() for frame in frames] == [b"abcdef", b"ABCDEF"]
    assert frames[0].shape == (1, 2, 3)


def test_a_game_that_fails_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    script = 'echo "no map $TC_TEST"; printf abcdefABC > "$TC_FILE"; exit 3'
    with pytest.raises(TemporalCleanError, match=r"(?s)after 1 of 2 frames.*no map 7"):
        list(session(tmp_path, script).frames(2, 1))
    with pytest.raises(TemporalCleanError, match=r"(?s)stopped with status 3.*no map 7"):
        session(tmp_path, script).run()


def test_a_game_that_hangs_is_stopped(tmp_path: Path) -> None:
    with pytest.raises(TemporalCleanError, match="gave nothing for"):
        list(session(tmp_path, "sleep 60", patience=0.2).frames(2, 1))
    with pytest.raises(TemporalCleanError, match="did not end within"):
        session(tmp_path, "sleep 60", patience=0.2).run()
