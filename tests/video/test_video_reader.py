"""Reading video: the right frames at the right times, and clear words for what cannot be read."""

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input

# Uneven gaps, as screen recorders make them, in thousandths of a second.
UNEVEN = [137, 154, 171, 240, 256, 260, 300, 301, 420, 437]


def read(path: Any, **options: Any) -> list[Any]:
    with open_input(path, **options) as reader:
        return list(reader)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov"])
def test_uneven_times_with_b_frames_are_kept(lab: Any, name: str) -> None:
    path = lab.video(name, codec="libx264", ticks=UNEVEN, time_base=Fraction(1, 1000))
    frames = read(path)
    assert [frame.time for frame in frames] == [Fraction(tick, 1000) for tick in UNEVEN]
    assert [frame.index for frame in frames] == list(range(10))


@pytest.mark.parametrize(("layout", "dtype"), [("yuv420p", np.uint8), ("yuv420p10le", np.uint16)])
def test_pixels_are_rgb_in_order_of_memory(lab: Any, layout: str, dtype: Any) -> None:
    frame = read(lab.video("clip.mkv", layout=layout))[0]
    assert frame.pixels.shape == (48, 64, 3)
    assert frame.pixels.dtype == dtype
    assert frame.pixels.flags.c_contiguous


def test_info_tells_what_the_file_says(lab: Any) -> None:
    def shape(_: Any, stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)

    path = lab.video(
        "clip.mp4",
        codec="libx264",
        layout="yuv420p10le",
        tags=(9, 9, 16, 1),
        rate=Fraction(60000, 1001),
        time_base=Fraction(1001, 60000),
        before=shape,
    )
    with open_input(path) as reader:
        info = reader.info
    assert (info.width, info.height, info.frames) == (64, 48, 10)
    assert info.frame_rate == Fraction(60000, 1001)
    assert info.duration == Fraction(10 * 1001, 60000)
    assert (info.codec, info.pixel_format, info.bits) == ("h264", "yuv420p10le", 10)
    color = info.color
    assert (color.matrix, color.primaries, color.transfer, color.range) == (9, 9, 16, 1)
    assert color.siting == "left"
    assert (info.sample_aspect_ratio, info.rotation) == (Fraction(4, 3), 90)
    assert not info.is_images


@pytest.mark.parametrize(
    ("start", "end", "indices"),
    [
        (None, 0.3, range(0, 9)),
        (0.3, None, range(9, 120)),
        (3.1, 3.2, range(93, 96)),
        (0.1, 0.2, range(3, 6)),
        (3.95, 99, range(119, 120)),
    ],
)
@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_start_and_end_choose_exactly(
    shared_lab: Any, name: str, start: float | None, end: float | None, indices: range
) -> None:
    path = shared_lab / name
    if not path.exists():
        options = {"g": "40", "preset": "ultrafast", "bf": "2"}
        shared_lab.video(name, codec="libx264", count=120, size=(32, 16), options=options)
    whole = read(path)
    with open_input(path, start=start, end=end) as reader:
        part = list(reader)
        assert reader.info.frames is not None
        assert abs(reader.info.frames - len(indices)) <= 1
    assert [frame.time for frame in part] == [whole[i].time for i in indices]
    assert all(
        np.array_equal(a.pixels, whole[i].pixels) for a, i in zip(part, indices, strict=True)
    )


SOLIDS = np.array(list(itertools.product([0.0, 0.5, 1.0], repeat=3)))


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_saturated_colours_are_right(lab: Any, matrix: int, full: bool, bits: int) -> None:
    rgb = SOLIDS.reshape(1, 27, 3).repeat(16, 0).repeat(16, 1)
    codes = np.rint(lab.encode(rgb, matrix, full, bits)).clip(0, 2**bits - 1)
    codes = codes.astype(np.uint8 if bits == 8 else np.uint16)
    layout = "yuv444p" if bits == 8 else "yuv444p10le"
    path = lab.video(
        "clip.mkv",
        size=(432, 16),
        layout=layout,
        count=1,
        tags=(matrix, matrix, matrix, 2 if full else 1),
        frames=lambda _: lab.frame(layout, np.moveaxis(codes, -1, 0)),
    )
    pixels = read(path)[0].pixels
    code = 1 if bits == 8 else 65535 / 1023
    error = np.abs(pixels - rgb * np.iinfo(pixels.dtype).max)
    assert error.max() <= 2 * code  # of which 1.65 are the source's own rounding to codes
    assert pixels[0, -1].tolist() == [np.iinfo(pixels.dtype).max] * 3


