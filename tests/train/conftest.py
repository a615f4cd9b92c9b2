"""Small clips to train on, made once."""

import shutil
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

HEIGHT, WIDTH, FRAMES, STEP = 96, 128, 10, 3


def waves(seed: int, height: int, width: int, step: int) -> list[np.ndarray]:
    """A texture that moves ``step`` pixels to the left a frame."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0 : width + step * FRAMES]
    picture = np.zeros((*rows.shape, 3))
    for _ in range(24):
        x, y = random.uniform(-0.5, 0.5, 2)
        picture += np.sin((x * columns + y * rows)[..., None] + random.uniform(0, 6.28, 3))
    picture = np.clip(127 + 22 * picture, 0, 255).astype(np.uint8)
    return [picture[:, step * k : step * k + width].copy() for k in range(FRAMES)]


@pytest.fixture(scope="module")
def training_clips(pristine_clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module's own copy of the clips: training adds files to them."""
    clips = tmp_path_factory.mktemp("training") / "clips"
    shutil.copytree(pristine_clips, clips)
    return clips


@pytest.fixture(scope="session")
def pristine_clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four clips with masters of factor 2 that move 1.5 pixels of the clip to the left a frame."""
    from temporal_clean.clip import ClipRecord, Master, write_record
    from temporal_clean.train.recording.master import write_master

    root = tmp_path_factory.mktemp("pristine") / "clips"
    for index in range(4):
        folder = root / f"clip{index}"
        folder.mkdir(parents=True)
        frames = waves(index, 2 * HEIGHT, 2 * WIDTH, STEP)
        write_master(folder / "master.mkv", frames, Fraction(60))
        master = Master("master.mkv", 2 * WIDTH, 2 * HEIGHT, 2)
        record = ClipRecord(folder.name, WIDTH, HEIGHT, FRAMES, game="waves", master=master)
        write_record(folder, record)
    return root
