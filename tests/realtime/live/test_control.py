"""The control of a running session: obeyed for its user, closed to others, alive whatever comes."""

import contextlib
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.control import (
    ControlServer,
    command_line,
    parse_request,
    parse_words,
    pipe,
    send,
    sessions,
)
from temporal_clean.realtime.live.control.channels import Way, runtime_folder, system_way
from temporal_clean.realtime.live.control.server import MOST_CLIENTS

if sys.platform == "win32":
    pytest.skip("Unix sockets", allow_module_level=True)

NOBODY = 65534


def pipe_like() -> Way:
    """The Windows way over a socket: all of it but the pipe's name."""

    def address(path: Path) -> str:
        return str(path.with_suffix(".pipe"))

    return Way(
        ".key",
        lambda path: pipe.KeyedListener(path, address(path)),
        lambda path: pipe.connect_to(path, address(path)),
    )


@pytest.fixture(params=["unix", "pipe"])
def way(request) -> Way:
    return system_way() if request.param == "unix" else pipe_like()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("TEMPORAL_CLEAN_RUNTIME", str(tmp_path / "run"))
    return runtime_folder()


class Player:
    """Stands in for the session: remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def handle(self, request: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        if request["command"] == "panic":
            raise TemporalCleanError("not now")
        return {"state": "run"} if request["command"] == "status" else {}


@pytest.fixture
def player(folder: Path, way: Way) -> Iterator[Player]:
    player = Player()
    before = threading.active_count()
    server = ControlServer(player.handle, way=way)
    server.start()
    yield player
    server.stop()
    assert list(folder.glob("*[!.pipe]")) == []
    assert threading.active_count() == before


def test_a_command_arrives_and_the_answer_comes_back(player: Player, way: Way) -> None:
    assert send({"command": "toggle"}, way=way) == {}
    assert send({"command": "status"}, session=os.getpid(), way=way) == {"state": "run"}
    send({"command": "set", "strength": 0.5, "fps-cap": 0}, way=way)
    assert player.asked[-1] == {"command": "set", "strength": 0.5, "fps-cap": None}
    with pytest.raises(TemporalCleanError, match="not now"):
        send({"command": "panic"}, way=way)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"command": "jump"}, "no command 'jump'.*toggle, split"),
        ({"command": "set"}, "set what"),
        ({"command": "set", "colour": 1}, "no setting 'colour': expected strength, divider"),
        ({"command": "toggle", "strength": 1}, "nothing beside toggle"),
        ({"command": "set", "strength": 1.5}, r"strength: expected a number in 0\.\.1"),
        ({"command": "set", "strength": True}, "strength: expected a number"),
        ({"command": "set", "fps-cap": -3}, "fps-cap: expected frames a second"),
        ({"command": "set", "model": "a\nb"}, "model: expected a model's name"),
        ([1], "expected a JSON object, got list"),
    ],
)
def test_what_cannot_be_obeyed_is_answered_with_the_reason(request_, message: str) -> None:
    with pytest.raises(TemporalCleanError, match=message):
        parse_request(json.dumps(request_).encode())


def test_words_of_a_person() -> None:
    assert parse_words("toggle") == {"command": "toggle"}
    assert parse_words("set strength=0.5 model=quality") == {
        "command": "set",
        "strength": 0.5,
        "model": "quality",
    }
    assert parse_words("divider=0.3") == {"command": "set", "divider": 0.3}
    for text, message in [("", "no command ''"), ("toggle now", "like strength=0.5, got 'now'")]:
        with pytest.raises(TemporalCleanError, match=message):
            parse_words(text)


def raw(folder: Path, data: bytes) -> bytes:
    """What the Unix socket answers to these bytes, up to its hanging up."""
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(10)
        connected.connect(str(folder / f"{os.getpid()}.sock"))
        found = b""
        # The server hangs up on a line that is too long, before all of it is sent.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connected.sendall(data)
            connected.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            while received := connected.recv(65536):
                found += received
    return found


def commandlike() -> st.SearchStrategy[bytes]:
    """Bytes, and JSON that comes near to a request."""
    scalars = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
    values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
    keys = st.sampled_from(["command", "strength", "model", "fps-cap", "x"])
    words = st.sampled_from(["set", "toggle", "status", "quit"])
    near = st.dictionaries(keys, values | words, max_size=4)
    return st.binary(max_size=60) | near.map(lambda found: json.dumps(found).encode())


@pytest.mark.parametrize("way", ["unix"], indirect=True)
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(commandlike(), min_size=1, max_size=4))
def test_any_bytes_get_one_answer_a_line_and_the_server_lives(player, folder, lines) -> None:
    data = b"".join(line.replace(b"\n", b" ") + b"\n" for line in lines)
    answers = [json.loads(line) for line in raw(folder, data).splitlines()]
    assert len(answers) == len(lines)
    for found in answers:
        assert found["ok"] is True or found["error"]
    assert send({"command": "status"})["state"] == "run"


@pytest.mark.parametrize("way", ["unix"], indirect=True)
def test_empty_deep_long_and_unfinished_lines(player: Player, folder: Path) -> None:
    assert b"one JSON object" in raw(folder, b"\n")
    assert b"one JSON object" in raw(folder, b"[" * 4000 + b"\n")
    assert b"at most" in raw(folder, b"x" * 100_000)
    assert b'"ok": true' in raw(folder, b'{"command": "toggle"}')  # no newline, but an end
    assert raw(folder, b"") == b""


def test_many_at_once_are_all_answered(player: Player, way: Way) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: send({"command": "status"}, way=way), range(60)))
    assert answers == [{"state": "run"}] * 60
    assert len(player.asked) == 60


@pytest.mark.parametrize("way", ["unix"], indirect=True)
def test_silent_clients_are_limited_and_do_not_stop_others(player, folder, monkeypatch) -> None:
    monkeypatch.setattr("temporal_clean.realtime.live.control.unix.PATIENCE", 0.5)
    silent = [socket.socket(socket.AF_UNIX) for _ in range(MOST_CLIENTS)]
    for client in silent:
        client.connect(str(folder / f"{os.getpid()}.sock"))
    time.sleep(0.1)
    with pytest.raises(TemporalCleanError, match="too many clients"):
        send({"command": "status"})
    time.sleep(0.6)
    assert b"no whole line came" in silent[0].recv(1000)
    assert send({"command": "status"}) == {"state": "run"}
    for client in silent:
        client.close()


@pytest.mark.parametrize("way", ["pipe"], indirect=True)
def test_without_the_key_the_pipe_obeys_nothing(player: Player, folder: Path) -> None:
    (key,) = folder.glob("*.key")
    assert len(key.read_bytes()) == 32
    with Client(str(key.with_suffix(".pipe"))) as stranger:
        assert len(stranger.recv_bytes()) == 32
        stranger.send_bytes(b'{"command": "toggle"}')
        assert b"another user" in stranger.recv_bytes()
    assert player.asked == []


SESSION = """
import sys, time
from temporal_clean.realtime.live.control import ControlServer
server = ControlServer(lambda request: {"who": "second"})
server.start()
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("way", ["unix"], indirect=True)
def test_a_second_session_is_the_one_asked_and_a_killed_one_is_swept(player, folder) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SESSION], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as second:
        assert second.stdout
        assert second.stdout.readline() == b"ready\n"
        assert [s.process for s in sessions()] == [second.pid, os.getpid()]
        assert send({"command": "status"}) == {"who": "second"}
        assert send({"command": "status"}, session=os.getpid()) == {"state": "run"}
        with pytest.raises(TemporalCleanError, match=rf"no session 1: running are {second.pid}"):
            send({"command": "status"}, session=1)
        second.kill()
        second.wait()
    assert (folder / f"{second.pid}.sock").exists()
    assert command_line("status") == '{\n  "state": "run"\n}'
    assert command_line("toggle") == "done"
    assert not (folder / f"{second.pid}.sock").exists()


