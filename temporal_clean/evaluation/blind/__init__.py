"""Figures for people who have only a video, and perhaps its unprocessed input: no reference.

:func:`blind_figures` reads a stream of frames once, :data:`BLIND_METRICS` says what each figure
means and where it ends.
"""

from temporal_clean.evaluation.blind.figures import BlindFigures, blind_figures
from temporal_clean.evaluation.blind.flicker import BANDS
from temporal_clean.evaluation.blind.metrics import BLIND_METRICS
from temporal_clean.evaluation.blind.steps import FlowFunction, calm_flow

__all__ = [
    "BANDS",
    "BLIND_METRICS",
    "BlindFigures",
    "FlowFunction",
    "blind_figures",
    "calm_flow",
]
