"""The master: a supersampled render, compressed so that training can read it fast."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from temporal_clean.train.degrading.grids import reference, sample
from temporal_clean.train.loading.decoding import decode
from temporal_clean.video import Pixels
from temporal_clean.video.generated import write_frames

__all__ = ["RawFrames", "master_loss", "write_master"]

# Measured on OpenArena masters (docs/LOG.md): near 20 MB for 100 frames of 1920x1080 at 39 dB,
# decoded in 13 ms a frame on one core; with CABAC (not `fastdecode`) it took 30 ms. `psnr` leaves
# out psychovisual noise, 12 frames between key frames keep windows quick to reach. For the same
# bytes each time: one thread, and no mbtree, with which x264 gave 19 different files in 30 runs.
ENCODER = "libx264"
OPTIONS = {
    "crf": "16",
    "preset": "faster",
    "tune": "psnr,fastdecode",
    "g": "12",
    "threads": "1",
    "x264-params": "chroma-qp-offset=-3:mbtree=0",
}
Frames = Sequence[Pixels] | NDArray[np.uint8]

# Every fifth frame of a clip is measured for loss.
MEASURED = 5
PEAK = 255.0


def write_master(path: Path, frames: Frames, rate: Fraction) -> None:
    """Write (height, width, 3) uint8 RGB frames as H.264 4:4:4; the same frames, the same bytes."""
    write_frames(path, frames, rate, ENCODER, OPTIONS)


def master_loss(path: Path, frames: Frames, rate: Fraction, factor: int) -> dict[str, float]:
    """What compression cost, PSNR in dB of 8-bit RGB as training decodes it.

    Over every 5th frame: of the master itself (and of its worst frame), of a native render
    sampled from it, and of the reference averaged from it.
    """
    decoded = decode(str(path), float(rate), 0, len(frames), exact=True).pixels
    errors: dict[str, list[float]] = {"psnr": [], "native_psnr": [], "reference_psnr": []}
    for index in range(0, len(frames), MEASURED):
        views = (uses(decoded[index], factor), uses(frames[index], factor))
        for name, ours, true in zip(errors, *views, strict=True):
            errors[name].append(float((ours - true).square().mean()))
    loss = {name: _decibels(float(np.mean(values))) for name, values in errors.items()}
    return {**loss, "worst_frame_psnr": _decibels(max(errors["psnr"]))}


def uses(frame: Pixels, factor: int) -> tuple[Tensor, Tensor, Tensor]:
    """A master frame, its centre samples and its means, in [0, 1]."""
    master = torch.from_numpy(np.array(frame)).permute(2, 0, 1).unsqueeze(0)
    native, mean = sample(master, factor, 1.0).frames, reference(master, factor)
    return master.float() / PEAK, native, mean


def _decibels(squared_error: float) -> float:
    """PSNR of values in [0, 1]; what is identical counts as an error of a thousandth of a code."""
    return round(float(-10.0 * np.log10(max(squared_error, (1e-3 / PEAK) ** 2))), 2)


class RawFrames:
    """Frames in a file of raw pixels, so that a recording needs no memory; removed by ``close``."""

    def __init__(self, path: Path, frames: int, height: int, width: int) -> None:
        self._path = path
        self.pixels = np.memmap(path, np.uint8, "w+", shape=(frames, height, width, 3))

    def __enter__(self) -> NDArray[np.uint8]:
        return self.pixels

    def __exit__(self, *_: object) -> None:
        del self.pixels
        self._path.unlink(missing_ok=True)
