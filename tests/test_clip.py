"""Clips on disk: what is read is what was written, and broken ones say what is wrong."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from temporal_clean import assets
from temporal_clean.clip import Clip, ClipRecord, Master, Rendering, find_clips, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.video.generated import write_frames

RECORD = ClipRecord(
    name="a",
    width=32,
    height=16,
    frames=3,
    frame_rate=Fraction(35),
    game="Some game",
    split="validation",
    licence="CC0-1.0",
    master=Master("master.mkv", 128, 64, 4, 2.0, {"psnr": 40.0}),
    renderings={"native": Rendering("native.mkv", 3, ({"step": "sample", "scale": 1.0},))},
    how_made=({"step": "record"},),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clip of random frames, with its master, one input and no reference."""
    place = tmp_path / "clips" / "a"
    place.mkdir(parents=True)
    random = np.random.default_rng(0)
    for name, scale in (("master", 4), ("native", 1)):
        frames = random.integers(0, 256, (3, 16 * scale, 32 * scale, 3), dtype=np.uint8)
        write_frames(place / f"{name}.mkv", frames, RECORD.frame_rate)
    write_record(place, RECORD)
    return place


def test_a_record_survives_its_file(folder: Path) -> None:
    assert Clip.open(folder).record == RECORD


def test_frames_are_lossless_and_counted(folder: Path) -> None:
    clip = Clip.open(folder)
    frames = np.stack(list(clip.frames("native")))
    random = np.random.default_rng(0)
    random.integers(0, 256, (3, 64, 128, 3), dtype=np.uint8)
    assert (frames == random.integers(0, 256, (3, 16, 32, 3), dtype=np.uint8)).all()
    assert clip.inputs == ("native",)
    write_record(folder, replace(RECORD, frames=4))
    with pytest.raises(TemporalCleanError, match="has 3 frames, its record says 4"):
        list(Clip.open(folder).frames("native"))


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (4, 16, 32, 3), dtype=np.uint8)
    for name in ("one", "two"):
        write_frames(tmp_path / f"{name}.mkv", frames, Fraction(60))
    assert (tmp_path / "one.mkv").read_bytes() == (tmp_path / "two.mkv").read_bytes()


def test_clips_are_found_below_a_folder_without_unfinished_ones(folder: Path) -> None:
    unfinished = folder.parent / ".b.partial"
    unfinished.mkdir()
    write_record(unfinished, RECORD)
    assert [clip.folder for clip in find_clips(folder.parent)] == [folder]
    assert [clip.folder for clip in find_clips(folder)] == [folder]
    with pytest.raises(TemporalCleanError, match="holds no clips"):
        find_clips(unfinished.parent / "nothing")


def test_links_to_clips_are_clips(folder: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    chosen.mkdir()
    try:
        (chosen / "mine").symlink_to(folder, target_is_directory=True)
    except OSError as error:
        pytest.skip(f"this system makes no symbolic links here: {error}")
    assert [clip.folder for clip in find_clips(chosen)] == [chosen / "mine"]


def test_pictures_in_a_folder_are_a_rendering(folder: Path) -> None:
    from temporal_clean.side_by_side import write_png

    (folder / "shots").mkdir()
    pictures = np.random.default_rng(2).integers(0, 256, (3, 16, 32, 3), dtype=np.uint8)
    for index, picture in enumerate(pictures):
        write_png(picture, folder / "shots" / f"{index:04d}.png")
    write_record(folder, replace(RECORD, renderings={"shots": Rendering("shots")}))
    assert (np.stack(list(Clip.open(folder).frames("shots"))) == pictures).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "something"}, "expected format"),
        ({"frames": 0}, "expected frames of 1 or more, got 0"),
        ({"split": "test"}, "expected split train or validation, got 'test'"),
        ({"width": 31}, "has 124x64, got 128x64"),
        ({"frame_rate": "sixty"}, "is not a clip's record"),
        ({"renderings": {"native": {"path": "x"}}}, "is not a clip's record"),
        ({"renderings": {"native": {"file": "gone.mkv"}}}, "lacks gone.mkv"),
    ],
)
def test_a_broken_record_says_what_is_wrong(folder: Path, change: dict, message: str) -> None:
    values = json.loads((folder / "clip.json").read_text()) | change
    (folder / "clip.json").write_text(json.dumps(values))
    with pytest.raises(TemporalCleanError, match=message):
        Clip.open(folder)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemporalCleanError, match="is not a clip"):
        Clip.open(tmp_path)
    (tmp_path / "clip.json").write_text("{")
    with pytest.raises(TemporalCleanError, match="cannot be read"):
        Clip.open(tmp_path)


def test_an_unknown_rendering_lists_those_there_are(folder: Path) -> None:
    with pytest.raises(TemporalCleanError, match="expected one of master, native"):
        Clip.open(folder).path("quality")


def test_the_bundled_clip_is_a_clip_with_a_licence() -> None:
    clip = Clip.open(assets.DEMO_CLIP)
    assert clip.inputs == ("native",)
    assert clip.record.licence == "GPL-2.0-or-later"
    assert "OpenArena" in clip.record.attribution
