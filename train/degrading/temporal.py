"""A temporal upscaler: jittered samples gathered over time, with the faults players know.

The way of Karis ('High Quality Temporal Supersampling', SIGGRAPH 2014) and of the TAAU that grew
out of it: bring the last output here by motion vectors, clip it to what the new samples allow,
and mix in the new frame, most where a sample lies near the pixel. Where motion is wrong and the
clip is loose, the past stays: ghosts. Where the clip is tight, detail thinner than a render pixel
comes and goes with the jitter: shimmer.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from temporal_clean.flow import Kernel, outside, warp
from temporal_clean.train.degrading.picture import Picture
from temporal_clean.train.degrading.resample import resample

__all__ = ["Accumulation", "accumulate"]

# Karis 2014 fits a 3.3-pixel Blackman-Harris window by exp(-2.29 d^2), d in pixels.
SAMPLE_FALLOFF = 2.29
# At half resolution the nearest pixels' share would be 3.3 times the mean, which shows as a grid
# of dots on moving edges; twice the mean shows less of it, and converges as well.
HIGHEST_NEARNESS = 2.0


@dataclass(frozen=True)
class Accumulation:
    """How the past and the new frame are mixed.

    ``alpha`` is the new frame's mean share; ``clamp`` how many standard deviations of its 3x3
    neighbourhood the past may leave its mean by (Salvi, GDC 2016; 1 is tight); ``history`` the
    kernel of the reprojection (bilinear blurs more); ``warm_up`` the frames that are run through
    backwards beforehand, so that the first frame already has a past.
    """

    alpha: float = 0.15
    clamp: float = 1.25
    history: Kernel = "bicubic"
    warm_up: int = 4


def accumulate(
    picture: Picture,
    size: tuple[int, int],
    motion: Float[Tensor, "time 2 height width"],
    settings: Accumulation,
) -> Float[Tensor, "time 3 height width"]:
    """Output frames of ``size`` from jittered frames and ``motion`` to the frame before each.

    ``motion`` is in pixels of the output.
    """
    current = resample(picture.frames, size, "bicubic", picture.offset).clamp_(0.0, 1.0)
    lowest, highest = _allowed(picture, size, settings.clamp)
    alpha = _nearness(picture, size) * settings.alpha
    beyond = outside(motion)
    beginning = list(range(min(settings.warm_up, len(current) - 1), 0, -1))
    history = current[beginning[0] if beginning else 0 :][:1]
    # Backwards a frame's way to the next one is roughly the next one's way here, negated.
    back = [(index - 1, -motion[index : index + 1]) for index in beginning]
    forth = [(index, motion[index : index + 1]) for index in range(len(current))]
    outputs = []
    for step, (index, way) in enumerate(back + forth):
        one = slice(index, index + 1)
        past = warp(history, way, settings.history) if step else history
        past = torch.minimum(torch.maximum(past, lowest[one]), highest[one])
        history = torch.lerp(past, current[one], torch.maximum(alpha[one], beyond[one]))
        if step >= len(back):
            outputs.append(history)
    return torch.cat(outputs)


def _allowed(picture: Picture, size: tuple[int, int], clamp: float) -> tuple[Tensor, Tensor]:
    """The range that each output pixel's past is clipped to."""
    # The reprojected past is not jittered, but games clip it against the render as it is.
    around = F.pad(picture.frames, (1, 1, 1, 1), mode="replicate")
    mean = F.avg_pool2d(around, 3, stride=1)
    deviation = (F.avg_pool2d(around.square(), 3, stride=1) - mean.square()).clamp_min(0.0).sqrt()
    both = torch.cat([mean, deviation], dim=1)
    mean, deviation = resample(both, size, "bilinear", picture.offset).split(3, dim=1)
    reach = clamp * deviation
    return (mean - reach).clamp_min_(0.0), (mean + reach).clamp_max_(1.0)


def _nearness(picture: Picture, size: tuple[int, int]) -> Tensor:
    """How near the nearest new sample is: (time, 1, height, width), about 1 on average."""
    weights = []
    for axis in (0, 1):
        source, target = picture.frames.shape[-2 + axis], size[axis]
        offset = picture.offset[:, 1 - axis].unsqueeze(1)
        centres = torch.arange(target, device=offset.device) + 0.5
        position = centres * (source / target) - 0.5 - offset
        distance = (position - position.round()) * (target / source)
        weight = torch.exp(-SAMPLE_FALLOFF * distance.square())
        weights.append(weight / weight.mean(dim=1, keepdim=True))
    both = weights[0].unsqueeze(-1) * weights[1].unsqueeze(-2)
    return both.clamp_max(HIGHEST_NEARNESS).unsqueeze(1)
