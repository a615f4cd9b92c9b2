"""The catalogue of places: its splits never mix, and bad ones are refused."""

import json
from pathlib import Path

import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording.catalogue import load_catalogue, places, split_of

GAMES = ("openarena", "supertuxkart", "vizdoom")


def written(folder: Path, text: str) -> Path:
    path = folder / "catalogue.json"
    path.write_text(text)
    return path


def test_it_names_the_games_that_can_be_recorded() -> None:
    assert set(load_catalogue()) == set(GAMES)


@pytest.mark.parametrize("game", GAMES)
def test_no_place_both_trains_and_validates(game: str) -> None:
    train, validation = places(game, "train"), places(game, "validation")
    assert len(train) >= {"openarena": 40, "supertuxkart": 20, "vizdoom": 10}[game]
    assert len(validation) >= 1
    assert not set(train) & set(validation)
    assert set(train) | set(validation) == set(load_catalogue()[game])


def test_the_maps_of_earlier_figures_stay_validation() -> None:
    assert {"oa_shine", "oa_dm6", "wrackdm17"} <= set(places("openarena", "validation"))
    assert split_of("openarena", "oa_dm6") == "validation"


def test_a_family_in_both_splits_is_refused(tmp_path: Path) -> None:
    pair = {"a": {"split": "train", "family": "f"}, "b": {"split": "validation", "family": "f"}}
    with pytest.raises(TemporalCleanError, match=r"family f look alike.*a in train, b in valid"):
        load_catalogue(written(tmp_path, json.dumps({"game": pair})))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"g": {"a": {"split": "train"}, "a": {"split": "validation"}}}', "names a twice"),
        ('{"g": {"a": {"split": "test"}}}', "expected split train or validation"),
        ('{"g": {"a": {"split": "train", "colour": "red"}}}', "expected split"),
        ('{"g": {"a": "train"}}', "is no catalogue|expected split"),
        ("[]", "is no catalogue"),
        ("{", "is no catalogue"),
    ],
)
def test_a_bad_catalogue_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(TemporalCleanError, match=words):
        load_catalogue(written(tmp_path, text))


def test_unknown_names_are_told_what_there_is() -> None:
    with pytest.raises(TemporalCleanError, match="expected a game of openarena"):
        places("quake", "train")
    with pytest.raises(TemporalCleanError, match="nowhere is not among openarena's places"):
        split_of("openarena", "nowhere")
    with pytest.raises(TemporalCleanError, match="expected train or validation as split, got all"):
        places("openarena", "all")  # type: ignore[arg-type]
