"""Small things done last: film grain, dither and 8 bits."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from temporal_clean.train.degrading.sharpen import blur

__all__ = ["grain", "quantise"]


def grain(
    frames: Float[Tensor, "time 3 height width"],
    amount: float,
    size: float,
    color: float,
    generator: Generator,
) -> Float[Tensor, "time 3 height width"]:
    """Add new noise to each frame: standard deviation ``amount`` (of 1), grains of ``size`` px.

    Weakest in black and white, where a game's multiplicative grain vanishes; ``color`` is the
    share of it that differs between the channels. ``size`` 0 is noise pixel by pixel.
    """
    time, _, height, width = frames.shape
    noise = torch.randn(time, 1, height, width, generator=generator)
    if color > 0.0:
        tint = torch.randn(time, 3, height, width, generator=generator)
        noise = (1.0 - color) ** 0.5 * noise + color**0.5 * tint
    if size > 0.0:
        noise = blur(noise, size)
        noise = noise / noise.std().clamp_min(1e-6)
    strength = 4.0 * frames * (1.0 - frames)
    return torch.addcmul(frames, noise.to(frames.device), strength, value=amount).clamp_(0.0, 1.0)


def quantise(
    frames: Float[Tensor, "time 3 height width"],
    bits: int,
    dither: bool,
    generator: Generator,
) -> Float[Tensor, "time 3 height width"]:
    """Round to ``bits``; with ``dither`` after adding triangular noise of one code each way.

    Triangular noise makes error and its power independent of the signal (Lipshitz, Wannamaker
    and Vanderkooy, J. Audio Eng. Soc. 40(5), 1992).
    """
    levels = float(2**bits - 1)
    codes = frames * levels
    if dither:
        noise = torch.rand(2, *frames.shape, generator=generator)
        codes = codes + (noise[0] - noise[1]).to(frames.device)
    return codes.round_().clamp_(0.0, levels).div_(levels)
