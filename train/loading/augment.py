"""What happens to a whole window, input and reference alike: mirrors, colours, light, noise."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from temporal_clean.train.loading.windows import Window

__all__ = ["Augmentation", "augmented"]


@dataclass(frozen=True)
class Augmentation:
    """Shares of windows: ``colour`` gets other colours, ``light`` a fade or a flash, ``noise``
    noise of up to ``most_noise`` (standard deviation, of 1) in its input alone."""

    flip: bool = True
    colour: float = 0.0
    light: float = 0.0
    noise: float = 0.0
    most_noise: float = 0.03


def augmented(window: "Window", config: Augmentation, random: np.random.Generator) -> "Window":
    """The window after all of it; motion is mirrored with the pictures."""
    if config.flip:
        window = _mirrored(window, random)
    inputs, reference = window["input"], window["reference"]
    if config.colour and random.random() < config.colour:
        channels = random.permutation(3).tolist()
        gamma, gain = random.uniform(0.75, 1.3), random.uniform(0.6, 1.1)
        inputs, reference = (
            (picture[:, channels] ** gamma * gain).clamp(0.0, 1.0)
            for picture in (inputs, reference)
        )
    if config.light and random.random() < config.light:
        light = _light(len(inputs), random)
        inputs, reference = inputs * light, reference * light
    if config.noise and random.random() < config.noise:
        # The seed is NumPy's, so that one generator decides all of a window.
        generator = torch.Generator().manual_seed(int(random.integers(2**31)))
        amount = random.uniform(0.1, 1.0) * config.most_noise
        grain = torch.randn(inputs.shape, generator=generator)
        inputs = (inputs + amount * grain).clamp(0.0, 1.0)
    return {**window, "input": inputs, "reference": reference}


def _mirrored(window: "Window", random: np.random.Generator) -> "Window":
    axes = [axis for axis in (-1, -2) if random.random() < 0.5]
    if not axes:
        return window

    def flip(planes: Tensor) -> Tensor:
        return planes.flip(axes).contiguous()

    # x changes its sign when the last axis is mirrored, y when the one before it is.
    sign = torch.tensor([-1.0 if axis in axes else 1.0 for axis in (-1, -2)]).view(1, 2, 1, 1)
    return {
        **window,
        "input": flip(window["input"]),
        "reference": flip(window["reference"]),
        "mask": flip(window["mask"]),
        "motion": flip(window["motion"]) * sign,
        "known": flip(window["known"]),
    }


def _light(frames: int, random: np.random.Generator) -> Tensor:
    """A factor for each frame: a slow fade, or one bright or dark frame."""
    light = np.ones(frames)
    if random.random() < 0.5:
        light = np.linspace(random.uniform(0.4, 1.0), random.uniform(0.4, 1.0), frames)
    else:
        light[int(random.integers(frames))] = random.uniform(0.3, 0.8)
        light *= random.uniform(0.7, 1.0)
    return torch.from_numpy(light.astype(np.float32)).view(-1, 1, 1, 1)
