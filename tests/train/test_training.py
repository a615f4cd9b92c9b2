"""Training as a user runs it: losses fall, runs go on where they stopped, two processes are one."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from temporal_clean.checkpoint import load_checkpoint, read_metadata
from temporal_clean.clip import Clip, find_clips
from temporal_clean.commands import main
from temporal_clean.errors import TemporalCleanError
from temporal_clean.recurrent import SIZES, RecurrentCleaner
from temporal_clean.train.estimate import memory_of, spoken
from temporal_clean.train.health import Health
from temporal_clean.train.loading import WindowConfig
from temporal_clean.train.loop import Run, train
from temporal_clean.train.monitor import Monitor, held_out
from temporal_clean.train.objective import Batch, Objective, StageName, Weights
from temporal_clean.train.presets import PRESETS, Preset, Stage, preset

WINDOWS = WindowConfig(frames=3, crop=64, margin=4, pool=2, stretch=6, reuse=8, streams=2)


def stage(trains: StageName, steps: int = 4) -> Stage:
    return Stage(trains, steps, batch=2, windows=WINDOWS, warm_up=2)


SHORT = Preset("fast", (stage("flow", 2), stage("joint", 4)), round_steps=2, hold_out=1)


def moving(seed: int = 0, frames: int = 3) -> Batch:
    """Noisy windows of a texture that moves one pixel to the left a frame."""
    random = torch.Generator().manual_seed(seed)
    wide = torch.rand(2, 3, 64, 64 + frames, generator=random)
    wide = torch.nn.functional.avg_pool2d(wide, 5, 1, 2)
    clean = torch.stack([wide[..., k : k + 64] for k in range(frames)], dim=1)
    motion = torch.zeros(2, frames, 2, 64, 64)
    motion[:, :, 0] = 1.0
    known = torch.ones(2, frames, 1, 64, 64)
    known[:, 0] = 0.0
    noise = 0.05 * torch.randn(clean.shape, generator=random)
    mask = torch.zeros_like(known)
    return Batch(
        input=(clean + noise).clamp(0, 1), reference=clean, mask=mask, motion=motion, known=known
    )


def run(clips: Path, out: Path, chosen: Preset = SHORT, **options) -> Run:
    return Run(clips, out, chosen, workers=0, precision="32-true", **options)


@pytest.mark.parametrize("trains", ["flow", "surprise", "spatial", "fusion", "joint"])
def test_each_stage_trains_its_parts_and_its_loss_falls(trains: StageName) -> None:
    torch.manual_seed(0)
    objective = Objective(RecurrentCleaner(SIZES["fast"]), trains, Weights())
    before = {name: value.clone() for name, value in objective.model.named_parameters()}
    trained = [p for p in objective.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trained, 1e-3)
    losses = []
    for _ in range(8):
        terms, statistics = objective(moving())
        loss = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        assert all(torch.isfinite(value) for value in statistics.values())
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    changed = {
        name.partition(".")[0]
        for name, value in objective.model.named_parameters()
        if not torch.equal(value, before[name])
    }
    expected = {
        "flow": {"flow"},
        "surprise": {"spatial", "fusion"},
        "spatial": {"spatial"},
        "fusion": {"spatial", "fusion"},
        "joint": {"flow", "spatial", "fusion"},
    }
    assert changed == expected[trains]


def test_the_first_frames_are_only_the_past_and_each_second_window_forgets_them() -> None:
    torch.manual_seed(0)
    objective = Objective(RecurrentCleaner(SIZES["fast"]), "joint", Weights(), history=2)

    def loss(changed: str = "", window: int = 0) -> float:
        batch = moving(frames=4)
        if changed:
            batch[changed][window, :2] = 1.0 - batch[changed][window, :2]
        terms, _ = objective(batch)
        return torch.stack(list(terms.values())).sum().item()

    assert loss("reference", 0) == loss("reference", 1) == loss()
    assert loss("input", 0) == pytest.approx(loss(), rel=1e-5)  # the first window forgets
    assert loss("input", 1) != pytest.approx(loss(), rel=1e-3)
    with pytest.raises(TemporalCleanError, match="history shorter"):
        replace(stage("joint"), history=WINDOWS.frames)


def test_a_window_counts_by_the_inverse_of_what_is_wrong_with_its_input() -> None:
    """An untrained spatial cleaner leaves an error as it is: 10 codes of 255, and none."""
    objective = Objective(RecurrentCleaner(SIZES["fast"]), "spatial", Weights(picture=0, faint=1))
    wrong = torch.tensor([10.0 / 255.0, 0.0]).view(2, 1, 1, 1, 1)
    reference = torch.full((2, 1, 3, 64, 64), 0.5)
    rest = {
        name: torch.zeros(2, 1, planes, 64, 64)
        for name, planes in (("mask", 1), ("motion", 2), ("known", 1))
    }
    with torch.no_grad():
        terms, _ = objective(Batch(input=reference + wrong, reference=reference, **rest))
    errors = ((10.0 / 255.0) ** 2 + 1e-5) ** 0.5, 1e-5**0.5
    expected = (3.5 / 11.0 * errors[0] + errors[1]) / 2.0
    assert float(terms["faint"]) == pytest.approx(expected, rel=1e-4)


def test_a_term_without_weight_is_left_out() -> None:
    objective = Objective(RecurrentCleaner(SIZES["fast"]), "joint", Weights(sharp=0.0, census=0.1))
    terms, _ = objective(moving())
    assert "sharp" not in terms
    assert "census" in terms


def test_a_stopped_run_goes_on_bit_for_bit(training_clips: Path, tmp_path: Path) -> None:
    whole = load_checkpoint(train(run(training_clips, tmp_path / "whole"), say=lambda _: None))

    def stop(text: str) -> None:
        if stopped and "held out:" in text:
            stopped.pop()
            if not stopped:
                raise KeyboardInterrupt

    stopped = [1, 2]  # after the first stage, and in the middle of the second
    with pytest.raises(KeyboardInterrupt):
        train(run(training_clips, tmp_path / "parts"), say=stop)
    parts = load_checkpoint(train(run(training_clips, tmp_path / "parts"), say=lambda _: None))
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name
    rows = [json.loads(x) for x in (tmp_path / "parts" / "figures.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2, 4, 6]
    assert "native/mcflick" in rows[-1]


def test_a_finished_run_is_left_as_it_is(training_clips: Path, tmp_path: Path) -> None:
    chosen = replace(SHORT, stages=SHORT.stages[:1])
    weights = train(run(training_clips, tmp_path / "run", chosen), say=lambda _: None)
    before = weights.read_bytes()
    train(run(training_clips, tmp_path / "run", chosen), say=lambda _: None)
    assert weights.read_bytes() == before


def test_another_preset_may_not_go_on(training_clips: Path, tmp_path: Path) -> None:
    chosen = replace(SHORT, stages=SHORT.stages[:1])
    train(run(training_clips, tmp_path / "run", chosen), say=lambda _: None)
    with pytest.raises(TemporalCleanError, match="holds a run of another preset"):
        train(run(training_clips, tmp_path / "run", replace(chosen, averaging=0.5)))


def test_weights_say_where_they_come_from(training_clips: Path, tmp_path: Path) -> None:
    chosen = replace(SHORT, stages=(stage("joint", 1),))
    weights = train(
        run(training_clips, tmp_path / "run", chosen, start="fast", command="temporal-clean train"),
        say=lambda _: None,
    )
    record = json.loads(read_metadata(weights)["training"])
    assert record["command"] == "temporal-clean train"
    assert record["pixels"] == 2 * 3 * 64 * 64
    assert record["started_from"] is not None
    with pytest.raises(TemporalCleanError, match="choose the other --size"):
        train(
            run(training_clips, tmp_path / "other", replace(chosen, size="quality"), start="fast")
        )


LOSSES = """
import sys
from pathlib import Path
from test_training import run, train
if __name__ == "__main__":
    train(run(Path(sys.argv[1]), Path(sys.argv[2])), say=print)
