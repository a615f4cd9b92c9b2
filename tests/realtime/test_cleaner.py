"""Frames in, clean frames out: types, strength, resets, long still pictures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import temporal_clean as tc
from temporal_clean import assets
from temporal_clean.video import open_input


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Six frames of the bundled clip, cropped so that sizes are odd."""
    with open_input(assets.DEMO_CLIP / "native.mkv", start=1.0) as reader:
        return [f.pixels[40:171, 60:223] for f, _ in zip(reader, range(6), strict=False)]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.square(a.astype(np.float64) - b.astype(np.float64)).mean()
    return float(10.0 * np.log10(255.0**2 / max(error, 1e-9)))


def test_stream_cleans_every_frame_and_starts_afresh(frames) -> None:
    cleaner = tc.load("fast")
    first, second = list(cleaner.stream(frames)), list(cleaner.stream(frames))
    assert len(first) == len(frames)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[0].shape == frames[0].shape
    assert not np.array_equal(first[-1], frames[-1])


def test_history_matters(frames) -> None:
    cleaner = tc.load("fast")
    through_time = list(cleaner.stream(frames))[-1]
    alone = next(iter(cleaner.stream(frames[-1:])))
    assert not np.array_equal(through_time, alone)


@pytest.mark.parametrize("model", assets.MODELS)
def test_a_hard_cut_resets_by_itself(model: str) -> None:
    """After a cut the frame is as good as purely spatial cleaning makes it, within 0.3 dB."""

    def clip(name: str, start: float) -> list[np.ndarray]:
        with open_input(assets.DEMO_CLIP / f"{name}.mkv", start=start) as reader:
            return [frame.pixels for frame, _ in zip(reader, range(4), strict=False)]

    before, after = clip("native", 0.2), [np.flipud(f).copy() for f in clip("native", 2.2)]
    truth = np.flipud(clip("reference", 2.2)[0])
    cleaner = tc.load(model, engine="onnxruntime")
    through_cut = list(cleaner.stream([*before, after[0]]))[-1]
    alone = next(iter(cleaner.stream(after)))
    assert abs(psnr(through_cut, truth) - psnr(alone, truth)) < 0.3


def test_frame_types_agree(frames) -> None:
    """uint8, uint16, float and both torch layouts give the same picture in their own type."""
    torch = pytest.importorskip("torch", reason="pip install 'temporal-clean[test]'")
    kinds = {
        "uint8": (lambda f: f, lambda c: c),
        "uint16": (lambda f: f.astype(np.uint16) * 257, lambda c: c / 257.0),
        "float32": (lambda f: (f / 255.0).astype(np.float32), lambda c: c * 255.0),
        "torch planes": (
            lambda f: torch.from_numpy(f.copy()).permute(2, 0, 1) / 255.0,
            lambda c: c.permute(1, 2, 0).numpy() * 255.0,
        ),
        "torch picture": (lambda f: torch.from_numpy(f.copy()), lambda c: c.numpy()),
    }
    expected = list(tc.load("fast", engine="onnxruntime").stream(frames))[-1]
    for name, (convert, back) in kinds.items():
        cleaner = tc.load("fast", engine="onnxruntime")
        given_frames = [convert(f) for f in frames]
        clean = list(cleaner.stream(given_frames))[-1]
        assert type(clean) is type(given_frames[0]), name
        assert clean.dtype == given_frames[0].dtype, name
        assert np.abs(back(clean) - expected.astype(float)).max() <= 1.01, name


def test_strength_mixes_the_input_back_in(frames) -> None:
    full = list(tc.load("fast").stream(frames))[-1].astype(float)
    none = list(tc.load("fast", strength=0.0).stream(frames))[-1]
    half = list(tc.load("fast", strength=0.5).stream(frames))[-1]
    assert np.array_equal(none, frames[-1])
    assert np.abs(half - (full + frames[-1]) / 2.0).max() <= 0.5


def test_another_size_resets_and_goes_on(frames) -> None:
    cleaner = tc.load("fast")
    cleaner(frames[0])
    assert cleaner(frames[1][:100, :90]).shape == (100, 90, 3)
    assert cleaner.resets == 1


def test_a_still_picture_does_not_drift(frames) -> None:
    """1,000 frames of one picture: frame 1,000 is frame 10 to within 50 dB."""
    still = frames[0][:96, :128]
    cleaner = tc.load("fast", engine="onnxruntime")
    for index in range(1, 1001):
        clean = cleaner(still)
        if index == 10:
            early = clean
    assert psnr(clean, early) > 50.0


@settings(max_examples=8, deadline=None)
@given(height=st.integers(64, 140), width=st.integers(64, 140), deep=st.booleans())
def test_any_size_comes_back_as_it_went(height: int, width: int, deep: bool) -> None:
    random = np.random.default_rng(height * 1000 + width)
    kind, largest = (np.uint16, 65535) if deep else (np.uint8, 255)
    picture = random.integers(0, largest + 1, (height, width, 3), kind)
    clean = tc.load("fast")(picture)
    assert clean.shape == picture.shape
    assert clean.dtype == picture.dtype


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((64, 64), np.uint8), r"expected a frame of \(height, width, 3\) RGB"),
        (np.zeros((64, 64, 4), np.uint8), "drop an alpha channel"),
        (np.zeros((64, 64, 3), np.int32), "expected uint8, uint16 or float frames, got int32"),
        (np.full((64, 64, 3), np.nan), "NaN or infinity"),
        (np.full((64, 64, 3), 255.0), r"must lie in \[0, 1\], got 255"),
        (np.zeros((32, 640, 3), np.uint8), "640x32 are too small"),
        ("frame.png", "got str"),
    ],
)
def test_bad_frames_say_what_to_do(frame, message: str) -> None:
    with pytest.raises(tc.TemporalCleanError, match=message):
        tc.load("fast")(frame)


def test_bad_settings_say_what_to_do() -> None:
    with pytest.raises(tc.TemporalCleanError, match=r"strength must lie in 0\.\.1, got 2"):
        tc.load("fast", strength=2)


def test_bgra_pictures_give_what_rgb_ones_do(frames) -> None:
    """As a capture delivers them: channels reversed, alpha opaque whatever came in."""
    cleaner = tc.load("fast", engine="onnxruntime")
    expected = list(cleaner.stream(frames))[-1]
    captured = tc.load("fast", engine="onnxruntime")
    for frame in frames:
        bgra = np.dstack([frame[..., ::-1], np.zeros(frame.shape[:2], np.uint8)])
        clean = captured.step(bgra).clean
    assert np.array_equal(clean[..., 2::-1], expected)
    assert (clean[..., 3] == 255).all()
