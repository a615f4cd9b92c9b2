"""PSNR, flicker and sharpness of a model on recordings it never saw, beside classical methods.

python -m temporal_clean.train.measure MODEL VALIDATION --frames 60

VALIDATION holds clips with masters of factor 4 (temporal-clean pairs record). A stopgap for
`temporal-clean evaluate`; definitions are those of docs/LOG.md.
"""

from collections.abc import Callable, Iterable
from itertools import islice, pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
import tyro
from torch import Tensor

from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.clip import find_clips
from temporal_clean.flow import dis_flow, warp
from temporal_clean.models import clip_luma, luma
from temporal_clean.video import Pixels

__all__ = ["measure"]

Method = Callable[[Iterable[Tensor]], Iterable[Tensor]]


def measure(
    model: Annotated[str, tyro.conf.Positional],
    validation: Annotated[Path, tyro.conf.Positional],
    frames: int = 60,
) -> None:
    """Print a row for each map, input and method; figures are changes against the input."""
    methods: dict[str, Method] = {
        "input": lambda stream: stream,
        "Gaussian 0.6": _blur,
        "DIS accumulation": _accumulate,
        model: lambda stream: _clean(model, stream),
    }
    print(f"{'map':<12}{'input':<8}{'method':<18}{'PSNR':>8}{'MCflick':>9}{'Sharp':>7}")
    for clip in find_clips(validation):
        master = list(islice(clip.frames("master"), frames))
        reference = [_box(frame) for frame in master]
        motions = [dis_flow(b, a) for a, b in pairwise(reference)]
        for kind, inputs in _inputs(master).items():
            before = None
            for name, method in methods.items():
                figures = _figures(list(method(inputs)), reference, motions)
                before = before or figures
                psnr, flick, sharp = figures
                print(
                    f"{clip.record.place:<12}{kind:<8}{name:<18}{psnr:8.2f}"
                    f"{100 * (flick / before[1] - 1):8.0f}%{sharp:7.2f}"
                    f"   ({psnr - before[0]:+.2f} dB)",
                    flush=True,
                )


def _planes(picture: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float() / 255.0


def _box(frame: np.ndarray) -> Tensor:
    """4x4 mean, as wide as the networks want it: 270 rows become 272 by repeating the border."""
    return _padded(F.avg_pool2d(_planes(frame), 4))


def _padded(picture: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % 16, 0, -height % 16), mode="replicate")


def _inputs(master: list[Pixels]) -> dict[str, list[Tensor]]:
    """One sample a pixel at full and at half resolution, the latter enlarged bilinearly."""
    half = [
        F.interpolate(_planes(f[3::8, 3::8]), scale_factor=2.0, mode="bilinear") for f in master
    ]
    return {
        "native": [_padded(_planes(frame[1::4, 1::4])) for frame in master],
        "half": [_padded(picture) for picture in half],
    }


def _clean(model: str, stream: Iterable[Tensor]) -> Iterable[Tensor]:
    cleaner, state = load_checkpoint(model), None
    with torch.inference_mode():
        for frame in stream:
            clean, state = cleaner(frame, state or cleaner.initial_state(frame))
            yield clean


def _blur(stream: Iterable[Tensor]) -> Iterable[Tensor]:
    taps = torch.exp(-0.5 * (torch.arange(-2, 3) / 0.6) ** 2)
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    for frame in stream:
        bordered = F.pad(frame, (2, 2, 2, 2), mode="replicate")
        yield F.conv2d(bordered, kernel.expand(3, 1, 5, 5), groups=3)


def _accumulate(stream: Iterable[Tensor]) -> Iterable[Tensor]:
    """DIS flow, bicubic history, gated and clipped, alpha 0.5: the classical floor."""
    before, history = None, None
    for frame in stream:
        if before is None or history is None:
            history = frame
        else:
            flow = dis_flow(frame, before)
            past = warp(history, flow.motion, "bicubic")
            past = past - clip_luma(luma(past), luma(frame))
            history = frame + 0.5 * (1.0 - flow.doubt) * (past - frame)
        before = frame
        yield history


def _figures(clip: list[Tensor], reference: list[Tensor], motions: list) -> tuple[float, ...]:
    """PSNR, MCflick (mean squared motion-compensated change of the error, x1e3), Sharp."""
    errors = [a - b for a, b in zip(clip, reference, strict=True)]
    psnr = -10.0 * np.log10(np.mean([float(e.square().mean()) for e in errors]))
    flicker = []
    for (before, after), flow in zip(pairwise(errors), motions, strict=True):
        known = 1.0 - flow.doubt
        change = (after - warp(before, flow.motion, "bilinear")).square() * known
        flicker.append(float(change.sum() / (3.0 * known.sum()).clamp_min(1.0)))
    ours, theirs = (torch.cat([_gradient(p) for p in c]) for c in (clip, reference))
    sharp = float((ours * theirs).sum() / theirs.square().sum())
    return float(psnr), 1e3 * float(np.mean(flicker)), sharp


def _gradient(picture: Tensor) -> Tensor:
    right = F.pad(picture[..., 1:] - picture[..., :-1], (0, 1))
    down = F.pad(picture[..., 1:, :] - picture[..., :-1, :], (0, 0, 0, 1))
    return torch.cat([right, down], dim=1)


if __name__ == "__main__":
    tyro.cli(measure)
