"""Training as typed data: which stages, how long, on what windows."""

from dataclasses import dataclass, field, replace
from typing import Literal

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.loading import Augmentation, WindowConfig
from temporal_clean.train.objective import StageName, Weights

__all__ = ["PRESETS", "Preset", "Size", "Stage", "preset"]

Size = Literal["fast", "quality"]

# A little of everything that real games do to a picture; noise teaches the flow to stand still.
AUGMENTED = Augmentation(colour=0.4, light=0.05, noise=0.12)
# Less of it, and no synthetic layers, for pictures: all of it cost `quality` 0.3 dB on native
# frames (docs/LOG.md). Games' own grain is among the renderings.
LIGHTLY = Augmentation(colour=0.25, light=0.05)


@dataclass(frozen=True)
class Stage:
    """One stretch of training with one learning rate schedule.

    ``batch`` is in windows over all processes. The rate warms up over ``warm_up`` steps and falls
    along a cosine from ``rate`` to ``last_rate``. The first ``history`` frames of each window are
    only the past, which half of the windows forget (:class:`Objective`).
    """

    trains: StageName
    steps: int
    batch: int
    windows: WindowConfig
    rate: float = 8e-4
    last_rate: float = 2e-5
    warm_up: int = 100
    weights: Weights = field(default_factory=Weights)
    history: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise TemporalCleanError(f"expected steps and batch of 1 or more, got {self}")
        if self.windows.crop % 32:
            raise TemporalCleanError(
                f"expected a crop that 32 divides, got {self.windows.crop}: set another"
            )
        if not 0 <= self.history < self.windows.frames:
            raise TemporalCleanError(
                f"expected history shorter than the windows' {self.windows.frames} frames, got "
                f"{self.history}"
            )


@dataclass(frozen=True)
class Preset:
    """Stages one after another, for one size of the model.

    Each ``round_steps`` steps training is saved and judged on clips held out of it. ``averaging``
    is the decay of the exponential moving average of the weights, which is what ships.
    ``hold_out`` places, at most each fifth, are left out of training to judge it by, on
    ``judged_frames`` frames each.
    """

    size: Size
    stages: tuple[Stage, ...]
    round_steps: int = 500
    averaging: float = 0.999
    weight_decay: float = 1e-4
    most_gradient: float = 1.0
    hold_out: int = 10
    judged_frames: int = 12
    seed: int = 0

    def scaled(self, factor: float) -> "Preset":
        """The same with ``factor`` times the steps of each stage, a tenth of them to warm up."""
        steps = (max(1, round(stage.steps * factor)) for stage in self.stages)
        stages = (
            replace(stage, steps=count, warm_up=min(stage.warm_up, max(1, count // 10)))
            for stage, count in zip(self.stages, steps, strict=True)
        )
        return replace(self, stages=tuple(stages))


def _windows(
    frames: int,
    crop: int,
    layered: float = 0.0,
    held: float = 0.0,
    cut: float = 0.0,
    augmentation: Augmentation = AUGMENTED,
) -> WindowConfig:
    # One decoded stretch serves many windows; two streams let one or two processes share the data.
    return WindowConfig(
        frames=frames,
        crop=crop,
        pool=8,
        stretch=24,
        reuse=48,
        streams=2,
        held=held,
        cut=cut,
        layered=layered,
        augmentation=augmentation,
    )


# Stage (a): motion, half of it synthetic and exact. Pairs of neighbours within short windows.
FLOW = Stage(
    trains="flow",
    steps=12_000,
    batch=4,
    windows=_windows(6, 160, layered=0.4, held=0.06),
    rate=1e-3,
)
# Stage (b): what clean patches look like.
SURPRISE = Stage(
    trains="surprise", steps=1_500, batch=6, windows=_windows(4, 128, layered=0.1), rate=2e-3
)
# Stage (c): one frame at a time, surprise going on.
SPATIAL = Stage(
    trains="spatial",
    steps=6_000,
    batch=6,
    windows=_windows(4, 128, augmentation=LIGHTLY),
    rate=1e-3,
)


def _through_time(
    trains: StageName,
    steps: int,
    batch: int,
    frames: int,
    rate: float,
    last_rate: float,
    history: int = 0,
) -> Stage:
    windows = _windows(history + frames, 128, held=0.04, cut=0.06, augmentation=LIGHTLY)
    return Stage(trains, steps, batch, windows, rate, last_rate, history=history)


# Stage (d): through time; the flow as it is, then all end to end in longer windows, half of them
# behind a past of eight frames: what long play does to sharpness shows only there. The rate only
# falls: raised again at the second stage it cost what the first had won (docs/LOG.md).
FUSION = (
    _through_time("fusion", 4_000, batch=8, frames=3, rate=8e-4, last_rate=3e-4),
    _through_time("joint", 4_000, batch=6, frames=6, rate=3e-4, last_rate=1e-5, history=8),
)
# From weights that exist, on one's own game or on more games: first six frames from nothing, with
# the flow as it is (two thirds of the time of a step), then everything end to end.
TUNED = (
    replace(_through_time("fusion", 900, batch=6, frames=6, rate=5e-4, last_rate=1e-4), warm_up=10),
    replace(FUSION[1], steps=400, rate=1e-4, last_rate=5e-6, warm_up=10),
)

PRESETS: dict[str, Preset] = {
    # Every stage for a few steps: shows that all of it works on this machine.
    "smoke": Preset(
        size="fast",
        stages=tuple(
            Stage(
                trains=trains,
                steps=12,
                batch=4,
                windows=replace(_windows(3, 64, layered=0.3, cut=0.2), pool=2, stretch=6),
                warm_up=4,
                history=1 if trains == "joint" else 0,
            )
            for trains in ("flow", "surprise", "spatial", "fusion", "joint")
        ),
        round_steps=6,
        averaging=0.9,
        hold_out=1,
        judged_frames=4,
    ),
    "flow": Preset(size="fast", stages=(FLOW,)),
    "surprise": Preset(size="fast", stages=(SURPRISE,)),
    "spatial": Preset(size="fast", stages=(SPATIAL,)),
    "fusion": Preset(size="fast", stages=FUSION),
    "fast": Preset(size="fast", stages=(FLOW, SURPRISE, SPATIAL, *FUSION)),
    "quality": Preset(size="quality", stages=(FLOW, SURPRISE, SPATIAL, *FUSION)),
    # Short, so the average is over the last few hundred steps only.
    "fine-tune": Preset(size="fast", stages=TUNED, round_steps=250, averaging=0.995),
}


def preset(name: str, size: Size | None = None) -> Preset:
    """A preset by name, for another size of the model if given.

    Raises :class:`TemporalCleanError` for a name that there is not.
    """
    if name not in PRESETS:
        raise TemporalCleanError(f"no preset {name!r}: expected one of {', '.join(PRESETS)}")
    found = PRESETS[name]
    return found if size is None else replace(found, size=size)
