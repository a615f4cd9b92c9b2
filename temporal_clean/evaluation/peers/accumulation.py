"""Peers that bring the past along the motion: classical accumulation, averages, and the oracle."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.blur import gaussian
from temporal_clean.evaluation.peers.record import Peer, along_motion, framewise
from temporal_clean.flow import Flow, Kernel, dis_flow, warp
from temporal_clean.models import clip_luma, luma

__all__ = ["accumulated", "accumulation_peers", "averaged", "oracle", "ungated"]

# The share of the current frame in the result, mild to strong.
ALPHAS = (0.7, 0.5, 0.3, 0.15)
# What is blurred, and by how many pixels. At equal Sharp 0.5 flickered less than 0.3 and gained
# 0.4 dB more (seven inputs: three games at one sample a pixel, at half size, and the demo).
BLURRED_ALPHA = 0.5
BLURRED_SIGMAS = (0.35, 0.4, 0.5, 0.6)
# Frames in a motion-compensated average, the current one among them.
AVERAGED_FRAMES = (2, 3, 5)
# Frames that the oracle remembers (facts/quality.md: 1/n up to 16).
ORACLE_FRAMES = 16
# Of the history. Lanczos of six taps gave the same within 0.04 dB and 0.01 Sharp on those inputs.
KERNEL: Kernel = "bicubic"


def accumulation_peers() -> list[Peer]:
    """All of this file's peers at all of their settings."""
    peers = []
    for alpha in ALPHAS:
        run = framewise(partial(accumulated, alpha=alpha))
        name = f"DIS accumulation {alpha:g}"
        peers.append(Peer(name, "DIS accumulation", alpha, True, False, run))
    for sigma in BLURRED_SIGMAS:
        run = framewise(partial(_blurred, sigma=sigma))
        family = "DIS accumulation + blur"
        peers.append(Peer(f"{family} {sigma:g}", family, sigma, True, False, run))
    for count in AVERAGED_FRAMES:
        run = framewise(partial(averaged, count=count))
        family = "motion-compensated average"
        peers.append(Peer(f"{family} {count}", family, float(count), True, False, run))
    run = framewise(ungated)
    peers.append(Peer("DIS accumulation, no gate 0.3", "DIS, no gate", 0.3, True, False, run))
    peers.append(Peer("oracle", "oracle", None, True, True, along_motion(oracle)))
    return peers


def accumulated(frames: Iterator[Tensor], alpha: float) -> Iterator[Tensor]:
    """Exponential average along DIS flow, gated and clipped: the floor a trained method must clear.

    result = frame + (1 - alpha) (1 - doubt) (past - frame). The flow is seen in the input frames;
    ``doubt`` is its forward-backward check; ``past`` is the last result, warped bicubically and
    clipped in luma to the frame's neighbourhood (Salvi, GDC 2016; ``temporal_clean.models``). The
    recipe that gained most among classical ones in this project's study (facts/flow.md).
    """

    def fuse(frame: Tensor, last: Tensor, flow: Flow) -> Tensor:
        past = warp(last, flow.motion, KERNEL)
        past = past - clip_luma(luma(past), luma(frame))
        return frame + (1.0 - alpha) * (1.0 - flow.doubt) * (past - frame)

    return _fed_back(frames, fuse)


def ungated(frames: Iterator[Tensor], alpha: float = 0.3) -> Iterator[Tensor]:
    """Exponential average along DIS flow with no gate and no clip, a Lanczos history.

    The row 'DIS flow + Lanczos history, alpha 0.3' of facts/quality.md, kept to show what gate and
    clip are worth: with them away it ghosts.
    """

    def fuse(frame: Tensor, last: Tensor, flow: Flow) -> Tensor:
        past = warp(last, flow.motion, "lanczos3")
        return past + alpha * (frame - past)

    return _fed_back(frames, fuse)


def _fed_back(
    frames: Iterator[Tensor], fuse: Callable[[Tensor, Tensor, Flow], Tensor]
) -> Iterator[Tensor]:
    """The first frame, then what ``fuse`` makes of each frame, the last result and DIS flow."""
    before = result = next(frames)
    yield result
    for frame in frames:
        result = fuse(frame, result, dis_flow(frame, before))
        before = frame
        yield result


def averaged(frames: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """Mean of the current frame and the ``count`` - 1 before it, each brought here by DIS flow.

    A past pixel counts where its flow survives the forward-backward check; nothing is fed back, so
    each frame is resampled once. The causal half of what MVTools' MDegrain does with blocks.
    """
    recent: deque[Tensor] = deque(maxlen=count - 1)
    for frame in frames:
        total, weight = frame, torch.ones_like(frame[:, :1])
        for previous in recent:
            flow = dis_flow(frame, previous)
            known = 1.0 - flow.doubt
            total = total + known * warp(previous, flow.motion, KERNEL)
            weight = weight + known
        recent.append(frame)
        yield total / weight


def oracle(
    moments: Iterator[tuple[Float[Tensor, "1 3 height width"], Flow | None]],
) -> Iterator[Tensor]:
    """Running mean of up to 16 frames along the exact motion: what accumulation alone could reach.

    Each pixel counts the frames behind it, and starts again where its past is not valid. The
    history is resampled by Lanczos' kernel of six taps (bilinear would lose half of the gradients,
    facts/quality.md). An upper bound for causal accumulation, and no bound for methods that also
    know what clean pictures look like. With motion that was only seen in a reference it inherits
    that motion's errors and has no clip to contain them: on real clips others pass it.
    """
    result, count = torch.empty(0), torch.empty(0)
    for frame, flow in moments:
        if flow is None:
            result, count = frame, torch.ones_like(frame[:, :1])
        else:
            past = warp(count, flow.motion, "bilinear") * (1.0 - flow.doubt)
            count = 1.0 + past.clamp_max(ORACLE_FRAMES - 1)
            history = warp(result, flow.motion, "lanczos3")
            result = history + (frame - history) / count
        yield result


def _blurred(frames: Iterator[Tensor], sigma: float) -> Iterator[Tensor]:
    """Accumulation, then a small blur of what is shown; the history stays sharp."""
    for picture in accumulated(frames, BLURRED_ALPHA):
        yield gaussian(picture, sigma)
