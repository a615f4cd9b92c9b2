"""temporal-clean live, as its users run it, on sources that need no screen."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import pytest

from temporal_clean.commands import main

PATTERN = ("live", "--source", "pattern:80x64@30", "--presenter", "none", "--min-fps", 0)


def run(*arguments: object) -> None:
    main([str(a) for a in arguments])


def error_of(capsys, *arguments: object) -> str:
    """Run, expect exit status 2, give the one line on standard error."""
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    text = capsys.readouterr().err.strip()
    assert stop.value.code == 2, text
    assert text.startswith("error: ")
    assert "\n" not in text
    return text


@pytest.fixture(autouse=True)
def _own_folders(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("TEMPORAL_CLEAN_PROFILES", str(tmp_path / "profiles"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def test_a_session_writes_its_statistics_and_its_recording(tmp_path, capsys) -> None:
    stats, video = tmp_path / "stats.json", tmp_path / "shown.mkv"
    run(*PATTERN, "--duration", 3, "--stats", stats, "--record", video)
    record = json.loads(stats.read_text())
    assert record["source"] == "test pattern:80x64@30"
    assert record["duration"] == pytest.approx(3.0, abs=1.0)
    assert 0 < record["shown"] <= record["captured"]
    assert record["duplicates"] == 0
    assert record["sizes"] == ["80x64 bgra8"]
    assert set(record["step_ms"]) == set(record["latency_ms"]) == {"p50", "p95", "p99"}
    assert {"dropped", "resets", "cleaned", "engine"} <= set(record)
    with av.open(str(video)) as file:
        frames = sum(1 for _ in file.decode(video=0))
    assert frames == record["shown"] + record["redrawn"] - record["dropped"].get("not recorded", 0)
    said = capsys.readouterr().out
    assert "time is up" in said
    assert f"recorded {frames} frames" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_ends_in_good_order(tmp_path, number: signal.Signals) -> None:
    stats, video = tmp_path / "stats.json", tmp_path / "shown.mkv"
    arguments = [*PATTERN, "--stats", stats, "--record", video]
    session = subprocess.Popen(
        [sys.executable, "-m", "temporal_clean", *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdout is not None
    assert "test pattern" in session.stdout.readline()
    deadline = time.monotonic() + 120.0
    while not list(tmp_path.glob(".shown.mkv*")) and time.monotonic() < deadline:
        time.sleep(0.1)  # until something was shown
    session.send_signal(number)
    said = session.communicate(timeout=120.0)[0]
    assert session.returncode == 0, said
    assert "interrupted: " in said
    assert json.loads(stats.read_text())["shown"] > 0
    assert video.is_file()
    assert not list(tmp_path.glob(".shown*"))


@pytest.mark.skipif(os.name != "posix", reason="the socket of POSIX systems")
def test_a_running_session_obeys_the_control_command(tmp_path, capsys) -> None:
    session = subprocess.Popen(
        [sys.executable, "-m", "temporal_clean", *map(str, PATTERN)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert session.stdout is not None
    session.stdout.readline()
    deadline = time.monotonic() + 120.0
    while time.monotonic() < deadline:
        try:
            run("live", "--control", "set strength=0.5")
            break
        except SystemExit:
            time.sleep(0.5)
    run("live", "--control", "panic", "--pid", session.pid)
    capsys.readouterr()
    run("live", "--control", "status")
    status = json.loads(capsys.readouterr().out)
    assert status["strength"] == 0.5
    assert status["standing"].endswith("panic")
    run("live", "--control", "quit")
    assert "asked to: " in session.communicate(timeout=120.0)[0]
    assert session.returncode == 0


def test_profiles_are_saved_and_found(tmp_path, capsys) -> None:
    run(*PATTERN, "--duration", 0.1, "--strength", 0.25, "--save-profile", "My game")
    assert "saved profile 'My game'" in capsys.readouterr().out
    assert "strength = 0.25" in Path(tmp_path / "profiles" / "My game.toml").read_text()
    run(*PATTERN, "--duration", 0.1, "--profile", "My game")
    assert "no profile 'Other'" in error_of(capsys, *PATTERN, "--profile", "Other")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "exactly one of --window TITLE, --pid N, --pick, --monitor N and --source"),
        (("--pick", "--monitor", 1), "got --pick and --monitor"),
        (("--source", "pattern", "--strength", 2), "--strength must lie in 0..1, got 2"),
        (("--source", "pattern", "--fps-cap", 0), "--fps-cap must lie in 1..1000, got 0"),
        (("--source", "nowhere.mkv"), "nowhere.mkv does not exist"),
        (("--source", "pattern:1x1", "--presenter", "none"), "expected sides of 64"),
        (("--source", "pattern", "--stats", "no/folder.json"), "the folder 'no' does not exist"),
        (("--source", "pattern", "--engine", "abacus"), "no engine 'abacus'"),
        (("--source", "pattern", "--model", "nothing"), "nothing"),
        (("--control", "dance"), "no command 'dance'"),
        (("--control", "toggle"), "no session is running"),
    ],
)
def test_mistakes_are_told_in_a_line(capsys, arguments: tuple, message: str) -> None:
    assert message in error_of(capsys, "live", *arguments)


def test_files_that_exist_are_kept(tmp_path, capsys) -> None:
    taken = tmp_path / "taken.mkv"
    taken.write_text("precious")
    assert "exists already" in error_of(capsys, *PATTERN, "--stats", taken)
    assert "exists" in error_of(capsys, *PATTERN, "--record", taken)
    assert taken.read_text() == "precious"
