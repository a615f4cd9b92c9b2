"""Frames as pictures a browser decodes, and what storing them so costs in truth.

A page for judging shimmer must not add or hide any, so every picture is coded by itself (a still
scene stays exactly still) and chroma keeps its full resolution. Measured on two videos of 120
frames of 480x270, point-sampled renderings of the OpenArena maps oa_dm4 and ce1m7 (PyAV 18.1,
encoded here, decoded by OpenCV's libjpeg and libwebp, the browsers' decoders):

=======================  ==========  ==========  =============  =====================
stored as                page, MB    PSNR, dB    largest error  frame-to-frame change
=======================  ==========  ==========  =============  =====================
WebP lossless            46, 44      exact       0              exact
JPEG 4:4:4, quantiser 1  26, 27      44.3, 43.6  15, 17         +0.6 %, +1.4 %
JPEG 4:4:4, quantiser 2  15.7, 15.9  40.7, 40.0  32, 38         +0.6 %, +1.3 %
JPEG 4:4:4, quantiser 3  11, 11      38.6, 37.9  47, 55         +0.5 %, +0.7 %
WebP lossy, quality 95   14, 14      37.9, 37.7  131, 136       +2.4 %, +3.0 %
WebP lossy, quality 100  19, 19      38.3, 38.2  131, 135       +2.0 %, +1.9 %
=======================  ==========  ==========  =============  =====================

Quantiser 3 visibly wipes out faint wall texture, so 2 is the coarsest offered. Lossy WebP is
always 4:2:0: thin coloured detail is off by half the range at any quality. JPEG's error is small
but falls anew on every frame: over a slow pan of noisy detail (a procedural scene, 34 MB lossless)
it adds 17 to 40 % to the frame-to-frame change, which is why ``auto`` measures before it chooses.
"""

import base64
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MOST_SHIMMER",
    "QUALITIES",
    "Fidelity",
    "Pixels",
    "Trial",
    "choose_storage",
    "encode_all",
]

Pixels = NDArray[np.uint8]

TARGET_BYTES = 15_000_000  # of base64: what still opens at once and can be sent by mail
MOST_SHIMMER = 0.05  # relative; chosen between 0.014 (games, above) and 0.17 (the procedural scene)
SAMPLES = 4  # pairs of neighbouring frames a video, spread over it, that sizes are judged from


# JFIF: Y, Cb, Cr of BT.601, full range. By hand: FFmpeg's own conversion truncates, which tints
# the picture by up to 1 of 255 and costs 1 dB.
YCBCR_OF_RGB = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
YCBCR_OFFSET = np.array([0, 128, 128], np.float32)


def _as_bgra(pixels: Pixels) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgra")


def _as_ycbcr(pixels: Pixels) -> av.VideoFrame:
    ycbcr = np.rint(pixels.astype(np.float32) @ YCBCR_OF_RGB.T + YCBCR_OFFSET).clip(0, 255)
    planes = np.ascontiguousarray(ycbcr.transpose(2, 0, 1), np.uint8)
    return av.VideoFrame.from_ndarray(planes, format="yuvj444p")


@dataclass(frozen=True)
class Storage:
    """How frames are stored: encoder with its options, decoder, input, and the words for it."""

    encoder: str
    options: dict[str, str]
    decoder: str
    mime: str
    as_input: Callable[[Pixels], av.VideoFrame]
    text: str

    def encode(self, pixels: Pixels) -> bytes:
        """One frame, (height, width, 3) RGB, as a file a browser shows."""
        frame = self.as_input(pixels)
        encoder = cast(av.VideoCodecContext, av.VideoCodecContext.create(self.encoder, "w"))
        encoder.width, encoder.height = frame.width, frame.height
        encoder.pix_fmt = frame.format.name
        encoder.time_base = Fraction(1)
        encoder.options = self.options
        return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))

    def decode(self, data: bytes) -> Pixels:
        """The frame as a browser would show it, (height, width, 3) RGB."""
        decoder = cast(av.VideoCodecContext, av.VideoCodecContext.create(self.decoder, "r"))
        frame = [*decoder.decode(av.Packet(data)), *decoder.decode(None)][0]
        return frame.to_ndarray(format="rgb24").astype(np.uint8)


def _jpeg(quantiser: int) -> Storage:
    limits = {"qmin": str(quantiser), "qmax": str(quantiser)}
    text = f"JPEG 4:4:4, quantiser {quantiser}"
    return Storage("mjpeg", limits, "mjpeg", "image/jpeg", _as_ycbcr, text)


