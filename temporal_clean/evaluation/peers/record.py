"""What a peer is, and how a method that takes frame after frame becomes one.

Methods are generators, pictures in and pictures out, one for one: what they hold does not grow with
the clip, and the speed of a clip is the speed of a stream.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.motion import Motion
from temporal_clean.flow import Flow

__all__ = [
    "FlowMethod",
    "Method",
    "Peer",
    "Run",
    "along_motion",
    "check_clip",
    "framewise",
    "padded",
]

Run = Callable[[Tensor, Motion | None], Tensor]
Method = Callable[[Iterator[Tensor]], Iterator[Tensor]]
FlowMethod = Callable[[Iterator[tuple[Tensor, Flow | None]]], Iterator[Tensor]]


@dataclass(frozen=True)
class Peer:
    """One method at one setting, to be judged beside the others.

    ``run(clip, motion)`` takes (frames, 3, height, width), display-encoded RGB in [0, 1], of 64
    pixels or more each way, and gives as many pictures of that size, in [0, 1]. ``motion`` is
    looked at only where ``exact_flow``: such a peer knows what no product does and is an upper
    bound. ``setting`` is what is swept within ``family``, None for none; ``name`` is unique.
    """

    name: str
    family: str
    setting: float | None
    causal: bool
    exact_flow: bool
    run: Run


def framewise(method: Method) -> Run:
    """The run of a method that looks at frames alone."""

    def run(clip: Tensor, motion: Motion | None = None) -> Tensor:
        check_clip(clip)
        return _collected(method(iter(clip.split(1))), clip)

    return run


def along_motion(method: FlowMethod) -> Run:
    """The run of a method that is told the motion: each frame comes with its flow.

    The first frame's flow is None; pixels that are not ``valid`` are doubted wholly.
    """

    def run(clip: Tensor, motion: Motion | None = None) -> Tensor:
        check_clip(clip)
        return _collected(method(_moments(clip, motion)), clip)

    return run


def padded(
    picture: Float[Tensor, "batch channels height width"], multiple: int
) -> Float[Tensor, "batch channels rows columns"]:
    """Height and width up to multiples of ``multiple``, the last row and column repeated."""
    height, width = picture.shape[-2:]
    return F.pad(picture, (0, -width % multiple, 0, -height % multiple), mode="replicate")


def _collected(pictures: Iterator[Tensor], clip: Tensor) -> Tensor:
    output = torch.empty_like(clip)
    with torch.inference_mode():
        for place, picture in zip(output.split(1), pictures, strict=True):
            place.copy_(picture).clamp_(0.0, 1.0)
    return output


def _moments(clip: Tensor, motion: Motion | None) -> Iterator[tuple[Tensor, Flow | None]]:
    pairs, (height, width) = len(clip) - 1, clip.shape[-2:]
    if motion is None or motion.motion.shape != (pairs, 2, height, width):
        found = "none" if motion is None else str(tuple(motion.motion.shape))
        raise ValueError(
            f"expected the motion of {pairs} pairs of {height}x{width} frames, got {found}: this "
            "peer needs the exact motion of its clip"
        )
    yield clip[:1], None
    for k in range(pairs):
        flow = Flow(motion.motion[k : k + 1], 1.0 - motion.valid[k : k + 1])
        yield clip[k + 1 : k + 2], flow


def check_clip(clip: Tensor) -> None:
    """Raises ValueError for what is not (frames, 3, height, width) of floats."""
    if clip.ndim != 4 or clip.shape[1] != 3 or not clip.is_floating_point() or not len(clip):
        raise ValueError(
            "expected a clip (frames, 3, height, width) of floats in [0, 1], got "
            f"{tuple(clip.shape)} of {clip.dtype}"
        )
