"""temporal-clean clean, as its users run it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest

from temporal_clean import assets
from temporal_clean.commands import main
from temporal_clean.video import open_input

CLIP = assets.DEMO_CLIP / "native.mkv"


def run(*arguments: object) -> None:
    main([str(a) for a in arguments])


def frames_of(path: Path) -> np.ndarray:
    with open_input(path) as reader:
        return np.stack([frame.pixels for frame in reader])


def error_of(capsys, *arguments: object) -> str:
    """Run, expect exit status 2, give the one line on standard error."""
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    text = capsys.readouterr().err.strip()
    assert stop.value.code == 2, text
    assert text.startswith("error: ")
    assert "\n" not in text
    assert "Traceback" not in text
    return text


def test_cleans_a_game_clip(tmp_path, capsys) -> None:
    out, stats = tmp_path / "clean.mkv", tmp_path / "stats.json"
    run("clean", CLIP, "-o", out, "--end", 0.5, "--stats", stats)
    record = json.loads(stats.read_text())
    assert record["frames"] == 30 == len(frames_of(out))
    assert record["fps"] > 0
    for stage in ("decode_ms", "step_ms", "encode_ms"):
        assert 0 < record[stage]["p50"] <= record[stage]["p95"]
    assert "agrees with ONNX Runtime" in record["engine_reason"]
    assert record["engine"].startswith(("fused", "openvino"))
    assert record["resets"] == 0
    assert "30 frames" in capsys.readouterr().out
    assert not list(tmp_path.glob(".*"))


def test_cleaning_brings_the_clip_nearer_to_its_reference(tmp_path) -> None:
    """Lossless, whole: PSNR and frame-to-frame error must both gain on the input."""
    out = tmp_path / "clean.mkv"
    run("clean", CLIP, "-o", out, "--codec", "ffv1")
    before, after = frames_of(CLIP).astype(np.float32), frames_of(out).astype(np.float32)
    reference = frames_of(assets.DEMO_CLIP / "reference.mkv").astype(np.float32)

    def figures(frames: np.ndarray) -> tuple[float, float]:
        error = frames - reference
        return float(np.square(error).mean()), float(np.square(np.diff(error, axis=0)).mean())

    assert np.all(np.array(figures(after)) < np.array(figures(before)))


def test_strength_zero_passes_through(tmp_path) -> None:
    """Lossless but for the way from YUV to RGB and back, which rounds thrice."""
    out = tmp_path / "same.mkv"
    run("clean", CLIP, "-o", out, "--codec", "ffv1", "--strength", 0, "--end", 0.2)
    assert np.abs(frames_of(out).astype(int) - frames_of(CLIP)[:12]).max() <= 2


def test_many_inputs_go_into_a_folder(tmp_path) -> None:
    second = tmp_path / "second.mkv"
    second.write_bytes(CLIP.read_bytes())
    stats = tmp_path / "stats.json"
    run("clean", CLIP, second, "-o", tmp_path / "out", "--end", 0.1, "--stats", stats)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["native.mkv", "second.mkv"]
    assert [r["frames"] for r in json.loads(stats.read_text())] == [6, 6]


def test_inspection_writes_a_video_of_each_map(tmp_path) -> None:
    maps = tmp_path / "maps"
    run("clean", CLIP, "-o", tmp_path / "c.mkv", "--end", 0.2, "--inspect", maps)
    names = {p.stem for p in maps.iterdir()}
    assert names == {
        "motion",
        "doubt",
        "spatial",
        "mask",
        "weight",
        "spatial_surprise",
        "temporal_surprise",
    }
    for path in maps.iterdir():
        assert frames_of(path).shape == (12, 270, 480, 3)
    doubt = frames_of(maps / "doubt.mp4")
    # The first frame has no past: doubted everywhere; later ones are mostly believed.
    assert doubt[0].mean() > 250
    assert doubt[6].mean() < 200


def test_torch_checkpoint_and_shipped_graph_agree(tmp_path) -> None:
    pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    for name, model in (("graph", "fast"), ("checkpoint", assets.checkpoint_path("fast"))):
        engine = "onnxruntime" if name == "graph" else "auto"
        out = tmp_path / f"{name}.mkv"
        arguments = ["--codec", "ffv1", "--end", 0.1, "--engine", engine, "--model", model]
        run("clean", CLIP, "-o", out, *arguments)
    a, b = (frames_of(tmp_path / f"{n}.mkv").astype(int) for n in ("graph", "checkpoint"))
    # Equal to 1e-4 (test_engines.py); a code that rounds the other way moves three in YUV.
    assert np.abs(a - b).max() <= 4
    assert np.abs(a - b).mean() < 0.01


def make_hdr(path: Path) -> None:
    """Ten frames of 10-bit PQ with highlights."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv444p10le"
        context = stream.codec_context
        context.colorspace, context.color_range = 9, 1
        context.color_trc, context.color_primaries = 16, 9
        for index in range(10):
            frame = av.VideoFrame(96, 80, "yuv444p10le")
            luma = np.tile(np.linspace(64, 900, 96) + index, (80, 1))
            for plane, values in zip(
                frame.planes, (luma, luma * 0 + 512, luma * 0 + 512), strict=False
            ):
                padded = np.zeros((80, plane.line_size // 2), "<u2")
                padded[:, :96] = values
                plane.update(padded.tobytes())
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_hdr_video_keeps_bits_tags_and_highlights(tmp_path) -> None:
    source, out = tmp_path / "hdr.mkv", tmp_path / "clean.mkv"
    make_hdr(source)
    run("clean", source, "-o", out, "--codec", "ffv1")
    with open_input(source) as a, open_input(out) as b:
        assert b.info.bits >= 10
        assert b.info.color.transfer == a.info.color.transfer == 16
        before, after = (np.stack([f.pixels for f in reader]) for reader in (a, b))
    # The ramp's bright end lies far above SDR white: left alone, but for 10-bit rounding.
    assert np.abs(after[..., 80:, :].astype(int) - before[..., 80:, :]).max() <= 2 * 64


def test_without_torch_cleaning_works_and_imports_none(tmp_path) -> None:
    """The light install: torch blocked, as on a player's machine."""
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] in {'torch', 'cv2', 'safetensors'}:\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import importlib.util as finder\n"
        "real = finder.find_spec\n"
        "finder.find_spec = lambda name, *rest: None if name == 'torch' else real(name, *rest)\n"
        "from temporal_clean.commands import main\n"
        f"main(['clean', {str(CLIP)!r}, '-o', {str(tmp_path / 'c.mkv')!r}, '--end', '0.1'])\n"
        f"main(['compare', {str(CLIP)!r}, {str(tmp_path / 'c.mkv')!r}, '-o', "
        f"{str(tmp_path / 'c.html')!r}, '--frames', '4'])\n"
        "main(['doctor'])\n"
        "main(['export', '--size', '96x64', '-o', "
        f"{str(tmp_path / 'g.onnx')!r}])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "c.html").is_file()
    assert "agrees with ONNX Runtime" in result.stdout
    assert "missing: pip install 'temporal-clean[train]'" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("missing.mp4", "-o", "o.mp4"), "missing.mp4"),
        ((CLIP, "-o", "o.xyz"), "xyz"),
        ((CLIP, "-o", "nowhere/o.mkv"), "nowhere"),
        ((CLIP, "-o", "o.mkv", "--engine", "warp"), "no engine 'warp'"),
        ((CLIP, "-o", "o.mkv", "--model", "huge"), "no model 'huge'"),
        ((CLIP, "-o", "o.mkv", "--strength", 3), "strength"),
        ((CLIP, "-o", "o.mkv", "--codec", "mpeg9"), "mpeg9"),
        ((CLIP, "-o", "o.mkv", "--start", 900), "choose a part inside the clip"),
        ((CLIP, CLIP, "-o", "out"), "would both become"),
        ((CLIP, CLIP, "-o", "o.mkv"), "give a folder"),
    ],
)
def test_bad_requests_get_one_sentence_and_leave_nothing(
    tmp_path, monkeypatch, capsys, arguments, message
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in error_of(capsys, "clean", *arguments)
    assert not list(tmp_path.iterdir())


def test_existing_output_is_kept_unless_told(tmp_path, capsys) -> None:
    out = tmp_path / "clean.mkv"
    out.write_text("precious")
    assert "--overwrite" in error_of(capsys, "clean", CLIP, "-o", out, "--end", 0.1)
    assert out.read_text() == "precious"
    run("clean", CLIP, "-o", out, "--end", 0.1, "--overwrite")
    assert len(frames_of(out)) == 6


def test_output_over_its_own_input_is_refused(tmp_path, capsys) -> None:
    source, link = tmp_path / "a.mkv", tmp_path / "b.mkv"
    source.write_bytes(CLIP.read_bytes())
    link.symlink_to(source)
    error_of(capsys, "clean", source, "-o", link, "--overwrite")
    assert source.read_bytes() == CLIP.read_bytes()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_run_leaves_nothing(tmp_path, stop) -> None:
    """Stopped in the middle: exit status 130, and neither the output nor a partial file."""
    out = tmp_path / "clean.mkv"
    arguments = ["clean", str(CLIP), "-o", str(out), "--engine", "onnxruntime"]
    process = subprocess.Popen(
        [sys.executable, "-m", "temporal_clean", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # A shell that runs the tests in the background makes its children ignore SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(stop)
    _, errors = process.communicate(timeout=60)
    # As a shell sees it: Python ends by the signal itself, not by sys.exit's number, if SIGINT came
    # while a library ran a string of code (CPython's unhandled_keyboard_interrupt).
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    assert status == 130, errors
    assert "cancelled" in errors
    assert not list(tmp_path.iterdir())


def test_a_cancel_while_a_compiled_module_is_imported_is_a_cancel(monkeypatch, capsys) -> None:
    """pybind11's modules raise ImportError from the KeyboardInterrupt; other ImportErrors pass."""

    def interrupted() -> None:
        raise ImportError("initialization failed") from KeyboardInterrupt()

    def broken() -> None:
        raise ImportError("initialization failed")

    monkeypatch.setattr("temporal_clean.commands.doctor.doctor", interrupted)
    with pytest.raises(SystemExit) as stop:
        main(["doctor"])
    assert stop.value.code == 130
    assert "cancelled" in capsys.readouterr().err
    monkeypatch.setattr("temporal_clean.commands.doctor.doctor", broken)
    with pytest.raises(ImportError, match="initialization failed"):
        main(["doctor"])
