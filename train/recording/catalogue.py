"""The catalogue of places that can be recorded, and which of them train and which validate.

catalogue.json holds, by game and place, ``{"split": "train" or "validation"}`` and where needed
``"family"`` (a name shared by places that look alike, such as two versions of a map). A family
lies in one split, so that what validates was never seen in training. SuperTuxKart's Debian
package has 21 race tracks: one validates, beside the other games' places.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from temporal_clean.errors import TemporalCleanError

__all__ = ["CatalogueEntry", "Split", "load_catalogue", "places", "split_of"]

Split = Literal["train", "validation"]
CATALOGUE = Path(__file__).with_name("catalogue.json")


@dataclass(frozen=True)
class CatalogueEntry:
    """A place: its split, and what it resembles."""

    split: Split
    family: str | None = None


@cache
def load_catalogue(path: Path = CATALOGUE) -> dict[str, dict[str, CatalogueEntry]]:
    """The catalogue by game and place.

    Raises :class:`TemporalCleanError` for unknown fields or splits, a place named twice, or a
    family that lies in both splits.
    """
    try:
        games = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=distinct)
        entries = {
            game: {name: entry(f"{game}: {name}", fields) for name, fields in places.items()}
            for game, places in games.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise TemporalCleanError(
            f"{path} is no catalogue ({error}): expected {{game: {{place: {{'split': ...}}}}}}"
        ) from error
    for game, known in entries.items():
        separate(game, known)
    return entries


def places(game: str, split: Split) -> list[str]:
    """The places of a game that belong to a split, in order of name."""
    if split not in get_args(Split):
        raise TemporalCleanError(f"expected train or validation as split, got {split}")
    return sorted(name for name, place in of_game(game).items() if place.split == split)


def split_of(game: str, place: str) -> Split:
    """The split of a place; raises :class:`TemporalCleanError` for one not in the catalogue."""
    known = of_game(game)
    if place not in known:
        raise TemporalCleanError(
            f"{place} is not among {game}'s places in the catalogue: {', '.join(sorted(known))}"
        )
    return known[place].split


def of_game(game: str) -> dict[str, CatalogueEntry]:
    """A game's places; raises :class:`TemporalCleanError` for an unknown game."""
    catalogue = load_catalogue()
    if game not in catalogue:
        raise TemporalCleanError(f"expected a game of {', '.join(catalogue)}, got {game}")
    return catalogue[game]


def entry(where: str, fields: dict[str, str]) -> CatalogueEntry:
    """One place's entry from its JSON object."""
    unknown = set(fields) - {"split", "family"}
    if unknown or fields.get("split") not in get_args(Split):
        raise TemporalCleanError(
            f"{where}: expected split train or validation and perhaps family, got {fields}"
        )
    return CatalogueEntry(**fields)  # pyright: ignore[reportArgumentType]


def separate(game: str, known: dict[str, CatalogueEntry]) -> None:
    """Raise :class:`TemporalCleanError` if places that look alike lie in different splits."""
    splits: dict[str, dict[str, str]] = {}
    for name, place in known.items():
        if place.family:
            splits.setdefault(place.family, {})[name] = place.split
    for family, members in splits.items():
        if len(set(members.values())) > 1:
            raise TemporalCleanError(
                f"{game}: the places of family {family} look alike and belong in one split, got "
                + ", ".join(f"{name} in {split}" for name, split in members.items())
            )


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose keys must differ: a place named twice could be in both splits."""
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise TemporalCleanError(f"the catalogue names {', '.join(twice)} twice: keep one of them")
    return dict(pairs)
