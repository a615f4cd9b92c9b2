"""What a game must offer to be recorded, and what is recorded of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol

from temporal_clean.video import Pixels

__all__ = ["Game", "Take"]


@dataclass(frozen=True)
class Take:
    """One stretch of play; the same take always shows the same frames.

    ``seed`` is the match's or the episode's, ``start`` the first frame kept, counted from the first
    frame of play. ``width`` and ``height`` are of the render, in pixels. A positive ``mip_bias``
    makes textures smoother: at 2 a render of 4 times the size has a native render's.
    """

    place: str
    seed: int = 0
    start: int = 0
    frames: int = 60
    width: int = 1920
    height: int = 1080
    mip_bias: float = 0.0
    hud: bool = False


class Game(Protocol):
    """A game that plays itself, deterministically, and gives its frames.

    ``work`` is a cache folder that no other process uses at the same time. ``thumbnail`` is the
    size (width, height) of a cheap render; ``has_mip_bias`` says whether textures can be smoothed.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def install(self) -> str: ...
    @property
    def frame_rate(self) -> Fraction: ...
    @property
    def thumbnail(self) -> tuple[int, int]: ...
    @property
    def has_mip_bias(self) -> bool: ...

    def require(self) -> None:
        """Raise :class:`TemporalCleanError` with the install line if something is missing."""
        ...

    def versions(self) -> dict[str, str]:
        """Of the game, its assets and its renderer."""
        ...

    def licence(self, place: str) -> tuple[str, str]:
        """SPDX expression and attribution of what a recording of ``place`` shows."""
        ...

    def length(self, take: Take, work: Path) -> int:
        """How many frames ``take.place`` gives with ``take.seed``; plays them if need be."""
        ...

    def render(self, take: Take, work: Path) -> Iterator[Pixels]:
        """Exactly ``take.frames`` frames, (height, width, 3) uint8 RGB, ``1 / frame_rate`` apart.

        Raises :class:`TemporalCleanError` with the log's last lines if the game fails.
        """
        ...
