"""Outputs appear whole or not at all, and what cannot be written is told."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input, open_output
from temporal_clean.video.places import Place


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
def test_a_broken_run_leaves_nothing_and_spares_the_old(
    lab: Any, name: str, error: type[BaseException]
) -> None:
    source = lab.video(
        "in.mp4", codec="libx264", count=60, before=lab.sound("aac", 2.0), after=lab.play
    )
    (lab / name).write_bytes(b"the old one")
    with pytest.raises(error):
        lab.copy(source, lab / name, stop=error)
    assert (lab / name).read_bytes() == b"the old one"
    assert sorted(file.name for file in lab.folder.iterdir()) == ["in.mp4", name]


def test_the_final_name_appears_only_at_the_end(lab: Any) -> None:
    source = lab.video("in.mkv", count=3)
    with open_input(source) as reader, open_output(lab / "out.mp4", reader) as writer:
        for frame in reader:
            writer.write(frame.pixels, frame)
            assert not (lab / "out.mp4").exists()
            assert (lab / ".out.mp4.partial.mp4").exists()
    assert sorted(file.name for file in lab.folder.iterdir()) == ["in.mkv", "out.mp4"]


def link_to(name: str) -> Callable[[Any], Path]:
    def make(lab: Any) -> Path:
        (lab / "link.mkv").symlink_to(lab / name)
        return lab / "link.mkv"

    return make


def occupied(lab: Any) -> Path:
    (lab / "out.mp4").write_bytes(b"mine")
    return lab / "out.mp4"


@pytest.mark.parametrize(
    ("target", "codec", "overwrite", "words"),
    [
        (occupied, "auto", False, "out.mp4 exists: choose another output, or overwrite it"),
        (lambda lab: lab / "in.mkv", "auto", True, "is the input: choose another output"),
        (link_to("in.mkv"), "auto", True, "is the input: choose another output"),
        (lambda lab: lab / "no" / "out.mp4", "auto", False, "does not exist: create it first"),
        (lambda lab: lab / "out.xyz", "auto", False, "ends in .xyz, which cannot be written"),
        (lambda lab: lab / "out.mp4", "libx999", False, "got 'libx999': choose auto, libx264"),
        (lambda lab: lab / "out.mp4", "aac", False, "got 'aac' for audio: choose auto"),
        (lambda lab: lab / "out.webm", "libx264", False, ".webm cannot hold libx264 video"),
        (lambda lab: lab / "out.mov", "libvpx-vp9", False, ".mov cannot hold libvpx-vp9 video"),
        (
            lambda lab: lab / "out.mkv",
            "libx265",
            False,
            "libx265 needs pictures of 64x64 or more, got 4x4",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(
    lab: Any, target: Any, codec: str, overwrite: bool, words: str
) -> None:
    source = lab.video("in.mkv", size=(4, 4), count=2)
    before = source.read_bytes()
    with (
        open_input(source) as reader,
        pytest.raises(TemporalCleanError) as raised,
        open_output(target(lab), reader, codec=codec, overwrite=overwrite),
    ):
        pass
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert source.read_bytes() == before
    assert not [file for file in lab.folder.iterdir() if "partial" in file.name]


def test_a_picture_of_another_kind_is_refused(lab: Any) -> None:
    source = lab.video("in.mkv", count=1)
    wrong: Any = np.zeros((48, 64, 3), np.float32)
    with (
        open_input(source) as reader,
        pytest.raises(TemporalCleanError) as raised,
        open_output(lab / "out.mkv", reader) as writer,
    ):
        writer.write(wrong, next(iter(reader)))
    assert "expected a picture of (48, 64, 3) uint8, got (48, 64, 3) float32" in str(raised.value)


def test_an_output_without_frames_is_refused(lab: Any) -> None:
    source = lab.video("in.mkv")
    for target in ("out.mp4", "out"):
        with (
            open_input(source) as reader,
            pytest.raises(TemporalCleanError, match="no frame was given"),
            open_output(lab / target, reader),
        ):
            pass
    assert [file.name for file in lab.folder.iterdir()] == ["in.mkv"]


LIMITED = """
import resource, sys
from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input, open_output
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    with open_input(sys.argv[1]) as reader, open_output(sys.argv[2], reader, "ffv1") as writer:
        for frame in reader:
            writer.write(frame.pixels, frame)
except TemporalCleanError as error:
    print(error)
print("torch" in sys.modules)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_told_and_leaves_nothing(lab: Any) -> None:
    source = lab.video("in.mkv", count=30)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, source, lab / "out.mkv"],
        capture_output=True,
        text=True,
        check=True,
    )
    sentence, torch = done.stdout.splitlines()
    assert "out.mkv could not be written: the file became larger than this disk" in sentence
    assert torch == "False"
    assert [file.name for file in lab.folder.iterdir()] == ["in.mkv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_no_space_left_is_told(lab: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = lab.video("in.mkv", count=30)
    monkeypatch.setattr(Place, "prepare", lambda place: place.partial.symlink_to("/dev/full"))
    with pytest.raises(TemporalCleanError, match="disk is full; free some space"):
        lab.copy(source, lab / name)
    assert [file.name for file in lab.folder.iterdir()] == ["in.mkv"]
