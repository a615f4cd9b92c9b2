"""The steps from a rendered frame to the screen, each a record of its parameters.

A recipe begins with a render (:class:`Sample` or :class:`Clean`); the others change the picture.
Steps with ``after_hud`` see the picture with the HUD drawn over it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator

from temporal_clean.errors import TemporalCleanError
from temporal_clean.flow import Kernel
from temporal_clean.flow.classical import DisPreset
from temporal_clean.train.degrading.chroma import from_420, to_420
from temporal_clean.train.degrading.compression import Codec, compress
from temporal_clean.train.degrading.fsr1 import easu, rcas
from temporal_clean.train.degrading.fxaa import EDGE_THRESHOLD, SUBPIXEL, fxaa
from temporal_clean.train.degrading.grids import halton_jitter, sample
from temporal_clean.train.degrading.motion import spoil
from temporal_clean.train.degrading.noise import grain, quantise
from temporal_clean.train.degrading.picture import Picture
from temporal_clean.train.degrading.resample import resample
from temporal_clean.train.degrading.scene import Scene
from temporal_clean.train.degrading.sharpen import cas, unsharp
from temporal_clean.train.degrading.temporal import Accumulation, accumulate

__all__ = [
    "Cas",
    "Chroma420",
    "Clean",
    "Compress",
    "Fxaa",
    "Grain",
    "Quantise",
    "Rcas",
    "Render",
    "Sample",
    "Step",
    "Temporal",
    "Unsharp",
    "Upscale",
]

UpscaleKernel = Literal["nearest", "bilinear", "bicubic", "lanczos", "easu"]


class Render(ABC):
    """The first step of a recipe."""

    step: ClassVar[str]

    @abstractmethod
    def render(self, scene: Scene, generator: Generator) -> Picture:
        """The picture before any post-processing."""


class Step(ABC):
    """A later step of a recipe."""

    step: ClassVar[str]
    after_hud: ClassVar[bool] = False

    @abstractmethod
    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        """The picture after this step; ``generator`` gives all that is random in it."""


@dataclass(frozen=True)
class Clean(Render):
    """The reference itself: an input that must stay as it is."""

    step: ClassVar[str] = "clean"

    def render(self, scene: Scene, generator: Generator) -> Picture:
        frames = scene.reference
        return Picture(frames, torch.zeros(len(frames), 2), (frames.shape[-2], frames.shape[-1]))


@dataclass(frozen=True)
class Sample(Render):
    """One sample a pixel at ``scale`` times the screen's size.

    ``sequence`` ``fixed`` puts every frame's samples at ``jitter`` (x and y from the pixels'
    centres, in pixels of the render, [-0.5, 0.5)); ``halton`` moves them as temporal upscalers do,
    from a start that the seed chooses, and adds ``jitter``. Upscalers take the offset out again;
    at scale 1 without one, ``jitter`` moves the picture.
    """

    step: ClassVar[str] = "sample"
    scale: float = 1.0
    sequence: Literal["fixed", "halton"] = "fixed"
    jitter: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if self.sequence not in ("fixed", "halton"):
            raise TemporalCleanError(
                f"a sample's sequence is 'fixed' or 'halton', not {self.sequence!r}"
            )

    def render(self, scene: Scene, generator: Generator) -> Picture:
        count = len(scene.master)
        jitter = torch.tensor([self.jitter]).expand(count, 2)
        if self.sequence == "halton":
            start = int(torch.randint(1024, (), generator=generator))
            jitter = jitter + halton_jitter(count, self.scale, start)
        return sample(scene.master, scene.factor, self.scale, jitter)


@dataclass(frozen=True)
class Upscale(Step):
    """A spatial upscaler to the screen's size: four kernels, or FSR 1's EASU."""

    step: ClassVar[str] = "upscale"
    kernel: UpscaleKernel = "bilinear"

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        if self.kernel == "easu":
            return picture.centred(easu(picture.frames, picture.size, picture.offset))
        frames = resample(picture.frames, picture.size, self.kernel, picture.offset)
        return picture.centred(frames.clamp_(0.0, 1.0))


@dataclass(frozen=True)
class Temporal(Step):
    """Temporal anti-aliasing, and upscaling to the screen's size unless ``upscale`` is false.

    Mixing as in :class:`Accumulation`; motion from DIS (``flow`` is its preset) unless the clip
    brings its own, spoiled as in :func:`spoil` (``quantum``, ``late``, ``missing``, ``block``).
    Wants jittered samples.
    """

    step: ClassVar[str] = "temporal"
    upscale: bool = True
    alpha: float = 0.15
    clamp: float = 1.25
    history: Kernel = "bicubic"
    warm_up: int = 4
    flow: DisPreset = "medium"
    quantum: float = 0.0
    late: float = 0.02
    missing: float = 0.03
    block: int = 16

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        motion = scene.motion(self.flow)
        motion = spoil(motion, self.quantum, self.late, self.missing, self.block, generator)
        settings = Accumulation(self.alpha, self.clamp, self.history, self.warm_up)
        if self.upscale:
            return picture.centred(accumulate(picture, picture.size, motion, settings))
        height, width = picture.frames.shape[-2:]
        scale = torch.tensor([width / picture.size[1], height / picture.size[0]])
        motion = F.interpolate(motion, size=(height, width), mode="bilinear", align_corners=False)
        motion = motion * scale.to(motion.device).view(1, 2, 1, 1)
        return picture.centred(accumulate(picture, (height, width), motion, settings))


@dataclass(frozen=True)
class Rcas(Step):
    """FSR 1's sharpening; each of ``stops`` halves it (0 most; AMD's sample begins at 0.2)."""

    step: ClassVar[str] = "rcas"
    stops: float = 0.2

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(rcas(picture.frames, self.stops))


@dataclass(frozen=True)
class Cas(Step):
    """AMD's contrast-adaptive sharpening, 0 to 1."""

    step: ClassVar[str] = "cas"
    sharpness: float = 0.8

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(cas(picture.frames, self.sharpness))


