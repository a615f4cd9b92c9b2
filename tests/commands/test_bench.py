"""temporal-clean bench, as its users run it."""

import json
import os
import subprocess
import sys

import pytest

from temporal_clean.commands import main

# Straight to the command: the parser of arguments stumbles over a torch that is None.
WITHOUT_TORCH = """
import sys
from pathlib import Path
for name in ('torch', 'cv2'): sys.modules[name] = None
from temporal_clean.commands.bench import bench
engines = ('onnxruntime', 'torch')
files = {'json': Path(sys.argv[1]), 'plot': Path(sys.argv[2])}
bench(('fast',), ('96x64',), engines, frames=3, peers=True, **files)
"""


def error_of(capsys, *arguments: str) -> str:
    """Run, expect exit status 2, give the one line on standard error."""
    with pytest.raises(SystemExit) as stop:
        main(["bench", *arguments])
    text = capsys.readouterr().err.strip()
    assert stop.value.code == 2, text
    assert text.startswith("error: ")
    return text


def test_players_installation_measures_everything_but_torchs_peers(tmp_path) -> None:
    """Without torch and OpenCV: model, reference, other networks, memory, the files."""
    pytest.importorskip("matplotlib", reason="pip install 'temporal-clean[test]'")
    record, picture, cache = tmp_path / "b.json", tmp_path / "b.png", tmp_path / "cache"
    cache.mkdir()
    command = [sys.executable, "-c", WITHOUT_TORCH, str(record), str(picture)]
    environment = os.environ | {"TEMPORAL_CLEAN_CACHE": str(cache)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    found = json.loads(record.read_text())
    assert set(found["about"]) == {"command", "date", "hardware", "versions"}
    assert found["about"]["command"].startswith("temporal-clean ")
    kinds = [(row["size"], row["kind"], row["name"], row["engine"]) for row in found["rows"]]
    assert kinds == [
        ("96x64", "reference", "reference", "onnxruntime"),
        ("96x64", "model", "fast", "onnxruntime"),
        ("96x64", "peer", "FastDVDnet", "onnxruntime"),
        ("96x64", "peer", "BasicVSR, forward half", "onnxruntime"),
    ]
    for row in found["rows"]:
        assert row["frames"] == 3
        assert 0 < row["p50_ms"] <= row["p95_ms"] <= row["p99_ms"]
        assert row["ratio"] > 0
        assert row["kind"] != "reference" or row["ratio"] == 1.0
    assert found["parts"] == []  # OpenVINO alone tells them
    assert "temporal-clean[train]" in found["left_out"]["torch"]
    assert "temporal-clean[metrics]" in found["left_out"]["OpenCV DIS accumulation"]
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "left out: ffmpeg hqdn3d" in result.stdout
    # The user's own cache is left alone.
    assert not list(cache.iterdir())


def test_roofline_counts_without_running(tmp_path, capsys) -> None:
    record = tmp_path / "roofline.json"
    main(["bench", "--roofline", "--models", "fast", "--sizes", "192x128", "--json", str(record)])
    text = capsys.readouterr().out
    assert "Estimates" in text
    assert "GeForce RTX 4060" in text
    found = json.loads(record.read_text())
    assert len(found["devices"]) == 5
    assert found["models"][0]["counts"]["macs_per_pixel"] > 1000
    assert set(found["about"]) == {"command", "date", "hardware", "versions"}


def test_mistakes_are_told_before_anything_runs(tmp_path, capsys) -> None:
    there = tmp_path / "there.json"
    there.write_text("{}")
    assert "--overwrite" in error_of(capsys, "--json", str(there))
    assert "expected a size like 1920x1080" in error_of(capsys, "--sizes", "big")
    assert "frames must be 1 or more" in error_of(capsys, "--frames", "0")
    assert "--roofline only counts" in error_of(capsys, "--roofline", "--peers")
    assert "no engine 'abacus'" in error_of(capsys, "--engines", "abacus")
    assert "no model 'nice'" in error_of(capsys, "--models", "nice", "--sizes", "64x64")
    assert there.read_text() == "{}"
