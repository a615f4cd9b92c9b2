"""Everything that a live session can be asked for, checked once, before anything is opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.events import Command
from temporal_clean.realtime.live.hotkeys import DEFAULT_HOTKEYS, Hotkey

__all__ = ["LiveOptions", "PresenterName"]

# auto: an overlay over a window or a monitor, a window of its own for files and patterns.
PresenterName = Literal["auto", "overlay", "window", "gl", "none"]

# Below this many cleaned frames a second history is of no use: at 60 frames a second every frame
# then comes after three missed ones, and the state is reset each time (facts of the live loop).
SLOWEST_FPS = 15.0


@dataclass(frozen=True)
class LiveOptions:
    """One live session. Exactly one of the first five says where frames come from.

    ``source`` is a video file, or ``pattern`` with an optional size and rate
    (``pattern:640x360@60``). ``adaptive`` allows faster models and a lower internal size when the
    game needs the time. ``min_fps`` is the rate below which cleaning switches itself off until
    there is time again. ``keep`` is a picture, white where the game's own stays as over its HUD.
    ``white_nits`` is the display's SDR white level, for HDR.
    """

    window: str | None = None
    pid: int | None = None
    pick: bool = False
    monitor: int | None = None
    source: str | None = None
    loop: bool = False
    model: str = "fast"
    engine: str = "auto"
    adaptive: bool = True
    strength: float = 1.0
    keep: str | Path | None = None
    min_fps: float = SLOWEST_FPS
    fps_cap: float | None = None
    duration: float | None = None
    presenter: PresenterName = "auto"
    hud: bool = False
    split: bool = False
    divider: float = 0.5
    force_sdr: bool = False
    white_nits: float | None = None
    cursor: bool = False
    record: Path | None = None
    overwrite: bool = False
    hotkeys: Mapping[Command, Hotkey] = field(default_factory=lambda: dict(DEFAULT_HOTKEYS))

    def __post_init__(self) -> None:
        chosen = [name for name, given in self.sources().items() if given]
        if len(chosen) != 1:
            found = " and ".join(chosen) or "none"
            raise TemporalCleanError(
                "expected exactly one of --window TITLE, --pid N, --pick, --monitor N and "
                f"--source VIDEO-OR-PATTERN, got {found}"
            )
        for name, value, lowest, highest in (
            ("strength", self.strength, 0.0, 1.0),
            ("divider", self.divider, 0.0, 1.0),
            ("fps-cap", self.fps_cap, 1.0, 1000.0),
            ("min-fps", self.min_fps, 0.0, 1000.0),
            ("duration", self.duration, 0.0, float("inf")),
            ("white-nits", self.white_nits, 80.0, 1000.0),
        ):
            if value is not None and not lowest <= value <= highest:
                raise TemporalCleanError(
                    f"--{name} must lie in {lowest:g}..{highest:g}, got {value:g}"
                )

    def sources(self) -> dict[str, bool]:
        """Each way to name a source, and whether it was given."""
        return {
            "--window": self.window is not None,
            "--pid": self.pid is not None,
            "--pick": self.pick,
            "--monitor": self.monitor is not None,
            "--source": self.source is not None,
        }

    @property
    def shown_by(self) -> PresenterName:
        """The presenter asked for, or what 'auto' means for this source."""
        if self.presenter != "auto":
            return self.presenter
        return "window" if self.source is not None else "overlay"
