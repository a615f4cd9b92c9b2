"""Windows for training: of the right clips, aligned, repeatable, from folders and from shards."""

from dataclasses import replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from temporal_clean.clip import ClipRecord, Master, Rendering, find_clips, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.side_by_side import write_png
from temporal_clean.train.degrading import RECIPES, Recipe
from temporal_clean.train.loading import WindowConfig, Windows, write_shards
from temporal_clean.train.loading.decoding import decode
from temporal_clean.train.recording.master import master_loss, write_master
from temporal_clean.video.generated import write_frames

SMALL = WindowConfig(frames=3, crop=24, margin=4, pool=2, stretch=6, reuse=4)
HEIGHT, WIDTH, FRAMES = 48, 80, 14


def pan(factor: int, seed: int, step: int = 2) -> np.ndarray:
    """A smooth texture that moves ``step`` clip pixels a frame: (frames, rows, columns, 3)."""
    random = np.random.default_rng(seed)
    wide = (WIDTH + step * FRAMES) * factor
    rows, columns = np.arange(HEIGHT * factor)[:, None], np.arange(wide)
    picture = np.zeros((HEIGHT * factor, wide, 3))
    for _ in range(12):
        x, y = random.uniform(-0.6, 0.6, 2) / factor
        phase = random.uniform(0, 6.28, 3)
        picture += np.sin(x * columns[..., None] + y * rows[..., None] + phase)
    picture = np.clip(127 + 25 * picture, 0, 255).astype(np.uint8)
    starts = [frame * step * factor for frame in range(FRAMES)]
    return np.stack([picture[:, s : s + WIDTH * factor] for s in starts])


def native(generator: np.random.Generator, factor: int) -> Recipe:
    return RECIPES["native"]


@pytest.fixture
def masters(tmp_path: Path) -> Path:
    """Three training clips and one for validation, each a master of factor 4."""
    for index in range(4):
        folder = tmp_path / "clips" / f"clip{index}"
        folder.mkdir(parents=True)
        write_master(folder / "master.mkv", list(pan(4, index)), Fraction(60))
        master = Master("master.mkv", WIDTH * 4, HEIGHT * 4, 4)
        split = "validation" if index == 3 else "train"
        write_record(
            folder, ClipRecord(folder.name, WIDTH, HEIGHT, FRAMES, split=split, master=master)
        )
    return tmp_path / "clips"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """One clip: a reference, an input that lacks its red, and a mask of the left half."""
    folder = tmp_path / "pairs" / "own"
    folder.mkdir(parents=True)
    clean = pan(1, 5)
    write_frames(folder / "reference.mkv", clean, Fraction(60))
    write_frames(folder / "low.mkv", clean * np.array([0, 1, 1], np.uint8), Fraction(60))
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[:, : WIDTH // 2] = 255
    write_png(mask, folder / "mask.png")
    renderings = {name: Rendering(f"{name}.mkv") for name in ("reference", "low")}
    record = ClipRecord("own", WIDTH, HEIGHT, FRAMES, renderings=renderings, mask="mask.png")
    write_record(folder, record)
    return folder.parent


def test_windows_have_the_shape_and_range_asked_for(masters: Path) -> None:
    for window in islice(Windows(masters, SMALL), 12):
        assert window["input"].shape == window["reference"].shape == (3, 3, 24, 24)
        assert window["mask"].shape == (3, 1, 24, 24)
        for name in ("input", "reference", "mask"):
            assert 0.0 <= float(window[name].min()) <= float(window[name].max()) <= 1.0


def test_input_and_reference_show_the_same_place_and_time(masters: Path) -> None:
    for window in islice(Windows(masters, SMALL, draw=native), 12):
        # The texture is smooth, so that a native sampling is the reference but for compression.
        assert float((window["input"] - window["reference"]).square().mean()) < 1e-3
        moved = (window["reference"][1:] - window["reference"][:-1]).abs().mean()
        assert float(moved) > 0.01


def test_the_same_seed_draws_the_same_windows(masters: Path) -> None:
    def drawn(seed: int) -> torch.Tensor:
        windows = Windows(masters, replace(SMALL, seed=seed))
        return torch.stack([window["input"] for window in islice(windows, 6)])

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))


def test_validation_clips_never_enter_training(masters: Path) -> None:
    drawn = {window["clip"] for window in islice(Windows(masters, SMALL), 60)}
    assert drawn == {"clip0", "clip1", "clip2"}
    held_out = {w["clip"] for w in islice(Windows(masters, SMALL, split="validation"), 8)}
    assert held_out == {"clip3"}


def test_workers_draw_different_windows(masters: Path) -> None:
    loader = DataLoader(Windows(masters, SMALL), batch_size=2, num_workers=2)
    first, second = islice(loader, 2)
    assert first["input"].shape == (2, 3, 3, 24, 24)
    assert not torch.equal(first["input"], second["input"])


