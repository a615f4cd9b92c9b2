"""The training loop, top to bottom, under Lightning Fabric: one CPU, one GPU, many of either.

Training goes in rounds. Each round draws its windows from a seed of its own, so that a run which
was stopped between rounds continues bit for bit; after each round the weights are saved and judged.
"""

import io
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from lightning.fabric import Fabric
from lightning.fabric.loggers.tensorboard import TensorBoardLogger
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from torch.utils.data import DataLoader

from temporal_clean.checkpoint import load_checkpoint, read_metadata, save_checkpoint
from temporal_clean.clip import Clip, find_clips
from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.machine import instruction_sets
from temporal_clean.recurrent import SIZES, RecurrentCleaner
from temporal_clean.train.estimate import memory_of, spoken
from temporal_clean.train.growth import can_grow, grow
from temporal_clean.train.health import Health
from temporal_clean.train.loading import Windows, add_teachers, one_thread
from temporal_clean.train.monitor import Monitor, held_out
from temporal_clean.train.objective import Batch, Objective
from temporal_clean.train.presets import Preset, Stage

__all__ = ["Run", "train"]

CHECKPOINT, MODEL, FIGURES, LOGS = "checkpoint.pt", "model.safetensors", "figures.jsonl", "log"
# Losses and statistics are told as means over so many steps.
TOLD_EACH = 50
# Times the first steps before the estimate: the very first ones allocate.
TIMED_FROM, TIMED_TO = 3, 8


@dataclass(frozen=True)
class Run:
    """What to train on, where to keep it, and from what to start.

    ``clips`` is a folder of clips. ``start`` is a checkpoint that ships or a .safetensors file to
    begin with; one of a smaller model is grown (``train.growth``). ``workers`` draw windows in
    processes of their own (0: in this one).
    """

    clips: Path
    out: Path
    preset: Preset
    start: str | Path | None = None
    workers: int = 1
    precision: str = "auto"
    command: str = ""


def train(run: Run, say: Callable[[str], None] = print) -> Path:
    """Train, or go on where ``run.out`` stopped, and give the path of the averaged weights.

    Raises :class:`TemporalCleanError` if there is nothing to train on, if ``run.out`` holds another
    run, or if training collapses.
    """
    fabric = _fabric(run)
    fabric.launch()
    say = say if fabric.is_global_zero else _silent
    preset = run.preset
    fabric.seed_everything(preset.seed, verbose=False)

    # The data: every clip gets its teacher once; some places are held out to judge by.
    clips = _with_teachers(run, fabric, say)
    monitor = Monitor(held_out(clips, preset.hold_out), preset.judged_frames)
    left_out = monitor.of_these_places(clips)
    say(f"{len(clips) - len(left_out)} clips to train on, {len(left_out)} held out to judge by")

    # The model, its average, and where an earlier run stopped.
    model = RecurrentCleaner(SIZES[preset.size])
    if run.start is not None:
        _begin_from(model, run.start, say)
    model = model.to(fabric.device).to(memory_format=torch.channels_last)
    average = AveragedModel(model, avg_fn=_average(preset.averaging))
    progress = _Progress()
    optimiser_state = _resume(run, fabric, model, average, progress)
    health = Health()

    for index, stage in enumerate(preset.stages):
        if index > progress.stage:
            progress.stage, progress.step = index, 0
            optimiser_state = None
        if index < progress.stage or progress.step == stage.steps:
            continue
        if progress.step == 0:
            # What an earlier stage averaged is what this one goes on from.
            if index > 0:
                model.load_state_dict(average.module.state_dict())
            average = AveragedModel(model, avg_fn=_average(preset.averaging))
        objective = Objective(model, stage.trains, stage.weights, stage.history).train()
        trained = [p for p in objective.parameters() if p.requires_grad]
        optimiser = torch.optim.AdamW(trained, stage.rate, weight_decay=preset.weight_decay)
        if optimiser_state is not None:
            optimiser.load_state_dict(optimiser_state)
            optimiser_state = None
        wrapped, stepper = fabric.setup(objective, optimiser)
        memory = memory_of(preset.size, stage, fabric.world_size)
        say(
            f"stage {index + 1} of {len(preset.stages)}, {stage.trains}: {stage.steps} steps, "
            f"about {memory / 1e9:.1f} GB of memory a device in fp32"
        )

        while progress.step < stage.steps:
            # One round: windows from its own seed, so that it can be begun again.
            last = min(progress.step + preset.round_steps, stage.steps)
            batches = _batches(run, stage, fabric, left_out, (index, progress.step))
            told = _Means()
            clock = _Clock(stage.steps - progress.step)
            for batch in islice(batches, last - progress.step):
                rate = _rate(stage, progress.step)
                for group in optimiser.param_groups:
                    group["lr"] = rate
                losses, statistics = wrapped(batch)
                loss = torch.stack(list(losses.values())).sum()
                fabric.backward(loss)
                norm = fabric.clip_gradients(
                    wrapped, stepper, max_norm=preset.most_gradient, error_if_nonfinite=False
                )
                finite = bool(torch.isfinite(cast(Tensor, norm)))
                if finite:
                    stepper.step()
                    average.update_parameters(model)
                stepper.zero_grad()
                progress.step += 1
                progress.pixels += batch["input"][:, :, 0].numel() * fabric.world_size

                # What it did: losses to the curves, statistics to the watch for collapse.
                seen = {f"loss/{name}": float(value.detach()) for name, value in losses.items()}
                seen |= {f"state/{name}": float(value) for name, value in statistics.items()}
                seen |= {"loss": float(loss.detach()), "rate": rate}
                told.take(seen)
                health.check({name: float(value) for name, value in statistics.items()}, finite)
                if estimate := clock.tick():
                    say(f"  {estimate} for this stage at the speed of the first steps")
                if progress.step % TOLD_EACH == 0 or progress.step == last:
                    means = _over_processes(fabric, told.means())
                    fabric.log_dict(means, step=_before(preset, index) + progress.step)
                    say(f"  {progress.step}/{stage.steps} {_spoken(means)}")
            progress.seconds += clock.spent()
            _save(run, fabric, model, average, optimiser, progress)
            if fabric.is_global_zero:
                total = _before(preset, index) + progress.step
                _judge(run, fabric, monitor, average, progress, total, say)
            fabric.barrier()
    return run.out / MODEL


