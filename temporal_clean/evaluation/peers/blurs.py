"""Peers that know nothing of time, or nothing but time: the input, small blurs, plain averages."""

from collections import deque
from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from temporal_clean.evaluation.blur import gaussian
from temporal_clean.evaluation.peers.record import Peer, framewise

__all__ = ["blur_peers", "mixed"]

# Pixels. 0.6 is the trivial baseline that facts/quality.md asks every method to beat.
SIGMAS = (0.4, 0.45, 0.5, 0.6, 0.8)
# Frames that are averaged; 3 is tmix's own default.
MIXED_FRAMES = (2, 3, 5)


def blur_peers() -> list[Peer]:
    """The input itself, a Gaussian blur of each sigma, tmix of each length."""
    peers = [Peer("input", "input", None, True, False, framewise(lambda frames: frames))]
    for sigma in SIGMAS:
        run = framewise(partial(map, partial(gaussian, sigma=sigma)))
        peers.append(Peer(f"Gaussian {sigma:g}", "Gaussian", sigma, True, False, run))
    for count in MIXED_FRAMES:
        run = framewise(partial(mixed, count=count))
        peers.append(Peer(f"tmix {count}", "tmix", float(count), True, False, run))
    return peers


def mixed(frames: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """Mean of the last ``count`` frames, no motion known: ffmpeg's ``tmix=frames=count``.

    Computed here, in floats. vf_mix.c fills its queue with the first frame, and so does this; a
    test holds it to FFmpeg's own filter.
    """
    recent: deque[Tensor] = deque(maxlen=count)
    for frame in frames:
        recent.extend([frame] * (1 if recent else count))
        yield torch.stack(list(recent)).mean(dim=0)
