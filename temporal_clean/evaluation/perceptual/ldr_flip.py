"""FLIP: the difference that an eye sees when it flips between two pictures."""

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.perceptual.clips import require_clips
from temporal_clean.evaluation.perceptual.needs import require

__all__ = ["PIXELS_PER_DEGREE", "flip"]

# FLIP's own default, which published figures use: 0.69 m of 3840 pixels seen from 0.7 m.
PIXELS_PER_DEGREE = 67.0


def flip(
    output: Float[Tensor, "frames 3 height width"],
    reference: Float[Tensor, "frames 3 height width"],
    pixels_per_degree: float = PIXELS_PER_DEGREE,
) -> Float[Tensor, "frames"]:
    """Mean LDR-FLIP error of each frame, 0 (equal) to 1, by NVIDIA's flip-evaluator.

    Andersson et al., 'FLIP: A Difference Evaluator for Alternating Images', HPG 2020. Frames are
    sRGB in [0, 1]; values beyond are clipped. ``pixels_per_degree`` of visual angle says how far
    away the eye is: 67 is the library's default, 38 a 24-inch 1080p monitor seen from 0.6 m (the
    display that :func:`jod` takes for SDR). Computed on the CPU, given on the output's device.
    Each frame by itself: frozen and flickering noise score the same. Raises TemporalCleanError
    without the library or for a distance that is not positive.
    """
    require_clips("FLIP", output, reference)
    require("flip")
    if not pixels_per_degree > 0:
        raise TemporalCleanError(
            f"expected a positive number of pixels per degree, got {pixels_per_degree}: "
            f"leave it at {PIXELS_PER_DEGREE:g} to compare with published figures"
        )
    from flip_evaluator import evaluate

    settings = {"ppd": float(pixels_per_degree)}
    errors = []
    for ours, theirs in zip(output, reference, strict=True):
        pictures = (frame.clamp(0, 1).permute(1, 2, 0).float().cpu() for frame in (theirs, ours))
        g, o = (picture.contiguous().numpy() for picture in pictures)
        _, error, _ = evaluate(g, o, "LDR", applyMagma=False, parameters=settings)
        errors.append(float(error))
    return torch.tensor(errors, device=output.device)