# Effort 2 of 6: 65 ms a frame where 4 takes 220, for 2 % more bytes (two cores, 480x270).
_EFFORT = {"lossless": "1", "compression_level": "2", "quality": "50"}
_LOSSLESS = Storage("libwebp", _EFFORT, "webp", "image/webp", _as_bgra, "WebP, lossless")

# Finest first.
QUALITIES = {"lossless": _LOSSLESS, "high": _jpeg(1), "medium": _jpeg(2)}


@dataclass(frozen=True)
class Fidelity:
    """Stored against source, over sampled frames.

    ``psnr`` in dB (infinite when exact), ``largest_error`` in 8-bit steps, ``shimmer`` the change
    of the mean frame-to-frame difference, as a fraction (0.01: one hundredth more).
    """

    psnr: float
    largest_error: int
    shimmer: float


@dataclass(frozen=True)
class Trial:
    """A storage tried on sampled frames: ``mean_bytes`` a frame, and how true it was."""

    storage: Storage
    mean_bytes: float
    fidelity: Fidelity


def choose_storage(quality: str, clips: Sequence[Sequence[Pixels]], share: float = 1.0) -> Trial:
    """The storage ``quality`` names. For ``auto`` truth comes first, then size: of those that
    leave the flicker alone, the finest that keeps the page small, or else the coarsest.
    ``share`` is how much of the page ``clips`` may take, up to 1 for all of it.
    """
    pairs = _sample(clips)
    if quality != "auto":
        return _try(QUALITIES[quality], pairs)
    most = share * TARGET_BYTES / (sum(map(len, clips)) * 4 / 3)  # base64: 4 letters for 3 bytes
    *lossy, lossless = reversed(QUALITIES.values())
    chosen = None
    for storage in lossy:
        trial = _try(storage, pairs)
        small = trial.mean_bytes <= most
        if abs(trial.fidelity.shimmer) <= MOST_SHIMMER and (small or chosen is None):
            chosen = trial
        if chosen is not None and not small:
            return chosen
    exact = _try(lossless, pairs)
    return exact if chosen is None or exact.mean_bytes <= most else chosen


def _try(storage: Storage, pairs: Sequence[tuple[Pixels, Pixels]]) -> Trial:
    """Stores ``pairs`` of neighbouring frames and compares what comes back with the source."""
    sizes: list[int] = []
    squares: list[float] = []
    before, after, largest = 0.0, 0.0, 0
    for pair in pairs:
        files = [storage.encode(frame) for frame in pair]
        source = [frame.astype(np.float32) for frame in pair]
        stored = [storage.decode(data).astype(np.float32) for data in files]
        errors = [a - b for a, b in zip(stored, source, strict=True)]
        sizes += map(len, files)
        squares += [float(np.mean(error**2)) for error in errors]
        largest = max(largest, *(int(np.abs(error).max()) for error in errors))
        before += float(np.abs(source[1] - source[0]).mean())
        after += float(np.abs(stored[1] - stored[0]).mean())
    mean_square = float(np.mean(squares))
    psnr = 10 * float(np.log10(255**2 / mean_square)) if mean_square else float("inf")
    fidelity = Fidelity(psnr, largest, shimmer=after / before - 1 if before else 0.0)
    return Trial(storage, float(np.mean(sizes)), fidelity)


def encode_all(
    clips: Sequence[Sequence[Pixels]],
    storage: Storage,
    progress: Callable[[int, int], None] | None,
) -> list[list[str]]:
    """Every frame of every clip in base64, on all cores; ``progress`` is told (done, total)."""
    total, done = sum(map(len, clips)), 0
    stored: list[list[str]] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for clip in clips:
            texts: list[str] = []
            for data in pool.map(storage.encode, clip):
                texts.append(base64.b64encode(data).decode("ascii"))
                done += 1
                if progress is not None:
                    progress(done, total)
            stored.append(texts)
    return stored


def _sample(clips: Sequence[Sequence[Pixels]]) -> list[tuple[Pixels, Pixels]]:
    """Pairs of neighbouring frames, spread evenly over each clip (a lone frame pairs itself)."""
    pairs: list[tuple[Pixels, Pixels]] = []
    for clip in clips:
        last = max(len(clip) - 2, 0)
        for first in sorted({round(last * k / (SAMPLES - 1)) for k in range(SAMPLES)}):
            pairs.append((clip[first], clip[min(first + 1, len(clip) - 1)]))
    return pairs
