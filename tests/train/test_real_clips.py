"""The committed clips of three real games: licensed, and in step with what derives from them."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from temporal_clean.clip import Clip, find_clips
from temporal_clean.train.checking import check_pair
from temporal_clean.train.checking.clips import native_frames, reference_frames
from temporal_clean.train.loading import WindowConfig, Windows

CLIPS = Path(__file__).parents[1] / "clips"
FOUND = find_clips(CLIPS)


@pytest.mark.parametrize("clip", FOUND, ids=lambda clip: clip.record.name)
def test_a_committed_clip_names_its_licence_and_authors(clip: Clip) -> None:
    assert clip.record.licence
    assert len(clip.record.attribution) > 40
    assert clip.record.split == "validation"
    assert clip.record.how_made[0]["step"] == "record"


@pytest.mark.parametrize("clip", FOUND, ids=lambda clip: clip.record.name)
def test_a_native_render_is_in_step_with_its_reference(clip: Clip) -> None:
    report = check_pair(native_frames(clip), reference_frames(clip))
    assert report.figures is not None
    assert report.figures.offset == 0
    assert report.figures.shift is not None
    assert max(abs(part) for part in report.figures.shift) < 0.05
    assert report.figures.sharp is not None
    assert 1.0 < report.figures.sharp < 1.35
    assert report.verdict != "refuse"


def test_windows_of_all_three_games_are_drawn() -> None:
    config = WindowConfig(frames=4, crop=48, margin=4, pool=3, stretch=12, reuse=4)
    windows = list(islice(Windows(CLIPS, config, split="validation"), 36))
    assert len({window["clip"].split("-")[0] for window in windows}) == 3
    for window in windows:
        error = (window["input"] - window["reference"]).square().mean()
        assert torch.isfinite(error)
        assert float(error) < 0.05
    assert any(float(window["mask"].max()) > 0.5 for window in windows)
