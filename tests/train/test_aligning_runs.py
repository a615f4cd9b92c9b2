"""Two recordings of one run, aligned end to end: the demo clip (a real game), degraded as players
record it, and pairs that do not belong together."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

import temporal_clean
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning import AlignSettings, Limits, align, aligned_frames
from temporal_clean.train.aligning.resample import AxisMap, resample
from temporal_clean.video import open_input

DEMO = Path(temporal_clean.__file__).parent / "assets" / "demo"
COUNT = 80
# What is at x in the native rendering is at x - 0.125 in the reference (demo/clip.json).
OWN = -0.125
SETTINGS = AlignSettings(limits=Limits(shortest=16))
Pictures = Sequence[np.ndarray]


def read(name: str) -> list[np.ndarray]:
    """The middle of each frame: 320x180, to be fast."""
    with open_input(DEMO / name) as reader:
        return [f.pixels[45:225, 80:400].copy() for f, _ in zip(reader, range(COUNT), strict=False)]


@pytest.fixture(scope="module")
def native() -> list[np.ndarray]:
    return read("native.mkv")


@pytest.fixture(scope="module")
def reference() -> list[np.ndarray]:
    return read("reference.mkv")


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., Path]:
    """Writes a recording as capture programs do: H.264, 4:2:0, limited range, CRF 18."""

    def write(name: str, pictures: Pictures, rate: int = 60, crf: int = 18) -> Path:
        path, (height, width) = tmp_path / f"{name}.mkv", pictures[0].shape[:2]
        options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
        with av.open(str(path), "w") as out:
            stream = out.add_stream("libx264", rate, options=options, width=width, height=height)
            stream.pix_fmt = "yuv420p"
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return path

    return write


def seen(pictures: Pictures, shift: tuple[float, float], zoom: float = 1.0) -> list[np.ndarray]:
    """Everything moved by (dx, dy) pixels, then drawn ``zoom`` times as large."""
    height, width = pictures[0].shape[:2]
    rows, columns = AxisMap(1 / zoom, -shift[1]), AxisMap(1 / zoom, -shift[0])
    size = round(height * zoom), round(width * zoom)
    moved = (resample(p, rows, columns, size) for p in pictures)
    return [np.clip(np.rint(m), 0, 255).astype(np.uint8) for m in moved]


def coloured(pictures: Pictures) -> list[np.ndarray]:
    """Another gain, offset and gamma."""
    table = 255 * (0.02 + 0.94 * (np.arange(256) / 255) ** 1.1)
    return [np.rint(table).astype(np.uint8)[p] for p in pictures]


def test_offset_slips_shift_size_and_colour(native: list, reference: list, record) -> None:
    mine = [k for k in range(17, COUNT) if k != 40]
    mine.insert(mine.index(60), 59)  # 59 twice, nothing lost
    other = [k for k in range(76) if k != 48]
    other[other.index(31)] = 30  # 30 twice in place of 31
    given = [native[k] for k in mine]
    shown = coloured(seen([reference[k] for k in other], (0.3, -0.2), zoom=2))
    alignment = align(record("input", given), record("reference", shown), SETTINGS)

    assert alignment.offset == 17
    assert all(mine[i] == other[j] for i, j in alignment.timing.pairs)
    slips = {(s.kind, s.recording, s.index) for s in alignment.slips}
    assert slips == {
        ("dropped", "first", mine.index(41)),
        ("doubled", "first", mine.index(59) + 1),
        ("dropped", "second", other.index(49)),
        ("doubled", "second", other.index(30) + 1),
        ("dropped", "second", other.index(32)),
    }
    assert all(s.is_certain for s in alignment.slips)
    assert alignment.geometry.dx == pytest.approx(0.3 + OWN, abs=0.05)
    assert alignment.geometry.dy == pytest.approx(-0.2 + OWN, abs=0.05)
    assert (alignment.geometry.scale_x, alignment.geometry.scale_y) == (1, 1)
    assert alignment.psnr_after > alignment.psnr_before + 5
    assert [len(s) for s in alignment.kept] == [len(alignment.timing.pairs)]

    # The input leaves as it was recorded; the reference fits it.
    pairs = list(aligned_frames(alignment, alignment.kept[0]))
    with open_input(alignment.first.path) as reader:
        recorded = [frame.pixels for frame in reader]
    top, bottom, left, right = alignment.crop
    for (i, _), (picture, clean) in zip(alignment.timing.pairs, pairs, strict=True):
        assert np.array_equal(picture, recorded[i][top:bottom, left:right])
        assert clean.shape == picture.shape
        assert clean.dtype == np.uint8
    error = np.mean([(a.astype(float) - b) ** 2 for a, b in pairs])
    assert 10 * np.log10(255**2 / error) == pytest.approx(alignment.psnr_after, abs=1)

    facts = json.loads(json.dumps(alignment.as_json()))
    assert facts["offset"] == 17
    assert [s["index"] for s in facts["doubled"]["second"]] == [other.index(30) + 1]
    assert facts["colour"]["applied_to"] == "reference"
    assert facts["stretches"][0]["kept"]


@pytest.mark.parametrize("part", ["end", "start"])
def test_other_content_is_cut_off_at_the_frame(
    native: list, reference: list, record, part: str
) -> None:
    k, strange = 40, [np.roll(p[::-1, ::-1], 90, axis=1) for p in reference]
    shown = [*reference[:k], *strange[k:]] if part == "end" else [*strange[:k], *reference[k:]]
    alignment = align(record("input", native), record("reference", shown), SETTINGS)
    assert len(alignment.kept) == 1
    first, last = alignment.pairs(alignment.kept[0])[[0, -1]]
    assert (first[0], last[0]) == ((0, k - 1) if part == "end" else (k, COUNT - 1))
    assert first[0] == first[1]
    apart = [s for s in alignment.stretches if not s.kept]
    assert len(apart) == 1
    assert "other content" in apart[0].reason
    assert apart[0].figures["different"] > 0.8
    assert not alignment.slips


@pytest.mark.parametrize(("speed", "late"), [(0.4, 2), (0.1, 7)])
def test_a_camera_that_drifts_away_ends_the_stretch(
    native: list, reference: list, record, speed: float, late: int
) -> None:
    """Seen once the views are half a pixel apart: two frames at 0.4 pixel a frame, six at 0.1."""
    k = 45
    shown = [seen([p], (speed * max(0, t - k + 1), 0))[0] for t, p in enumerate(reference)]
    alignment = align(record("input", native), record("reference", shown), SETTINGS)
    assert len(alignment.kept) == 1
    last = alignment.pairs(alignment.kept[0])[-1]
    assert k - 1 - 2 <= last[0] <= k - 1 + late
    assert "drifts apart" in next(s for s in alignment.stretches if not s.kept).reason


def test_unrelated_recordings_are_refused_with_figures(
    native: list, reference: list, record
) -> None:
    strange = [p[::-1, ::-1] for p in reversed(reference)]
    with pytest.raises(TemporalCleanError, match=r"not show the same run.*correlates by 0\.\d\d"):
        align(record("input", native[:60]), record("reference", strange[:60]))


def test_a_recording_without_motion_is_ambiguous(native: list, reference: list, record) -> None:
    still = record("input", native[:1] * 40), record("reference", reference[:1] * 40)
    with pytest.raises(TemporalCleanError, match="ambiguous: nothing moves in input"):
        align(*still)


def test_other_frame_rates_and_short_recordings_are_refused(native: list, record) -> None:
    given = record("input", native[:40])
    with pytest.raises(TemporalCleanError, match=r"one frame rate, got 60\.\d+ in input"):
        align(given, record("slow", native[:40], rate=30))
    with pytest.raises(TemporalCleanError, match=r"at least 16 frames, .* has 8"):
        align(given, record("short", native[:8]))
