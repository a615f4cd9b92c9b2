"""The few figures that short tables tell of an output: means over its frames."""

from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.disocclusion import ghost
from temporal_clean.evaluation.fidelity import psnr, sharp
from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.temporal import mcflick

__all__ = ["brief_figures"]


def brief_figures(
    output: Float[Tensor, "time 3 height width"],
    reference: Float[Tensor, "time 3 height width"],
    motion: Motion,
) -> dict[str, float]:
    """PSNR in dB, MCflick in 1e-3, Sharp and Ghost (1 and 0 are right), by their names in METRICS.

    Pictures in [0, 1]; two frames or more. Ghost is nan where nothing is disoccluded.
    """
    return {
        "psnr": float(psnr(output, reference).mean()),
        "mcflick": float(mcflick(output, reference, motion).nanmean()),
        "sharp": float(sharp(output, reference).mean()),
        "ghost": float(ghost(output, reference, motion).nanmean()),
    }