@dataclass(frozen=True)
class Unsharp(Step):
    """Unsharp masking, as televisions and injectors do it: bright and dark lines along edges."""

    step: ClassVar[str] = "unsharp"
    radius: float = 1.0
    amount: float = 0.8

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(unsharp(picture.frames, self.radius, self.amount))


@dataclass(frozen=True)
class Fxaa(Step):
    """FXAA 3.11, quality preset 12."""

    step: ClassVar[str] = "fxaa"
    subpixel: float = SUBPIXEL
    threshold: float = EDGE_THRESHOLD

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(fxaa(picture.frames, self.subpixel, self.threshold))


@dataclass(frozen=True)
class Grain(Step):
    """Film grain, new in each frame (:func:`temporal_clean.train.degrading.noise.grain`)."""

    step: ClassVar[str] = "grain"
    amount: float = 0.02
    size: float = 0.0
    color: float = 0.0

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(
            grain(picture.frames, self.amount, self.size, self.color, generator)
        )


@dataclass(frozen=True)
class Quantise(Step):
    """``bits`` a channel, with or without triangular dither."""

    step: ClassVar[str] = "quantise"
    after_hud: ClassVar[bool] = True
    bits: int = 8
    dither: bool = False

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(quantise(picture.frames, self.bits, self.dither, generator))


@dataclass(frozen=True)
class Chroma420(Step):
    """8-bit BT.709 video with chroma at half the size, sited left: capture cards and streams."""

    step: ClassVar[str] = "chroma-420"
    after_hud: ClassVar[bool] = True

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(from_420(to_420(picture.frames), picture.size))


@dataclass(frozen=True)
class Compress(Step):
    """A video codec (:func:`temporal_clean.train.degrading.compression.compress`)."""

    step: ClassVar[str] = "compress"
    after_hud: ClassVar[bool] = True
    codec: Codec = "h264"
    crf: int = 23
    bits_per_pixel: float | None = None
    preset: str = "veryfast"

    def apply(self, picture: Picture, scene: Scene, generator: Generator) -> Picture:
        return picture.filtered(
            compress(picture.frames, self.codec, self.crf, self.bits_per_pixel, self.preset)
        )