def test_own_pairs_come_with_their_mask(pairs: Path) -> None:
    for window in islice(Windows(pairs, SMALL), 8):
        assert window["recipe"] == "low"
        assert float(window["input"][:, 0].max()) == 0.0
        assert torch.equal(window["input"][:, 1:], window["reference"][:, 1:])
        assert set(window["mask"].unique().tolist()) <= {0.0, 1.0}
        # Mirrored with the picture: one edge, the same in every frame and row.
        assert torch.equal(window["mask"], window["mask"][:1, :, :1].expand_as(window["mask"]))


def test_a_hud_is_shown_in_input_and_reference(masters: Path) -> None:
    folder = masters / "clip0"
    hud = np.zeros((FRAMES, HEIGHT, WIDTH, 3), np.uint8)
    hud[..., 1] = 200
    write_frames(folder / "hud.mkv", hud, Fraction(60))
    write_frames(folder / "mask.mkv", np.full_like(hud, 255), Fraction(60))
    record = replace(find_clips(folder)[0].record, mask="mask.mkv", hud="hud.mkv", split="train")
    write_record(folder, record)
    windows = Windows(folder, replace(SMALL, paste_hud=1.0), draw=native)
    window = next(iter(windows))
    assert float(window["mask"].min()) == 1.0
    for name in ("input", "reference"):
        assert torch.allclose(window[name][:, 1], torch.tensor(200 / 255.0))
        assert float(window[name][:, 0].max()) == 0.0


def test_shards_give_the_windows_of_their_clips(masters: Path, tmp_path: Path) -> None:
    pytest.importorskip("webdataset", reason="pip install 'temporal-clean[train]'")
    shards = write_shards(find_clips(masters), tmp_path / "shards", shard_bytes=1)
    assert len(shards) == 4
    windows = Windows([str(path) for path in shards], SMALL, draw=native)
    drawn = list(islice(windows, 40))
    assert {window["clip"] for window in drawn} == {"clip0", "clip1", "clip2"}
    for window in drawn:
        assert float((window["input"] - window["reference"]).square().mean()) < 1e-3


def test_the_same_clips_give_the_same_shards(masters: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_shards(find_clips(masters), tmp_path / name)
    one, two = (tmp_path / name / "clips-000000.tar" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    with pytest.raises(TemporalCleanError, match="holds shards already"):
        write_shards(find_clips(masters), tmp_path / "one")


def test_a_stretch_is_decoded_from_a_key_frame_or_from_the_frame_itself(masters: Path) -> None:
    path = str(masters / "clip0" / "master.mkv")
    whole = decode(path, 60.0, 0, FRAMES, exact=True)
    assert len(whole.pixels) == FRAMES
    near, exact = (decode(path, 60.0, 13, 4, exact=exact) for exact in (False, True))
    assert (near.start, len(near.pixels)) == (12, 2)
    assert (exact.start, len(exact.pixels)) == (13, 1)
    for part in (near, exact):
        assert (part.pixels == whole.pixels[part.start : part.start + len(part.pixels)]).all()


def test_a_master_is_compressed_without_visible_loss(tmp_path: Path) -> None:
    frames = list(pan(4, 7))
    write_master(tmp_path / "master.mkv", frames, Fraction(60))
    loss = master_loss(tmp_path / "master.mkv", frames, Fraction(60), 4)
    assert loss["psnr"] > 38.0
    assert loss["worst_frame_psnr"] > 36.0
    assert loss["reference_psnr"] > loss["native_psnr"] > 38.0
    spoilt = [np.roll(frame, 8, axis=1) for frame in frames]
    assert master_loss(tmp_path / "master.mkv", spoilt, Fraction(60), 4)["psnr"] < 30.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop": 0}, "expected crop of 1 or more, got 0"),
        ({"frames": 9}, "a stretch of 6 frames holds no window of 9"),
    ],
)
def test_impossible_windows_are_refused(change: dict, message: str) -> None:
    with pytest.raises(TemporalCleanError, match=message):
        replace(SMALL, **change)


def test_clips_that_cannot_be_drawn_from_are_refused(
    masters: Path, pairs: Path, tmp_path: Path
) -> None:
    def first(source: Path, config: WindowConfig) -> object:
        return next(iter(Windows(source, config)))

    with pytest.raises(TemporalCleanError, match="smaller than a crop of 64"):
        first(masters, replace(SMALL, crop=64))
    with pytest.raises(TemporalCleanError, match="fewer than a window of 20"):
        first(masters, replace(SMALL, frames=20, stretch=20))
    with pytest.raises(TemporalCleanError, match="no clips of the split 'validation'"):
        Windows(pairs, SMALL, split="validation")
    record = find_clips(pairs)[0].record
    write_record(pairs / "own", replace(record, renderings={}))
    with pytest.raises(TemporalCleanError, match="neither a master nor a reference"):
        Windows(pairs, SMALL)
