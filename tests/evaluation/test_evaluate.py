"""Videos on disk: figures of known changes, and what cannot be compared is told before any work."""

import csv
import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from temporal_clean import assets
from temporal_clean.clip import Clip, ClipRecord, Rendering, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import (
    METRICS,
    Motion,
    evaluate,
    mcflick,
    psnr,
    read_motion,
    reference_motion,
    sharp,
    subjects,
    write_motion,
)
from temporal_clean.evaluation.bootstrap import interval
from temporal_clean.evaluation.files import write_csv, write_json
from temporal_clean.evaluation.measures import MOST_DECIBELS
from temporal_clean.video import open_input
from temporal_clean.video.generated import write_frames

RATE = Fraction(60)
HEIGHT, WIDTH, FRAMES = 48, 64, 5


@pytest.fixture(scope="module")
def pan(texture) -> np.ndarray:
    """Frames of a textured pan, (frames, height, width, 3) uint8."""
    frames = [texture(3, HEIGHT, WIDTH, 1.5 * t, 0.5 * t) for t in range(FRAMES)]
    return (255 * torch.cat(frames)).round().byte().permute(0, 2, 3, 1).numpy()


@pytest.fixture
def videos(tmp_path: Path, pan: np.ndarray) -> dict[str, Path]:
    """The pan, with noise, and darker in every second frame."""
    random = np.random.default_rng(0)
    noisy = (pan + random.normal(0, 6, pan.shape)).clip(0, 255).astype(np.uint8)
    flicker = pan.copy()
    flicker[1::2] = flicker[1::2] * 0.9
    made = {"best": pan, "noisy": noisy, "flicker": flicker}
    for name, frames in made.items():
        write_frames(tmp_path / f"{name}.mkv", frames, RATE)
    return {name: tmp_path / f"{name}.mkv" for name in made}


def planes(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames.astype(np.float32) / 255).permute(0, 3, 1, 2)


def frames_of(path: Path) -> torch.Tensor:
    with open_input(path) as reader:
        return planes(np.stack([frame.pixels for frame in reader]))


def test_figures_are_those_of_the_functions(videos) -> None:
    clip = evaluate(
        subjects([videos["noisy"]], [videos["best"]], [videos["flicker"]]), quick=True
    ).clips[0]
    reference = frames_of(videos["best"])
    motion = reference_motion(reference)
    for figures, name in ((clip.output, "noisy"), (clip.input, "flicker")):
        frames = frames_of(videos[name])
        each = mcflick(frames, reference, motion)
        assert figures.frames["mcflick"][0] is None
        assert figures.frames["mcflick"][1:] == pytest.approx(each.tolist(), rel=1e-4)
        assert figures.frames["sharp"] == pytest.approx(sharp(frames, reference).tolist(), rel=1e-4)
        error = (frames - reference).square().mean()
        assert figures.pooled["psnr"] == pytest.approx(-10 * math.log10(error), abs=1e-3)
    assert clip.reference.pooled["e_warp"] < clip.output.pooled["e_warp"]
    assert clip.length == FRAMES
    assert (clip.width, clip.height, clip.frame_rate) == (WIDTH, HEIGHT, RATE)


