"""Video files and patterns as live sources, and the recording of what is shown."""

import threading
import time
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.choose import open_capture
from temporal_clean.realtime.live.capture.pattern import Pattern, PatternCapture, parse_pattern
from temporal_clean.realtime.live.events import Closed, Failed
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.headless import Headless
from temporal_clean.realtime.live.present.recording import WAITING, Recording
from temporal_clean.video.generated import write_frames

PLACE = Rectangle(0, 0, 80, 64)


class Sink:
    """Collects what a capture tells, with times."""

    def __init__(self, wanted: int = 10**9) -> None:
        self.pictures, self.times, self.events = [], [], []
        self.wanted, self.enough = wanted, threading.Event()

    def deliver(self, picture: np.ndarray, source_time: float) -> None:
        self.pictures.append(picture.copy())
        self.times.append(source_time)
        if len(self.pictures) >= self.wanted:
            self.enough.set()

    def tell(self, event) -> None:
        self.events.append(event)
        self.enough.set()


def watched(source: str, wanted: int = 10**9, **choices) -> Sink:
    """All that a source gives, until it ends or there are so many pictures."""
    capture, sink = open_capture(LiveOptions(source=source, **choices)), Sink(wanted)
    capture.start(sink)
    assert sink.enough.wait(60.0)
    capture.stop()
    count = len(sink.pictures)
    time.sleep(0.05)
    assert len(sink.pictures) == count
    return sink


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    """Six frames of 80x64 at 20 a second, lossless; frame n is grey of 20 n."""
    path = tmp_path_factory.mktemp("video") / "six.mkv"
    frames = (np.full((64, 80, 3), 20 * index, np.uint8) for index in range(6))
    write_frames(path, frames, Fraction(20))
    return path


def test_a_video_plays_in_real_time_and_ends(video) -> None:
    sink = watched(str(video))
    assert [picture[0, 0, 1] for picture in sink.pictures] == [0, 20, 40, 60, 80, 100]
    assert all((picture[..., 3] == 255).all() for picture in sink.pictures)
    assert sink.times[-1] - sink.times[0] >= 5 / 20 - 0.02
    assert sink.events == [Closed()]


def test_a_video_loops(video) -> None:
    sink = watched(str(video), wanted=14, loop=True)
    assert [picture[0, 0, 1] for picture in sink.pictures[:14]] == [
        *(0, 20, 40, 60, 80, 100),
        *(0, 20, 40, 60, 80, 100),
        *(0, 20),
    ]
    assert sink.times[13] - sink.times[0] >= 13 / 20 - 0.02


def test_channels_are_blue_green_red(tmp_path) -> None:
    path = tmp_path / "red.mkv"
    write_frames(path, [np.full((64, 80, 3), (200, 100, 30), np.uint8)], Fraction(20), "ffv1")
    assert watched(str(path)).pictures[0][5, 5].tolist() == [30, 100, 200, 255]


def test_a_missing_video_is_refused_at_once(tmp_path) -> None:
    with pytest.raises(TemporalCleanError, match="does not exist"):
        open_capture(LiveOptions(source=str(tmp_path / "none.mkv")))


def test_the_pattern_moves_every_frame_at_its_rate() -> None:
    sink = watched("pattern:80x64@50", wanted=10)
    assert sink.pictures[0].shape == (64, 80, 4)
    assert np.diff(sink.times).mean() >= 0.9 / 50
    capture = PatternCapture(Pattern(80, 64))
    pictures = [capture.picture(index) for index in range(400)]
    assert not any(np.array_equal(a, b) for a, b in pairwise(pictures))


def test_the_hdr_pattern_is_scrgb_with_highlights() -> None:
    picture = watched("hdr-pattern:80x64@50", wanted=1).pictures[0]
    assert picture.dtype == np.float16
    assert 1000 / 80 * 0.5 < picture.max() < 1000 / 80 * 1.2
    assert np.median(picture[..., :3]) < 203 / 80


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pattern", Pattern()),
        ("pattern:1280x720", Pattern(1280, 720)),
        ("pattern:1280x720@59.94", Pattern(1280, 720, 59.94)),
        ("hdr-pattern:640x360@30", Pattern(640, 360, 30.0, True)),
    ],
)
def test_patterns_are_read_from_text(text: str, expected: Pattern) -> None:
    assert parse_pattern(text) == expected
    assert parse_pattern(str(expected)) == expected


