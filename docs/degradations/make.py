"""The pictures of docs/degradations, from a master or from a clip's folder.

python docs/degradations/make.py MASTER.npy --start 58 --place 302 134

MASTER is a (frames, rows, columns, 3) uint8 .npy file, a video, or a clip's folder (its master.mkv,
or its reference.mkv with --factor 1). Each rendering gives one lossless WebP: a part of one frame
enlarged four times, and beside it the same row of pixels in every frame, time running down.
"""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import tyro
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import RECIPES, degrade, reference
from temporal_clean.video import open_input

# One mode of each upscaler is enough to look at; FSR 1 and the temporal one in a second.
LEFT_OUT = (
    "balanced-",
    "quality-nearest",
    "quality-bilinear",
    "quality-bicubic",
    "quality-lanczos",
)
ENLARGED = 4
GAP = 8


@dataclass(frozen=True)
class View:
    """What is shown: a part of the screen (pixels), one of its rows, one of the frames."""

    x: int
    y: int
    width: int
    height: int
    row: int
    frame: int

    def picture(self, frames: Tensor) -> np.ndarray:
        """Part of a frame, and the space-time slice beside it, enlarged; BGR bytes."""
        columns = slice(self.x, self.x + self.width)
        part = frames[self.frame, :, self.y : self.y + self.height, columns]
        slices = frames[:, :, self.row, columns].permute(1, 0, 2)
        panels = [_enlarged(part, self.height), _enlarged(slices, self.height)]
        return np.hstack([panels[0], np.full_like(panels[0][:, :GAP], 255), panels[1]])


def _enlarged(planes: Tensor, height: int) -> np.ndarray:
    """(3, rows, columns) in [0, 1] to bytes, each pixel 4x4, on white up to ``height`` rows."""
    pixels = (planes.flip(0).permute(1, 2, 0) * 255).round().byte().numpy()
    pixels = pixels.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    missing = ENLARGED * height - len(pixels)
    return np.pad(pixels, ((0, max(missing, 0)), (0, 0), (0, 0)), constant_values=255)


def _read(source: Path, start: int, count: int) -> Tensor:
    """(time, 3, rows, columns) bytes."""
    if source.suffix == ".npy":
        frames = np.load(source, mmap_mode="r")[start : start + count].copy()
    else:
        if source.is_dir():
            names = ("master.mkv", "reference.mkv")
            found = [source / name for name in names if (source / name).exists()]
            if not found:
                raise TemporalCleanError(f"{source} has no {' or '.join(names)}: name a clip")
            source = found[0]
        with open_input(source) as reader:
            frames = np.stack([f.pixels for f in islice(reader, start, start + count)])
    if len(frames) < count:
        raise TemporalCleanError(f"{source} has no {count} frames from {start}: start earlier")
    return torch.from_numpy(frames).permute(0, 3, 1, 2)


def main(
    master: Annotated[Path, tyro.conf.Positional],
    start: int = 58,
    frames: int = 60,
    shown: int = 46,
    place: tuple[int, int] = (302, 134),
    size: tuple[int, int] = (90, 66),
    row: int = 44,
    factor: int = 4,
    seed: int = 1,
    out: Path = Path(__file__).parent,
    png: bool = False,
) -> None:
    """Draw the named recipes; ``place`` is the part's left upper corner, ``row`` its slice's."""
    view = View(*place, *size, place[1] + row, shown)
    pictures = _read(master, start, frames)
    clean = reference(pictures, factor)
    suffix, options = (".png", []) if png else (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101])
    total = 0
    for name, recipe in RECIPES.items():
        if name.startswith(LEFT_OUT):
            continue
        # The whole frame is degraded, then cut: temporal steps and codecs see all of it.
        degraded = degrade(pictures, factor, replace(recipe, seed=seed), reference=clean)
        path = out / f"{name}{suffix}"
        cv2.imwrite(str(path), view.picture(degraded), options)
        total += path.stat().st_size
        print(f"{path.name:32}{path.stat().st_size / 1e3:7.1f} kB", flush=True)
    print(f"{'all':32}{total / 1e3:7.1f} kB")


if __name__ == "__main__":
    tyro.cli(main)
