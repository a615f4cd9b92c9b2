"""The step as one TensorRT engine: built ahead of time without a GPU, checked, and run on one.

``flavours`` chooses between the modules tensorrt_rtx and tensorrt, ``builder`` builds, ``layers``
reads what became of the graph, ``check`` holds it to the budget, ``runtime`` runs it.
"""

from temporal_clean.realtime.tensorrt.builder import Built, build_engine
from temporal_clean.realtime.tensorrt.check import complaints, half_grids
from temporal_clean.realtime.tensorrt.flavours import FLAVOURS, Flavour, load_flavour
from temporal_clean.realtime.tensorrt.report import BuildReport, build_report

__all__ = [
    "FLAVOURS",
    "BuildReport",
    "Built",
    "Flavour",
    "build_engine",
    "build_report",
    "complaints",
    "half_grids",
    "load_flavour",
]
