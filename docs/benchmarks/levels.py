"""Up two upscaler levels? Performance and quality as they come and cleaned, beside native.

python docs/benchmarks/levels.py validation --frames 32 --out docs/benchmarks/levels.json

CLIPS are validation clips with masters; renderings that they lack are made beside them.
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from temporal_clean.clip import find_clips
from temporal_clean.commands.protocol import with_inputs
from temporal_clean.evaluation import brief_figures, jod
from temporal_clean.evaluation.peers import own_peers
from temporal_clean.evaluation.protocol.material import clip_material, load
from temporal_clean.evaluation.provenance import provenance

RENDERINGS = ("performance-bilinear", "performance-fsr1", "quality-fsr1", "native")


def main(
    clips: Annotated[Path, tyro.conf.Positional],
    out: Path,
    frames: int = 32,
    model: str = "quality",
) -> None:
    """Means over clips of each rendering, as is and cleaned: the brief figures and JOD."""
    (whole,) = [peer for peer in own_peers((model,)) if peer.family == "full"]
    rows: dict[str, list[dict[str, float]]] = {}
    found = [with_inputs(clip, RENDERINGS) for clip in find_clips(clips)]
    for clip in found:
        materials = clip_material([clip], frames, RENDERINGS)
        for name, loaded in zip(RENDERINGS, load(materials), strict=True):
            for state, output in (
                ("as it came", loaded.frames),
                ("cleaned", whole.run(loaded.frames, None)),
            ):
                figures = brief_figures(output, loaded.reference, loaded.motion)
                figures["jod"] = float(jod(output, loaded.reference, loaded.frame_rate))
                rows.setdefault(f"{name} {state}", []).append(figures)
        print(clip.record.name, flush=True)
    table = {}
    print(f"{'':<32}{'PSNR':>8}{'MCflick':>9}{'Sharp':>7}{'Ghost':>7}{'JOD':>7}")
    for name, figures in rows.items():
        mean = {key: float(np.nanmean([one[key] for one in figures])) for key in figures[0]}
        table[name] = mean
        print(
            f"{name:<32}{mean['psnr']:>8.2f}{mean['mcflick']:>9.3f}"
            f"{mean['sharp']:>7.2f}{mean['ghost']:>7.2f}{mean['jod']:>7.2f}"
        )
    judged = [clip.record.name for clip in found]
    record = {"model": model, "frames": frames, "clips": judged, "mean": table}
    about = provenance("python docs/benchmarks/levels.py")
    out.write_text(json.dumps(about | record, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