@dataclass
class _Progress:
    """How far the run is: the stage, steps within it, and what it took."""

    stage: int = 0
    step: int = 0
    pixels: int = 0
    seconds: float = 0.0


class _Means:
    """Running means of named values, told and begun anew."""

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}

    def take(self, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def means(self) -> dict[str, float]:
        means = {name: math.fsum(values) / len(values) for name, values in self.values.items()}
        self.values = {}
        return means


def _over_processes(fabric: Fabric, means: dict[str, float]) -> dict[str, float]:
    """Means of all processes, each of its share of the windows."""
    values = torch.tensor(list(means.values()), dtype=torch.float64, device=fabric.device)
    reduced = cast(Tensor, fabric.all_reduce(values, reduce_op="mean"))
    return dict(zip(means, reduced.tolist(), strict=True))


class _Clock:
    """Time of a round, and from its first steps an estimate for the whole stage."""

    def __init__(self, steps: int) -> None:
        self.start, self.steps, self.ticks, self.mark = time.monotonic(), steps, 0, 0.0

    def tick(self) -> str | None:
        self.ticks += 1
        if self.ticks == TIMED_FROM:
            self.mark = time.monotonic()
        if self.ticks != TIMED_TO:
            return None
        return spoken((time.monotonic() - self.mark) / (TIMED_TO - TIMED_FROM) * self.steps)

    def spent(self) -> float:
        return time.monotonic() - self.start


def _fabric(run: Run) -> Fabric:
    """One process, or as many as torchrun started."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return Fabric(
        devices=local,
        num_nodes=world // local,
        strategy="ddp" if world > 1 else "auto",
        precision=cast(Any, _precision() if run.precision == "auto" else run.precision),
        loggers=TensorBoardLogger(run.out, name="", version=LOGS),
    )


def _precision() -> str:
    """Mixed bf16 where the device multiplies in it; elsewhere it would only be slower."""
    if torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "16-mixed"
    return "bf16-mixed" if instruction_sets(("amx_bf16", "avx512_bf16")) else "32-true"


def _silent(text: str) -> None:
    """Processes beside the first say nothing."""


def _with_teachers(run: Run, fabric: Fabric, say: Callable[[str], None]) -> list[Clip]:
    """The training clips, each with its teacher's flow."""
    clips = [clip for clip in find_clips(run.clips) if clip.record.split == "train"]
    if not clips:
        raise TemporalCleanError(f"{run.clips} holds no clips of the split 'train'")
    missing = [clip for clip in clips if clip.record.teacher is None]
    if missing and fabric.is_global_zero:
        say(f"finding the motion of {len(missing)} clips (once)")
        for count, clip in enumerate(add_teachers(missing, jobs=os.cpu_count() or 1), start=1):
            say(f"  {count}/{len(missing)} {clip.record.name}")
    fabric.barrier()
    return [Clip.open(clip.folder) for clip in clips]


def _begin_from(model: RecurrentCleaner, start: str | Path, say: Callable[[str], None]) -> None:
    given = load_checkpoint(start)
    if given.config == model.config:
        model.load_state_dict(given.state_dict())
    elif can_grow(given.config, model.config):
        say(grow(model, given))
    else:
        raise TemporalCleanError(
            f"'{start}' is a model of other sizes than this preset trains: choose the other --size"
        )


def _average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """Exponential moving average; young ones follow faster."""

    def average(held: Tensor, fresh: Tensor, count: Tensor | int) -> Tensor:
        share = min(decay, (1.0 + float(count)) / (10.0 + float(count)))
        return torch.lerp(fresh, held, share)

    return average


def _rate(stage: Stage, step: int) -> float:
    """Linear warm-up, then a cosine from ``rate`` to ``last_rate``."""
    fall = 0.5 * (1.0 + math.cos(math.pi * step / stage.steps))
    rate = stage.last_rate + (stage.rate - stage.last_rate) * fall
    return rate * min(1.0, (step + 1) / stage.warm_up)


def _before(preset: Preset, index: int) -> int:
    """Steps of the stages before this one: the curves' axis."""
    return sum(stage.steps for stage in preset.stages[:index])


def _batches(
    run: Run, stage: Stage, fabric: Fabric, left_out: set[str], place: tuple[int, int]
) -> Iterator[Batch]:
    """A round's batches, on the device; the same for any number of processes that fits."""
    ranks = fabric.world_size
    streams = math.lcm(stage.windows.streams, ranks)
    # Round and stage make the seed: what was drawn before is not drawn again.
    seed = int(np.random.SeedSequence((run.preset.seed, *place)).generate_state(1)[0])
    windows = replace(stage.windows, streams=streams, seed=seed)
    if stage.batch % ranks:
        raise TemporalCleanError(
            f"a batch of {stage.batch} windows cannot be shared by {ranks} processes: start a "
            "number of them that divides it"
        )
    loader = DataLoader(
        Windows(run.clips, windows, rank=fabric.global_rank, ranks=ranks, leave_out=left_out),
        batch_size=stage.batch // ranks,
        num_workers=run.workers,
        prefetch_factor=4 if run.workers else None,
        # A forked child of a process that has used OpenMP hangs in its first parallel loop.
        multiprocessing_context="spawn" if run.workers else None,
        pin_memory=fabric.device.type == "cuda",
        worker_init_fn=one_thread,
    )
    for batch in loader:
        planes = {name: batch[name] for name in Batch.__annotations__}
        yield cast(Batch, fabric.to_device(planes))


def _save(
    run: Run,
    fabric: Fabric,
    model: RecurrentCleaner,
    average: AveragedModel,
    optimiser: torch.optim.Optimizer,
    progress: _Progress,
) -> None:
    """All that a resumed run needs, and the averaged weights in the form that ships."""
    if not fabric.is_global_zero:
        return
    values = {
        "preset": _described(run.preset),
        "model": model.state_dict(),
        "average": average.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
    }
    content = io.BytesIO()
    torch.save(values, content)
    write_whole(run.out / CHECKPOINT, content.getvalue())
    training = {
        "command": run.command,
        "clips": run.clips.name,
        "stage": progress.stage,
        "step": progress.step,
        "pixels": progress.pixels,
        "hours": round(progress.seconds / 3600, 2),
        "started_from": _origin(run.start),
    }
    averaged = cast(RecurrentCleaner, average.module)
    save_checkpoint(averaged, run.out / MODEL, training=training)


def _described(preset: Preset) -> dict[str, Any]:
    """A preset as plain values, to tell whether a run goes on with the same one."""
    return json.loads(json.dumps(asdict(preset)))


def _origin(start: str | Path | None) -> Any:
    if start is None:
        return None
    from temporal_clean.assets import checkpoint_path

    return json.loads(read_metadata(checkpoint_path(start))["training"])


def _resume(
    run: Run, fabric: Fabric, model: RecurrentCleaner, average: AveragedModel, progress: _Progress
) -> dict[str, Any] | None:
    """Take up an earlier run's state; gives its optimiser's, within a stage."""
    path = run.out / CHECKPOINT
    if not path.is_file():
        run.out.mkdir(parents=True, exist_ok=True)
        return None
    values = torch.load(path, map_location=fabric.device, weights_only=True)
    if values["preset"] != _described(run.preset):
        raise TemporalCleanError(
            f"'{run.out}' holds a run of another preset: name another folder, or train on with "
            "the preset it was begun with"
        )
    model.load_state_dict(values["model"])
    average.load_state_dict(values["average"])
    for name, value in values["progress"].items():
        setattr(progress, name, value)
    return values["optimiser"]


def _judge(
    run: Run,
    fabric: Fabric,
    monitor: Monitor,
    average: AveragedModel,
    progress: _Progress,
    step: int,
    say: Callable[[str], None],
) -> None:
    """Figures of the averaged weights on the held-out clips, to the curves and to a file."""
    if not monitor.clips:
        return
    model = cast(RecurrentCleaner, average.module)
    figures = monitor.figures(model)
    fabric.log_dict({f"held out/{name}": value for name, value in figures.items()}, step=step)
    writer = cast(TensorBoardLogger, fabric.logger).experiment
    for name, picture in monitor.pictures(model):
        writer.add_image(name, picture.clamp(0.0, 1.0), step)
    row = {"step": step, "stage": progress.stage, "hours": progress.seconds / 3600} | figures
    with (run.out / FIGURES).open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    say("  held out: " + "  ".join(f"{name} {value:.3f}" for name, value in figures.items()))


def _spoken(means: dict[str, float]) -> str:
    parts = (f"{name.rpartition('/')[2]} {value:.4g}" for name, value in means.items())
    return "  ".join(parts)