def test_stretches_change_no_figure(videos, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long videos are read a few frames at a time; the pair across the seam counts as well."""
    judged = subjects([videos["noisy"]], [videos["best"]])
    whole = evaluate(judged, quick=True).clips[0].output
    monkeypatch.setattr("temporal_clean.evaluation.stretches.MOST_FRAMES", 2)
    parts = evaluate(judged, quick=True).clips[0].output
    for name, values in whole.frames.items():
        for ours, theirs in zip(parts.frames[name], values, strict=True):
            assert ours == (theirs if theirs is None else pytest.approx(theirs, rel=1e-4)), name
    known = {name: value for name, value in whole.pooled.items() if value is not None}
    assert {name: parts.pooled[name] for name in known} == pytest.approx(known, rel=1e-4)


def test_an_equal_video_scores_perfectly(videos) -> None:
    figures = evaluate(subjects([videos["best"]], [videos["best"]]), quick=True).clips[0].output
    assert figures.pooled["psnr"] == figures.pooled["tpsnr"] == MOST_DECIBELS
    assert figures.pooled["mcflick"] == figures.pooled["tof"] == 0
    assert figures.pooled["sharp"] == pytest.approx(1.0)
    assert figures.pooled["ssim"] == pytest.approx(1.0)


def test_a_single_frame_has_no_temporal_figures(videos) -> None:
    clip = evaluate(subjects([videos["noisy"]], [videos["best"]]), quick=True, frames=1).clips[0]
    assert clip.output.pooled["psnr"] > 20
    for name in ("mcflick", "tpsnr", "e_warp", "tof", "ghost"):
        assert clip.output.pooled[name] is None
        assert clip.missing[name] == "a single frame has no change"
        assert clip.output.frames[name] == (None,)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (11, 11)])
def test_the_smallest_pictures_are_judged(tmp_path: Path, size: tuple[int, int]) -> None:
    grey = np.full((3, *size, 3), 90, np.uint8)
    write_frames(tmp_path / "a.mkv", grey, RATE)
    write_frames(tmp_path / "b.mkv", grey + 10, RATE)
    clip = evaluate(subjects([tmp_path / "a.mkv"], [tmp_path / "b.mkv"]), quick=True).clips[0]
    assert clip.output.pooled["psnr"] == pytest.approx(20 * math.log10(25.5), abs=0.01)
    assert clip.output.pooled["mcflick"] == pytest.approx(0, abs=1e-6)
    assert clip.output.pooled["sharp"] is None
    assert "no gradient" in clip.missing["sharp"]


# ---- What cannot be compared --------------------------------------------------------------------


def test_other_sizes_and_lengths_are_told(tmp_path: Path, videos, pan: np.ndarray) -> None:
    write_frames(tmp_path / "small.mkv", pan[:, :-2], RATE)
    with pytest.raises(TemporalCleanError, match=r"in size \(output small.mkv has 64x46, ref"):
        evaluate(subjects([tmp_path / "small.mkv"], [videos["best"]]))
    write_frames(tmp_path / "short.mkv", pan[:-2], RATE)
    with pytest.raises(TemporalCleanError, match=r"differ in length .* add --frames 3"):
        evaluate(subjects([tmp_path / "short.mkv"], [videos["best"]]))
    cut = evaluate(subjects([tmp_path / "short.mkv"], [videos["best"]]), quick=True, frames=3)
    assert cut.clips[0].length == 3


def test_other_frame_rates_are_told(tmp_path: Path, videos, pan: np.ndarray) -> None:
    write_frames(tmp_path / "slow.mkv", pan, Fraction(30))
    with pytest.raises(TemporalCleanError, match=r"frame rate \(output slow.mkv has 30 fps, ref"):
        evaluate(subjects([tmp_path / "slow.mkv"], [videos["best"]]))
    write_frames(tmp_path / "ntsc.mkv", pan, Fraction(60000, 1001))
    assert evaluate(subjects([tmp_path / "ntsc.mkv"], [videos["best"]]), quick=True).clips


def test_hdr_and_sdr_are_not_compared(tmp_path: Path, videos, pan: np.ndarray) -> None:
    tags = {"color_trc": "smpte2084", "color_primaries": "bt2020", "colorspace": "bt2020nc"}
    options = {"x265-params": "log-level=none"}
    for name in ("hdr", "hdr2"):
        hdr_video(tmp_path / f"{name}.mkv", pan, tags, options)
    with pytest.raises(TemporalCleanError, match=r"in transfer \(output hdr.mkv has PQ, ref"):
        evaluate(subjects([tmp_path / "hdr.mkv"], [videos["best"]]))
    clip = evaluate(subjects([tmp_path / "hdr.mkv"], [tmp_path / "hdr2.mkv"]), quick=True).clips[0]
    assert clip.output.pooled["psnr"] == MOST_DECIBELS
    assert any("PQ video: figures are of its code values" in text for text in clip.warnings)


def hdr_video(path: Path, frames: np.ndarray, tags: dict[str, str], options) -> None:
    """PQ in 10 bits, by ffmpeg's own encoder."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=60, options={**options, **tags})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p10le"
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_what_does_not_pair_up_is_told(videos, tmp_path: Path) -> None:
    both = [videos["noisy"], videos["flicker"]]
    with pytest.raises(TemporalCleanError, match="2 outputs came with 3 references"):
        subjects(both, [videos["best"]] * 3)
    with pytest.raises(TemporalCleanError, match=r"nowhere.mkv does not exist"):
        subjects([tmp_path / "nowhere.mkv"], [videos["best"]])
    with pytest.raises(TemporalCleanError, match="name at least one video"):
        subjects([])
    assert [one.name for one in subjects(both, [videos["best"]])] == ["noisy", "flicker"]
    twins = [tmp_path / "a" / "x.mkv", tmp_path / "b" / "x.mkv"]
    for twin in twins:
        twin.parent.mkdir()
        twin.write_bytes(b"")
    assert [one.name for one in subjects(twins)] == ["a/x", "b/x"]


# ---- Clips --------------------------------------------------------------------------------------


@pytest.fixture
def clip(tmp_path: Path, videos) -> Clip:
    """A clip of the three videos with exact motion."""
    record = ClipRecord(
        "pan",
        WIDTH,
        HEIGHT,
        FRAMES,
        renderings={
            "reference": Rendering("best.mkv"),
            "noisy": Rendering("noisy.mkv"),
            "flicker": Rendering("flicker.mkv"),
        },
        motion="motion.npz",
    )
    flow = torch.tensor([1.5, 0.5]).view(1, 2, 1, 1).expand(FRAMES - 1, 2, HEIGHT, WIDTH)
    valid = torch.ones(FRAMES - 1, 1, HEIGHT, WIDTH)
    valid[..., -2:] = valid[..., -1:, :] = 0
    write_motion(tmp_path / "motion.npz", Motion(flow, valid, 1 - valid))
    write_record(tmp_path, record)
    return Clip.open(tmp_path)


def test_a_clip_gives_reference_input_and_exact_motion(clip: Clip, videos) -> None:
    one = evaluate(subjects([videos["noisy"]], [clip.folder], ["flicker"]), quick=True).clips[0]
    assert one.motion == "exact, from the clip"
    assert one.input.file == videos["flicker"]
    exact = read_motion(clip.folder / "motion.npz")
    each = mcflick(frames_of(videos["noisy"]), frames_of(videos["best"]), exact)
    assert one.output.frames["mcflick"][1:] == pytest.approx(each.tolist(), rel=1e-4)


def test_a_clip_without_reference_or_motion_is_told(clip: Clip, videos) -> None:
    (clip.folder / "motion.npz").write_bytes(b"no archive")
    with pytest.raises(TemporalCleanError, match=r"motion.npz is not a clip's motion"):
        evaluate(subjects([videos["noisy"]], [clip.folder]))
    write_record(clip.folder, replace(clip.record, motion=None, renderings={}))
    with pytest.raises(TemporalCleanError, match="no reference yet: temporal-clean pairs degrade"):
        subjects([videos["noisy"]], [clip.folder])


def test_flow_of_the_reference_is_found(pan: np.ndarray) -> None:
    found = reference_motion(planes(pan))
    inner = found.motion[:, :, 8:-8, 8:-8]
    assert torch.allclose(inner.mean(dim=(2, 3)), torch.tensor([1.5, 0.5]).expand(4, 2), atol=0.1)
    assert found.valid[..., 8:-8, 8:-8].mean() > 0.9


def test_across_a_cut_nothing_is_valid(texture) -> None:
    shots = torch.cat([texture(3, 48, 64), texture(3, 48, 64, 1.0), texture(9, 48, 64)])
    found = reference_motion(shots)
    assert found.valid[0].mean() > 0.7
    assert found.valid[1].sum() == 0
    assert found.disoccluded[1].mean() == 1


def test_flow_is_finer_on_a_master(texture) -> None:
    """Motion of a fraction of a pixel, seen at four times the size and told in small pixels."""
    master = torch.cat([texture(6, 128, 160, 1.2 * t, wavelengths=(16.0, 160.0)) for t in range(3)])
    found = reference_motion(master, factor=4)
    assert found.motion.shape == (2, 2, 32, 40)
    assert found.motion[:, 0, 4:-4, 4:-4].mean() == pytest.approx(0.3, abs=0.03)
    with pytest.raises(ValueError, match="a size that 3 divides"):
        reference_motion(master, factor=3)


def test_overlays_are_judged_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The HUD of a real clip: its pixels count for PSNR HUD and not for flicker."""
    source = Path(__file__).parents[1] / "clips" / "openarena-oa_shine-s0-f00242-hud"
    pytest.importorskip("webdataset", reason="pip install 'temporal-clean[test]'")
    from temporal_clean.train.degrading import RECIPES
    from temporal_clean.train.renderings import add_renderings

    folder = tmp_path / "clip"
    folder.mkdir()
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("temporal_clean.evaluation.stretches.MOST_FRAMES", 2)
    list(add_renderings(Clip.open(folder), [RECIPES["native"]]))
    one = evaluate(subjects([folder / "native.mkv"], [folder]), quick=True, frames=4).clips[0]
    assert "DIS on the 640x360 master" in one.motion
    output, reference, mask = (
        frames_of(folder / f"{name}.mkv")[:4] for name in ("native", "reference", "mask")
    )
    under = psnr(output, reference, mask[:, :1])
    assert one.output.frames["hud_psnr"] == pytest.approx(under.tolist(), abs=1e-3)
    assert under.mean() > one.output.pooled["psnr"]


# ---- Results ------------------------------------------------------------------------------------


def test_results_are_written(videos, tmp_path: Path) -> None:
    both = subjects([videos["noisy"], videos["flicker"]], [videos["best"]], [videos["flicker"]])
    told = []
    evaluation = evaluate(both, quick=True, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (2 * FRAMES, 2 * FRAMES)
    write_json(evaluation, tmp_path / "r.json")
    values = json.loads((tmp_path / "r.json").read_text())
    first = values["clips"][0]
    assert first["output"]["mcflick"] == evaluation.clips[0].output.pooled["mcflick"]
    assert len(first["output"]["frames"]["psnr"]) == FRAMES
    assert first["input"]["file"].endswith("flicker.mkv")
    change = first["output"]["psnr"] - first["input"]["psnr"]
    assert values["pooled"]["change"]["psnr"]["mean"] == pytest.approx(change / 2)
    assert set(first["output"]) - {"file", "frames"} <= set(METRICS)
    write_csv(evaluation, tmp_path / "r.csv")
    rows = list(csv.DictReader((tmp_path / "r.csv").open()))
    assert [(row["clip"], row["video"]) for row in rows[:3]] == [
        ("noisy", "output"),
        ("noisy", "input"),
        ("noisy", "reference"),
    ]
    assert float(rows[0]["sharp"]) == pytest.approx(first["output"]["sharp"], rel=1e-5)


def test_the_bootstrap_covers_the_mean_as_often_as_it_says() -> None:
    random = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        found = interval(random.normal(3.0, 1.0, 20).tolist())
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 3.0 <= found.high
    # 95 % in theory; percentile intervals of 20 values are a little narrow (Efron 1993).
    assert 0.88 <= hits / 200 <= 0.98
    assert interval([2.0]).low is None


def test_the_demo_clip_flickers_as_its_readme_says() -> None:
    """One sample a pixel against 16: shimmer, and false detail."""
    judged = subjects([assets.DEMO_CLIP / "native.mkv"], [assets.DEMO_CLIP])
    found = evaluate(judged, quick=True, frames=6).clips[0]
    assert found.output.pooled["e_warp"] > 3 * found.reference.pooled["e_warp"]
    assert found.output.pooled["sharp"] > 1.1
