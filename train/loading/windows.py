"""Random windows of input and reference, for training: endless, shuffled, made on the fly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import Recipe, degrade, draw_recipe, reference
from temporal_clean.train.degrading.picture import Overlay
from temporal_clean.train.loading.decoding import Frames, decode
from temporal_clean.train.loading.sources import StoredClip, folder_clips, shard_clips

__all__ = ["Window", "WindowConfig", "Windows"]


@dataclass(frozen=True)
class WindowConfig:
    """What a window is, and how much work is shared between windows.

    Decoding a master costs more than a window needs, so each worker holds ``pool`` decoded
    stretches of ``stretch`` frames (6 MB a frame of 1920x1080) and draws ``reuse`` windows from
    each before it is replaced. ``margin`` pixels around a crop are degraded with it and cut off,
    so that no upscaler sees a border that is none. ``reverse`` is the share of windows played
    backwards, ``paste_hud`` the share of clips with a HUD that show it.
    """

    frames: int = 8
    crop: int = 128
    margin: int = 8
    pool: int = 8
    stretch: int = 24
    reuse: int = 32
    reverse: float = 0.5
    flip: bool = True
    paste_hud: float = 0.8
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("frames", "crop", "pool", "stretch", "reuse"):
            if getattr(self, name) < 1:
                raise TemporalCleanError(f"expected {name} of 1 or more, got {getattr(self, name)}")
        if self.stretch < self.frames:
            raise TemporalCleanError(
                f"a stretch of {self.stretch} frames holds no window of {self.frames}: "
                "set stretch to that or more"
            )


class Window(TypedDict):
    """T frames of one crop, display-encoded in [0, 1]; ``mask`` is the coverage of the HUD.

    Collated by a DataLoader as batch first.
    """

    input: Float[Tensor, "time 3 crop crop"]
    reference: Float[Tensor, "time 3 crop crop"]
    mask: Float[Tensor, "time 1 crop crop"]
    clip: str
    recipe: str


@dataclass(frozen=True)
class Stretch:
    """Decoded frames of one clip: of its master, or of its reference and one of its inputs."""

    clip: StoredClip
    master: Frames | None
    reference: Frames | None
    input: Frames | None
    input_name: str
    mask: Frames | None
    hud: Frames | None

    @property
    def span(self) -> tuple[int, int]:
        """First frame and number of frames that every part has."""
        frames = self.master or self.reference
        assert frames is not None
        return frames.start, len(frames.pixels)


class Windows(IterableDataset[Window]):
    """Random windows of the clips in a folder, or in WebDataset shards (``*.tar``).

    Each worker and each rank draws its own; one worker alone is deterministic. ``draw`` picks a
    recipe for a clip with a master of that factor. Raises :class:`TemporalCleanError` if
    there is nothing to draw from.
    """

    def __init__(
        self,
        source: str | Path | list[str],
        config: WindowConfig | None = None,
        split: str = "train",
        rank: int = 0,
        draw: Callable[[np.random.Generator, int], Recipe] = draw_recipe,
    ) -> None:
        super().__init__()
        self.config, self.source, self.split = config or WindowConfig(), source, split
        self.rank, self.draw = rank, draw
        self._shards = isinstance(source, list) or str(source).endswith(".tar")
        self._clips = [] if self._shards else folder_clips(Path(str(source)), split)

    def __iter__(self) -> Iterator[Window]:
        worker = get_worker_info()
        seeds = (self.config.seed, self.rank, worker.id if worker else 0)
        random = np.random.default_rng(seeds)
        stretches = self._stretches(random)
        pool = [next(stretches) for _ in range(self.config.pool)]
        # Staggered, so that not all stretches are replaced at once.
        left = [1 + self.config.reuse * (i + 1) // len(pool) for i in range(len(pool))]
        while True:
            place = int(random.integers(len(pool)))
            yield self.cut(pool[place], random)
            left[place] -= 1
            if not left[place]:
                pool[place], left[place] = next(stretches), self.config.reuse

    def _stretches(self, random: np.random.Generator) -> Iterator[Stretch]:
        if self._shards:
            source: Any = self.source
            clips = shard_clips(source, self.split, int(random.integers(2**31)))()
            yield from (self.load(clip, random) for clip in clips)
        while True:
            yield self.load(self._clips[random.integers(len(self._clips))], random)

    def load(self, clip: StoredClip, random: np.random.Generator) -> Stretch:
        """Decode a random stretch of a clip."""
        record, length = clip.record, self.config.stretch
        if record.frames < self.config.frames:
            raise TemporalCleanError(
                f"clip {record.name} has {record.frames} frames, fewer than a window of "
                f"{self.config.frames}: record longer clips or train on shorter windows"
            )
        latest = max(record.frames - length, 0)
        rate, start = float(record.frame_rate), int(random.integers(latest + 1))
        main = "master" if record.master else "reference"
        first = decode(clip.open(main), rate, start, length, exact=False)
        exactly = (rate, first.start, len(first.pixels), True)
        if len(first.pixels) < self.config.frames:
            raise TemporalCleanError(f"clip {record.name} is cut short: make it again")

        def part(name: str) -> Frames | None:
            if name not in clip.files:
                return None
            still = name == "mask" and str(record.mask).endswith(".png")
            return decode(clip.open(name), *((rate, 0, 1, True) if still else exactly))

        inputs = [name for name in record.renderings if name != "reference"]
        name = str(random.choice(inputs)) if main == "reference" else ""
        return Stretch(
            clip=clip,
            master=first if record.master else None,
            reference=None if record.master else first,
            input=part(name),
            input_name=name,
            mask=part("mask"),
            hud=part("hud"),
        )

    def cut(self, stretch: Stretch, random: np.random.Generator) -> Window:
        """A random window of a decoded stretch."""
        config, record = self.config, stretch.clip.record
        first, count = stretch.span
        first += int(random.integers(count - config.frames + 1))
        backwards = random.random() < config.reverse
        side = config.crop + 2 * config.margin
        if min(record.height, record.width) < side:
            raise TemporalCleanError(
                f"clip {record.name} is {record.width}x{record.height}, smaller than a crop of "
                f"{config.crop} with {config.margin} around it: set a smaller crop"
            )
        y = int(random.integers(record.height - side + 1))
        x = int(random.integers(record.width - side + 1))

        def view(frames: Frames, factor: int = 1) -> Tensor:
            """(time, 3, side, side) uint8, forwards or backwards."""
            pixels = frames.window(first, config.frames)[:: -1 if backwards else 1]
            rows, columns = (slice(n * factor, (n + side) * factor) for n in (y, x))
            crop = np.ascontiguousarray(pixels[:, rows, columns])
            return torch.from_numpy(crop).permute(0, 3, 1, 2)

        show_hud = stretch.hud is not None and random.random() < config.paste_hud
        overlay = None
        mask = torch.zeros(config.frames, 1, side, side)
        if stretch.mask is not None and (show_hud or stretch.hud is None):
            mask = unit(view(stretch.mask)[:, :1])
        if show_hud and stretch.hud is not None:
            overlay = Overlay(unit(view(stretch.hud)), mask)
        if stretch.master is not None and record.master is not None:
            factor = record.master.factor
            master = view(stretch.master, factor)
            recipe = self.draw(random, factor)
            inputs = degrade(master, factor, recipe, overlay=overlay)
            target, name = reference(master, factor), recipe.name
            target = overlay.over(target) if overlay else target
        else:
            assert stretch.reference is not None
            assert stretch.input is not None
            inputs, target = unit(view(stretch.input)), unit(view(stretch.reference))
            name = stretch.input_name
        return self._finish(inputs, target, mask, record.name, name, random)

    def _finish(
        self,
        inputs: Tensor,
        target: Tensor,
        mask: Tensor,
        clip: str,
        recipe: str,
        random: np.random.Generator,
    ) -> Window:
        """Cut the margin off, and mirror."""
        margin = slice(self.config.margin, self.config.margin + self.config.crop)
        axes = [axis for axis in (-1, -2) if self.config.flip and random.random() < 0.5]
        planes = (plane[..., margin, margin] for plane in (inputs, target, mask))
        mirrored = [(plane.flip(axes) if axes else plane).contiguous() for plane in planes]
        return Window(
            input=mirrored[0], reference=mirrored[1], mask=mirrored[2], clip=clip, recipe=recipe
        )


def unit(pixels: Tensor) -> Tensor:
    """uint8 to [0, 1]."""
    return pixels.contiguous().float() / 255.0
