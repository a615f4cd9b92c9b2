"""Random windows of input and reference, for training: endless, shuffled, made on the fly."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import Recipe, degrade, draw_recipe, reference
from temporal_clean.train.degrading.picture import Overlay
from temporal_clean.train.layers import draw_scene
from temporal_clean.train.loading.augment import Augmentation, augmented
from temporal_clean.train.loading.decoding import Frames, decode
from temporal_clean.train.loading.sources import StoredClip, folder_clips, shard_clips
from temporal_clean.train.loading.teacher import Teacher, read_teacher

__all__ = ["Window", "WindowConfig", "Windows"]


@dataclass(frozen=True)
class WindowConfig:
    """What a window is, and how much work is shared between windows.

    Decoding a master costs more than a window needs, so the ranks together hold, in each worker,
    ``pool`` decoded stretches of ``stretch`` frames (6 MB a frame of 1920x1080) and draw ``reuse``
    windows from each before it is replaced. ``margin`` pixels around a crop are degraded with it
    and cut off, so that no upscaler sees a border that is none. ``paste_hud`` is the share of clips
    with a HUD that show it, and of windows: ``reverse`` is played backwards, ``held`` shows one
    frame all the time, ``cut`` changes to another clip on the way, ``layered`` is synthetic with
    exact flow.

    Windows come from ``streams`` independent streams in turn, which ranks share out among
    themselves: the data do not depend on how many ranks there are (while that divides the streams).
    """

    frames: int = 8
    crop: int = 128
    margin: int = 8
    pool: int = 8
    stretch: int = 24
    reuse: int = 32
    streams: int = 1
    reverse: float = 0.5
    held: float = 0.0
    cut: float = 0.0
    layered: float = 0.0
    paste_hud: float = 0.8
    augmentation: Augmentation = field(default_factory=Augmentation)
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

    ``motion`` leads from each frame to the one shown before it, in pixels, as a teacher saw it in
    clean frames or exactly; ``known`` is 1 where that holds, nowhere in the first frame or after a
    cut. Collated by a DataLoader as batch first.
    """

    input: Float[Tensor, "time 3 crop crop"]
    reference: Float[Tensor, "time 3 crop crop"]
    mask: Float[Tensor, "time 1 crop crop"]
    motion: Float[Tensor, "time 2 crop crop"]
    known: Float[Tensor, "time 1 crop crop"]
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
    teacher: Teacher | None

    @property
    def span(self) -> tuple[int, int]:
        """First frame and number of frames that every part has."""
        frames = self.master or self.reference
        assert frames is not None
        return frames.start, len(frames.pixels)


