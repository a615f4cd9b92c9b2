"""What share of the bare engine's rate the whole `temporal-clean clean` reaches.

python docs/benchmarks/clean.py docs/benchmarks/clean.json       (on an otherwise idle machine)

The bundled game clip is enlarged to 960x540 H.264 4:2:0. Bare: the engine steps over its frames,
which lie decoded in memory. Whole: decoding, conversion, the engine, conversion, x264. Both take
turns; a ratio is of the two medians. `cpu_ms` are milliseconds of processor time a frame, over all
cores, which other programs disturb less.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from temporal_clean import assets
from temporal_clean.cleaning import clean_video, load
from temporal_clean.realtime.bench.record import about
from temporal_clean.video import open_input

WIDTH, HEIGHT = 960, 540
SECONDS, ROUNDS = 1.5, 5


def enlarge(target: Path) -> None:
    """The demo's input at 960x540, as a recording of a game would be stored."""
    source = assets.DEMO_CLIP / "native.mkv"
    with open_input(source, end=SECONDS) as reader, av.open(str(target), "w") as output:
        stream = output.add_stream("libx264", rate=Fraction(60), options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in reader:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.pixels), "rgb24")
            output.mux(stream.encode(picture.reformat(WIDTH, HEIGHT, "yuv420p")))
        output.mux(stream.encode(None))


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock and of processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def measure(model: str, clip: Path, folder: Path) -> dict:
    """Milliseconds a frame of both, and their ratio."""
    cleaner = load(model)
    with open_input(clip) as reader:
        frames = [frame.pixels for frame in reader]

    def bare() -> None:
        cleaner.reset()
        for frame in frames:
            cleaner.step(frame)

    def whole() -> None:
        results.append(clean_video(clip, folder / "clean.mp4", cleaner=cleaner, overwrite=True))

    results: list = []
    taken: dict[str, list[tuple[float, float]]] = {"bare": [], "whole": []}
    bare()
    for _ in range(ROUNDS):
        taken["bare"].append(spent(bare))
        taken["whole"].append(spent(whole))
    row: dict = {"model": model, "engine": results[-1].engine, "frames": len(frames)}
    for name, times in taken.items():
        for kind, values in zip(("ms", "cpu_ms"), zip(*times, strict=True), strict=True):
            row[f"{name}_{kind}"] = round(1e3 * statistics.median(values) / len(frames), 2)
    row["share_of_bare_rate"] = round(row["bare_ms"] / row["whole_ms"], 3)
    row["share_of_cpu_time"] = round(row["bare_cpu_ms"] / row["whole_cpu_ms"], 3)
    return row | {k: getattr(results[-1], k) for k in ("decode_ms", "step_ms", "encode_ms")}


def main(path: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        enlarge(clip)
        rows = []
        for model in assets.MODELS:
            rows.append(measure(model, clip, Path(folder)))
            print(json.dumps(rows[-1]), flush=True)
    clip_of = f"the bundled clip at {WIDTH}x{HEIGHT}, H.264 4:2:0, {SECONDS} s"
    record = {"about": about("python docs/benchmarks/clean.py"), "clip": clip_of, "rows": rows}
    Path(path).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
