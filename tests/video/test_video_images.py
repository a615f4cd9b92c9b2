"""Pictures in and out: folders, patterns, single files."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input, open_output


def shade(value: int) -> np.ndarray:
    pixels = np.full((12, 18, 3), value, np.uint8)
    pixels[3, 4] = (255, 0, 128)
    return pixels


@pytest.fixture
def folder(lab: Any) -> Path:
    """Pictures whose names sort one way by letters and another by numbers."""
    for number in (1, 2, 10, 9, 20):
        lab.picture(f"shots/shot_{number}.png", shade(number), "rgb24")
    return lab / "shots"


@pytest.mark.parametrize("pattern", ["shots", "shots/", "shots/*.png", "shots/shot_%d.png"])
def test_pictures_come_in_the_order_of_their_numbers(folder: Path, pattern: str) -> None:
    with open_input(f"{folder.parent}/{pattern}") as reader:
        frames = list(reader)
        info = reader.info
    assert [int(frame.pixels[0, 0, 0]) for frame in frames] == [1, 2, 9, 10, 20]
    assert [frame.time for frame in frames] == [Fraction(i, 60) for i in range(5)]
    assert (info.frames, info.frame_rate, info.is_images) == (5, 60, True)
    assert np.array_equal(frames[0].pixels, shade(1))


def test_numbers_of_fixed_width_choose_their_files(lab: Any) -> None:
    for name in ("f_0002.png", "f_0001.png", "f_1.png", "other_0001.png"):
        lab.picture(name, shade(len(name)), "rgb24")
    with open_input(lab / "f_%04d.png") as reader:
        assert [frame.name for frame in reader] == ["f_0001", "f_0002"]


def test_start_end_and_rate_count_pictures(folder: Path) -> None:
    with open_input(folder, start=0.1, end=0.4, image_rate=Fraction(10)) as reader:
        assert [frame.name for frame in reader] == ["shot_2", "shot_9", "shot_10"]
    with pytest.raises(
        TemporalCleanError, match=r"no frames from 9 s on: 5 pictures .* last 0\.08"
    ):
        open_input(folder, start=9)


@pytest.mark.parametrize(
    ("name", "layout", "pixels"),
    [
        ("deep.png", "rgb48be", np.arange(216 * 3, dtype=np.uint16).reshape(12, 18, 3) * 101),
        ("grey.png", "gray", np.arange(216, dtype=np.uint8).reshape(12, 18)),
        ("plain.bmp", "bgr24", shade(7)),
        ("plain.tif", "rgb24", shade(7)),
    ],
)
def test_lossless_pictures_are_read_exactly(
    lab: Any, name: str, layout: str, pixels: np.ndarray
) -> None:
    stored = pixels[..., ::-1] if layout == "bgr24" else pixels
    with open_input(lab.picture(name, stored, layout)) as reader:
        (frame,) = reader
    wanted = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, -1)
    assert np.array_equal(frame.pixels, wanted)


def test_jpeg_is_full_range_bt601_whatever_its_height(lab: Any) -> None:
    red = np.zeros((720, 16, 3))
    red[..., 0] = 1.0
    codes = np.rint(lab.encode(red, 6, True, 8)).clip(0, 255).astype(np.uint8)
    planes = np.moveaxis(codes, -1, 0)
    with open_input(lab.picture("red.jpg", planes, "yuv444p")) as reader:
        (frame,) = reader
    assert np.abs(frame.pixels.astype(int) - red * 255).max() <= 3


def test_transparency_is_dropped_with_a_word(lab: Any) -> None:
    clear = np.concatenate([shade(9), np.zeros((12, 18, 1), np.uint8)], axis=-1)
    with open_input(lab.picture("clear.png", clear, "rgba")) as reader:
        (frame,) = reader
    assert np.array_equal(frame.pixels, shade(9))
    assert reader.warnings == ["transparency is dropped: the output is opaque"]


def test_pictures_of_two_sizes_are_refused_by_name(lab: Any) -> None:
    lab.picture("mixed/a.png", shade(1), "rgb24")
    lab.picture("mixed/b.png", shade(1)[:6], "rgb24")
    with (
        open_input(lab / "mixed") as reader,
        pytest.raises(TemporalCleanError, match=r"b\.png is 18x6, the first picture is 18x12"),
    ):
        list(reader)


def test_folders_and_patterns_without_pictures_are_refused(lab: Any) -> None:
    (lab / "empty").mkdir()
    (lab / "empty" / "notes.txt").write_text("nothing")
    for path in ("empty", "empty/*.png", "empty/%04d.png", "nowhere/*.png"):
        with pytest.raises(TemporalCleanError, match="holds no pictures: expected files with one"):
            open_input(lab / path)


def test_a_damaged_picture_is_named(lab: Any) -> None:
    (lab / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    with pytest.raises(TemporalCleanError, match=r"bad\.png"):
        open_input(lab / "bad.png")


def test_a_folder_becomes_a_folder_of_the_same_names(folder: Path, lab: Any) -> None:
    target = folder.parent / "clean"
    lab.copy(folder, target)
    assert sorted(file.name for file in target.iterdir()) == sorted(
        file.name for file in folder.iterdir()
    )
    with open_input(target) as one, open_input(folder) as two:
        for a, b in zip(one, two, strict=True):
            assert np.array_equal(a.pixels, b.pixels)


def test_a_video_becomes_a_folder_or_a_numbered_row(lab: Any) -> None:
    path = lab.video("clip.mkv", count=3, before=lab.sound("aac", 0.1), after=lab.play)
    writer = lab.copy(path, f"{lab / 'out'}/")
    lab.copy(path, lab / "out" / "row_%03d.tif")
    assert sorted(file.name for file in (lab / "out").iterdir()) == [
        *(f"frame_00000{i}.png" for i in (1, 2, 3)),
        *(f"row_00{i}.tif" for i in (1, 2, 3)),
    ]
    assert writer.warnings == ["audio not kept: the output is pictures"]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tga", ".ppm", ".webp"])
def test_lossless_formats_are_written_exactly(lab: Any, suffix: str) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (12, 18, 3), dtype=np.uint8)
    lab.copy(lab.picture("in.png", noise, "rgb24"), lab / f"out{suffix}")
    with open_input(lab / f"out{suffix}") as reader:
        assert np.array_equal(next(iter(reader)).pixels, noise)


def test_sixteen_bits_stay_sixteen(lab: Any) -> None:
    noise = np.random.default_rng(5).integers(0, 65536, (12, 18, 3), dtype=np.uint16)
    source = lab.picture("in.png", noise, "rgb48be")
    lab.copy(source, lab / "out.tif")
    with open_input(lab / "out.tif") as reader:
        assert np.array_equal(next(iter(reader)).pixels, noise)
    assert "8 of the source's 16 bits" in lab.copy(source, lab / "out.bmp").warnings[0]


def test_jpeg_out_is_close(lab: Any) -> None:
    smooth = np.indices((48, 64)).sum(0, dtype=np.uint8)[..., None].repeat(3, -1)
    lab.copy(lab.picture("in.png", smooth, "rgb24"), lab / "out.jpg")
    with open_input(lab / "out.jpg") as reader:
        assert np.abs(next(iter(reader)).pixels.astype(int) - smooth).max() <= 2


def test_one_picture_cannot_hold_a_clip(lab: Any) -> None:
    path = lab.video("clip.mkv")
    with (
        open_input(path) as reader,
        pytest.raises(TemporalCleanError, match=r"give a folder, a pattern such as out_%04d\.png"),
    ):
        open_output(lab / "out.png", reader)


def test_a_filled_folder_is_replaced_only_on_request(folder: Path, lab: Any) -> None:
    target = lab / "clean"
    lab.picture("clean/old.png", shade(1), "rgb24")
    with pytest.raises(TemporalCleanError, match="exists and is not empty"):
        lab.copy(folder, target, overwrite=False)
    lab.copy(folder, target)
    assert len(list(target.iterdir())) == 5
    (target / "diary.txt").write_text("keep me")
    with pytest.raises(TemporalCleanError, match="holds more than pictures and is not replaced"):
        lab.copy(folder, target)
    assert (target / "diary.txt").read_text() == "keep me"


def test_a_shorter_row_leaves_no_old_pictures(folder: Path, lab: Any) -> None:
    lab.copy(folder, lab / "row_%02d.png")
    (lab / "row_notes.txt").write_text("stays")
    lab.copy(folder, lab / "row_%02d.png", end=0.03)
    assert sorted(f.name for f in lab.folder.glob("row_*")) == [
        "row_01.png",
        "row_02.png",
        "row_notes.txt",
    ]


def test_the_input_folder_is_never_the_output(folder: Path, lab: Any) -> None:
    for target in (folder, folder / "shot_%d.png"):
        with pytest.raises(TemporalCleanError, match="is the input: choose another output"):
            lab.copy(folder, target)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("target", ["clean", "row_%02d.png"])
def test_a_broken_run_leaves_no_pictures(
    folder: Path, lab: Any, target: str, error: type[BaseException]
) -> None:
    with pytest.raises(error):
        lab.copy(folder, lab / target, stop=error)
    assert [file.name for file in lab.folder.iterdir()] == ["shots"]


def test_a_codec_is_for_video(folder: Path, lab: Any) -> None:
    with open_input(folder) as reader, pytest.raises(TemporalCleanError, match="is for pictures"):
        open_output(lab / "clean", reader, codec="libx264")