class Windows(IterableDataset[Window]):
    """Random windows of the clips in a folder, or in WebDataset shards (``*.tar``).

    Rank ``rank`` of ``ranks`` draws from its share of the streams, each worker from its own part of
    them; all is deterministic. ``draw`` picks a recipe for a clip with a master of that factor.
    Raises :class:`TemporalCleanError` if there is nothing to draw from.
    """

    def __init__(
        self,
        source: str | Path | list[str],
        config: WindowConfig | None = None,
        split: str = "train",
        rank: int = 0,
        ranks: int = 1,
        draw: Callable[[np.random.Generator, int], Recipe] = draw_recipe,
        leave_out: Collection[str] = (),
    ) -> None:
        super().__init__()
        self.config, self.source, self.split = config or WindowConfig(), source, split
        if self.config.streams % ranks:
            raise TemporalCleanError(
                f"{self.config.streams} streams cannot be shared by {ranks} ranks: set streams to "
                "a multiple of them"
            )
        self.streams, self.draw = range(rank, self.config.streams, ranks), draw
        self.leave_out = frozenset(leave_out)
        self._shards = isinstance(source, list) or str(source).endswith(".tar")
        clips = [] if self._shards else folder_clips(Path(str(source)), split)
        self._clips = [clip for clip in clips if clip.record.name not in self.leave_out]
        if clips and not self._clips:
            raise TemporalCleanError(f"{source} has no clip beside those held out: record more")

    def __iter__(self) -> Iterator[Window]:
        worker = get_worker_info()
        number = worker.id if worker else 0
        streams = [self._windows((self.config.seed, stream, number)) for stream in self.streams]
        while True:
            for stream in streams:
                yield next(stream)

    def _windows(self, seeds: tuple[int, int, int]) -> Iterator[Window]:
        """One stream: its own pool of decoded stretches, windows from them at random."""
        random = np.random.default_rng(seeds)
        stretches = self._stretches(random)
        count = -(-self.config.pool // self.config.streams)
        pool = [next(stretches) for _ in range(count)]
        # Staggered, so that not all stretches are replaced at once.
        left = [1 + self.config.reuse * (i + 1) // count for i in range(count)]
        while True:
            place = int(random.integers(count))
            yield self.draw_window(pool, place, random)
            left[place] -= 1
            if not left[place]:
                pool[place], left[place] = next(stretches), self.config.reuse

    def draw_window(
        self, pool: Sequence[Stretch], place: int, random: np.random.Generator
    ) -> Window:
        """A window of one stretch of the pool, or made with the help of others."""
        config, other = self.config, pool[int(random.integers(len(pool)))]
        if config.layered and random.random() < config.layered:
            window = self.layer(pool, place, random)
        elif config.cut and config.frames > 2 and random.random() < config.cut:
            first = int(random.integers(1, config.frames))
            parts = (
                self.cut(pool[place], random, first),
                self.cut(other, random, config.frames - first),
            )
            window = _joined(*parts)
        else:
            window = self.cut(pool[place], random, config.frames)
        return augmented(window, config.augmentation, random)

    def _stretches(self, random: np.random.Generator) -> Iterator[Stretch]:
        if self._shards:
            source: Any = self.source
            clips = shard_clips(source, self.split, int(random.integers(2**31)))()
            wanted = (clip for clip in clips if clip.record.name not in self.leave_out)
            yield from (self.load(clip, random) for clip in wanted)
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
            teacher=read_teacher(clip.open("teacher")) if "teacher" in clip.files else None,
        )

    def cut(self, stretch: Stretch, random: np.random.Generator, frames: int) -> Window:
        """A random window of a decoded stretch."""
        config, record = self.config, stretch.clip.record
        first, count = stretch.span
        first += int(random.integers(count - frames + 1))
        backwards = random.random() < config.reverse
        held = random.random() < config.held
        side = config.crop + 2 * config.margin
        if min(record.height, record.width) < side:
            raise TemporalCleanError(
                f"clip {record.name} is {record.width}x{record.height}, smaller than a crop of "
                f"{config.crop} with {config.margin} around it: set a smaller crop"
            )
        y = int(random.integers(record.height - side + 1))
        x = int(random.integers(record.width - side + 1))
        order = [0] * frames if held else range(frames)[:: -1 if backwards else 1]

        def view(part: Frames, factor: int = 1) -> Tensor:
            """(time, 3, side, side) uint8, forwards, backwards or held."""
            pixels = part.window(first, frames)
            rows, columns = (slice(n * factor, (n + side) * factor) for n in (y, x))
            crop = np.stack([pixels[index, rows, columns] for index in order])
            return torch.from_numpy(crop).permute(0, 3, 1, 2)

        show_hud = stretch.hud is not None and random.random() < config.paste_hud
        overlay = None
        mask = torch.zeros(frames, 1, side, side)
        if stretch.mask is not None and (show_hud or stretch.hud is None):
            mask = unit(view(stretch.mask)[:, :1])
        if show_hud and stretch.hud is not None:
            overlay = Overlay(unit(view(stretch.hud)), mask)
        if stretch.master is not None and record.master is not None:
            factor = record.master.factor
            recipe = self.draw(random, factor)
            inputs, target = _rendered(view(stretch.master, factor), factor, recipe, overlay)
            name = recipe.name
        else:
            assert stretch.reference is not None
            assert stretch.input is not None
            inputs, target = unit(view(stretch.input)), unit(view(stretch.reference))
            name = stretch.input_name
        motion, known = torch.zeros(frames, 2, side, side), torch.zeros(frames, 1, side, side)
        if held:
            known[1:] = 1.0
        elif stretch.teacher is not None:
            motion, known = stretch.teacher.window(first, frames, backwards, (y, x), side)
        planes = (inputs, target, mask, motion, known)
        return self._finish(planes, record.name, name)

    def layer(self, pool: Sequence[Stretch], place: int, random: np.random.Generator) -> Window:
        """A synthetic window: layers cut from the pool's frames, with the HUD of one of them."""
        config, stretch = self.config, pool[place]
        record, frames = stretch.clip.record, config.frames
        factor = _factor(stretch)
        alike = [s for s in pool if _factor(s) == factor]
        chosen = [alike[int(random.integers(len(alike)))] for _ in range(3)]
        textures = [_texture(s, random) for s in (stretch, *chosen)]
        side = config.crop + 2 * config.margin
        scene = draw_scene(textures, frames, side, factor, random)
        recipe = self.draw(random, factor)
        overlay = None
        mask = torch.zeros(frames, 1, side, side)
        if stretch.hud is not None and stretch.mask is not None and random.random() < 0.5:
            y = int(random.integers(record.height - side + 1))
            x = int(random.integers(record.width - side + 1))
            still = [stretch.hud.pixels[0], stretch.mask.pixels[0]]
            crops = (np.ascontiguousarray(p[y : y + side, x : x + side]) for p in still)
            hud, cover = (unit(torch.from_numpy(c).permute(2, 0, 1)) for c in crops)
            mask = cover[:1].expand(frames, -1, -1, -1)
            overlay = Overlay(hud.expand(frames, -1, -1, -1), mask)
        inputs, target = _rendered(scene.master, factor, recipe, overlay)
        planes = (inputs, target, mask, scene.motion, scene.known)
        return self._finish(planes, f"layers of {record.name}", recipe.name)

    def _finish(self, planes: Iterable[Tensor], clip: str, recipe: str) -> Window:
        """Cut the margin off."""
        margin = slice(self.config.margin, self.config.margin + self.config.crop)
        inputs, target, mask, motion, known = (
            plane[..., margin, margin].contiguous() for plane in planes
        )
        # Under a HUD nothing is known of the world's motion.
        known = known * (mask < 0.02)
        return Window(
            input=inputs,
            reference=target,
            mask=mask,
            motion=motion,
            known=known,
            clip=clip,
            recipe=recipe,
        )


def _rendered(
    master: Tensor, factor: int, recipe: Recipe, overlay: Overlay | None
) -> tuple[Tensor, Tensor]:
    """Input and reference of a master, both under the same HUD."""
    target = reference(master, factor)
    inputs = degrade(master, factor, recipe, overlay=overlay)
    return inputs, overlay.over(target) if overlay else target


def _factor(stretch: Stretch) -> int:
    master = stretch.clip.record.master
    return master.factor if master else 1


def _texture(stretch: Stretch, random: np.random.Generator) -> NDArray[np.uint8]:
    """Any frame of a stretch, whole."""
    frames = stretch.master or stretch.reference
    assert frames is not None
    return frames.pixels[int(random.integers(len(frames.pixels)))]


def _joined(before: Window, after: Window) -> Window:
    """One window after another: a cut between them."""
    planes = {
        name: torch.cat([before[name], after[name]])
        for name in ("input", "reference", "mask", "motion", "known")
    }
    return Window(
        **planes,
        clip=f"{before['clip']}, {after['clip']}",
        recipe=f"{before['recipe']}, {after['recipe']}",
    )


def unit(pixels: Tensor) -> Tensor:
    """uint8 to [0, 1]."""
    return pixels.contiguous().float() / 255.0
