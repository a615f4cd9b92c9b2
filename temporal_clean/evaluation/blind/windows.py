"""Short windows of a stream of frames, half overlapping, that never span a scene cut."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.blind.steps import Step

__all__ = ["View", "Window", "window_length", "windows"]

# A window lasts about a quarter second, so that 60 Hz and 120 Hz see the same slow flicker, and has
# at least 16 frames, so that its spectrum has more than a few lines.
WINDOW_SECONDS, LEAST_FRAMES, MOST_FRAMES = 16 / 60, 16, 64
# What is left of a short scene is still measured with this many frames, not with fewer.
SHORTEST = 8


class View(NamedTuple):
    """One frame of the stream: its number in it, its luma, and the step to the frame before."""

    number: int
    luma: Float[Tensor, "1 1 height width"]
    step: Step | None


Window = Sequence[View]


def window_length(frame_rate: float) -> int:
    """Frames of a window: even, 16 to 64, about 0.27 seconds."""
    wanted = 2 * round(frame_rate * WINDOW_SECONDS / 2)
    return min(max(wanted, LEAST_FRAMES), MOST_FRAMES)


def windows(views: Iterable[View], length: int) -> Iterator[Window]:
    """Windows of ``length`` views, each half of its own ahead of the last, scene by scene.

    A scene's last window ends at its last frame; scenes shorter than ``length`` give one window,
    those shorter than 8 frames none. Holds ``length`` views and no more.
    """
    recent: deque[View] = deque(maxlen=length)
    # Frames of the scene that no window has had yet.
    waiting = 0
    for view in views:
        if view.step is None or view.step.cut:
            yield from _rest(recent, waiting)
            recent.clear()
            waiting = 0
        recent.append(view)
        waiting += 1
        # The scene's first window is full of new frames, each later one half.
        if len(recent) == length and waiting in (length, length // 2):
            yield tuple(recent)
            waiting = 0
    yield from _rest(recent, waiting)


def _rest(recent: deque[View], waiting: int) -> Iterator[Window]:
    if waiting and len(recent) >= SHORTEST:
        yield tuple(recent)
