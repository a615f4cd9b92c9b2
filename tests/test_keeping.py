"""What a mask keeps, and finding the HUD that stands still while the view moves."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import temporal_clean
from temporal_clean.commands import main
from temporal_clean.errors import TemporalCleanError
from temporal_clean.keeping import Keep, still_pixels
from temporal_clean.side_by_side import write_png
from temporal_clean.video import open_input

PANEL = (slice(20, 44), slice(30, 90))


def _play(frames: int = 40, moving: bool = True, panel: bool = True) -> NDArray[np.uint8]:
    """(frames, 144, 256, 3): a noisy wall that slides by, behind an opaque panel with stripes."""
    random = np.random.default_rng(3)
    wall = random.integers(30, 220, (144, 256 + 7 * frames, 3), dtype=np.uint8)
    offset = 7 if moving else 0
    play = np.stack([wall[:, offset * t : offset * t + 256] for t in range(frames)])
    if panel:
        play[:, PANEL[0], PANEL[1]] = 40
        play[:, 24:40:4, PANEL[1]] = 230
    return play


def _write(pictures: NDArray[np.uint8], folder: Path) -> Path:
    folder.mkdir()
    for index, picture in enumerate(pictures):
        write_png(picture, folder / f"{index:04d}.png")
    return folder


def _mask() -> NDArray[np.bool_]:
    mask = np.zeros((144, 256), bool)
    mask[PANEL] = True
    return mask


def test_a_panel_is_found_whole_and_hardly_more() -> None:
    found = still_pixels(_play())
    assert found.mask[PANEL].all()
    # The rim is a pixel wide at this size.
    assert found.mask.sum() <= (24 + 4) * (60 + 4)
    assert found.pairs == 39


def test_digits_that_change_now_and_then_belong_to_the_hud() -> None:
    play = _play()
    for t in range(0, 40, 8):
        play[t : t + 8, 30:36, 50:56] = 10 * t % 200
    assert still_pixels(play).mask[PANEL].all()


@pytest.mark.parametrize(
    ("play", "words"),
    [
        (_play(moving=False), "record half a minute"),
        (_play(frames=6), "record half a minute"),
        (_play(panel=False), "no opaque HUD"),
        (_play()[:0], "record half a minute"),
    ],
    ids=["nothing moves", "too short", "no HUD", "empty"],
)
def test_what_shows_no_hud_is_told(play: NDArray[np.uint8], words: str) -> None:
    with pytest.raises(TemporalCleanError, match=words):
        still_pixels(play)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float16])
def test_kept_pixels_are_the_very_ones_and_the_others_the_clean(kind: type) -> None:
    random = np.random.default_rng(0)
    before, after = (random.integers(0, 200, (144, 256, 4)).astype(kind) for _ in range(2))
    untouched = after.copy()
    kept = Keep(_mask()).restore(before, after)
    assert np.array_equal(kept[_mask()], before[_mask()])
    assert np.array_equal(kept[~_mask()], after[~_mask()])
    assert np.array_equal(after, untouched)


def test_a_mask_is_stretched_to_the_picture() -> None:
    before, after = np.ones((288, 512, 3), np.uint8), np.zeros((288, 512, 3), np.uint8)
    kept = Keep(_mask()).restore(before, after)
    assert np.array_equal(kept[..., 0] > 0, _mask().repeat(2, 0).repeat(2, 1))


def test_a_black_mask_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    write_png(np.zeros((144, 256, 3), np.uint8), tmp_path / "black.png")
    with pytest.raises(TemporalCleanError, match=r"black\.png.*marks nothing"):
        temporal_clean.load(keep=tmp_path / "black.png")
    with pytest.raises(TemporalCleanError, match=r"missing\.png"):
        temporal_clean.load(keep=tmp_path / "missing.png")


def test_from_a_recording_to_a_clean_video_with_its_hud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    play = _play(60)
    recording, mask, out = _write(play, tmp_path / "play"), tmp_path / "hud.png", tmp_path / "out"
    main(["hud-mask", str(recording), "-o", str(mask)])
    assert "stood still" in capsys.readouterr().out
    short = _write(play[:3], tmp_path / "short")
    main(["clean", str(short), "-o", f"{out}/", "--keep", str(mask), "--engine", "onnxruntime"])
    with open_input(out) as reader:
        clean = np.stack([frame.pixels for frame in reader])
    assert np.array_equal(clean[:, PANEL[0], PANEL[1]], play[:3, PANEL[0], PANEL[1]])
    # The wall of noise is not left as it was.
    assert np.abs(clean[2, 60:].astype(int) - play[2, 60:]).mean() > 1.0


def test_a_mask_is_a_png_and_replaces_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = _write(_play(2), tmp_path / "play")
    (tmp_path / "hud.png").write_bytes(b"mine")
    for name, words in (("hud.jpg", "a mask is a .png"), ("hud.png", "exists already")):
        with pytest.raises(SystemExit) as ended:
            main(["hud-mask", str(recording), "-o", str(tmp_path / name)])
        assert ended.value.code == 2
        assert words in capsys.readouterr().err
    assert (tmp_path / "hud.png").read_bytes() == b"mine"
