"""The maps behind the step as pictures a person can look at, and as videos beside the output."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import av
import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import Frame, Reader

__all__ = ["MapWriter", "draw_map"]

# Motion of this many pixels a frame is drawn in full colour.
FULL_MOTION = 16.0
# Nats a dimension drawn black and brightest: surprises of clean and broken content lie between.
SURPRISE_RANGE = (-3.0, 3.0)
# Five colours of matplotlib's 'inferno' (CC0), evenly spaced.
HEAT = np.array([[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]])
RATE = Fraction(60)


def draw_map(name: str, values: NDArray[np.float32], height: int, width: int) -> NDArray[np.uint8]:
    """One map (1, channels, rows, columns) as a (height, width, 3) picture.

    Motion: hue is direction, saturation is speed up to 16 px a frame. Surprise: heat from -3 to
    3 nats a dimension. Doubt, mask and weight: black is 0, white is 1. Maps smaller than the
    frame are enlarged without smoothing, padding is cut off.
    """
    plane = values[0]
    if name == "motion":
        picture = _colour_of_motion(plane)
    elif name.endswith("surprise"):
        low, high = SURPRISE_RANGE
        picture = _heat((plane[0] - low) / (high - low))
    elif name == "spatial":
        picture = _bytes(plane.transpose(1, 2, 0))
    else:
        picture = np.repeat(_bytes(plane[0])[..., None], 3, axis=2)
    scale = -(-height // picture.shape[0])
    picture = picture.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.ascontiguousarray(picture[:height, :width])


class MapWriter(AbstractContextManager):
    """Writes each map of a run as ``folder/<map>.mp4``; does nothing without a folder."""

    def __init__(self, folder: Path | None, reader: Reader, overwrite: bool) -> None:
        self.folder, self.info, self.overwrite = folder, reader.info, overwrite
        self.first_tick = round(reader.origin / reader.info.time_base)
        self.videos: dict[str, _MapVideo] = {}
        self.stack = ExitStack()

    def __enter__(self) -> Self:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        self.stack.__enter__()
        return self

    def __exit__(self, *failure: Any) -> None:
        self.stack.__exit__(*failure)

    def write(self, frame: Frame, maps: Mapping[str, NDArray[np.float32]]) -> None:
        """Add one frame's maps."""
        if self.folder is None:
            return
        for name, values in maps.items():
            if name not in self.videos:
                path = self.folder / f"{name}.mp4"
                video = _MapVideo(path, self.info, self.overwrite)
                self.videos[name] = self.stack.enter_context(video)
            picture = draw_map(name, values, self.info.height, self.info.width)
            self.videos[name].write(picture, frame.ticks - self.first_tick)


class _MapVideo(AbstractContextManager):
    """One H.264 file, renamed to its final name when all went well."""

    def __init__(self, path: Path, info: Any, overwrite: bool) -> None:
        if path.exists() and not overwrite:
            raise TemporalCleanError(f"'{path}' exists already; add --overwrite to replace it")
        self.path, self.time_base = path, info.time_base
        self.partial = path.with_name(f".{path.stem}.partial.mp4")
        self.container = av.open(str(self.partial), "w")
        self.stream = self.container.add_stream("libx264", rate=info.frame_rate or RATE)
        # yuv420p wants even sides, and every player shows it.
        self.height, self.width = info.height // 2 * 2, info.width // 2 * 2
        self.stream.width, self.stream.height = self.width, self.height
        self.stream.pix_fmt = "yuv420p"
        self.stream.options = {"crf": "16", "preset": "veryfast"}
        self.stream.codec_context.time_base = self.time_base

    def write(self, picture: NDArray[np.uint8], ticks: int) -> None:
        cropped = np.ascontiguousarray(picture[: self.height, : self.width])
        frame = av.VideoFrame.from_ndarray(cropped, format="rgb24")
        frame.pts, frame.time_base = ticks, self.time_base
        self.container.mux(self.stream.encode(frame))

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.container.mux(self.stream.encode(None))
        self.container.close()
        if kind is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)


def _bytes(values: NDArray) -> NDArray[np.uint8]:
    return np.round(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)


def _heat(values: NDArray) -> NDArray[np.uint8]:
    position = np.clip(values, 0.0, 1.0) * (len(HEAT) - 1)
    colours = [np.interp(position, range(len(HEAT)), HEAT[:, channel]) for channel in range(3)]
    return np.round(np.stack(colours, axis=-1)).astype(np.uint8)


def _colour_of_motion(motion: NDArray) -> NDArray[np.uint8]:
    """Hue by direction, saturation by length, white for stillness (as Middlebury's flow code)."""
    length = np.clip(np.hypot(*motion) / FULL_MOTION, 0.0, 1.0)
    hue = np.arctan2(motion[1], motion[0]) / (2.0 * np.pi) % 1.0
    channels = [np.abs((hue * 6.0 + shift) % 6.0 - 3.0) - 1.0 for shift in (0.0, 4.0, 2.0)]
    pure = np.clip(np.stack(channels, axis=-1), 0.0, 1.0)
    return _bytes(1.0 - length[..., None] * (1.0 - pure))
