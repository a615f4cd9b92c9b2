"""temporal-clean pairs, as a user types it; ViZDoom is the game that installs by pip."""

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch  # noqa: F401  (pairs needs the train extra: skipped without it)

from temporal_clean import assets
from temporal_clean.clip import find_clips
from temporal_clean.commands import main
from temporal_clean.video import open_input
from temporal_clean.video.generated import write_frames

SMALL = ["--size", "320x180", "--frames", "20", "--jobs", "1"]


def run(*words: object) -> None:
    main(["pairs", *map(str, words)])


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The sentence that a refused command ends with."""
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of one map, with HUD."""
    pytest.importorskip("vizdoom", reason="pip install vizdoom")
    out = tmp_path_factory.mktemp("recorded")
    run("record", "vizdoom", out, "--places", "MAP01", "--hud", "on", *SMALL)
    return out


def test_a_recording_is_a_clip_with_master_hud_and_licence(recorded: Path) -> None:
    clips = find_clips(recorded)
    assert len(clips) == 2
    for clip in clips:
        record = clip.record
        assert (record.width, record.height, record.frames) == (80, 45, 20)
        assert (record.split, record.licence) == ("train", "BSD-3-Clause")
        assert record.frame_rate == Fraction(35)
        assert record.master is not None
        assert record.master.loss["psnr"] > 33.0
        coverage = np.stack(list(clip.frames("mask")))
        assert 0.001 < (coverage > 128).mean() < 0.2
        assert not (np.stack(list(clip.frames("hud")))[coverage == 0]).any()
    assert not list(recorded.glob(".*")), "work and partial folders are cleared away"


def test_the_same_command_gives_the_same_bytes(recorded: Path, tmp_path: Path) -> None:
    run("record", "vizdoom", tmp_path, "--places", "MAP01", "--hud", "on", *SMALL)
    for clip in find_clips(recorded):
        for file in sorted(clip.folder.iterdir()):
            again = tmp_path / clip.folder.name / file.name
            assert again.read_bytes() == file.read_bytes(), file.name


