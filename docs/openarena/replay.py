"""Replay a recorded demo at 1920x1080 and keep a stretch of frames as one .npy file.

python replay.py RECORDINGS HOME FOLDER FRAMES MAP:START [MAP:START ...]
Writes RECORDINGS/FOLDER/MAP.npy, (FRAMES, 1080, 1920, 3) uint8 RGB, top row first.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

# The first 20 buffer swaps load the level.
FIRST_SWAP = 20

recordings, home, folder, frames = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
(recordings / folder).mkdir(parents=True, exist_ok=True)
for entry in sys.argv[5:]:
    name, start = entry.split(":")
    target = recordings / folder / f"{name}.npy"
    shape = {"descr": "|u1", "fortran_order": False, "shape": (frames, 1080, 1920, 3)}
    with target.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, shape)
    first = FIRST_SWAP + int(start)
    script = Path(__file__).with_name("play.sh")
    span = [str(first), str(first + frames)]
    environment = dict(os.environ, R=str(recordings), APPEND="1", TMO="300")
    subprocess.run([script, name, home, "1920", "1080", *span, target], env=environment, check=True)
    clip = np.load(target, mmap_mode="r")
    doubled = sum(bool((clip[i] == clip[i - 1]).all()) for i in range(1, frames))
    print(f"{name}: {frames} frames, {doubled} doubled")
