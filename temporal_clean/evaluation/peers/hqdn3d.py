"""ffmpeg's hqdn3d, the denoiser that people reach for: run by the ffmpeg program, through pipes."""

import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from threading import Thread
from typing import IO

import numpy as np
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.ffmpeg import program_with
from temporal_clean.evaluation.peers.codes import from_codes, to_codes
from temporal_clean.evaluation.peers.record import Peer, framewise

__all__ = ["denoised", "hqdn3d_peers", "program", "why_missing"]

# Spatial luma strength, in codes of 255.
STRENGTHS = (2.0, 4.0, 8.0, 16.0)
# 8:6:24:18 is the row of facts/quality.md. The filter's own ratios are 4:3:6:4.5; flicker asks for
# more strength in time.
SPATIAL_CHROMA, TEMPORAL_LUMA, TEMPORAL_CHROMA = 0.75, 3.0, 2.25
SAMPLES = "yuv444p16le"


def hqdn3d_peers() -> list[Peer]:
    """hqdn3d at each strength; none where no ffmpeg has it."""
    if program() is None:
        return []
    peers = []
    for strength in STRENGTHS:
        run = framewise(partial(denoised, strength=strength))
        peers.append(Peer(f"hqdn3d {strength:g}", "hqdn3d", strength, True, False, run))
    return peers


def why_missing() -> str | None:
    """What to install, or None where hqdn3d can run."""
    if program() is not None:
        return None
    return (
        "no ffmpeg with the filter hqdn3d found (it is in GPL builds alone): apt install ffmpeg, "
        "or pip install imageio-ffmpeg"
    )


def program() -> str | None:
    """An ffmpeg that has hqdn3d; PyAV's wheels lack it."""
    return program_with("hqdn3d")


def denoised(frames: Iterator[Tensor], strength: float) -> Iterator[Tensor]:
    """``-vf hqdn3d=s:0.75s:3s:2.25s``, on 4:4:4 and 16 bits a sample: recursive, causal, no motion.

    Source: FFmpeg's libavfilter/vf_hqdn3d.c, a port of MPlayer's. It works on 16 bits inside, so
    it meets neither the rounding to 8 bits nor the chroma subsampling of a video file.
    """
    first = next(frames)
    shape = to_codes(first).shape
    with tempfile.TemporaryFile() as complaints:
        command = _command(shape[2], shape[1], strength)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            # From a thread: ffmpeg answers when it likes, and full pipes would wait for ever.
            feeder = Thread(target=_feed, args=(process.stdin, first, frames), daemon=True)
            feeder.start()
            size = 2 * int(np.prod(shape))
            while len(raw := process.stdout.read(size)) == size:
                yield from_codes(np.frombuffer(raw, np.uint16).reshape(shape)).to(first.device)
            feeder.join()
        if process.returncode:
            complaints.seek(0)
            said = complaints.read().decode(errors="replace").strip()
            raise TemporalCleanError(f"'{command[0]}' failed in hqdn3d: {said}")


def _command(width: int, height: int, strength: float) -> list[str]:
    path = program()
    if path is None:
        raise TemporalCleanError(why_missing() or "")
    ratios = (1.0, SPATIAL_CHROMA, TEMPORAL_LUMA, TEMPORAL_CHROMA)
    settings = ":".join(f"{strength * ratio:g}" for ratio in ratios)
    raw = ["-f", "rawvideo", "-pixel_format", SAMPLES]
    source = [*raw, "-video_size", f"{width}x{height}", "-framerate", "60", "-i", "pipe:0"]
    quiet = ["-nostdin", "-hide_banner", "-loglevel", "error"]
    return [path, *quiet, *source, "-vf", f"hqdn3d={settings}", "-f", "rawvideo", "pipe:1"]


def _feed(pipe: IO[bytes], first: Tensor, frames: Iterator[Tensor]) -> None:
    try:
        with pipe:
            pipe.write(to_codes(first).tobytes())
            for frame in frames:
                pipe.write(to_codes(frame).tobytes())
    except BrokenPipeError:
        pass  # ffmpeg has ended; its exit status and its words tell why.
