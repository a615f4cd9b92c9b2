"""How good a picture is: figures that compare an output with its reference.

Figures of tensors are functions (``mcflick(output, reference, motion)``); videos on disk go through
``evaluate``. Read ``metrics.py`` for what each figure means, ``measures.py`` for the whole list.
"""

from temporal_clean.evaluation.blind import BLIND_METRICS, blind_figures
from temporal_clean.evaluation.brief import brief_figures
from temporal_clean.evaluation.disocclusion import disoccluded_psnr, ghost
from temporal_clean.evaluation.evaluate import evaluate
from temporal_clean.evaluation.fidelity import psnr, sharp, ssim
from temporal_clean.evaluation.metrics import METRICS, Metric
from temporal_clean.evaluation.motion import Motion, read_motion, reference_motion, write_motion
from temporal_clean.evaluation.perceptual import flip, jod, tlp, vmaf
from temporal_clean.evaluation.results import ClipResult, Evaluation, Figures, Interval
from temporal_clean.evaluation.subjects import Subject, subjects
from temporal_clean.evaluation.temporal import mcflick, tof, tpsnr, warping_error

__all__ = [
    "BLIND_METRICS",
    "METRICS",
    "ClipResult",
    "Evaluation",
    "Figures",
    "Interval",
    "Metric",
    "Motion",
    "Subject",
    "blind_figures",
    "brief_figures",
    "disoccluded_psnr",
    "evaluate",
    "flip",
    "ghost",
    "jod",
    "mcflick",
    "psnr",
    "read_motion",
    "reference_motion",
    "sharp",
    "ssim",
    "subjects",
    "tlp",
    "tof",
    "tpsnr",
    "vmaf",
    "warping_error",
    "write_motion",
]
