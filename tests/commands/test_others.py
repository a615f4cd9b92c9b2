"""demo, doctor, export, compare and cost from the command line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from temporal_clean import assets
from temporal_clean.commands import main
from temporal_clean.realtime.engines.onnx_runtime import OnnxRuntimeEngine
from temporal_clean.side_by_side import busiest_place
from temporal_clean.video import open_input


def test_demo_writes_what_it_promises(tmp_path, capsys) -> None:
    out = tmp_path / "demo"
    main(["demo", "--output", str(out)])
    printed = capsys.readouterr().out
    with open_input(out / "clean.mp4") as clean, open_input(out / "side-by-side.mp4") as both:
        assert sum(1 for _ in clean) == 150
        assert both.info.width == 2 * 480 + 8
    with open_input(out / "crops.png") as crops:
        assert (crops.info.width, crops.info.height) == (3 * 288 + 16, 3 * 288 + 16)
    assert (out / "compare.html").stat().st_size > 1e6
    for name in ("clean.mp4", "side-by-side.mp4", "crops.png", "compare.html"):
        assert str(out / name) in printed
    assert "GPL" in printed
    with pytest.raises(SystemExit):
        main(["demo", "--output", str(out)])
    assert "--overwrite" in capsys.readouterr().err


def test_crops_are_taken_where_the_clip_flickers() -> None:
    clip = np.full((9, 270, 480, 3), 90, np.uint8)
    clip[::2, 100:140, 300:340] = 200
    (y, x), *_ = busiest_place(clip, count=1)
    assert y <= 100
    assert y + 72 >= 140
    assert x <= 300
    assert x + 72 >= 340


def test_doctor_tests_every_engine(capsys) -> None:
    main(["doctor"])
    printed = capsys.readouterr().out
    for engine in ("openvino", "onnxruntime"):
        for model in assets.MODELS:
            lines = [line for line in printed.splitlines() if engine in line and model in line]
            assert lines, (engine, model)
            assert all("works" in line for line in lines)


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_export_at_a_size_runs(tmp_path, precision: str) -> None:
    out = tmp_path / "graph.onnx"
    size = ["--size", "128x80", "--frames", "rgb8", "--precision", precision]
    main(["export", "--model", "quality", *size, "-o", str(out)])
    engine = OnnxRuntimeEngine(out.read_bytes())
    picture = np.random.default_rng(0).integers(0, 256, (80, 128, 3), np.uint8)
    assert engine.step(picture, engine.new_state()).clean.shape == (80, 128, 3)


def test_export_of_a_checkpoint_is_symbolic(tmp_path) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    out = tmp_path / "graph.onnx"
    main(["export", "--model", str(assets.checkpoint_path("fast")), "-o", str(out)])
    dimensions = onnx.load(out).graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param for d in dimensions[2:]] == ["16*h", "16*w"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "g.engine"], "name it g.onnx"),
        (["-o", "g.onnx", "--size", "big"], "like 1920x1080, got 'big'"),
        (["-o", "g.onnx", "--size", "32x32"], "too small"),
        (["-o", "g.onnx", "--frames", "rgb8"], "need a size"),
        (["-o", "none/g.onnx", "--size", "64x64"], "does not exist"),
        (["-o", "g.onnx", "--model", "x.onnx"], "no model 'x.onnx'"),
    ],
)
def test_bad_exports_say_what_to_do(tmp_path, monkeypatch, capsys, arguments, message) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(["export", *arguments])
    assert stop.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_cost_prints_each_part_within_budget(capsys) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    main(["cost"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    whole = {row[0]: int(row[2]) for row in rows if row[1] == "whole"}
    assert {row[1] for row in rows} == {"flow", "spatial", "fusion", "whole"}
    assert whole["fast"] <= 6_000
    assert whole["quality"] <= 25_000


def test_compare_makes_a_page(tmp_path, capsys) -> None:
    page = tmp_path / "page.html"
    clips = [str(assets.DEMO_CLIP / f"{name}.mkv") for name in ("native", "reference")]
    main(["compare", *clips, "-o", str(page), "--frames", "3"])
    assert "3 frames" in capsys.readouterr().out
    assert "<!doctype html>" in Path(page).read_text()[:200].lower()


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", str(assets.DEMO_CLIP / "native.mkv")],
        ["pairs", "check", str(assets.DEMO_CLIP)],
    ],
)
def test_what_players_do_not_install_is_told(arguments: list[str]) -> None:
    """The light installation has no torch: the line that adds it, and no traceback."""
    code = (
        "import sys\n"
        "for name in ('torch', 'jaxtyping', 'cv2'): sys.modules[name] = None\n"
        "from temporal_clean.commands import main\n"
        f"main({arguments!r})"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 2, result.stderr
    assert "pip install 'temporal-clean[train]'" in result.stderr
    assert "Traceback" not in result.stderr
