"""The teacher sees the motion of clean frames, both ways in time, wherever a window is cut."""

import shutil
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
import torch

from temporal_clean.clip import Clip, find_clips
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.loading import (
    Augmentation,
    WindowConfig,
    Windows,
    add_teachers,
    read_teacher,
)

STEP = 1.5
PLAIN = WindowConfig(
    frames=3, crop=32, margin=4, pool=2, stretch=6, reuse=8, augmentation=Augmentation(flip=False)
)


@pytest.fixture(scope="module")
def taught(training_clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    clips = tmp_path_factory.mktemp("taught") / "clips"
    shutil.copytree(training_clips, clips)
    assert len(list(add_teachers(find_clips(clips)))) == 4
    return clips


def test_motion_of_a_pan_is_seen_both_ways(taught: Path) -> None:
    teacher = read_teacher(str(Clip.open(taught / "clip0").path("teacher")))
    for backwards, x in ((False, STEP), (True, -STEP)):
        motion, known = teacher.window(2, 4, backwards, (11, 20), 64)
        assert motion.shape == (4, 2, 64, 64)
        assert known[0].max() == 0.0
        assert known[1:].mean() > 0.9
        seen = (motion[1:] * known[1:]).sum(dim=(0, 2, 3)) / known[1:].sum()
        assert seen[0] == pytest.approx(x, abs=0.06)
        assert seen[1] == pytest.approx(0.0, abs=0.06)


def test_a_window_at_any_corner_is_a_part_of_the_whole(taught: Path) -> None:
    teacher = read_teacher(str(taught / "clip1" / "teacher.npz"))
    whole = teacher.window(0, 3, False, (0, 0), 96)[0]
    for corner in ((0, 0), (7, 12), (63, 31), (64, 64)):
        y, x = corner
        part = teacher.window(0, 3, False, corner, 32)[0]
        torch.testing.assert_close(part, whole[..., y : y + 32, x : x + 32])


def test_clips_that_have_a_teacher_keep_it(taught: Path) -> None:
    assert list(add_teachers(find_clips(taught))) == []


def test_windows_carry_the_motion_they_show(taught: Path) -> None:
    forwards = 0
    for window in islice(Windows(taught, PLAIN), 12):
        known = window["known"][1:].expand(-1, 2, -1, -1) > 0
        motion = window["motion"][1:][known].reshape(-1)
        assert known.float().mean() > 0.8
        forwards += int(motion.sum() > 0)
        assert motion.abs().mean() == pytest.approx(STEP / 2, abs=0.05)
    assert 1 <= forwards <= 11  # played both ways


def test_mirrored_windows_move_the_other_way(taught: Path) -> None:
    from temporal_clean.flow import warp

    config = replace(PLAIN, augmentation=Augmentation(flip=True))
    for window in islice(Windows(taught, config), 12):
        warped = warp(window["reference"][:-1], window["motion"][1:])
        missed = (warped - window["reference"][1:]).abs() * window["known"][1:]
        stood = (window["reference"][:-1] - window["reference"][1:]).abs()
        assert missed.mean() < 0.25 * stood.mean()


def test_held_and_cut_windows(taught: Path) -> None:
    for window in islice(Windows(taught, replace(PLAIN, held=1.0)), 4):
        assert torch.equal(window["reference"][0], window["reference"][2])
        assert window["motion"].abs().max() == 0.0
        assert window["known"][1:].min() == 1.0
    for window in islice(Windows(taught, replace(PLAIN, cut=1.0)), 8):
        lost = window["known"][1:].mean(dim=(1, 2, 3)) == 0.0
        assert int(lost.sum()) == 1


def test_layered_windows_need_no_teacher(training_clips: Path) -> None:
    for window in islice(Windows(training_clips, replace(PLAIN, layered=1.0)), 6):
        assert window["clip"].startswith("layers of")
        assert window["known"][1:].mean() > 0.3
        assert window["input"].shape == window["reference"].shape == (3, 3, 32, 32)


def test_streams_give_one_or_two_ranks_the_same_windows(taught: Path) -> None:
    config = replace(PLAIN, streams=2)
    alone = [w["input"] for w in islice(Windows(taught, config), 8)]
    for rank in (0, 1):
        shared = (w["input"] for w in islice(Windows(taught, config, rank=rank, ranks=2), 4))
        for ours, theirs in zip(shared, alone[rank::2], strict=True):
            assert torch.equal(ours, theirs)
    with pytest.raises(TemporalCleanError, match="set streams to a multiple"):
        Windows(taught, replace(PLAIN, streams=3), ranks=2)


def test_what_is_no_teacher_is_named(tmp_path: Path) -> None:
    (tmp_path / "teacher.npz").write_bytes(b"not an archive")
    with pytest.raises(TemporalCleanError, match="temporal-clean train finds it again"):
        read_teacher(str(tmp_path / "teacher.npz"))
