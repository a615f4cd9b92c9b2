"""tLP: is what changes from frame to frame, as a perceptual network sees it, the right amount?"""

from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.perceptual.clips import require_clips
from temporal_clean.evaluation.perceptual.needs import require

__all__ = ["LEAST_SIDE", "perceptual_change", "tlp"]

# Reflection padding in the network's last layers fails on features that 20 pixels give (tried).
LEAST_SIDE = 21


def tlp(
    output: Float[Tensor, "frames 3 height width"],
    reference: Float[Tensor, "frames 3 height width"],
) -> Float[Tensor, "pairs"]:
    """100 |d(o[t-1], o[t]) - d(g[t-1], g[t])| of each pair of frames; 0 is right.

    Chu et al., 'Learning Temporal Coherence via Self-Supervision for GAN-based Video Generation'
    (TecoGAN), SIGGRAPH 2020, with d the shift-tolerant LPIPS on AlexNet (Ghildyal and Liu, ECCV
    2022) whose weights stlpips_pytorch installs: TecoGAN took LPIPS v0.1, whose weights would
    have to be downloaded, so figures compare with each other and not with that paper's. Empty
    for one frame. Values beyond [0, 1] are clipped. Needs about 3 GB for 1080p.

    Raises TemporalCleanError without the library, or for pictures with a side under 21 pixels.
    """
    require_clips("tLP", output, reference, LEAST_SIDE)
    require("tlp")
    return 100.0 * (perceptual_change(output) - perceptual_change(reference)).abs()


@torch.no_grad()
def perceptual_change(clip: Float[Tensor, "frames 3 height width"]) -> Float[Tensor, "pairs"]:
    """d(f[t-1], f[t]) of each pair of frames, each frame seen once by the network."""
    model = _model(str(clip.device))
    changes, previous = [], None
    for frame in clip:
        features = _features(model, frame.unsqueeze(0))
        if previous is not None:
            changes.append(_distance(model, previous, features))
        previous = features
    return torch.stack(changes) if changes else clip.new_zeros(0, dtype=torch.float32)


@lru_cache(maxsize=2)
def _model(device: str) -> Any:
    from stlpips_pytorch.stlpips import LPIPS

    return LPIPS(net="alex", variant="shift_tolerant", verbose=False).to(device)


def _features(model: Any, frame: Tensor) -> list[Tensor]:
    """Features of each layer, of unit length in each place; frames in [0, 1] to [-1, 1] first."""
    layers = model.net(model.scaling_layer(2.0 * frame.float().clamp(0, 1) - 1.0))
    return [layer / (layer.square().sum(1, keepdim=True).sqrt() + 1e-10) for layer in layers]


def _distance(model: Any, ours: list[Tensor], theirs: list[Tensor]) -> Tensor:
    """LPIPS: learned weights on the squared differences, the mean over places, summed."""
    means = [
        weigh((a - b).square()).mean() for weigh, a, b in zip(model.lins, ours, theirs, strict=True)
    ]
    return torch.stack(means).sum()
