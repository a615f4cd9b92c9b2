"""SuperTuxKart: races render byte for byte; licences and tracks are read without the game."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording import supertuxkart as recording
from temporal_clean.train.recording import supertuxkart_assets as assets
from temporal_clean.train.recording.game import Take
from temporal_clean.train.recording.preload import compile_preload
from temporal_clean.train.recording.supertuxkart import SuperTuxKart

TAKE = Take("olivermath", seed=2, start=30, frames=4, width=160, height=90)
COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2006-2022 SuperTuxKart-Team
License: GPL-3+

Files: data/tracks/pond/*
Copyright: 2015 Anon <anon@example.org>
License: CC-BY-4.0 and CC-BY-3.0

Files:
 data/tracks/pond/frog.png
 data/textures/reed*
Copyright:
 2008, 2010 Ann
 ???? Bob ("bobby")
License: CC0 or GPL-2
"""


def game_is_missing() -> bool:
    try:
        SuperTuxKart().require()
    except TemporalCleanError:
        return True
    return False


needs_game = pytest.mark.skipif(
    game_is_missing(), reason=f"needs SuperTuxKart: {SuperTuxKart().install}"
)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder like that of the game's data: a track, an arena and a kart."""
    files = {
        "data/tracks/pond/track.xml": '<track name="The Pond" designer="Ann" arena="N"/>',
        "data/tracks/pond/pond.spm": "SP...reed_a.png",
        "data/tracks/pond/frog.png": "",
        "data/tracks/ring/track.xml": '<track name="Ring" arena="Y"/>',
        "data/textures/reed_a.png": "",
        "data/textures/unused.png": "",
        "data/karts/gnu/kart.xml": "",
        "data/karts/gnu/gnu.spm": "",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_only_race_tracks_are_places(installed: Path) -> None:
    assert assets.track_names(installed) == ("pond",)
    assert assets.find_track("pond", installed).title == "The Pond"
    assert assets.kart_names(installed) == ("gnu",)
    with pytest.raises(TemporalCleanError, match=r"race tracks, got 'ring'; there are pond"):
        assets.find_track("ring", installed)


def test_licence_names_what_the_track_shows(installed: Path) -> None:
    listed = installed / "copyright"
    listed.write_text(COPYRIGHT)
    expression, attribution = assets.licence_of("pond", installed, listed)
    terms = "(CC0-1.0 OR GPL-2.0-only) AND CC-BY-3.0 AND CC-BY-4.0 AND GPL-3.0-or-later"
    assert expression == terms
    assert "Track 'The Pond' (pond) by Ann" in attribution
    assert "CC-BY-4.0 AND CC-BY-3.0: Anon" in attribution
    assert '(CC0-1.0 OR GPL-2.0-only): Ann, Bob ("bobby")' in attribution
    assert "GPL-3.0-or-later: SuperTuxKart-Team" in attribution


def test_licence_without_list_says_what_to_install(installed: Path) -> None:
    with pytest.raises(TemporalCleanError, match="install --reinstall supertuxkart-data"):
        assets.licence_of("pond", installed, installed / "absent")


def test_missing_game_says_how_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PROGRAM", "/nonexistent/supertuxkart")
    with pytest.raises(TemporalCleanError, match="SuperTuxKart is missing: apt-get install"):
        SuperTuxKart().require()


def test_seed_draws_the_karts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "kart_names", lambda: tuple("abcdefgh"))
    commands = {recording._command(replace(TAKE, seed=seed)) for seed in (1, 2, 1)}
    assert len(commands) == 2


@needs_game
@pytest.mark.parametrize("change", [{"start": -1}, {"start": 10**6}, {"place": "temple"}])
def test_impossible_takes_are_refused(change: dict, tmp_path: Path) -> None:
    with pytest.raises(TemporalCleanError, match="expected"):
        next(SuperTuxKart().render(replace(TAKE, **change), tmp_path))


@needs_game
def test_failure_shows_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho no such luck\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(recording, "PROGRAM", str(program))
    with pytest.raises(TemporalCleanError, match=r"stopped after 0 of 4 frames(.|\n)*no such luck"):
        next(SuperTuxKart().render(TAKE, tmp_path))


@needs_game
def test_takes_repeat_byte_for_byte_and_differ_only_in_the_hud(tmp_path: Path) -> None:
    compile_preload(tmp_path)
    later = replace(TAKE, start=TAKE.start + 2, frames=2)
    takes = [TAKE, later, replace(TAKE, hud=True)]
    with ThreadPoolExecutor(len(takes)) as pool:  # as recorders run side by side
        plain, again, hud = pool.map(
            lambda take: np.stack(list(SuperTuxKart().render(take, tmp_path))), takes
        )
    assert plain.shape == (4, 90, 160, 3)
    assert plain.std() > 10
    assert all((plain[i] != plain[i + 1]).any() for i in range(3))
    assert (plain[2:] == again).all()
    shown = (plain != hud).any(axis=(0, 3))
    assert 0.005 < shown.mean() < 0.25
    assert not shown[30:60, 50:110].any()