def test_what_is_recorded_is_not_recorded_again(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {file: file.stat().st_mtime_ns for file in recorded.rglob("*")}
    run("record", "vizdoom", recorded, "--places", "MAP01", "--hud", "on", *SMALL)
    assert "was there already" in capsys.readouterr().out
    assert {file: file.stat().st_mtime_ns for file in recorded.rglob("*")} == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["vizdoom", "--places", "MAP99"], "MAP99 is not among vizdoom's places"),
        (["openarena", "--places", "oa_shine"], "belongs to the split validation"),
        (["vizdoom", "--size", "big"], "expected --size like 1920x1080"),
        (["vizdoom", "--size", "321x180"], "divisible by the factor"),
        (["vizdoom", "--mip-bias", "soft"], "expected --mip-bias to be mixed or a number"),
        (["all", "--places", "MAP01"], "--places needs one game"),
        (["vizdoom", "--windows", "0"], "expected 1 window of 2 frames or more"),
    ],
)
def test_impossible_recordings_are_refused_before_anything_is_played(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert message in refused(capsys, "record", words[0], out, *words[1:])
    assert not out.exists()


def test_degraded_renderings_are_checked_and_packed(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("degrade", recorded, "--recipes", "native", "quality-fsr1")
    for clip in find_clips(recorded):
        assert clip.inputs == ("native", "quality-fsr1")
        assert clip.record.renderings["quality-fsr1"].steps[0]["scale"] == pytest.approx(2 / 3)
    capsys.readouterr()
    run("check", recorded, "--sheets", tmp_path / "sheets")
    lines = capsys.readouterr().out.splitlines()
    native = [line for line in lines if " native: " in line]
    assert len(native) == 2
    assert all("offset 0" in line and not line.startswith("refuse") for line in native)
    assert len(list((tmp_path / "sheets").glob("*.png"))) == 4
    noted = json.loads((find_clips(recorded)[0].folder / "clip.json").read_text())["check"]
    assert set(noted) == {"native", "quality-fsr1"}
    run("degrade", recorded, "--recipes", "clean", "--random", 2, "--seed", 5)
    assert find_clips(recorded)[0].inputs[2:] == ("clean", "random-5-0", "random-5-1")
    run("shard", recorded, tmp_path / "shards")
    assert (tmp_path / "shards" / "clips-000000.tar").stat().st_size > 0


def test_degrade_says_what_it_can_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("degrade", tmp_path, "--recipes", "help")
    assert "performance-fsr1" in capsys.readouterr().out
    assert "no recipe soft" in refused(capsys, "degrade", tmp_path, "--recipes", "soft")
    video = assets.DEMO_CLIP / "reference.mkv"
    assert "name a folder for its clips with --out" in refused(capsys, "degrade", video)
    assert "holds no clips" in refused(capsys, "degrade", tmp_path)


def test_two_recordings_of_one_run_become_a_clip(tmp_path: Path) -> None:
    pair = {}
    for name, first in (("low", 0), ("best", 7)):
        source = "native" if name == "low" else "reference"
        with open_input(assets.DEMO_CLIP / f"{source}.mkv") as reader:
            frames = [frame.pixels for frame in reader][first : first + 90]
        pair[name] = tmp_path / f"{name}.mkv"
        write_frames(pair[name], frames, Fraction(60), "libx264", {"crf": "14"})
    run("align", pair["low"], pair["best"], tmp_path / "clips", "--game", "OpenArena")
    (clip,) = find_clips(tmp_path / "clips")
    record = clip.record
    assert record.alignment is not None
    assert record.alignment["offset"] == -7
    assert record.frames == 83
    assert (clip.inputs, record.game) == (("low",), "OpenArena")
    given, clean = (np.stack(list(clip.frames(name))) for name in ("low", "reference"))
    with open_input(pair["low"]) as reader:
        shown = [frame.pixels for frame in reader][7:]
    height, width = given.shape[1:3]
    top, left = (record.alignment["crop"][side] for side in ("top", "left"))
    untouched = np.stack(shown)[:, top : top + height, left : left + width]
    assert (given == untouched).all(), "the low recording is never changed"
    error = np.square(given.astype(float) - clean).mean()
    assert 10 * np.log10(255**2 / error) > 26.0


def test_recordings_of_different_runs_are_refused_with_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_input(assets.DEMO_CLIP / "native.mkv") as reader:
        frames = [frame.pixels for frame in reader][:60]
    write_frames(tmp_path / "low.mkv", frames, Fraction(60))
    other = [frame[::-1, ::-1].copy() for frame in reversed(frames)]
    write_frames(tmp_path / "best.mkv", other, Fraction(60))
    text = refused(capsys, "align", tmp_path / "low.mkv", tmp_path / "best.mkv", tmp_path / "out")
    assert "low.mkv" in text
    assert not (tmp_path / "out").exists()


def test_a_pair_of_videos_is_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    native, reference = (assets.DEMO_CLIP / f"{n}.mkv" for n in ("native", "reference"))
    run("check", native, "--against", reference, "--sheets", tmp_path / "sheets")
    assert "accept  native.mkv: offset 0" in capsys.readouterr().out
    assert (tmp_path / "sheets" / "native.png").stat().st_size > 10_000
    with open_input(reference) as reader:
        frames = [frame.pixels for frame in reader][1:]
    write_frames(tmp_path / "late.mkv", frames, Fraction(60))
    assert "refuse" in refused(capsys, "check", native, "--against", tmp_path / "late.mkv")
    assert "name its reference with --against" in refused(capsys, "check", native)


def test_places_are_listed_with_their_split(capsys: pytest.CaptureFixture[str]) -> None:
    run("places", "openarena")
    lines = capsys.readouterr().out.splitlines()
    assert "validation  oa_shine" in lines
    assert sum(line.startswith("train") for line in lines) >= 40


def test_a_stopped_recording_leaves_nothing_behind(tmp_path: Path) -> None:
    pytest.importorskip("vizdoom", reason="pip install vizdoom")
    words = ["pairs", "record", "vizdoom", str(tmp_path / "out"), "--limit", "4", "--jobs", "2"]
    process = subprocess.Popen([sys.executable, "-m", "temporal_clean", *words])
    deadline = time.monotonic() + 120
    while not list((tmp_path / "out").glob(".work-*/vizdoom/*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.terminate()
    assert process.wait(timeout=60) == 130
    left = list((tmp_path / "out").iterdir())
    assert not [path for path in left if path.name.startswith(".")]
    assert not psutil.Process().children(recursive=True)
