"""Video compression in memory: what a stream or a recorder makes of the picture."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal, get_args

import av
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading.chroma import Video420, from_420, to_420

__all__ = ["Codec", "compress"]

Codec = Literal["h264", "hevc"]
FRAME_RATE = 60
# One thread and no look-ahead over threads: the same frames give the same bits anywhere. Nor
# mbtree, which is not deterministic even so (docs/LOG.md). Without B-frames x265 keeps the order of
# short clips, too.
_ENCODERS: dict[str, tuple[str, dict[str, str]]] = {
    "h264": ("libx264", {"x264-params": "threads=1:sliced-threads=0:mbtree=0"}),
    "hevc": ("libx265", {"x265-params": "pools=none:frame-threads=1:bframes=0:log-level=none"}),
}


# On narrower pictures x265 writes outside its memory (PyAV 18.1; temporal_clean.video.encoders).
SMALLEST = 64


def compress(
    frames: Float[Tensor, "time 3 height width"],
    codec: str = "h264",
    crf: int = 23,
    bits_per_pixel: float | None = None,
    preset: str = "veryfast",
) -> Float[Tensor, "time 3 height width"]:
    """Encode as 8-bit 4:2:0 and decode again, frames at 60 a second, the first a key frame.

    ``crf`` is the encoder's constant quality (18 good, 23 usual, 30 and up visibly blocky);
    ``bits_per_pixel`` replaces it by a bit rate of that times pixels a second (a stream of
    1920x1080 at 60 frames and 6 Mbit/s has 0.05).
    """
    if codec not in get_args(Codec):
        raise TemporalCleanError(f"the codecs are {', '.join(get_args(Codec))}, not {codec}")
    size, device = (frames.shape[-2], frames.shape[-1]), frames.device
    missing = (max(0, SMALLEST - size[1]), max(0, SMALLEST - size[0]))
    whole = torch.nn.functional.pad(frames, (0, missing[0], 0, missing[1]), mode="replicate")
    planes = _bytes(to_420(whole))
    encoder = _encoder(codec, planes[0].shape[-2:], crf, bits_per_pixel, preset)
    decoder = av.CodecContext.create(codec, "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    pictures = [
        _planes(picture)
        for packet in [*_packets(encoder, planes), None]
        for picture in decoder.decode(packet)
    ]
    luma = torch.from_numpy(np.stack([y for y, _ in pictures])).unsqueeze(1)
    chroma = torch.from_numpy(np.stack([c for _, c in pictures]))
    padded = (whole.shape[-2], whole.shape[-1])
    decoded = from_420(Video420(luma.to(device).float(), chroma.to(device).float()), padded)
    return decoded[..., : size[0], : size[1]]


def _encoder(
    codec: str, size: tuple[int, ...], crf: int, bits_per_pixel: float | None, preset: str
) -> av.VideoCodecContext:
    name, options = _ENCODERS[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.height, encoder.width = size
    encoder.pix_fmt, encoder.thread_count = "yuv420p", 1
    encoder.framerate, encoder.time_base = Fraction(FRAME_RATE), Fraction(1, FRAME_RATE)
    encoder.options = {"preset": preset, **options}
    if bits_per_pixel is None:
        encoder.options |= {"crf": str(crf)}
    else:
        encoder.bit_rate = int(bits_per_pixel * size[0] * size[1] * FRAME_RATE)
    return encoder


def _bytes(video: Video420) -> tuple[np.ndarray, np.ndarray]:
    return video.luma[:, 0].byte().cpu().numpy(), video.chroma.byte().cpu().numpy()


def _packets(
    encoder: av.VideoCodecContext, planes: tuple[np.ndarray, np.ndarray]
) -> Iterator[av.Packet]:
    """The encoded stream of luma (time, h, w) and chroma (time, 2, h/2, w/2)."""
    for index, (luma, chroma) in enumerate(zip(*planes, strict=True)):
        flat = np.concatenate([luma.ravel(), chroma.ravel()]).reshape(-1, luma.shape[1])
        picture = av.VideoFrame.from_ndarray(flat, format="yuv420p")
        picture.pts = index
        yield from encoder.encode(picture)
    yield from encoder.encode(None)


def _planes(picture: av.VideoFrame) -> tuple[np.ndarray, np.ndarray]:
    """Luma (h, w) and chroma (2, h/2, w/2) of a decoded frame."""
    height, width = picture.height, picture.width
    flat = picture.to_ndarray(format="yuv420p").ravel()
    luma, chroma = np.split(flat, [height * width])
    return luma.reshape(height, width), chroma.reshape(2, height // 2, width // 2)
