"""The per-user cache: graphs fixed to a size, compiled models, self-test results."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from temporal_clean.files import write_whole

if TYPE_CHECKING:
    from temporal_clean.realtime.graph import GraphRequest

__all__ = ["cache_folder", "cached_graph", "keep_newest"]

# About 2 to 20 MB each: a player's few window sizes fit, old ones go.
KEPT_GRAPHS = 24


def cache_folder() -> Path:
    """Where it lies: TEMPORAL_CLEAN_CACHE if set, else the platform's user cache folder."""
    import platformdirs

    chosen = os.environ.get("TEMPORAL_CLEAN_CACHE")
    folder = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("temporal-clean", False))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def cached_graph(graph: bytes, request: "GraphRequest") -> bytes:
    """The graph fixed as ``request`` says, from the cache if its content is there."""
    from temporal_clean.realtime.graph import fixed_graph

    folder = cache_folder() / "graphs"
    folder.mkdir(exist_ok=True)
    path = folder / f"{request.key(graph)}.onnx"
    if path.is_file():
        path.touch()
        return path.read_bytes()
    content = fixed_graph(graph, request).SerializeToString()
    write_whole(path, content)
    keep_newest(folder.glob("*.onnx"), KEPT_GRAPHS)
    return content


def keep_newest(paths: Iterable[Path], count: int) -> list[Path]:
    """Remove all but the files or folders that were used last; gives what went."""
    gone = sorted(paths, key=lambda path: path.stat().st_mtime)[:-count]
    for old in gone:
        if old.is_dir():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
    return gone
