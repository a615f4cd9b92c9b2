"""Profiles: written, read again, found by window, and wrong ones explained."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command
from temporal_clean.realtime.live.profiles import (
    Profile,
    load_profile,
    matching_profile,
    profile_names,
    save_profile,
)

pytest.importorskip("tomli_w", reason="pip install 'temporal-clean[live]'")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("TEMPORAL_CLEAN_PROFILES", str(tmp_path / "profiles"))
    (tmp_path / "profiles").mkdir()
    return tmp_path / "profiles"


profiles = st.builds(
    Profile,
    window=st.none() | st.text(st.characters(codec="utf-8"), max_size=20),
    model=st.none() | st.sampled_from(["fast", "quality", 'C:\\models\\"x".onnx']),
    engine=st.none() | st.just("openvino"),
    strength=st.none() | st.floats(0, 1),
    fps_cap=st.none() | st.floats(1, 1000) | st.integers(1, 1000),
    hud=st.none() | st.booleans(),
    white_nits=st.none() | st.floats(80, 1000),
    force_sdr=st.none() | st.booleans(),
    hotkeys=st.dictionaries(st.just("toggle"), st.sampled_from(["", "alt+x", "f24"])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(profile=profiles)
def test_what_was_saved_is_loaded(profile: Profile) -> None:
    save_profile("game", profile)
    assert load_profile("game") == profile


def test_a_profile_is_readable_and_in_the_command_lines_words(folder: Path) -> None:
    path = save_profile(
        "Super Tux", Profile("SuperTuxKart", fps_cap=60, hotkeys={"toggle": "alt+t"})
    )
    assert path == folder / "Super Tux.toml"
    assert path.read_text() == (
        'window = "SuperTuxKart"\nfps-cap = 60\n\n[hotkeys]\ntoggle = "alt+t"\n'
    )
    assert list(folder.iterdir()) == [path]
    assert profile_names() == ["Super Tux"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", r"no setting 'colour': expected window, model, .*fps-cap.*hotkeys"),
        ("fps_cap = 60", "no setting 'fps_cap'"),
        ("strength = 1.5", r"--strength must lie in 0\.\.1, got 1\.5"),
        ("strength = true", "strength: expected a number, got True"),
        ("hud = 1", "hud: expected true or false, got 1"),
        ("model = 3", "model: expected text, got 3"),
        ("white-nits = 20", "--white-nits must lie in 80"),
        ("hotkeys = 'alt+t'", r"hotkeys: expected a table, \[hotkeys\]"),
        ("[hotkeys]\ntoggle = 5", "hotkeys: expected text like"),
        ("[hotkeys]\ntogle = 'alt+t'", "no command 'togle' for a hotkey"),
        ("[hotkeys]\ntoggle = 'x'", "add ctrl, alt or super"),
        ("model = ", "not a TOML file: Invalid value"),
    ],
)
def test_a_wrong_profile_says_which_file_and_what(folder: Path, text: str, message: str) -> None:
    (folder / "game.toml").write_text(text)
    with pytest.raises(TemporalCleanError, match=rf"game\.toml.*{message}"):
        load_profile("game")


def test_a_missing_profile_names_those_there_are() -> None:
    with pytest.raises(TemporalCleanError, match=r"no profile 'b' at .*none yet"):
        load_profile("b")
    save_profile("a", Profile())
    with pytest.raises(TemporalCleanError, match=r"profiles there: a$"):
        load_profile("b")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\nb", "x" * 70])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(TemporalCleanError, match="no name for a profile"):
        load_profile(name)


def test_the_window_with_the_longest_text_wins() -> None:
    save_profile("any", Profile("tux"))
    save_profile("kart", Profile("tuxKART"))
    save_profile("dx", Profile("game [DX11]"))
    save_profile("none", Profile())

    def name_of(title: str) -> str | None:
        found = matching_profile(title)
        return found[0] if found else None

    assert name_of("SuperTuxKart 1.4") == "kart"
    assert name_of("Tux Racer") == "any"
    assert name_of("My Game [dx11] 60 fps") == "dx"
    assert name_of("My Game D") is None


def test_the_command_line_goes_before_the_profile() -> None:
    profile = Profile(window="Tux", model="quality", strength=0.4, hud=True)
    options = profile.over(strength=0.9, model=None)
    assert (options.window, options.model, options.strength) == ("Tux", "quality", 0.9)
    assert options.hud
    assert Command.QUIT not in Profile("Tux", hotkeys={"quit": ""}).over().hotkeys
    other = profile.over(pid=7)
    assert (other.window, other.pid) == (None, 7)
    with pytest.raises(TemporalCleanError, match="exactly one of --window"):
        Profile(model="quality").over()
