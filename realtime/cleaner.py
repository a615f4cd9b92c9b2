"""Frames in, clean frames out: the library's main object, over any engine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.keeping import Keep
from temporal_clean.realtime.engines import Engine, EngineState, open_engine
from temporal_clean.realtime.engines.base import StepResult
from temporal_clean.realtime.graph import FrameFormat, GraphRequest

__all__ = ["Cleaner", "Session", "mix", "open_session"]

Frame = TypeVar("Frame")


@dataclass
class Session:
    """An engine opened for one frame size and format, with the history of one stream."""

    request: GraphRequest
    engine: Engine
    state: EngineState
    reason: str

    def step(self, picture: NDArray) -> StepResult:
        """Clean the stream's next picture, which is in the request's format."""
        return self.engine.step(np.ascontiguousarray(picture), self.state)


class Cleaner:
    """Cleans a stream of frames one by one, remembering the past.

    Frames are RGB, display-encoded, at least 64 pixels a side: NumPy (height, width, 3) as
    uint8, uint16 or float in [0, 1]; or torch tensors of (height, width, 3) uint8 or (3, height,
    width) float in [0, 1]. What comes out is like what went in. The engine is opened at the
    first frame; a frame of another size or type opens it anew and forgets the past. ``keep`` is a
    picture that marks in white what stays as it came, such as a HUD.
    """

    def __init__(
        self,
        model: str | Path = "fast",
        *,
        engine: str = "auto",
        strength: float = 1.0,
        inspect: bool = False,
        keep: str | Path | None = None,
    ) -> None:
        if not 0.0 <= strength <= 1.0:
            raise TemporalCleanError(f"strength must lie in 0..1, got {strength}")
        self.model, self.engine_name = model, engine
        self.strength, self.inspect = strength, inspect
        self.keep = Keep.read(keep) if keep is not None else None
        self.resets = 0
        self.session: Session | None = None

    def __call__(self, frame: Frame) -> Frame:
        """Clean the next frame."""
        picture, restore = _as_picture(frame)
        return restore(self.step(picture).clean)

    def stream(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Clean frames as they come, from an empty history on."""
        self.reset()
        for frame in frames:
            yield self(frame)

    def reset(self) -> None:
        """Forget the past, as at the start of another video."""
        if self.session:
            self.session.state.reset()
            self.resets += 1

    def step(self, picture: NDArray) -> StepResult:
        """Clean one picture, with maps if ``inspect``.

        It is (height, width, 3) RGB as uint8 or uint16, or (height, width, 4) BGRA as uint8.
        """
        height, width, channels = picture.shape
        session = self.open(height, width, picture.dtype, channels)
        result = session.step(picture)
        if self.strength < 1.0:
            result = replace(result, clean=mix(picture, result.clean, self.strength))
        if self.keep is not None:
            result = replace(result, clean=self.keep.restore(picture, result.clean))
        return result

    def open(self, height: int, width: int, dtype: Any = np.uint8, channels: int = 3) -> Session:
        """The session for this size and type; opens it unless it is open already."""
        request = GraphRequest(height, width, picture_format(dtype, channels), self.inspect)
        if self.session is None or self.session.request != request:
            self.resets += self.session is not None
            self.session = open_session(self.model, request, self.engine_name)
        return self.session


def open_session(model: str | Path, request: GraphRequest, engine: str = "auto") -> Session:
    """An engine for these frames, with an empty history."""
    opened = open_engine(model, request, engine)
    return Session(request, opened.engine, opened.engine.new_state(), opened.reason)


def picture_format(dtype: Any, channels: int) -> FrameFormat:
    """What the graph calls pictures of this type."""
    if channels == 4:
        return "bgra8"
    return "rgb16" if dtype == np.uint16 else "rgb8"


def mix(before: NDArray, after: NDArray, strength: float) -> NDArray:
    """before + strength (after - before), rounded."""
    mixed = before + np.float32(strength) * (after.astype(np.float32) - before)
    return np.round(mixed).astype(before.dtype)


def _as_picture(frame: Any) -> tuple[NDArray, Any]:
    """The frame as an integer (height, width, 3) picture, and what turns the result back."""
    if type(frame).__module__.partition(".")[0] == "torch":
        return _from_torch(frame)
    if not isinstance(frame, np.ndarray) or frame.ndim != 3 or frame.shape[2] != 3:
        found = getattr(frame, "shape", type(frame).__name__)
        raise TemporalCleanError(
            f"expected a frame of (height, width, 3) RGB, got {found}; drop an alpha channel "
            "with frame[..., :3], repeat a grey one three times"
        )
    if frame.dtype in (np.uint8, np.uint16):
        return frame, lambda clean: clean
    if np.issubdtype(frame.dtype, np.floating):
        return _quantised(frame), lambda clean: (clean / 65535.0).astype(frame.dtype)
    raise TemporalCleanError(
        f"expected uint8, uint16 or float frames, got {frame.dtype}; convert with frame.astype"
    )


def _from_torch(frame: Any) -> tuple[NDArray, Any]:
    import torch

    if frame.ndim == 3 and frame.is_floating_point() and frame.shape[0] == 3:
        planes = frame.detach().float().cpu().permute(1, 2, 0).numpy()
        return (
            _quantised(planes),
            lambda clean: (
                torch.from_numpy(clean.astype(np.float32) / 65535.0).permute(2, 0, 1).to(frame)
            ),
        )
    if frame.ndim == 3 and frame.dtype == torch.uint8 and frame.shape[2] == 3:
        return frame.cpu().numpy(), lambda clean: torch.from_numpy(clean).to(frame.device)
    raise TemporalCleanError(
        "expected a torch frame of (3, height, width) float in [0, 1] or (height, width, 3) "
        f"uint8, got {tuple(frame.shape)} {frame.dtype}"
    )


def _quantised(frame: NDArray) -> NDArray:
    """Floats in [0, 1] as 16-bit codes; refuses what has no picture in it."""
    if not np.isfinite(frame).all():
        raise TemporalCleanError("the frame holds NaN or infinity; check what produced it")
    if frame.min() < -0.01 or frame.max() > 1.01:
        raise TemporalCleanError(
            f"float frames must lie in [0, 1], got {frame.min():.3g} to {frame.max():.3g}; "
            "divide 8-bit values by 255, encode HDR with temporal_clean.color first"
        )
    return np.round(np.clip(frame, 0.0, 1.0) * 65535.0).astype(np.uint16)
