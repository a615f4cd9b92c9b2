"""How good a picture is: figures that compare an output with its reference."""

from temporal_clean.evaluation.fidelity import psnr, sharp
from temporal_clean.evaluation.metrics import METRICS, Metric
from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.results import ClipResult, Evaluation, Figures, Interval

__all__ = [
    "METRICS",
    "ClipResult",
    "Evaluation",
    "Figures",
    "Interval",
    "Metric",
    "Motion",
    "psnr",
    "sharp",
]
