"""ColorVideoVDP: quality in just-objectionable differences, by a model of the eye."""

from fractions import Fraction
from typing import Any, Literal

from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.perceptual.clips import require_clips
from temporal_clean.evaluation.perceptual.needs import require

__all__ = ["DISPLAYS", "LEAST_SIDE", "Transfer", "jod"]

Transfer = Literal["sdr", "pq", "hlg"]

# Displays of ColorVideoVDP's own list. SDR: a 24-inch 1080p monitor of 200 cd/m^2 in an office,
# seen from 0.6 m, 38 pixels a degree: games are watched from near, and the library's default (4K
# from the same distance in heights, 75 pixels a degree) hides half of what pixels do. HDR: its
# 30-inch 4K monitors of 1500 cd/m^2; it has none of 1080p.
DISPLAYS: dict[Transfer, str] = {
    "sdr": "standard_fhd",
    "pq": "standard_hdr_pq",
    "hlg": "standard_hdr_hlg",
}
# How the library names the curves that its displays decode; SDR is sRGB or a power.
CURVES = {"PQ": "pq", "HLG": "hlg", "linear": "linear"}
# Its pyramid has log2(side) bands; it runs on less, but with three bands figures mean little.
LEAST_SIDE = 16
# Gigabytes it may take on a GPU, where it works in blocks of frames; on the CPU it takes one
# frame at a time, with the last quarter of a second as buffer (0.75 GB for 1080p at 60 Hz).
GPU_GIGABYTES = 6


def jod(
    output: Float[Tensor, "frames 3 height width"],
    reference: Float[Tensor, "frames 3 height width"],
    frame_rate: float | Fraction,
    display: str | None = None,
    transfer: Transfer = "sdr",
) -> float:
    """Quality of a clip in JOD: 10 is like the reference, 1 lower is seen by 75 % of people.

    Mantiuk et al., 'ColorVideoVDP', SIGGRAPH 2024, by its own package (cvvdp, MIT; its parameters
    and tables come with it). ``display`` is a name in the library's list, by default that of
    :data:`DISPLAYS` for ``transfer``: 'sdr' for sRGB, 'pq' and 'hlg' for BT.2020 in the curves of
    BT.2100, all as encoded values in [0, 1] (clipped). ``frame_rate`` in Hz; one frame is judged
    as a still. Say the display beside the figure: figures of two displays do not compare. Strong
    differences may go below 0. At 60 Hz it prefers flickering noise to frozen noise.

    Raises TemporalCleanError without the library, for pictures with a side under 16 pixels, an
    unknown display, or a display that decodes another curve than ``transfer``.
    """
    require_clips("ColorVideoVDP", output, reference, LEAST_SIDE)
    require("jod")
    if not float(frame_rate) > 0:
        raise TemporalCleanError(
            f"expected a positive frame rate, got {frame_rate}: give the video's in frames a second"
        )
    metric = _metric(display or _display_for(transfer), transfer, output)
    quality, _ = metric.predict(
        output.detach().float().clamp(0, 1),
        reference.detach().float().clamp(0, 1),
        dim_order="FCHW",
        frames_per_second=float(frame_rate) if len(output) > 1 else 0,
    )
    return float(quality)


def _display_for(transfer: Transfer) -> str:
    if transfer not in DISPLAYS:
        raise TemporalCleanError(
            f"ColorVideoVDP knows the transfers {', '.join(DISPLAYS)}, got '{transfer}': "
            "convert the clip to one of them"
        )
    return DISPLAYS[transfer]


def _metric(display: str, transfer: Transfer, clip: Tensor) -> Any:
    """The library's object on the clip's device, for a display that decodes the transfer."""
    import pycvvdp

    try:
        photometry = pycvvdp.vvdp_display_photometry.load(display, [])
    except pycvvdp.vq_exception as error:
        raise TemporalCleanError(
            f"ColorVideoVDP knows no display '{display}': take one of its display_models.json, "
            f"such as {', '.join(DISPLAYS.values())}"
        ) from error
    if (curve := CURVES.get(photometry.EOTF, "sdr")) != transfer:
        raise TemporalCleanError(
            f"display '{display}' decodes {curve}, but the clip is {transfer}: take display "
            f"'{_display_for(transfer)}', or say transfer='{curve}' if that is what the clip is"
        )
    return pycvvdp.cvvdp(
        display_name=display, quiet=True, device=clip.device, gpu_mem=GPU_GIGABYTES
    )
