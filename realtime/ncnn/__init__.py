"""The shipped graph as an ncnn model, for Vulkan and for ncnn's own CPU path."""

from temporal_clean.realtime.ncnn.convert import NcnnModel, cached_ncnn, ncnn_model

__all__ = ["NcnnModel", "cached_ncnn", "ncnn_model"]