@pytest.mark.parametrize("text", ["pattern:", "pattern:9x9", "pattern:640x360@0", "pattern:axb"])
def test_other_patterns_are_refused(text: str) -> None:
    with pytest.raises(TemporalCleanError, match="expected"):
        parse_pattern(text)


def test_a_source_that_raises_tells_and_can_be_started_again(video, monkeypatch) -> None:
    capture, sink = PatternCapture(Pattern(80, 64)), Sink()
    picture, error = capture.picture, RuntimeError("gone")

    def fail(index: int) -> np.ndarray:
        raise error

    monkeypatch.setattr(capture, "picture", fail)
    capture.start(sink)
    assert sink.enough.wait(30.0)
    assert sink.events == [Failed("capture", error)]
    monkeypatch.setattr(capture, "picture", picture)
    capture.stop()
    second = Sink(wanted=2)
    capture.start(second)
    assert second.enough.wait(30.0)
    capture.stop()
    capture.stop()


def test_recorded_frames_have_the_times_at_which_they_were_shown(tmp_path) -> None:
    path, times = tmp_path / "shown.mkv", []
    recording = Recording(Headless(), path, False)
    for index in range(8):
        recording.show(np.full((64, 80, 4), 30 * index, np.uint8), PLACE)
        times.append(time.monotonic())
        time.sleep(0.02 if index % 2 else 0.06)
    recording.close()
    recording.close()
    with av.open(str(path)) as file:
        frames = list(file.decode(video=0))
    seconds = [float(frame.pts * frame.time_base) for frame in frames]
    assert seconds == pytest.approx([t - times[0] for t in times], abs=0.015)
    greys = [frame.to_ndarray(format="rgb24").mean() for frame in frames]
    assert greys == pytest.approx([30 * index for index in range(8)], abs=2)
    assert recording.outcome() == [f"recorded 8 frames: {path}"]
    assert not list(tmp_path.glob(".*"))


def test_another_size_begins_another_file(tmp_path) -> None:
    recording = Recording(Headless(), tmp_path / "shown.mp4", False)
    for width in (80, 80, 96, 80):
        recording.show(np.zeros((64, width, 4), np.uint8), PLACE)
    recording.close()
    widths = {}
    for path in sorted(tmp_path.iterdir()):
        with av.open(str(path)) as file:
            widths[path.name] = [frame.width for frame in file.decode(video=0)]
    assert widths == {"shown.mp4": [80, 80], "shown-2.mp4": [96], "shown-3.mp4": [80]}


def test_the_show_never_waits_for_the_encoder(tmp_path, monkeypatch) -> None:
    recording = Recording(Headless(), tmp_path / "shown.mkv", False)
    gate = threading.Event()
    as_rgb = recording._as_rgb
    monkeypatch.setattr(recording, "_as_rgb", lambda picture: gate.wait(60.0) and as_rgb(picture))
    for _ in range(WAITING + 20):
        recording.show(np.zeros((64, 80, 4), np.uint8), PLACE)
    assert recording.dropped >= 19
    gate.set()
    recording.close()
    assert recording.written + recording.dropped == WAITING + 20
    assert f"{recording.dropped} left out" in recording.outcome()[0]


def test_hdr_is_recorded_as_sdr(tmp_path) -> None:
    recording = Recording(Headless(), tmp_path / "hdr.mkv", False)
    recording.show(np.full((64, 80, 4), 203 / 80, np.float16), PLACE)
    recording.close()
    with av.open(str(tmp_path / "hdr.mkv")) as file:
        frame = next(file.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.min() >= 253


def test_a_disk_that_fails_ends_the_recording_not_the_game(tmp_path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    recording = Recording(Headless(), folder / "shown.mkv", False)
    folder.rmdir()
    for _ in range(WAITING + 5):
        recording.show(np.zeros((64, 80, 4), np.uint8), PLACE)
    recording.close()
    assert "the recording stopped" in recording.outcome()[0]


def test_names_that_cannot_be_are_refused_at_once(tmp_path) -> None:
    (tmp_path / "there.mkv").write_bytes(b"")
    with pytest.raises(TemporalCleanError, match="exists"):
        Recording(Headless(), tmp_path / "there.mkv", False)
    with pytest.raises(TemporalCleanError, match="name of a video"):
        Recording(Headless(), tmp_path / "pictures.png", False)


def test_nothing_shown_leaves_no_file(tmp_path) -> None:
    recording = Recording(Headless(), tmp_path / "none.mkv", False)
    recording.close()
    assert recording.outcome() == ["nothing was recorded: no picture was shown"]
    assert not list(tmp_path.iterdir())
