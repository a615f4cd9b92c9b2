"""Encode the bundled demo clip: the game's own 480x270 render and the box-filtered 1080p one.

python demo_clip.py MASTER.npy NATIVE.rgb OUT
NATIVE.rgb is `play.sh MAP HOME 480 270 ...` of the same swaps, raw RGB24.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

CONVERT = "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int"
TAGS = [f"-color{part}" for part in ("space", "_primaries", "_trc")]
# The finest that keeps both files near 4 MB.
CRF = {"native": 6, "reference": 8}

master, out = np.load(sys.argv[1], mmap_mode="r"), Path(sys.argv[3])
blocks = (frame.reshape(270, 4, 480, 4, 3).astype(np.float32) for frame in master)
clips = {
    "native": np.fromfile(sys.argv[2], np.uint8).reshape(-1, 270, 480, 3),
    "reference": np.stack([np.rint(b.mean(axis=(1, 3))).astype(np.uint8) for b in blocks]),
}
for name, clip in clips.items():
    command = ["ffmpeg", "-y", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
    command += ["-s", "480x270", "-r", "60", "-i", "-", "-vf", f"{CONVERT},format=yuv444p"]
    command += ["-c:v", "libx264", "-preset", "veryslow", "-crf", str(CRF[name])]
    command += [word for tag in TAGS for word in (tag, "bt709")] + ["-color_range", "tv"]
    subprocess.run([*command, out / f"{name}.mkv"], input=clip.tobytes(), check=True)
