"""Is this a pair to learn from? Figures, a verdict with reasons, and a picture of it."""

from temporal_clean.train.checking.check import check_pair
from temporal_clean.train.checking.report import Finding, Report
from temporal_clean.train.checking.sheet import write_sheet

__all__ = ["Finding", "Report", "check_pair", "write_sheet"]
