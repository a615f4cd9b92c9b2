"""Peers one frame at a time, for their speed: DIS accumulation, and hqdn3d inside ffmpeg."""

import queue
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle
from threading import Thread

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.ffmpeg import program_with
from temporal_clean.evaluation.peers.accumulation import accumulated
from temporal_clean.evaluation.peers.hqdn3d import why_missing

__all__ = ["SteppedPeer", "dis_accumulation", "hqdn3d"]

# The filter's own strengths: its speed hardly depends on them.
FILTER = "hqdn3d"
ALPHA = 0.5
# Frames that ffmpeg may keep back, and how long it is waited for.
MOST_LATE, ANSWER_S = 8, 0.5
TIMEOUT_S = 60


@dataclass(frozen=True)
class SteppedPeer:
    """``step`` cleans the next of a few frames that come again and again; ``close`` ends it."""

    name: str
    note: str
    step: Callable[[], object]
    close: Callable[[], None]


def dis_accumulation(frames: list[NDArray[np.uint8]]) -> SteppedPeer:
    """Accumulation along OpenCV's DIS flow, both ways, at medium quality.

    ``frames`` are (height, width, 3) RGB.
    """
    pictures = accumulated(_planes(frames), ALPHA)

    def step() -> Tensor:
        with torch.inference_mode():
            return next(pictures)

    note = f"DIS medium both ways, alpha {ALPHA:g}, planes in and out"
    return SteppedPeer("OpenCV DIS accumulation", note, step, lambda: None)


def _planes(frames: list[NDArray[np.uint8]]) -> Iterator[Tensor]:
    planes = [torch.from_numpy(f).permute(2, 0, 1)[None].float() / 255 for f in frames]
    yield from cycle(planes)


def hqdn3d(frames: list[NDArray[np.uint8]]) -> SteppedPeer:
    """ffmpeg's filter on 8-bit 4:2:0, as players run it: a frame goes in and comes back by pipes.

    The time of a frame holds both trips through a pipe. ``frames`` as :func:`dis_accumulation`'s;
    only their size counts, as the planes are filled from one channel. Raises TemporalCleanError
    where no ffmpeg has the filter.
    """
    program = program_with(FILTER)
    if program is None:
        raise TemporalCleanError(why_missing() or "")
    height, width = frames[0].shape[:2]
    raw = ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", f"{width}x{height}"]
    # Nothing may be held back: every frame is asked for before the next is given.
    ready = ["-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0", "-threads", "1"]
    command = [program, "-nostdin", "-hide_banner", "-loglevel", "error", *ready, *raw]
    command += ["-i", "pipe:0", "-vf", FILTER, "-f", "rawvideo", "-flush_packets", "1", "pipe:1"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    given, got = process.stdin, process.stdout
    pictures = cycle([_yuv420(frame) for frame in frames])
    size = len(next(pictures))
    answers: queue.Queue[bytes] = queue.Queue()

    def listen() -> None:
        while len(answer := got.read(size)) == size:
            answers.put(answer)
        answers.put(b"")

    def give() -> None:
        given.write(next(pictures))
        given.flush()

    Thread(target=listen, daemon=True).start()
    # It answers a few frames late: so many go in first.
    for _ in range(MOST_LATE):
        give()
        with suppress(queue.Empty):
            answers.get(timeout=ANSWER_S)
            break

    def step() -> bytes:
        give()
        if not (answer := answers.get(timeout=TIMEOUT_S)):
            raise TemporalCleanError(f"'{program}' ended early in {FILTER}")
        return answer

    def close() -> None:
        process.kill()
        process.wait()
        given.close()

    return SteppedPeer(f"ffmpeg {FILTER}", "yuv420p 8 bit, through pipes", step, close)


def _yuv420(frame: NDArray[np.uint8]) -> bytes:
    """The green channel as luma, halved red and blue as chroma."""
    height, width = frame.shape[:2]
    chroma = np.empty((2, -(-height // 2), -(-width // 2)), np.uint8)
    chroma[0], chroma[1] = frame[::2, ::2, 2], frame[::2, ::2, 0]
    return frame[..., 1].tobytes() + chroma.tobytes()
