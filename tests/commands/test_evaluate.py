"""temporal-clean evaluate, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from temporal_clean import assets

CLIP = assets.DEMO_CLIP


def run(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "temporal_clean", "evaluate", *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "160"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment)


def test_a_video_is_judged_and_reported(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    result = run(
        *(CLIP / "native.mkv", "--reference", CLIP, "--quick", "--frames", "5"),
        *("--json", "a.json", "--csv", "a.csv", "--report", "a.html"),
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "MCflick, x1e-3" in result.stdout
    assert "report   a.html" in result.stdout
    values = json.loads((tmp_path / "a.json").read_text())
    assert values["format"] == "temporal-clean evaluation 1"
    figures = values["clips"][0]["output"]
    assert figures["sharp"] > 1.1
    assert len(figures["frames"]["mcflick"]) == 5
    assert figures["frames"]["mcflick"][0] is None
    assert (tmp_path / "a.csv").read_text().startswith("clip,video,file,psnr")
    assert "<script" in (tmp_path / "a.html").read_text()
    again = run(CLIP / "native.mkv", "--reference", CLIP, "--json", "a.json", cwd=tmp_path)
    assert again.returncode == 2
    assert "'a.json' exists already" in again.stderr


def test_a_video_alone_is_judged_without_reference(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    result = run(
        *(CLIP / "reference.mkv", "--input", CLIP / "native.mkv", "--frames", "20"),
        *("--json", "a.json"),
        cwd=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "Flicker over 15 Hz" in result.stdout
    clip = json.loads((tmp_path / "a.json").read_text())["clips"][0]
    assert clip["output"]["flicker_high"] < 0.5 * clip["input"]["flicker_high"]
    assert clip["missing"]["static_shimmer"] == "nothing stands still"
    assert "reference" not in clip


def test_library_figures_are_there_or_their_absence_is_told(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    from fractions import Fraction

    from temporal_clean.evaluation import evaluate, subjects
    from temporal_clean.video.generated import write_frames

    frames = np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3)).astype(np.uint8)
    write_frames(tmp_path / "a.mkv", frames, Fraction(60))
    write_frames(tmp_path / "b.mkv", frames // 2, Fraction(60))
    clip = evaluate(subjects([tmp_path / "a.mkv"], [tmp_path / "b.mkv"])).clips[0]
    for name in ("flip", "jod", "vmaf", "tlp"):
        assert name in clip.missing or clip.output.pooled[name] is not None
        assert len(clip.output.frames.get(name, (0, 0, 0))) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name at least one video"),
        (["nowhere.mkv"], "nowhere.mkv does not exist"),
        ([CLIP / "native.mkv", "--frames", "0"], "frames must be 1 or more"),
        ([CLIP / "native.mkv", "--json", "no/a.json"], "the folder 'no' does not exist"),
        ([CLIP / "native.mkv", "--protocol"], "--protocol judges its own clips"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, arguments: list, message: str) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    result = run(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert not list(tmp_path.iterdir())