"""


def test_two_processes_train_like_one(training_clips: Path, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(LOSSES)
    told = {}
    for count in (1, 2):
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += [f"--nproc-per-node={count}", str(tmp_path / "script.py")]
        done = subprocess.run(
            [*command, str(training_clips), str(tmp_path / f"run{count}")],
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=250,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        lines = [line for line in done.stdout.splitlines() if " loss " in line]
        told[count] = [float(line.partition(" loss ")[2].split()[0]) for line in lines]
    assert len(told[1]) == 3
    assert told[2] == pytest.approx(told[1], rel=2e-3)
    # AdamW divides small gradients by their size: their last digits decide single weights.
    weights = [load_checkpoint(tmp_path / f"run{n}" / "model.safetensors") for n in (1, 2)]
    for one, two in zip(weights[0].parameters(), weights[1].parameters(), strict=True):
        assert float((one - two).abs().mean()) < 2e-4


def test_held_out_places_are_not_trained_on(training_clips: Path) -> None:
    clips = find_clips(training_clips)
    chosen = held_out(clips, 1)
    assert len(chosen) == 1
    assert held_out(clips, 1)[0].folder == chosen[0].folder
    assert held_out(clips[:1], 1) == []  # which is to be trained on
    records = [replace(clips[0].record, place=f"place {n}") for n in range(12)]
    places = [Clip(clips[0].folder, record) for record in records]
    assert len(held_out(places, 99)) == 2  # each fifth
    judge = Monitor(chosen, 3)
    assert judge.of_these_places(clips) == {chosen[0].record.name}


def test_an_untrained_model_changes_nothing_of_a_first_frame(training_clips: Path) -> None:
    judge = Monitor(held_out(find_clips(training_clips), 1), 3)
    figures = judge.figures(RecurrentCleaner(SIZES["fast"]))
    assert {"native/psnr", "native/mcflick", "clean/psnr", "flow/native"} <= set(figures)
    (name, picture), *_ = judge.pictures(RecurrentCleaner(SIZES["fast"]))
    assert name.endswith("/native")
    assert picture.shape == (3, 96, 3 * 128)


def test_collapse_stops_training() -> None:
    health = Health(patience=3)
    well = {"mask": 0.5, "weight": 0.5, "doubt": 0.2, "hidden saturated": 0.0}
    for _ in range(5):
        health.check(well, finite=True)
    health.check(well | {"mask": 0.001}, finite=True)
    health.check(well, finite=True)  # one odd batch is forgotten
    for _ in range(2):
        health.check(well | {"mask": 0.001}, finite=True)
    with pytest.raises(TemporalCleanError, match=r"collapsed: mask was 0.001, .* for 3 steps"):
        health.check(well | {"mask": 0.001}, finite=True)
    health = Health(patience=2)
    health.check(well, finite=False)
    with pytest.raises(TemporalCleanError, match="the gradient was not finite"):
        health.check(well, finite=False)


def test_memory_is_told_and_the_largest_preset_fits_twelve_gigabytes() -> None:
    small = memory_of("fast", stage("joint"))
    assert memory_of("fast", replace(stage("joint"), batch=8)) > 3 * small
    assert memory_of("fast", replace(stage("joint"), batch=8), processes=4) < 1.2 * small
    most = max(memory_of("quality", each) for each in PRESETS["quality"].stages)
    assert most < 12e9


def test_memory_told_is_what_autograd_keeps() -> None:
    from torch.autograd.graph import saved_tensors_hooks

    kept: dict[int, torch.Tensor] = {}
    objective = Objective(RecurrentCleaner(SIZES["fast"]), "joint", Weights())
    with saved_tensors_hooks(lambda t: kept.setdefault(t.untyped_storage().data_ptr(), t), id):
        objective(moving())
    counted = sum(t.untyped_storage().nbytes() for t in kept.values())
    # With it come weights, gradients, two moments and the average: five values a parameter.
    counted += 5 * 4 * sum(p.numel() for p in objective.parameters())
    assert memory_of("fast", stage("joint")) == pytest.approx(counted, rel=0.15)


@pytest.mark.parametrize(
    ("seconds", "text"), [(12, "12 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")]
)
def test_durations_are_spoken(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "none"], "no preset 'none': expected one of smoke"),
        (["--scale", "0"], "expected a scale above 0"),
        (["--preset", "smoke"], "holds no clips"),
    ],
)
def test_bad_requests_say_what_to_do(tmp_path, capsys, arguments, message) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["train", str(tmp_path), str(tmp_path / "run"), *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err


def test_presets_for_the_other_size() -> None:
    assert preset("flow", "quality").size == "quality"
    assert [s.steps for s in PRESETS["fast"].scaled(0.5).stages] == [
        s.steps // 2 for s in PRESETS["fast"].stages
    ]
