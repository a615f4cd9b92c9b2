"""Up two upscaler levels? Performance and quality as they come and cleaned, beside native.

python docs/benchmarks/levels.py validation --frames 32 --out docs/benchmarks/levels.json

CLIPS are validation clips with masters; renderings that they lack are made beside them.
"""

import json
from pathlib import Path
from typing import Annotated

import torch
import tyro

from temporal_clean.clip import find_clips
from temporal_clean.commands.protocol import with_inputs
from temporal_clean.evaluation import jod, mcflick, psnr, sharp
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
    """Means over clips of PSNR, MCflick, Sharp and JOD of each rendering, as is and cleaned."""
    (whole,) = [peer for peer in own_peers((model,)) if peer.family == "full"]
    rows: dict[str, list[list[float]]] = {}
    found = [with_inputs(clip, RENDERINGS) for clip in find_clips(clips)]
    for clip in found:
        materials = clip_material([clip], frames, RENDERINGS)
        for name, loaded in zip(RENDERINGS, load(materials), strict=True):
            for state, output in (
                ("as it came", loaded.frames),
                ("cleaned", whole.run(loaded.frames, None)),
            ):
                figures = [
                    float(psnr(output, loaded.reference).mean()),
                    float(mcflick(output, loaded.reference, loaded.motion).nanmean()),
                    float(sharp(output, loaded.reference).mean()),
                    float(jod(output, loaded.reference, loaded.frame_rate)),
                ]
                rows.setdefault(f"{name} {state}", []).append(figures)
        print(clip.record.name, flush=True)
    table = {}
    print(f"{'':<32}{'PSNR':>8}{'MCflick':>9}{'Sharp':>7}{'JOD':>7}")
    for name, values in rows.items():
        mean = torch.tensor(values).nanmean(dim=0).tolist()
        table[name] = dict(zip(("psnr", "mcflick", "sharp", "jod"), mean, strict=True))
        print(f"{name:<32}{mean[0]:>8.2f}{mean[1]:>9.3f}{mean[2]:>7.2f}{mean[3]:>7.2f}")
    judged = [clip.record.name for clip in found]
    record = {"model": model, "frames": frames, "clips": judged, "mean": table}
    about = provenance("python docs/benchmarks/levels.py")
    out.write_text(json.dumps(about | record, indent=1) + "\n")


if __name__ == "__main__":
    tyro.cli(main)
