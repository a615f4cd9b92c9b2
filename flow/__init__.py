"""Optical flow: a light network, warping, checks, and other flows behind one record."""

from temporal_clean.flow.classical import dis_both_ways, dis_flow
from temporal_clean.flow.consistency import inconsistency
from temporal_clean.flow.external import ExternalFlow, load_external
from temporal_clean.flow.network import FlowConfig, FlowNetwork
from temporal_clean.flow.pooling import block_mean
from temporal_clean.flow.record import Flow, FlowPlanes
from temporal_clean.flow.warping import Kernel, outside, warp

__all__ = [
    "ExternalFlow",
    "Flow",
    "FlowConfig",
    "FlowNetwork",
    "FlowPlanes",
    "Kernel",
    "block_mean",
    "dis_both_ways",
    "dis_flow",
    "inconsistency",
    "load_external",
    "outside",
    "warp",
]
