"""Perceptual figures by kept libraries, each optional: FLIP, ColorVideoVDP, VMAF, tLP.

Each takes an output and its reference as (frames, 3, height, width) in [0, 1], display-encoded
RGB, on any device. :func:`availability` says which can run here, and how to install the others.
"""

from temporal_clean.evaluation.perceptual.ldr_flip import flip
from temporal_clean.evaluation.perceptual.libvmaf import Vmaf, vmaf
from temporal_clean.evaluation.perceptual.needs import availability
from temporal_clean.evaluation.perceptual.perceived_change import tlp
from temporal_clean.evaluation.perceptual.video_vdp import jod

__all__ = ["Vmaf", "availability", "flip", "jod", "tlp", "vmaf"]
