"""temporal-clean pairs shard"""

from pathlib import Path
from typing import Annotated

import tyro

__all__ = ["shard"]


def shard(
    clips: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    /,
    megabytes: int = 256,
    seed: int = 0,
) -> None:
    """Pack clips into WebDataset shards, to train from a network disk or an object store.

    Example: temporal-clean pairs shard clips shards

    Args:
        clips: A folder of clips.
        out: The folder for the shards.
        megabytes: About how large a shard is.
        seed: Of the order in which the clips are shuffled.
    """
    from temporal_clean.clip import find_clips
    from temporal_clean.commands.progress import say
    from temporal_clean.train.loading import write_shards

    for path in write_shards(find_clips(clips), out, megabytes * 1_000_000, seed):
        say(f"{path}: {path.stat().st_size / 1e6:.0f} MB")
