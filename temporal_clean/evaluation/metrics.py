"""Every figure that an evaluation can give: its name, unit, direction, and what it sees."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["METRICS", "Better", "Metric"]

Better = Literal["higher", "lower", "one", "zero"]


@dataclass(frozen=True)
class Metric:
    """``meaning`` is one sentence for a person who reads a table, ``limit`` what it does not see.

    ``better`` tells which way is good: towards higher, lower, one or zero.
    """

    title: str
    unit: str
    better: Better
    meaning: str
    limit: str
    decimals: int = 2


METRICS: dict[str, Metric] = {
    "psnr": Metric(
        "PSNR",
        "dB",
        "higher",
        "How near the pixels are to the reference's, frame by frame.",
        "A little blur raises it; it knows nothing of time.",
    ),
    "ssim": Metric(
        "SSIM",
        "",
        "higher",
        "How alike local contrast and structure are to the reference's.",
        "Frozen and flickering noise score the same.",
        4,
    ),
    "tpsnr": Metric(
        "tPSNR",
        "dB",
        "higher",
        "How near the change from frame to frame is to the reference's.",
        "Anything that moves wrongly counts, flicker and ghosting alike.",
    ),
    "mcflick": Metric(
        "MCflick",
        "x1e-3",
        "lower",
        "Flicker: how much the error changes along the motion. The main figure for shimmer.",
        "A steady error is invisible to it, so blur lowers it too: read it beside Sharp.",
        3,
    ),
    "e_warp": Metric(
        "E_warp",
        "x1e-3",
        "lower",
        "How much the picture itself changes along the motion (Lai 2018).",
        "It rewards blur: only a value near the reference's own means anything.",
        3,
    ),
    "tof": Metric(
        "tOF",
        "px",
        "lower",
        "How far the motion seen in the output is from the motion seen in the reference.",
        "Flat regions have no motion to see.",
        3,
    ),
    "tlp": Metric(
        "tLP",
        "x1e-2",
        "lower",
        "How far the perceived change from frame to frame is from the reference's.",
        "Needs a perceptual network's weights.",
        3,
    ),
    "sharp": Metric(
        "Sharp",
        "",
        "one",
        "The share of the reference's detail that is there: under 1 blur, over 1 aliasing.",
        "Blur and aliasing in different places of a picture can cancel.",
    ),
    "ghost": Metric(
        "Ghost",
        "",
        "zero",
        "How much of the previous frame still shows where new content came into view.",
        "Only disoccluded pixels count; 0.5 is a strong ghost.",
    ),
    "disoccluded_psnr": Metric(
        "PSNR disoccluded",
        "dB",
        "higher",
        "PSNR where new content came into view and no history can help.",
        "Few pixels in most frames.",
    ),
    "hud_psnr": Metric(
        "PSNR HUD",
        "dB",
        "higher",
        "PSNR under the HUD and other overlays, which ought to stay untouched.",
        "Only for clips that hold a mask of their overlays.",
    ),
    "flip": Metric(
        "FLIP",
        "",
        "lower",
        "The difference that an eye sees when it flips between output and reference.",
        "Frozen and flickering noise score the same.",
        4,
    ),
    "jod": Metric(
        "ColorVideoVDP",
        "JOD",
        "higher",
        "Quality on a viewing model of the eye: 10 is like the reference, 1 below is seen by 75 %.",
        "At 60 Hz it prefers flickering noise to frozen noise.",
    ),
    "vmaf": Metric(
        "VMAF",
        "",
        "higher",
        "Netflix's trained measure of video quality, 0 to 100.",
        "Trained on compression and scaling; it sees little of flicker.",
    ),
}