@pytest.mark.parametrize(("height", "matrix"), [(720, 1), (480, 6)])
def test_untagged_video_is_read_as_players_do(lab: Any, height: int, matrix: int) -> None:
    red = np.zeros((height, 16, 3))
    red[..., 0] = 1.0
    codes = np.rint(lab.encode(red, matrix, False, 8)).astype(np.uint8)
    path = lab.video(
        "clip.mkv",
        size=(16, height),
        layout="yuv444p",
        count=1,
        frames=lambda _: lab.frame("yuv444p", np.moveaxis(codes, -1, 0)),
    )
    assert np.abs(read(path)[0].pixels.astype(int) - red * 255).max() <= 1


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(2, 40), st.integers(2, 40)),
    layout=st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv420p12le", "gbrp10le", "gray"]),
    count=st.integers(1, 4),
)
def test_every_size_and_format_is_read(
    shared_lab: Any, size: tuple[int, int], layout: str, count: int
) -> None:
    frames = read(
        shared_lab.video("any.nut", codec="rawvideo", size=size, layout=layout, count=count)
    )
    assert [frame.pixels.shape for frame in frames] == [(size[1], size[0], 3)] * count


def test_bare_streams_are_timed_by_their_rate(lab: Any) -> None:
    with open_input(lab.video("clip.h264", codec="libx264")) as reader:
        times = [frame.time for frame in reader]
    assert times == [Fraction(i, 30) for i in range(10)]
    assert "no timestamp" in " ".join(reader.warnings)


def make_sound_only(lab: Any) -> Path:
    path = lab / "sound.m4a"
    with av.open(str(path), "w") as output:
        lab.sound("aac", 0.2)(output, None)
        lab.play(output)
    return path


def make_half(lab: Any) -> Path:
    whole = lab.video("whole.mp4", codec="libx264", count=30).read_bytes()
    (path := lab / "half.mp4").write_bytes(whole[: len(whole) // 2])
    return path


def make_text(name: str) -> Any:
    def make(lab: Any) -> Path:
        (path := lab / name).write_text("not a video\n" * 100)
        return path

    return make


def make_empty(lab: Any) -> Path:
    (path := lab / "empty.mp4").touch()
    return path


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda lab: lab / "missing.mp4", "missing.mp4 does not exist: check the name"),
        (make_empty, "empty.mp4 is empty (0 bytes)"),
        (make_text("notes.txt"), "notes.txt is a text file, not a video"),
        (make_text("notes.mp4"), "notes.mp4 is not a video or picture that ffmpeg can read"),
        (make_half, "half.mp4 is cut short: its index is missing"),
        (make_sound_only, "sound.m4a holds no video, only audio"),
    ],
)
def test_what_is_no_video_is_refused_in_a_sentence(lab: Any, make: Any, words: str) -> None:
    with pytest.raises(TemporalCleanError) as raised:
        open_input(make(lab))
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (5, None, "has no frames from 5 s on"),
        (3, 4, "has no frames from 3 s to 4 s"),
        (-1, None, "expected start to be 0 seconds or more, got -1"),
        (float("nan"), None, "expected start to be 0 seconds or more, got nan"),
        (2, 2, "expected end to lie after start, got start 2 s and end 2 s"),
    ],
)
def test_an_impossible_part_is_refused(lab: Any, start: Any, end: Any, words: str) -> None:
    path = lab.video("clip.mp4", codec="libx264")
    with pytest.raises(TemporalCleanError, match=words):
        open_input(path, start=start, end=end)


def test_a_file_cut_in_the_middle_gives_what_it_holds(lab: Any) -> None:
    whole = lab.video("whole.mkv", codec="libx264", count=60, options={"g": "10"}).read_bytes()
    (path := lab / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    with open_input(path) as reader:
        frames = list(reader)
    assert 10 < len(frames) < 50
    assert "cut.mkv looks cut short: its header says 2.0 s, it ends" in " ".join(
        reader.warnings
    ).replace("2.00", "2.0")


def test_a_damaged_file_is_read_past_the_damage(lab: Any) -> None:
    # The same bytes each time (docs/LOG.md): some damage, by chance, decodes without complaint.
    options = {"g": "10", "x264-params": "mbtree=0:threads=1"}
    path = lab.video("clip.mkv", codec="libx264", count=30, options=options)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as source:
        packet: Any = next(itertools.islice(source.demux(video=0), 10, None))
        position = packet.pos + packet.size - 40
    data[position : position + 40] = bytes(range(40))
    path.write_bytes(data)
    with open_input(path) as reader:
        assert len(list(reader)) >= 29
    assert "damaged part(s) of clip.mkv were skipped or concealed" in " ".join(reader.warnings)


def test_a_change_of_size_names_both_sizes_and_the_time(lab: Any) -> None:
    first = lab.video("a.h264", codec="libx264", size=(64, 48)).read_bytes()
    second = lab.video("b.h264", codec="libx264", size=(32, 16)).read_bytes()
    (path := lab / "changing.h264").write_bytes(first + second)
    with pytest.raises(TemporalCleanError, match=r"from 64x48 to 32x16 at 0\.333 s"):
        read(path)


def test_what_will_not_come_through_is_told(lab: Any) -> None:
    clear = lab.video("alpha.mkv", layout="yuva420p")
    fields = lab.video("fields.mkv", codec="libx264", options={"x264-params": "interlaced=1"})
    with open_input(clear) as one, open_input(fields) as two:
        assert one.warnings == ["transparency is dropped: the output is opaque"]
        assert "interlaced" in two.warnings[0]
