"""Regenerate the graphs that ship, from the checkpoints that ship. Needs torch.

python -m temporal_clean.realtime.ship
"""

from temporal_clean import assets
from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.files import write_whole
from temporal_clean.realtime.export import PRECISIONS, export_graph

__all__ = ["ship"]


def ship() -> None:
    """Export every size in every precision beside its checkpoint."""
    for model in assets.MODELS:
        path = assets.checkpoint_path(model)
        for precision in PRECISIONS:
            graph = export_graph(load_checkpoint(path), precision).SerializeToString()
            target = path.with_name(assets.graph_name(model, precision))
            write_whole(target, graph)
            print(f"{target.name}: {len(graph) / 1e6:.1f} MB", flush=True)


if __name__ == "__main__":
    ship()
