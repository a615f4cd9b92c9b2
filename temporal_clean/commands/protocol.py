"""temporal-clean evaluate --protocol"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from temporal_clean.clip import Clip
from temporal_clean.files import require_writable

__all__ = ["run_and_write"]

# Of a scene: every event of it (cut, flash, fade) lies within.
SCENE_FRAMES, CLIP_FRAMES = 48, 60
# Inputs that are shown close up (how many of a kind), and the methods beside each other.
SHOWN = (
    ("scene", "fence", "harsh", 1),
    ("scene", "brick", "harsh", 1),
    ("game", "", "native", 6),
    ("game", "", "performance-bilinear", 1),
)
COLUMNS = ("input", "Gaussian 0.6", "DIS accumulation + blur 0.4")


def run_and_write(
    clips: Path | None,
    models: tuple[str, ...],
    results: Path,
    frames: int | None,
    jobs: int | None,
    overwrite: bool,
) -> None:
    """Run the protocol and write ``results``/RESULTS.md, its table of all rows, and its plots."""
    from temporal_clean.clip import find_clips
    from temporal_clean.commands.progress import progress_bar, say
    from temporal_clean.evaluation.peers import missing_peers
    from temporal_clean.evaluation.protocol import (
        clip_material,
        run_protocol,
        scene_material,
        write_results,
        write_rows,
    )
    from temporal_clean.evaluation.provenance import provenance

    require_writable(results / "RESULTS.md", overwrite)
    materials = scene_material(frames or SCENE_FRAMES)
    if clips is not None:
        found = [with_inputs(clip) for clip in find_clips(clips)]
        materials = [*clip_material(found, frames or CLIP_FRAMES), *materials]
    with progress_bar("inputs") as progress:
        rows = run_protocol(materials, models, jobs=jobs or os.cpu_count() or 1, progress=progress)
    pictures = results / "results"
    pictures.mkdir(exist_ok=True)
    write_rows(rows, pictures / "protocol.csv")
    draw_close_ups(materials, models, pictures / "close-ups.webp")
    document = write_results(
        rows, results, about=provenance(), missing=missing_peers(), close_ups=True
    )
    say(f"{document}: {len(rows)} rows of {len(materials)} inputs")


def with_inputs(clip: Clip, renderings: Sequence[str] | None = None) -> Clip:
    """The clip with these renderings (those that the protocol judges by default), made from its
    master if need be."""
    from temporal_clean.evaluation.protocol.material import INPUTS
    from temporal_clean.train.degrading import RECIPES
    from temporal_clean.train.renderings import add_renderings

    wanted = renderings or INPUTS["game"]
    lacking = [RECIPES[name] for name in wanted if name not in clip.record.renderings]
    if not lacking:
        return clip
    for _ in add_renderings(clip, lacking):
        pass
    return Clip.open(clip.folder)


def _frames_of(folder: Path | None) -> int:
    """As many as the clip has; scenes (None) have any number."""
    return SCENE_FRAMES if folder is None else Clip.open(folder).record.frames


def draw_close_ups(materials: list, models: tuple[str, ...], file: Path) -> None:
    """Crops and space-time slices of a few inputs, the models beside the classical methods."""
    from temporal_clean.evaluation.peers import classical_peers, own_peers
    from temporal_clean.evaluation.protocol.plots import SLICE_ROWS, close_ups

    chosen = []
    for kind, name, rendering, count in SHOWN:
        sort = (kind, rendering)
        fits = [m for m in materials if (m.kind, m.rendering) == sort and name in m.name]
        chosen += fits[:: max(1, len(fits) // count)][:count]
    chosen = [replace(m, frames=min(SLICE_ROWS, _frames_of(m.folder))) for m in chosen]
    peers = [*classical_peers(), *own_peers(models)]
    own = [peer.name for peer in peers if peer.family == "full"]
    close_ups(chosen, peers, file, (*COLUMNS, *own, "reference"))
