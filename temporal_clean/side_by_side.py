"""Pictures that show what changed: two videos beside each other, crops at 4x."""

from collections.abc import Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from temporal_clean.boxes import box_sums
from temporal_clean.files import require_writable, write_whole
from temporal_clean.video import open_input, to_8_bits

__all__ = ["busiest_place", "write_crops", "write_side_by_side"]

CROP, ZOOM, GAP = 72, 4, 8
# Between pictures: mid grey, on which neither side looks lighter.
GREY = 110


def write_side_by_side(inputs: Sequence[Path], output: Path, overwrite: bool = False) -> Path:
    """One H.264 video with the inputs' frames side by side; they must be of one size."""
    require_writable(output, overwrite)
    partial = output.with_name(f".{output.stem}.partial{output.suffix}")
    try:
        with ExitStack() as stack:
            readers = [stack.enter_context(open_input(path)) for path in inputs]
            container = stack.enter_context(av.open(str(partial), "w"))
            stream = container.add_stream("libx264", rate=readers[0].info.frame_rate or 60)
            stream.options = {"crf": "14", "preset": "veryfast"}
            # yuv420p wants even sides, and every player shows it.
            sizes = [(reader.info.width, reader.info.height) for reader in readers]
            stream.width = (sum(w for w, _ in sizes) + GAP * (len(sizes) - 1)) // 2 * 2
            stream.height = sizes[0][1] // 2 * 2
            stream.pix_fmt = "yuv420p"
            for frames in zip(*readers, strict=False):
                joined = _join([to_8_bits(frame.pixels) for frame in frames])
                joined = joined[: stream.height, : stream.width]
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(joined), "rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)
    return output


def write_crops(inputs: Sequence[Path], output: Path, overwrite: bool = False) -> Path:
    """One PNG: the liveliest crops of the first video at 4x, the same crops of the others.

    A row a place, a column an input; the last frame, when history has had time to settle.
    """
    require_writable(output, overwrite)
    clips = [_read(path) for path in inputs]
    rows = []
    for y, x in busiest_place(clips[0], count=3):
        crops = [clip[-1][y : y + CROP, x : x + CROP] for clip in clips]
        rows.append(_join([crop.repeat(ZOOM, 0).repeat(ZOOM, 1) for crop in crops]))
    gap = np.full((GAP, rows[0].shape[1], 3), GREY, np.uint8)
    parts = [part for row in rows for part in (gap, row)][1:]
    write_png(np.concatenate(parts), output)
    return output


def busiest_place(clip: NDArray[np.uint8], count: int) -> list[tuple[int, int]]:
    """Top left corners of the crops whose pixels flicker most: far from their neighbours in time.

    ``clip`` is (frames, height, width, 3). Flicker is the second difference in time, which
    steady motion of soft edges leaves small.
    """
    last = clip[-9:].astype(np.float32).mean(axis=-1)
    flicker = np.abs(last[:-2] - 2.0 * last[1:-1] + last[2:]).mean(axis=0)
    places = []
    for _ in range(count):
        boxes = box_sums(flicker, CROP, CROP)
        y, x = np.unravel_index(int(boxes.argmax()), boxes.shape)
        places.append((int(y), int(x)))
        flicker[max(0, y - CROP // 2) : y + CROP, max(0, x - CROP // 2) : x + CROP] = 0.0
    return places


def write_png(picture: NDArray[np.uint8], path: Path) -> None:
    """Write one (height, width, 3) picture losslessly."""
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height = picture.shape[1], picture.shape[0]
    encoder.pix_fmt, encoder.time_base = "rgb24", Fraction(1)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
    packets = [*encoder.encode(frame), *encoder.encode(None)]
    write_whole(path, b"".join(bytes(packet) for packet in packets))


def _read(path: Path) -> NDArray[np.uint8]:
    """The last frames of a short clip, (frames, height, width, 3)."""
    with open_input(path) as reader:
        frames = [to_8_bits(frame.pixels) for frame in reader]
    return np.stack(frames[-9:])


def _join(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    gap = np.full((pictures[0].shape[0], GAP, 3), GREY, np.uint8)
    return np.concatenate([p for picture in pictures for p in (gap, picture)][1:], axis=1)
