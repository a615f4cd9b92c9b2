"""Windows for training, from folders of clips or from shards."""

from temporal_clean.train.loading.sources import write_shards
from temporal_clean.train.loading.windows import Window, WindowConfig, Windows

__all__ = ["Window", "WindowConfig", "Windows", "write_shards"]
