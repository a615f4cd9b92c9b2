"""Where new content comes into view: ghosts of the old, and how well the new is shown."""

from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.fidelity import squared_error
from temporal_clean.evaluation.motion import Motion, require_pairs
from temporal_clean.evaluation.sums import Sums, decibels, over_pixels, require_clips, wide

__all__ = ["disoccluded_error", "disoccluded_psnr", "ghost", "ghost_sums"]


def ghost(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
    motion: Motion,
) -> Float[Tensor, "pairs"]:
    """How much of the previous frame shows through on disoccluded pixels: 0 is right, a number.

    Ghost = <o_t - g_t, g_{t-1} - g_t> / |g_{t-1} - g_t|^2 over channels and the pixels that frame
    t shows and frame t-1 hid, o the output and g the reference: the slope of the error on the old
    picture. 0.5 is a strong ghost, 1 the old picture itself; noise and aliasing leave it alone.
    Not a number without such pixels. This project's own measure. Raises ValueError if the shapes
    do not fit or a value is not finite.
    """
    require_clips(output, reference)
    return ghost_sums(output, reference, motion).each()


def ghost_sums(output: Tensor, reference: Tensor, motion: Motion) -> Sums:
    """The sums behind :func:`ghost`."""
    require_pairs(output, motion)
    output, reference = wide(output), wide(reference)
    old = reference[:-1] - reference[1:]
    error = output[1:] - reference[1:]
    shown = over_pixels(error * old, motion.disoccluded).total
    return Sums(shown, over_pixels(old.square(), motion.disoccluded).total)


def disoccluded_psnr(
    output: Float[Tensor, "frames channels height width"],
    reference: Float[Tensor, "frames channels height width"],
    motion: Motion,
) -> Float[Tensor, "pairs"]:
    """PSNR in dB over the pixels of the later frame that the earlier one hid.

    Not a number without such pixels. Raises ValueError if the shapes do not fit or a value is not
    finite.
    """
    require_clips(output, reference)
    return decibels(disoccluded_error(output, reference, motion).each())


def disoccluded_error(output: Tensor, reference: Tensor, motion: Motion) -> Sums:
    """The mean squared difference that :func:`disoccluded_psnr` takes the logarithm of."""
    require_pairs(output, motion)
    return squared_error(output[1:], reference[1:], motion.disoccluded)
