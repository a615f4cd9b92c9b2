"""What a mask of the HUD saves: pixels of HUDs as they came, cleaned, and cleaned but kept.

python docs/benchmarks/hud.py validation docs/benchmarks/hud.json

CLIPS are validation clips, of which those with a HUD are judged. The mask is found in the very
frames that are cleaned, a second of play: the least that one would make it from.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import tyro
from torch import Tensor

from temporal_clean.clip import find_clips
from temporal_clean.commands.protocol import with_inputs
from temporal_clean.evaluation.fidelity import squared_error
from temporal_clean.evaluation.peers import own_peers
from temporal_clean.evaluation.protocol.material import Loaded, clip_material, load
from temporal_clean.evaluation.provenance import provenance
from temporal_clean.evaluation.sums import decibels
from temporal_clean.keeping import Keep, still_in


def main(
    clips: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    model: str = "fast",
) -> None:
    """PSNR on HUD pixels and on the others, weighed by the HUD's coverage."""
    (whole,) = [peer for peer in own_peers((model,)) if peer.family == "full"]
    table: dict[str, dict[str, float]] = {}
    for clip in find_clips(clips):
        if clip.record.mask is None:
            continue
        clip = with_inputs(clip, ("native",))
        (loaded,) = load(clip_material([clip], clip.record.frames, ("native",)))
        found = still_in(clip.path("native"))
        keep = Keep(found.mask)
        clean = whole.run(loaded.frames, None)
        pairs = zip(_pictures(loaded.frames), _pictures(clean), strict=True)
        kept = np.stack([keep.restore(before, after) for before, after in pairs])
        rows = {"came": loaded.frames, "clean": clean, "kept": _frames(kept)}
        figures = {"mask": float(found.mask.mean())}
        for name, frames in rows.items():
            figures[f"{name}, hud"], figures[f"{name}, rest"] = _decibels(frames, loaded)
        table[clip.record.name] = figures
        told = " ".join(f"{name} {value:.3g}" for name, value in figures.items())
        print(f"{clip.record.name}: {told}", flush=True)
    record = {"model": model, "clips": table}
    about = provenance("python docs/benchmarks/hud.py")
    out.write_text(json.dumps(about | record, indent=1) + "\n")


def _pictures(frames: Tensor) -> np.ndarray:
    return frames.mul(255.0).round().byte().permute(0, 2, 3, 1).contiguous().numpy()


def _frames(pictures: np.ndarray) -> Tensor:
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255.0


def _decibels(frames: Tensor, loaded: Loaded) -> tuple[float, float]:
    """On the HUD and on the rest, over all frames at once."""
    assert loaded.mask is not None
    on, off = (
        float(decibels(squared_error(frames, loaded.reference, where).pooled()))
        for where in (loaded.mask, 1.0 - loaded.mask)
    )
    return on, off


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    tyro.cli(main)
