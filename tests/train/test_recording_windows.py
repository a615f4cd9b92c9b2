"""Choosing stretches: planted faults are avoided, and the choice differs in motion."""

import cv2
import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.recording.windows import choose_windows, measure

HEIGHT, WIDTH = 90, 160


def panorama(seed: int) -> np.ndarray:
    """Textured scenery, 1200 pixels wide, at several scales."""
    random = np.random.default_rng(seed)
    scenery = np.zeros((HEIGHT, 1200, 3), np.float32)
    for cells, strength in ((4, 45.0), (12, 30.0), (45, 25.0)):
        coarse = random.normal(size=(cells, cells * 13, 3)).astype(np.float32)
        scenery += strength * cv2.resize(coarse, (1200, HEIGHT), interpolation=cv2.INTER_NEAREST)
    return np.clip(scenery + 110.0, 0, 255).astype(np.uint8)


def pan(seed: int, frames: int, step: float) -> np.ndarray:
    """A view of the scenery that moves ``step`` pixels a frame."""
    scenery = panorama(seed)
    starts = (10 + step * np.arange(frames)).astype(int)
    return np.stack([scenery[:, x : x + WIDTH] for x in starts])


def test_measures_of_a_pan() -> None:
    measures = measure(pan(0, 20, 2.0))
    assert np.median(measures.motion) == pytest.approx(2.0 / WIDTH, rel=0.3)
    assert measures.likeness.min() > 0.7
    assert measures.difference.min() > 1.0


@pytest.mark.parametrize("fault", ["cut", "doubled", "dark", "wall"])
def test_a_fault_in_the_middle_is_avoided(fault: str) -> None:
    play = pan(1, 90, 2.0)
    if fault == "cut":
        play = np.concatenate([play[:45], pan(2, 45, 2.0)])
    elif fault == "doubled":
        play[45] = play[44]
    elif fault == "dark":
        play[40:50] //= 16
    else:
        play[38:53] = 90
    for window in choose_windows(play, 30, 2):
        assert window.start + 30 <= 45 or window.start >= 45


def test_a_flash_is_no_cut() -> None:
    play = pan(1, 40, 2.0)
    play[20] = np.clip(play[20].astype(int) + 40, 0, 255).astype(np.uint8)
    assert measure(play).likeness.min() > 0.7


def test_windows_differ_in_motion_and_do_not_overlap() -> None:
    slow, fast = pan(3, 60, 1.0), pan(3, 60, 5.0)
    play = np.concatenate([slow, fast, slow[::-1]])
    chosen = choose_windows(play, 20, 4)
    starts = [window.start for window in chosen]
    assert starts == sorted(starts)
    assert np.diff(starts).min() >= 20
    motions = [window.motion for window in chosen]
    assert max(motions) > 3 * min(motions)
    assert choose_windows(play, 20, 4) == chosen


def test_all_that_fit_are_found() -> None:
    assert len(choose_windows(pan(4, 90, 2.0), 30, 3)) == 3


def test_too_few_are_explained() -> None:
    play = np.concatenate([pan(5, 40, 2.0), np.repeat(pan(6, 1, 0.0), 60, axis=0)])
    with pytest.raises(TemporalCleanError, match=r"expected 3 windows of 30.*found 1.*doubled"):
        choose_windows(play, 30, 3)
    assert len(choose_windows(play, 30, 3, at_least=1)) == 1


def test_bad_requests_are_refused() -> None:
    play = pan(7, 10, 2.0)
    with pytest.raises(TemporalCleanError, match="10 frames, fewer than one window of 30"):
        choose_windows(play, 30, 1)
    with pytest.raises(TemporalCleanError, match="expected thumbnails"):
        choose_windows(play[..., 0], 5, 1)
    with pytest.raises(TemporalCleanError, match="at least 1 of them, got 0 of 5"):
        choose_windows(play, 5, 0)
