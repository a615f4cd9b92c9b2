"""The pictures and figures of docs/degradations, from a clip with a master.

temporal-clean pairs record openarena clips --split validation --places oa_shine --windows 1
python docs/degradations/make.py clips/openarena-oa_shine-*

Each rendering gives one lossless WebP: a part of one frame of the reference and of the rendering,
enlarged four times, and beside them one row of the rendering's pixels in every frame, time running
down. figures.md has PSNR, Sharp and CPU time.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import torch
import tyro
from torch import Tensor

from temporal_clean.clip import Clip
from temporal_clean.evaluation import sharp
from temporal_clean.train.degrading import RECIPES, Recipe, degrade, reference

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
# Frames and side of the master of a training window, timed so often.
WINDOW, REPEATS = (8, 512), 3


@dataclass(frozen=True)
class View:
    """What is shown: a part of the screen (pixels), one of its rows, one of the frames."""

    x: int
    y: int
    width: int
    height: int
    row: int
    frame: int

    def picture(self, frames: Tensor, clean: Tensor) -> np.ndarray:
        """Part of a frame of the reference and of the rendering, and the slice; BGR bytes."""
        columns = slice(self.x, self.x + self.width)
        rows = slice(self.y, self.y + self.height)
        parts = [clip[self.frame, :, rows, columns] for clip in (clean, frames)]
        slices = frames[:, :, self.row, columns].permute(1, 0, 2)
        panels = [_enlarged(part, self.height) for part in (*parts, slices)]
        gap = np.full_like(panels[0][:, :GAP], 255)
        return np.hstack([panels[0], gap, panels[1], gap, panels[2]])


def _enlarged(planes: Tensor, height: int) -> np.ndarray:
    """(3, rows, columns) in [0, 1] to bytes, each pixel 4x4, on white up to ``height`` rows."""
    pixels = (planes.flip(0).permute(1, 2, 0) * 255).round().byte().numpy()
    pixels = pixels.repeat(ENLARGED, axis=0).repeat(ENLARGED, axis=1)
    missing = ENLARGED * height - len(pixels)
    return np.pad(pixels, ((0, max(missing, 0)), (0, 0), (0, 0)), constant_values=255)


def figures(recipe: Recipe, master: Tensor, factor: int, clean: Tensor, frames: Tensor) -> str:
    """A row of the table: PSNR and Sharp of all frames, CPU milliseconds of a training window."""
    quality = float(-10 * torch.log10((frames - clean).square().mean().clamp_min(1e-10)))
    crop = master[: WINDOW[0], :, : WINDOW[1], : WINDOW[1]].contiguous()
    small = reference(crop, factor)
    started = time.process_time()
    for _ in range(REPEATS):
        degrade(crop, factor, recipe, reference=small)
    spent = (time.process_time() - started) / REPEATS
    detail = float(sharp(frames, clean).mean())
    shown = f"{quality:.2f}" if quality < 90 else "same"
    return f"| `{recipe.name}` | {shown} | {detail:.2f} | {1e3 * spent:.1f} |"


def main(
    clip: Annotated[Path, tyro.conf.Positional],
    shown: int = 40,
    place: tuple[int, int] = (230, 122),
    size: tuple[int, int] = (90, 60),
    row: int = 30,
    seed: int = 1,
    out: Path = Path(__file__).parent,
) -> None:
    """Draw the named recipes; ``place`` is the part's left upper corner, ``row`` its slice's."""
    torch.set_num_threads(1)
    view, source = View(*place, *size, place[1] + row, shown), Clip.open(clip)
    assert source.record.master is not None
    factor = source.record.master.factor
    master = torch.from_numpy(np.stack(list(source.frames("master")))).permute(0, 3, 1, 2)
    clean = reference(master, factor)
    table = ["| recipe | PSNR, dB | Sharp | ms a window |", "|---|---|---|---|"]
    for name, recipe in RECIPES.items():
        chosen = replace(recipe, seed=seed)
        # The whole frame is degraded, then cut: temporal steps and codecs see all of it.
        degraded = degrade(master, factor, chosen, reference=clean)
        table.append(figures(chosen, master, factor, clean, degraded))
        print(table[-1], flush=True)
        if not name.startswith(LEFT_OUT):
            picture = view.picture(degraded, clean)
            cv2.imwrite(str(out / f"{name}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, 101])
    (out / "figures.md").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
