"""Windows for training, from folders of clips or from shards."""

from temporal_clean.train.loading.augment import Augmentation
from temporal_clean.train.loading.sources import write_shards
from temporal_clean.train.loading.teacher import Teacher, add_teachers, one_thread, read_teacher
from temporal_clean.train.loading.windows import Window, WindowConfig, Windows

__all__ = [
    "Augmentation",
    "Teacher",
    "Window",
    "WindowConfig",
    "Windows",
    "add_teachers",
    "one_thread",
    "read_teacher",
    "write_shards",
]
