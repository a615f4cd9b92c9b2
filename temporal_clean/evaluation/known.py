"""All figures by name: with a reference, and without one."""

from temporal_clean.evaluation.blind.metrics import BLIND_METRICS
from temporal_clean.evaluation.metrics import METRICS, Metric

__all__ = ["KNOWN"]

# An evaluated clip has figures of one of the two.
KNOWN: dict[str, Metric] = METRICS | BLIND_METRICS
