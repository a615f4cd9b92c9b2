"""The spatial cleaner with its surprise, and the fusion network."""

from temporal_clean.models.fusion import (
    FusionConfig,
    FusionNetwork,
    FusionResult,
    History,
)
from temporal_clean.models.neighbourhood import clip_luma, luma
from temporal_clean.models.spatial import SpatialCleaner, SpatialConfig, SpatialResult
from temporal_clean.models.surprise import (
    PatchTokens,
    SpatialSurprise,
    Surprise,
    TemporalSurprise,
)

__all__ = [
    "FusionConfig",
    "FusionNetwork",
    "FusionResult",
    "History",
    "PatchTokens",
    "SpatialCleaner",
    "SpatialConfig",
    "SpatialResult",
    "SpatialSurprise",
    "Surprise",
    "TemporalSurprise",
    "clip_luma",
    "luma",
]
