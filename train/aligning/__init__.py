"""Two recordings of one run, made into pairs of frames: in time, in space and in colour.

Start with :func:`align`; :func:`shift_between` and :func:`register` compare two pictures.
"""

from temporal_clean.train.aligning.alignment import Alignment, AlignSettings, align, aligned_frames
from temporal_clean.train.aligning.divergence import Limits
from temporal_clean.train.aligning.registration import (
    Registration,
    Shift,
    register,
    shift_between,
)

__all__ = [
    "AlignSettings",
    "Alignment",
    "Limits",
    "Registration",
    "Shift",
    "align",
    "aligned_frames",
    "register",
    "shift_between",
]
