"""What happens from frame to frame: flicker along the motion, false motion, wrong change."""

from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from temporal_clean.evaluation.motion import Motion, require_pairs
from temporal_clean.evaluation.sums import Sums, decibels, over_pixels, require_clips, wide
from temporal_clean.flow import warp

__all__ = [
    "change_sums",
    "mcflick",
    "mcflick_sums",
    "tof",
    "tof_sums",
    "tpsnr",
    "warping_error",
    "warping_sums",
]

# Squared [0, 1] units are told in thousandths: figures of real clips lie between 0.01 and 30.
THOUSANDTHS = 1e3
# Chu et al., TecoGAN (ACM TOG 39(4), 2020), their metrics.py: Farneback's flow by OpenCV.
FARNEBACK = {
    "pyr_scale": 0.5,
    "levels": 3,
    "winsize": 15,
    "iterations": 3,
    "poly_n": 5,
    "poly_sigma": 1.2,
    "flags": 0,
}


def mcflick(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
    motion: Motion,
) -> Float[Tensor, "pairs"]:
    """Motion-compensated flicker of each pair of frames, squared [0, 1] units times 1e3.

    The mean over channels and valid pixels of (e_t - warp(e_{t-1}))^2, e = output - reference: how
    much the error changes along the reference's motion (bilinear lookup). 0 for a perfect output:
    what interpolation costs cancels. A steady error that moves with its surface counts only by
    what the lookup smooths. Not a number where no pixel is valid. This project's own; the warp and
    the mask are those of Lai et al., ECCV 2018. Raises ValueError if the shapes do not fit or a
    value is not finite.
    """
    require_clips(output, reference)
    return mcflick_sums(output, reference, motion).each()


def mcflick_sums(output: Tensor, reference: Tensor, motion: Motion) -> Sums:
    """The sums behind :func:`mcflick`."""
    return _change_along(wide(output) - wide(reference), motion)


def warping_error(
    output: Float[Tensor, "frames channels height width"], motion: Motion
) -> Float[Tensor, "pairs"]:
    """E_warp of each pair of frames, squared [0, 1] units times 1e3.

    The mean over channels and valid pixels of (o_t - warp(o_{t-1}))^2 (Lai et al., Learning blind
    video temporal consistency, ECCV 2018, section 4.2). It rewards blur: a good output comes near
    to the reference's own value, not to 0. Not a number where no pixel is valid. Raises ValueError
    if the shapes do not fit or a value is not finite.
    """
    require_clips(output, output)
    return warping_sums(output, motion).each()


def warping_sums(output: Tensor, motion: Motion) -> Sums:
    """The sums behind :func:`warping_error`."""
    return _change_along(wide(output), motion)


def _change_along(frames: Tensor, motion: Motion) -> Sums:
    require_pairs(frames, motion)
    before = warp(frames[:-1], motion.motion, "bilinear")
    return over_pixels(THOUSANDTHS * (frames[1:] - before).square(), motion.valid)


def tpsnr(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
) -> Float[Tensor, "pairs"]:
    """PSNR of the frame differences o_t - o_{t-1} against the reference's, in dB, peak 1.

    Infinite for an output whose error stands still on the screen. Raises ValueError if the shapes
    differ or a value is not finite.
    """
    require_clips(output, reference)
    return decibels(change_sums(output, reference).each())


def change_sums(output: Tensor, reference: Tensor) -> Sums:
    """The mean squared difference that :func:`tpsnr` takes the logarithm of."""
    return over_pixels(torch.diff(wide(output) - wide(reference), dim=0).square())


def tof(
    output: Float[Tensor, "frames 3 height width"],
    reference: Float[Tensor, "frames 3 height width"],
) -> Float[Tensor, "pairs"]:
    """How far the motion seen in the output is from the reference's, pixels, for each pair.

    Mean length of the difference of Farneback's flows of luma in 8 bits (Chu et al., TecoGAN, ACM
    TOG 39(4), 2020: tOF). Runs on the CPU. Raises ValueError if the shapes differ or a value is
    not finite.
    """
    require_clips(output, reference)
    return tof_sums(output, reference).each()


def tof_sums(output: Tensor, reference: Tensor) -> Sums:
    """The sums behind :func:`tof`."""
    lengths = [
        torch.from_numpy(np.linalg.norm(ours - theirs, axis=-1))[None, None]
        for ours, theirs in zip(_motions(output), _motions(reference), strict=True)
    ]
    if not lengths:
        return over_pixels(wide(output)[1:])
    return over_pixels(torch.cat(lengths).to(output.device))


def _motions(frames: Tensor) -> list[NDArray[np.float32]]:
    import cv2

    luma = _luma_bytes(frames)
    return [
        np.asarray(
            cv2.calcOpticalFlowFarneback(a, b, np.zeros((*a.shape, 2), np.float32), **FARNEBACK),
            np.float32,
        )
        for a, b in pairwise(luma)
    ]


def _luma_bytes(frames: Tensor) -> NDArray[np.uint8]:
    """BT.601 luma, what OpenCV's grey is, rounded to (frames, height, width) uint8."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=frames.device).view(1, 3, 1, 1)
    luma = (wide(frames) * weights).sum(dim=1)
    return (255 * luma).round().clamp(0, 255).byte().cpu().numpy()
