"""Per-game profiles: what a player once found right for a game, found again by name or window.

A profile is a TOML file in the user's configuration folder, with the command line's own words::

    window = "SuperTuxKart"    # a part of the window's title, in any case
    model = "quality"
    fps-cap = 60
    [hotkeys]
    toggle = "ctrl+shift+f5"
"""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.realtime.live.hotkeys import hotkeys_from
from temporal_clean.realtime.live.options import LiveOptions

__all__ = [
    "Profile",
    "load_profile",
    "matching_profile",
    "profile_names",
    "profiles_folder",
    "save_profile",
]

NAME = re.compile(r"[\w][\w .+-]{0,63}")


@dataclass(frozen=True)
class Profile:
    """Settings of one game; None is 'as the command line or the default says'.

    ``hotkeys`` maps command names to hotkeys; see :func:`hotkeys_from`. Raises
    :class:`TemporalCleanError` on values of the wrong type or out of range.
    """

    window: str | None = None
    model: str | None = None
    engine: str | None = None
    strength: float | None = None
    keep: str | None = None
    fps_cap: float | None = None
    hud: bool | None = None
    white_nits: float | None = None
    force_sdr: bool | None = None
    hotkeys: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.given().items():
            expected, words = KINDS[name]
            # A bool is an int to Python, not to a player.
            if not isinstance(value, expected) or isinstance(value, bool) != (expected is bool):
                raise TemporalCleanError(f"{_word(name)}: expected {words}, got {value!r}")
        if not all(isinstance(text, str) for text in self.hotkeys.values()):
            raise TemporalCleanError("hotkeys: expected text like ctrl+shift+f6 for each command")
        hotkeys_from(self.hotkeys)
        self.over(source="pattern")  # there the ranges are checked

    def given(self) -> dict[str, Any]:
        """The settings that this profile makes, hotkeys left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "hotkeys"}
        return {name: value for name, value in values.items() if value is not None}

    def over(self, **given: Any) -> LiveOptions:
        """The session's options: what was ``given`` on the command line goes before this."""
        chosen = {name: value for name, value in given.items() if value is not None}
        mine = {name: value for name, value in self.given().items() if name != "window"}
        if self.window and not chosen.keys() & {"window", "pid", "pick", "monitor", "source"}:
            mine["window"] = self.window
        mine["hotkeys"] = hotkeys_from(self.hotkeys)
        return LiveOptions(**{**mine, **chosen})


KINDS: dict[str, tuple[Any, str]] = {
    "window": (str, "text"),
    "model": (str, "text"),
    "engine": (str, "text"),
    "strength": (int | float, "a number"),
    "keep": (str, "the path of a picture"),
    "fps_cap": (int | float, "a number"),
    "hud": (bool, "true or false"),
    "white_nits": (int | float, "a number"),
    "force_sdr": (bool, "true or false"),
}


def profiles_folder() -> Path:
    """Where they lie: TEMPORAL_CLEAN_PROFILES if set, else in the user's configuration folder."""
    import platformdirs

    chosen = os.environ.get("TEMPORAL_CLEAN_PROFILES")
    if chosen:
        return Path(chosen)
    return Path(platformdirs.user_config_dir("temporal-clean", appauthor=False)) / "profiles"


def profile_names() -> list[str]:
    """Of all profiles there are, in alphabetical order."""
    return sorted(path.stem for path in profiles_folder().glob("*.toml"))


def load_profile(name: str) -> Profile:
    """The profile of this name; raises :class:`TemporalCleanError` if it is missing or wrong."""
    path = _path(name)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        known = ", ".join(profile_names()) or "none yet"
        raise TemporalCleanError(
            f"no profile '{name}' at '{path}'; profiles there: {known}"
        ) from error
    except OSError as error:
        raise TemporalCleanError(f"'{path}' cannot be read: {error.strerror}") from error
    except ValueError as error:  # not UTF-8 or not TOML; tomllib names the line
        raise TemporalCleanError(f"'{path}' is not a TOML file: {error}") from error
    try:
        return _profile(found)
    except TemporalCleanError as error:
        raise TemporalCleanError(f"'{path}': {error}") from error


def _profile(found: Mapping[str, Any]) -> Profile:
    known = {_word(f.name): f.name for f in fields(Profile)}
    unknown = [key for key in found if key not in known]
    if unknown:
        raise TemporalCleanError(f"no setting '{unknown[0]}': expected {', '.join(known)}")
    if not isinstance(found.get("hotkeys", {}), dict):
        raise TemporalCleanError("hotkeys: expected a table, [hotkeys], with a line a command")
    return Profile(**{known[key]: value for key, value in found.items()})


def save_profile(name: str, profile: Profile) -> Path:
    """Write the profile whole, in place of an older one of that name; gives its path."""
    import tomli_w

    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, Any] = {_word(key): value for key, value in profile.given().items()}
    if profile.hotkeys:
        content["hotkeys"] = dict(profile.hotkeys)
    write_whole(path, tomli_w.dumps(content).encode())
    return path


def matching_profile(title: str) -> tuple[str, Profile] | None:
    """Name and profile whose ``window`` is in ``title``: the longest text, if several are."""
    fitting = [
        (len(profile.window), name, profile)
        for name, profile in ((name, load_profile(name)) for name in profile_names())
        if profile.window and profile.window.lower() in title.lower()
    ]
    if not fitting:
        return None
    _, name, profile = max(fitting, key=lambda found: found[:2])
    return name, profile


def _path(name: str) -> Path:
    if not NAME.fullmatch(name):
        raise TemporalCleanError(
            f"no name for a profile: '{name}'; expected letters, digits, spaces, . + - and _"
        )
    return profiles_folder() / f"{name}.toml"


def _word(name: str) -> str:
    """A field's name as players write it."""
    return name.replace("_", "-")
