"""From what a user asks for to the jobs that record it."""

from dataclasses import dataclass
from typing import Literal

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording.catalogue import Split, load_catalogue, places, split_of
from temporal_clean.train.recording.game import Take
from temporal_clean.train.recording.games import GAMES
from temporal_clean.train.recording.record import Job

__all__ = ["Mixed", "Plan"]

Mixed = Literal["mixed"]
# By a place's number in the catalogue: enough HUDs to learn to leave text alone, and mostly the
# sharp textures that pairs need (facts/training.md), with some as smooth as a native render's.
MIXED_HUD = (True, False, False)
MIXED_BIAS = (0.0, 0.0, 2.0, 1.0)


@dataclass(frozen=True)
class Plan:
    """How every place is recorded; the fields are those of :class:`Take` and :class:`Job`.

    With ``start`` there is one clip of each place, from that frame on. ``hud`` and ``mip_bias`` may
    be ``mixed``: then a place's number in the catalogue decides. Raises
    :class:`TemporalCleanError` for sizes and numbers that cannot be.
    """

    split: Split = "train"
    windows: int = 2
    frames: int = 60
    start: int | None = None
    seed: int = 0
    width: int = 1920
    height: int = 1080
    factor: int = 4
    hud: bool | Mixed = "mixed"
    mip_bias: float | Mixed = "mixed"

    def __post_init__(self) -> None:
        if self.windows < 1 or self.frames < 2:
            raise TemporalCleanError(
                f"expected 1 window of 2 frames or more, got {self.windows} of {self.frames}"
            )
        if self.factor not in (1, 2, 3, 4) or self.width % self.factor or self.height % self.factor:
            raise TemporalCleanError(
                "expected a size divisible by the factor, which is 1 to 4; got "
                f"{self.width}x{self.height} and {self.factor}"
            )

    def jobs(self, game: str, wanted: tuple[str, ...] = (), limit: int | None = None) -> list[Job]:
        """A job for each of the ``wanted`` places, or for the first ``limit`` of the split.

        Raises :class:`TemporalCleanError` for a place that is unknown or of the other split.
        """
        for place in wanted:
            if (home := split_of(game, place)) != self.split:
                raise TemporalCleanError(
                    f"{place} belongs to the split {home}, not to {self.split}: add --split {home}"
                )
        known = sorted(load_catalogue()[game])
        chosen = wanted or places(game, self.split)[:limit]
        return [self._job(game, place, known.index(place)) for place in chosen]

    def _job(self, game: str, place: str, number: int) -> Job:
        smooth = MIXED_BIAS[number % len(MIXED_BIAS)] if GAMES[game]().has_mip_bias else 0.0
        shown = MIXED_HUD[number % len(MIXED_HUD)]
        take = Take(
            place=place,
            seed=self.seed,
            start=self.start or 0,
            frames=self.frames,
            width=self.width,
            height=self.height,
            mip_bias=smooth if self.mip_bias == "mixed" else self.mip_bias,
            hud=shown if self.hud == "mixed" else self.hud,
        )
        chosen = self.start is not None
        windows = 1 if chosen else self.windows
        return Job(game, take, self.split, self.factor, windows, chosen)
