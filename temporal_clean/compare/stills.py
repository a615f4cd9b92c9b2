"""Frames as pictures a browser decodes, and what storing them so costs in truth.

A page for judging shimmer must not add or hide any, so every picture is coded by itself (a still
scene stays exactly still) and chroma keeps its full resolution. Measured on 120 frames of
480x270, two videos, point-sampled renderings of two OpenArena maps (ce1m7, oa_dm4), PyAV 18.1:

=============================  ============  =========  =============  ======================
stored as                      page, MB      PSNR, dB   largest error  frame-to-frame change
=============================  ============  =========  =============  ======================
WebP lossless                  43.0, 40.6    exact      0              exact
JPEG 4:4:4, quantiser 1        26.8, 17.6    42.8-44.1  16             +1.0 %, +0.8 %
JPEG 4:4:4, quantiser 2        15.6, 10.1    39.7-41.8  32             +0.9 %, +0.6 %
JPEG 4:4:4, quantiser 3        11.0, 7.3     37.8-40.1  49             +0.6 %, +0.2 %
WebP lossy, quality 95         13.8, 10.4    36.8-39.9  163            +3.2 %, +3.4 %
WebP lossy, quality 100        18.8, 13.9    37.4-40.7  160            +2.3 %, +2.7 %
=============================  ============  =========  =============  ======================

Lossy WebP is always 4:2:0: thin coloured detail is off by more than half the range at any
quality, so it is not offered. JPEG's error is small, but it falls anew on every frame: over slow
pans of noisy detail (a procedural scene, 33 MB lossless) it adds 17 to 40 % to the frame-to-frame
change, which is why ``auto`` measures before it chooses.
"""

import base64
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace
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
MOST_SHIMMER = 0.05  # relative; 0.002-0.010 on game footage, up to 0.4 on slow pans over fine noise
SAMPLES = 4  # pairs of neighbouring frames a video, spread over it, that sizes are judged from


@dataclass(frozen=True)
class Storage:
    """How frames are stored: encoder, its pixel format and options, and the words for it."""

    codec: str
    mime: str
    pixel_format: str
    options: dict[str, str]
    text: str

    def encode(self, pixels: Pixels) -> bytes:
        """One frame, (height, width, 3) RGB, as a file a browser shows."""
        encoder = av.VideoCodecContext.create(self.codec, "w")
        encoder.height, encoder.width = pixels.shape[:2]
        encoder.pix_fmt = self.pixel_format
        encoder.time_base = Fraction(1)
        encoder.options = self.options
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
            format=self.pixel_format,
            dst_colorspace=Colorspace.ITU601,  # JFIF: BT.601, full range; without effect on RGB
            dst_color_range=ColorRange.JPEG,
        )
        return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))

    def decode(self, data: bytes) -> Pixels:
        """The frame as a browser would show it, (height, width, 3) RGB."""
        name = "webp" if self.mime == "image/webp" else "mjpeg"
        decoder = av.VideoCodecContext.create(name, "r")
        frame = [*decoder.decode(av.Packet(data)), *decoder.decode(None)][0]
        return frame.to_ndarray(format="rgb24").astype(np.uint8)


def _jpeg(quantiser: int) -> Storage:
    limits = {"qmin": str(quantiser), "qmax": str(quantiser)}
    return Storage("mjpeg", "image/jpeg", "yuvj444p", limits, f"JPEG 4:4:4, quantiser {quantiser}")


# Effort 2 of 6: 65 ms a frame where 4 takes 220, for 2 % more bytes (two cores, 480x270).
_LOSSLESS = Storage(
    "libwebp",
    "image/webp",
    "bgra",
    {"lossless": "1", "compression_level": "2", "quality": "50"},
    "WebP, lossless",
)

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


def choose_storage(quality: str, clips: Sequence[Sequence[Pixels]]) -> Trial:
    """The storage ``quality`` names. For ``auto`` truth comes first, then size: of those that
    leave the flicker alone, the finest that keeps the page small, or else the smallest.
    """
    pairs = _sample(clips)
    if quality != "auto":
        return try_storage(QUALITIES[quality], pairs)
    trials = [try_storage(storage, pairs) for storage in QUALITIES.values()]
    true = [trial for trial in trials if abs(trial.fidelity.shimmer) <= MOST_SHIMMER]
    most = TARGET_BYTES / (sum(map(len, clips)) * 4 / 3)  # base64: 4 letters for 3 bytes
    return next((trial for trial in true if trial.mean_bytes <= most), true[-1])


def try_storage(storage: Storage, pairs: Sequence[tuple[Pixels, Pixels]]) -> Trial:
    """Stores ``pairs`` of neighbouring frames and compares what comes back with the source."""
    source = np.array(pairs, np.int16)
    files = [[storage.encode(frame) for frame in pair] for pair in pairs]
    stored = np.array([[storage.decode(data) for data in pair] for pair in files], np.int16)
    error = np.abs(stored - source)
    mean_square = float(np.mean(error.astype(np.float64) ** 2))
    before, after = (float(np.abs(x[:, 1] - x[:, 0]).mean()) for x in (source, stored))
    fidelity = Fidelity(
        psnr=10 * float(np.log10(255**2 / mean_square)) if mean_square else float("inf"),
        largest_error=int(error.max()),
        shimmer=after / before - 1 if before else 0.0,
    )
    mean_bytes = sum(len(data) for pair in files for data in pair) / (2 * len(pairs))
    return Trial(storage, mean_bytes, fidelity)


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