def test_no_session_says_how_to_start_one(folder: Path) -> None:
    with pytest.raises(TemporalCleanError, match="temporal-clean live --window"):
        send({"command": "toggle"})


def test_one_process_answers_once(folder: Path, way: Way) -> None:
    server = ControlServer(lambda request: {}, way=way)
    server.start()
    with pytest.raises(TemporalCleanError, match="already answers"):
        ControlServer(lambda request: {}, way=way).start()
    server.stop()
    server.stop()


def as_nobody(work: Any, results: Any) -> None:
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    results.put(work())


def ask_raw(path: Path) -> str:
    """What another user gets: the error of connecting, or the session's answer."""
    with socket.socket(socket.AF_UNIX) as connected:
        try:
            connected.connect(str(path))
            with contextlib.suppress(BrokenPipeError):  # refused before it was asked
                connected.sendall(b'{"command": "toggle"}\n')
            return connected.recv(1000).decode()
        except OSError as error:
            return type(error).__name__


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("way", ["unix"], indirect=True)
@pytest.mark.parametrize("opened", [False, True])
def test_another_user_is_refused(player: Player, folder: Path, opened: bool) -> None:
    path = folder / f"{os.getpid()}.sock"
    for above in (folder.parent, *folder.parent.parents[:-2]):
        above.chmod(0o755)
    if opened:  # as if every mode bit had failed: the kernel's word remains
        folder.chmod(0o755)
        path.chmod(0o666)
    # Forked: another user may not read where this package lies.
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=as_nobody, args=(partial(ask_raw, path), results))
    child.start()
    found = results.get(timeout=20)
    child.join()
    folder.chmod(0o700)
    if opened:
        assert json.loads(found) == {"ok": False, "error": "this session belongs to another user"}
    else:
        assert found == "PermissionError"
    assert player.asked == []
    assert send({"command": "status"}) == {"state": "run"}


def test_without_a_runtime_folder_of_the_session_there_is_a_private_one(
    tmp_path: Path, monkeypatch, recwarn
) -> None:
    for name in ("TEMPORAL_CLEAN_RUNTIME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = runtime_folder()
    assert folder == tmp_path / f"temporal-clean-{os.geteuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "session"))
    assert runtime_folder().is_relative_to(tmp_path / "session")
    assert not recwarn.list


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_open_to_others_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(TemporalCleanError, match=r"open to other users.*chmod 700"):
        ControlServer(lambda request: {}).start()


def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    with pytest.raises(TemporalCleanError, match=r"no control socket.*name a shorter"):
        ControlServer(lambda request: {}, folder=deep).start()
