"""Training windows a second: drawn alone, and by a worker beside a training step.

python docs/benchmarks/loader.py CLIPS docs/benchmarks/loader.json   (on an otherwise idle machine)
"""

import datetime
import json
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from temporal_clean.machine import processor
from temporal_clean.recurrent import SIZES, RecurrentCleaner
from temporal_clean.train.loading import WindowConfig, Windows

BATCH, FRAMES = 3, 8
ALONE, STEPS = 200, 12


def alone(clips: str) -> dict[str, float]:
    """Windows a second of one core, once the pool is filled, and seconds to fill it."""
    torch.set_num_threads(1)
    windows = iter(Windows(clips, WindowConfig(frames=FRAMES)))
    started = time.perf_counter()
    next(windows)
    filled = time.perf_counter()
    for _ in islice(windows, ALONE):
        pass
    return {
        "windows_a_second": round(ALONE / (time.perf_counter() - filled), 1),
        "first_window_s": round(filled - started, 2),
    }


def training(clips: str, size: str, workers: int, threads: int) -> dict[str, float]:
    """Windows a second that a training step takes, and its share of time spent waiting for them.

    With ``workers`` 0 one batch is used again and again: what training takes without a loader.
    """
    torch.set_num_threads(threads)
    model = RecurrentCleaner(SIZES[size]).train().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(model.parameters(), 1e-5)
    batches = iter(loader(clips, workers))
    spent, waited = 0.0, 0.0
    for index in range(STEPS + 2):
        started = time.perf_counter()
        batch = next(batches)
        got = time.perf_counter()
        step(model, optimiser, batch["input"].transpose(0, 1), batch["reference"].transpose(0, 1))
        if index >= 2:
            waited += got - started
            spent += time.perf_counter() - started
    return {
        "windows_a_second": round(STEPS * BATCH / spent, 2),
        "waiting_share": round(waited / spent, 4),
    }


def loader(clips: str, workers: int) -> Iterator[dict]:
    windows = Windows(clips, WindowConfig(frames=FRAMES))
    if workers:
        yield from DataLoader(windows, batch_size=BATCH, num_workers=workers, prefetch_factor=4)
    batch = next(iter(DataLoader(windows, batch_size=BATCH)))
    while True:
        yield batch


def step(
    model: RecurrentCleaner, optimiser: torch.optim.Optimizer, inputs: Tensor, target: Tensor
) -> None:
    """Through time and back, as training does."""
    state, loss = model.initial_state(inputs[0]), torch.zeros(())
    with torch.autocast("cpu", torch.bfloat16):
        for frame, clean in zip(inputs, target, strict=True):
            output, state = model(frame, state)
            loss = loss + (output.float() - clean).abs().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def main(clips: str, path: str) -> None:
    result: dict = {"drawn alone, one core": alone(clips)}
    for size in SIZES:
        for workers, threads in ((0, 2), (1, 2), (1, 1)):
            name = f"{size}, {workers} workers, {threads} threads"
            result[name] = training(clips, size, workers, threads)
            print(name, result[name], flush=True)
    print(result)
    record = {
        "command": "python docs/benchmarks/loader.py CLIPS docs/benchmarks/loader.json",
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "versions": {name: version(name) for name in ("torch", "av", "numpy")},
        "window": f"{FRAMES} frames of 128x128 from masters of 1920x1080, batch {BATCH}, bf16",
        "results": result,
    }
    Path(path).write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
