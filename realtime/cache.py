"""The per-user cache: graphs fixed to a size, compiled models, self-test results."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from temporal_clean.files import write_whole

if TYPE_CHECKING:
    from temporal_clean.realtime.graph import GraphRequest

__all__ = ["cache_folder", "cached_graph"]

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
    for old in sorted(folder.glob("*.onnx"), key=lambda p: p.stat().st_mtime)[:-KEPT_GRAPHS]:
        old.unlink(missing_ok=True)
    return content
