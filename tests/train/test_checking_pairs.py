"""Deliberately bad pairs from the demo clip: each fault is found, and nothing else."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

import temporal_clean
from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.checking import Report, check_pair, write_sheet
from temporal_clean.video import open_input

DEMO = Path(temporal_clean.__file__).parent / "assets" / "demo"
Frames = NDArray[np.uint8]
NATIVE = [{"step": "sample", "scale": 1.0}]
FIRST, COUNT = 70, 32
# A part of the picture: quicker, and as telling.
PART = np.s_[:, 70:230, 80:400]


def whole(name: str) -> Frames:
    with open_input(DEMO / f"{name}.mkv") as reader:
        return np.ascontiguousarray(np.stack([frame.pixels for frame in reader])[PART])


@pytest.fixture(scope="module")
def native() -> Frames:
    return whole("native")


@pytest.fixture(scope="module")
def reference() -> Frames:
    return whole("reference")[FIRST : FIRST + COUNT]


def part(clip: Frames, late: int = 0) -> Frames:
    return clip[FIRST - late : FIRST - late + COUNT].copy()


def complaints(report: Report) -> dict[str, str]:
    return {finding.check: finding.verdict for finding in report.reasons}


def moved(clip: Frames, dx: float) -> Frames:
    way = np.array([[1, 0, dx], [0, 1, 0]], np.float32)
    size = (clip.shape[2], clip.shape[1])
    options = {"flags": cv2.INTER_CUBIC, "borderMode": cv2.BORDER_REPLICATE}
    return np.stack([cv2.warpAffine(f, way, size, **options) for f in clip]).astype(np.uint8)


def test_a_good_pair_is_accepted(native: Frames, reference: Frames) -> None:
    report = check_pair(part(native), reference, NATIVE)
    assert report.verdict == "accept"
    assert not report.reasons
    figures = report.figures
    assert figures is not None
    assert figures.offset == 0
    assert figures.shift is not None
    assert np.hypot(*figures.shift) < 0.25
    assert figures.sharp is not None
    assert 1.0 < figures.sharp < 1.3
    assert len(figures.psnr) == figures.frames == COUNT
    assert min(figures.psnr) > 24


@pytest.mark.parametrize("late", [-1, 1, 3])
def test_offsets_are_exact(native: Frames, reference: Frames, late: int) -> None:
    report = check_pair(part(native, late), reference, NATIVE)
    assert complaints(report) == {"offset": "refuse"}
    assert report.figures is not None
    assert report.figures.offset == late


def test_half_a_pixel_is_refused(native: Frames, reference: Frames) -> None:
    report = check_pair(moved(part(native), -0.5), reference, NATIVE)
    assert complaints(report) == {"shift": "refuse"}
    assert report.figures is not None
    assert report.figures.shift is not None
    assert report.figures.shift[0] == pytest.approx(-0.375, abs=0.06)


def test_another_moment_is_no_pair(native: Frames, reference: Frames) -> None:
    other = np.ascontiguousarray(part(native)[:, ::-1, ::-1])
    assert complaints(check_pair(other, reference, NATIVE)) == {"psnr": "refuse"}


@pytest.mark.parametrize("way", ["to limited", "expanded twice"])
def test_range_mistakes_are_named(native: Frames, reference: Frames, way: str) -> None:
    clip = part(native).astype(np.float32)
    wrong = 16 + clip * 219 / 255 if way == "to limited" else (clip - 16) * 255 / 219
    report = check_pair(np.clip(np.rint(wrong), 0, 255).astype(np.uint8), reference, NATIVE)
    assert complaints(report) == {"range": "refuse"}


def test_frozen_and_doubled_frames_are_told_apart(native: Frames, reference: Frames) -> None:
    frozen, doubled = part(native), part(native)
    frozen[15:25] = frozen[15]
    doubled[20] = doubled[19]
    report = check_pair(frozen, reference, NATIVE)
    assert complaints(report) == {"frozen": "refuse"}
    assert report.figures is not None
    assert report.figures.frozen_input == ((16, 24),)
    report = check_pair(doubled, reference, NATIVE)
    assert complaints(report) == {"doubled": "warn"}
    assert report.figures is not None
    assert report.figures.doubled_input == (20,)


def test_black_frames_are_named(native: Frames, reference: Frames) -> None:
    black = part(native)
    black[26:29] = 0
    report = check_pair(black, reference, NATIVE)
    assert complaints(report)["black"] == "refuse"
    assert report.figures is not None
    assert report.figures.black_input == ((26, 28),)


def test_a_cut_in_one_is_refused_and_in_both_accepted(native: Frames, reference: Frames) -> None:
    cut = part(native)
    cut[20:] = native[:12]
    report = check_pair(cut, reference, NATIVE)
    assert complaints(report) == {"cut": "refuse"}
    assert report.figures is not None
    assert report.figures.cuts_input == (20,)
    both = reference.copy()
    both[20:] = whole("reference")[:12]
    report = check_pair(cut, both, NATIVE)
    assert report.verdict == "accept"


def test_blurred_mips_are_known_from_an_upscaled_input(native: Frames, reference: Frames) -> None:
    soft = np.stack([cv2.GaussianBlur(f, (0, 0), 0.6) for f in part(native)]).astype(np.uint8)
    assert complaints(check_pair(soft, reference, NATIVE)) == {"detail": "warn"}
    upscaled = [{"step": "sample", "scale": 0.58}, {"step": "upscale"}]
    report = check_pair(soft, reference, upscaled)
    assert report.verdict == "accept"
    assert [finding.check for finding in report.findings] == ["detail"]


def test_a_hud_that_only_one_has(native: Frames, reference: Frames) -> None:
    marked = reference.copy()
    for frame in marked:
        cv2.rectangle(frame, (230, 10), (300, 60), (60, 220, 60), -1)
    assert complaints(check_pair(part(native), marked, NATIVE)) == {"overlay": "warn"}


def test_still_pictures_cannot_tell(native: Frames, reference: Frames) -> None:
    still = [np.repeat(clip[:1], 20, axis=0) for clip in (part(native), reference)]
    report = check_pair(*still, NATIVE)
    assert complaints(report) == {"offset": "warn"}
    assert report.figures is not None
    assert report.figures.offset is None
    assert report.figures.overlay_input is None


def test_sizes_rates_and_lengths(native: Frames, reference: Frames) -> None:
    report = check_pair(part(native)[:, :-2], reference)
    assert complaints(report) == {"size": "refuse"}
    assert report.figures is None
    rates = (Fraction(60), Fraction(30))
    short = check_pair(part(native)[:12], reference[:10], NATIVE, rates)
    assert complaints(short) == {"rate": "refuse", "length": "warn"}
    with pytest.raises(TemporalCleanError, match="got 0 and 0"):
        check_pair([], [])


def test_memory_is_bounded() -> None:
    """Two hundred frames are streamed, sixty-four at most are kept, spread over all."""
    rng = np.random.default_rng(0)
    base = cv2.resize(rng.integers(0, 256, (40, 90, 3), np.uint8), (180, 80))

    def stream() -> Iterator[Frames]:
        for number in range(200):
            yield np.ascontiguousarray(base[8:72, number // 4 : number // 4 + 96]).astype(np.uint8)

    report = check_pair(stream(), stream())
    assert report.evidence is not None
    numbers = report.evidence.samples.numbers
    assert len(numbers) <= 64
    assert numbers[0] == 0
    assert numbers[-1] > 150


def test_report_is_json_and_the_sheet_a_picture(
    native: Frames, reference: Frames, tmp_path: Path
) -> None:
    report = check_pair(part(native)[:12], reference[:12], NATIVE)
    told = json.loads(json.dumps(report.as_json()))
    assert told["verdict"] == report.verdict
    assert told["figures"]["size"] == [320, 160]
    sheet = write_sheet(tmp_path / "sheet.png", report, "demo")
    with open_input(sheet) as reader:
        assert reader.info.width == 1640
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    with pytest.raises(TemporalCleanError, match="--overwrite"):
        write_sheet(sheet, report, "demo")
    unmeasured = check_pair(reference[:1, :-2], reference[:1])
    with pytest.raises(TemporalCleanError, match="nothing to draw"):
        write_sheet(tmp_path / "none.png", unmeasured, "demo")
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
