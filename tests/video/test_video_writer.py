"""Writing video: what came in comes out, whole or not at all."""

import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input, open_output
from temporal_clean.video.places import Place

UNEVEN = [137, 154, 171, 240, 256, 260, 300, 301, 420, 437]


def copy(source: Any, target: Any, codec: str = "auto", **options: Any) -> Any:
    """What ``clean`` does, with a network that changes nothing."""
    with open_input(source, **options) as reader:
        with open_output(target, reader, codec=codec, overwrite=True) as writer:
            for frame in reader:
                writer.write(frame.pixels, frame)
    return writer


def worst(one: Any, two: Any) -> int:
    """The largest difference of two pictures, in codes."""
    assert one.layout == two.layout
    pairs = zip(one.planes, two.planes, strict=True)
    return max(int(np.abs(a.astype(int) - b.astype(int)).max()) for a, b in pairs)


@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (6, 6, 6, 2), (9, 9, 16, 1), (2, 2, 2, 0)])
@pytest.mark.parametrize(
    "layout", ["yuv444p", "yuv420p", "yuv422p", "yuv420p10le", "yuv444p10le", "yuv422p12le"]
)
def test_a_lossless_pass_changes_at_most_one_code(lab: Any, layout: str, tags: Any) -> None:
    source = lab.video("in.mkv", layout=layout, tags=tags, count=3)
    copy(source, lab / "out.mkv", "ffv1")
    before, after = lab.read(source), lab.read(lab / "out.mkv")
    deep = int("p1" in layout and "444" not in layout)
    assert [p.tags for p in after] == [p.tags for p in before]
    assert max(worst(a, b) for a, b in zip(before, after, strict=True)) <= 1 + deep


@pytest.mark.parametrize("layout", ["bgr0", "gbrp10le", "gbrp12le", "gbrp16le"])
def test_a_lossless_pass_of_rgb_is_exact(lab: Any, layout: str) -> None:
    def noise(index: int) -> Any:
        frame = av.VideoFrame(16, 8, layout)
        top = 2 ** frame.format.components[0].bits
        for plane in frame.planes:
            kind = np.uint8 if top == 256 else np.uint16
            data = np.random.default_rng(index).integers(
                0, top, plane.buffer_size // np.dtype(kind).itemsize
            )
            plane.update(data.astype(kind).tobytes())
        return frame

    source = lab.video("in.mkv", layout=layout, size=(16, 8), tags=(0, 1, 13, 2), frames=noise)
    copy(source, lab / "out.mkv", "ffv1")
    for before, after in zip(lab.read(source), lab.read(lab / "out.mkv"), strict=True):
        assert worst(before, after) == 0
        assert before.tags == after.tags


@settings(max_examples=20, deadline=None)
@given(
    size=st.tuples(st.integers(8, 70), st.integers(8, 70)),
    layout=st.sampled_from(["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gbrp10le"]),
    count=st.integers(1, 4),
    codec=st.sampled_from(["ffv1", "auto"]),
)
def test_every_size_and_format_passes(
    shared_lab: Any, size: tuple[int, int], layout: str, count: int, codec: str
) -> None:
    source = shared_lab.video("in.nut", codec="rawvideo", layout=layout, size=size, count=count)
    writer = copy(source, shared_lab / "out.mkv", codec)
    before, after = shared_lab.read(source), shared_lab.read(shared_lab / "out.mkv")
    assert len(after) == count
    assert after[0].planes[0].shape[:2] == before[0].planes[0].shape[:2]
    odd = codec == "auto" and (
        ("420" in layout and (size[0] % 2 or size[1] % 2)) or ("422" in layout and size[0] % 2)
    )
    assert bool(odd) == ("full colour resolution" in " ".join(writer.warnings))


@pytest.mark.parametrize(
    ("layout", "name", "kept"),
    [
        ("yuv420p", "out.mp4", "yuv420p"),
        ("yuv444p", "out.mkv", "yuv444p"),
        ("yuv420p10le", "out.mp4", "yuv420p10le"),
        ("yuv422p12le", "out.mkv", "yuv422p12le"),
        ("yuv420p", "out.webm", "yuv420p"),
        ("yuv420p10le", "out.webm", "yuv420p10le"),
        ("gbrp", "out.webm", "gbrp"),
        ("bgr0", "out.mov", "yuv444p"),
    ],
)
def test_depth_and_chroma_are_kept_and_look_the_same(
    lab: Any, layout: str, name: str, kept: str
) -> None:
    codec = "libx264rgb" if layout == "gbrp" else "ffv1"
    rgb = (0, 1, 13, 2) if layout in ("gbrp", "bgr0") else (1, 1, 1, 1)
    source = lab.video(
        "in.mkv",
        layout="bgr0" if codec == "libx264rgb" else layout,
        codec=codec,
        tags=rgb,
        size=(96, 64),
        count=4,
        options={"crf": "0"} if codec == "libx264rgb" else None,
    )
    writer = copy(source, lab / name)
    assert lab.read(lab / name)[0].layout == kept
    assert writer.warnings == []
    with open_input(source) as before, open_input(lab / name) as after:
        for a, b in zip(before, after, strict=True):
            scale = 255 / np.iinfo(a.pixels.dtype).max
            error = (a.pixels.astype(float) - b.pixels) * scale
            assert np.sqrt((error**2).mean()) < 2.6  # 40 dB


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.mov", "out.webm"])
@pytest.mark.parametrize("tags", [(1, 1, 1, 1), (6, 6, 6, 2), (9, 9, 18, 1)])
def test_colour_tags_survive_in_every_container(lab: Any, name: str, tags: Any) -> None:
    source = lab.video("in.mkv", tags=tags, count=2, layout="yuv420p10le", size=(64, 64))
    copy(source, lab / name)
    assert lab.read(lab / name)[0].tags == tags


def test_saturated_colours_are_written_right(lab: Any) -> None:
    red, blue = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    for matrix, full in ((1, False), (6, False), (9, True)):
        tags = (matrix, matrix, matrix, 2 if full else 1)
        source = lab.video("in.mkv", tags=tags, count=2, size=(64, 64))
        with open_input(source) as reader:
            with open_output(lab / "out.mkv", reader, codec="ffv1", overwrite=True) as writer:
                for frame, pixels in zip(reader, (red, blue), strict=True):
                    writer.write(pixels, frame)
        for picture, pixels in zip(lab.read(lab / "out.mkv"), (red, blue), strict=True):
            codes = lab.encode(pixels[0, 0] / 255, matrix, full, 8).clip(0, 255)
            got = [int(plane[16, 16]) for plane in picture.planes]
            assert np.abs(got - codes).max() <= 0.51


@pytest.mark.parametrize("siting", ["left", "topleft"])
def test_chroma_stays_where_it_lies(lab: Any, siting: str) -> None:
    source = lab.video(
        "in.mp4",
        codec="libx265",
        layout="yuv420p10le",
        size=(64, 64),
        count=2,
        options={"chroma_sample_location": siting, "x265-params": "log-level=none:bframes=0"},
    )
    copy(source, lab / "out.mp4")
    with open_input(source) as before, open_input(lab / "out.mp4") as after:
        assert before.info.color.siting == after.info.color.siting == siting


@pytest.mark.parametrize("source", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.mov"])
def test_uneven_times_are_kept(lab: Any, source: str, target: str) -> None:
    path = lab.video(source, codec="libx264", ticks=UNEVEN, time_base=Fraction(1, 1000))
    copy(path, lab / target)
    assert [p.time for p in lab.read(lab / target)] == [Fraction(t, 1000) for t in UNEVEN]


def test_the_frame_rate_is_kept(lab: Any) -> None:
    rate = Fraction(60000, 1001)
    path = lab.video("in.mp4", codec="libx264", rate=rate, time_base=1 / rate)
    for target, tolerance in (("out.mp4", 0), ("out.mkv", 1e-5)):  # Matroska counts nanoseconds
        copy(path, lab / target)
        with open_input(lab / target) as reader:
            assert reader.info.frame_rate == pytest.approx(rate, abs=tolerance)
    assert [p.time for p in lab.read(lab / "out.mp4")] == [i / rate for i in range(10)]


@pytest.mark.parametrize("target", ["out.mp4", "out.mov"])
def test_a_late_first_picture_stays_late(lab: Any, target: str) -> None:
    ticks = range(7, 17)
    source = lab.video("in.mp4", codec="libx264", ticks=ticks)
    copy(source, lab / target)
    times = [picture.time for picture in lab.read(lab / target)]
    assert times == [picture.time for picture in lab.read(source)]
    assert times[0] == pytest.approx(7 / 30, abs=1e-3)


def test_shape_and_rotation_are_kept(lab: Any) -> None:
    def shape(_: Any, stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)

    source = lab.video("in.mp4", codec="libx264", before=shape)
    for target in ("out.mp4", "out.mkv"):
        copy(source, lab / target)
        with open_input(lab / target) as reader:
            assert reader.info.rotation == 90
            assert reader.info.sample_aspect_ratio == Fraction(4, 3)


def clip_with_sound(lab: Any, name: str = "in.mp4", codec: str = "aac") -> Path:
    def begin(output: Any, stream: Any) -> None:
        lab.sound(codec, 2.0)(output, stream)
        output.metadata["title"] = "a run"
        base = {"time_base": Fraction(1, 1000)}
        one = {"id": 1, "start": 0, "end": 1200, "metadata": {"title": "run"}, **base}
        two = {"id": 2, "start": 1200, "end": 2000, "metadata": {"title": "jump"}, **base}
        output.set_chapters([one, two])

    return lab.video(name, codec="libx264", count=60, before=begin, after=lab.play)


def chapters(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    with av.open(str(path)) as source:
        return [
            (c["start"] * c["time_base"], c["end"] * c["time_base"], c["metadata"]["title"])
            for c in source.chapters()
            if c["time_base"]
        ]


@pytest.mark.parametrize("target", ["out.mp4", "out.mkv"])
@pytest.mark.parametrize(("name", "codec"), [("in.mp4", "aac"), ("in.mkv", "libopus")])
def test_sound_title_and_chapters_come_along(lab: Any, name: str, codec: str, target: str) -> None:
    source = clip_with_sound(lab, name, codec)
    assert copy(source, lab / target).warnings == []
    (before,), (after,) = lab.tracks(source), lab.tracks(lab / target)
    # Matroska has no room for the silence before 0 that starts an AAC track.
    wanted = [p for p in before.packets if p[0] >= 0 or codec != "aac" or target == "out.mp4"]
    assert [data for _, data in after.packets] == [data for _, data in wanted]
    assert len(wanted) > 80
    times = [float(time) for time, _ in wanted]
    assert [float(time) for time, _ in after.packets] == pytest.approx(times, abs=1e-3)
    assert after.metadata["language"] == "eng"
    assert chapters(lab / target) == [
        (0, Fraction(6, 5), "run"),
        (Fraction(6, 5), 2, "jump"),
    ]
    with av.open(str(lab / target)) as output:
        assert output.metadata["title"] == "a run"


def test_pictures_are_not_delayed_by_the_sound_codec(lab: Any) -> None:
    source = clip_with_sound(lab)
    copy(source, lab / "out.mkv")
    times = [p.time for p in lab.read(lab / "out.mkv")]
    assert times == [Fraction(round(Fraction(i, 30) * 1000), 1000) for i in range(60)]


@pytest.mark.parametrize(("name", "target"), [("in.mp4", "out.mp4"), ("in.mkv", "out.mkv")])
def test_start_and_end_cut_sound_and_chapters_too(lab: Any, name: str, target: str) -> None:
    source = clip_with_sound(lab, name)
    copy(source, lab / target, start=1.0, end=1.5)
    whole = [p.time for p in lab.read(source)][30:45]
    assert [p.time for p in lab.read(lab / target)] == [time - whole[0] for time in whole]
    (before,), (after,) = lab.tracks(source), lab.tracks(lab / target)
    shift, end = whole[0], lab.read(source)[0].time + Fraction(3, 2)
    wanted = [(time - shift, data) for time, data in before.packets if shift <= time < end]
    assert after.packets == wanted
    assert len(wanted) > 20
    kept = [(float(start), float(stop), title) for start, stop, title in chapters(lab / target)]
    assert [title for _, _, title in kept] == ["run", "jump"]
    assert kept[0][:2] == pytest.approx((0, 0.2), abs=0.04)
    assert kept[1][:2] == pytest.approx((0.2, 0.5), abs=0.04)


def with_subtitles(lab: Any) -> Path:
    def add(output: Any, _: Any) -> None:
        lab.captions = output.add_mux_stream("subrip", time_base=Fraction(1, 1000))
        lab.captions.metadata["language"] = "fra"

    def write(output: Any) -> None:
        packet = av.Packet(b"Bonjour\n<i>toi</i>")
        packet.stream, packet.time_base = lab.captions, Fraction(1, 1000)
        packet.pts = packet.dts = 100
        packet.duration = 150
        output.mux(packet)

    return lab.video("in.mkv", codec="libx264", before=add, after=write)


@pytest.mark.parametrize(
    ("name", "codec", "data"),
    [
        ("out.mkv", "subrip", b"Bonjour\n<i>toi</i>"),
        ("out.mp4", "mov_text", b"\x00\x0bBonjour\ntoi"),
        ("out.webm", "webvtt", b"Bonjour\ntoi"),
    ],
)
def test_subtitles_come_along(lab: Any, name: str, codec: str, data: bytes) -> None:
    writer = copy(with_subtitles(lab), lab / name)
    (track,) = lab.tracks(lab / name)
    texts = [packet for packet in track.packets if packet[1] != b"\x00\x00"]
    assert (track.codec, texts) == (codec, [(Fraction(1, 10), data)])
    assert track.metadata["language"] == "fra"
    converted = f"subtitle track 1 (subrip) was converted to {codec}"
    assert (converted in " ".join(writer.warnings)) == (codec != "subrip")


def test_sound_a_container_cannot_hold_is_converted_aloud(lab: Any) -> None:
    writer = copy(clip_with_sound(lab), lab / "out.webm", start=0.5)
    (track,) = lab.tracks(lab / "out.webm")
    assert track.codec == "opus"
    assert 0 <= track.packets[0][0] < 0.05
    assert 1.4 < track.packets[-1][0] < 1.6
    assert writer.warnings == ["audio track 1 (aac) was converted to libopus: webm cannot hold it"]


def test_hdr10_metadata_is_kept(lab: Any) -> None:
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50)"
    source = lab.video(
        "in.mp4",
        codec="libx265",
        layout="yuv420p10le",
        size=(64, 64),
        count=2,
        tags=(9, 9, 16, 1),
        options={
            "x265-params": f"log-level=none:bframes=0:master-display={display}:max-cll=1000,400",
        },
    )
    assert copy(source, lab / "out.mp4").warnings == []
    kinds = (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL)
    with av.open(str(source)) as before, av.open(str(lab / "out.mp4")) as after:
        one, two = next(before.decode(video=0)), next(after.decode(video=0))
        for kind in kinds:
            assert bytes(one.side_data[kind]) == bytes(two.side_data[kind])  # type: ignore[index]
    (warning,) = copy(source, lab / "out.mkv", "ffv1").warnings
    assert "does not keep the HDR10 mastering metadata" in warning


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
def test_a_broken_run_leaves_nothing_and_spares_the_old(
    lab: Any, name: str, error: type[BaseException]
) -> None:
    source = clip_with_sound(lab)
    (lab / name).write_bytes(b"the old one")
    with pytest.raises(error), open_input(source) as reader:
        with open_output(lab / name, reader, overwrite=True) as writer:
            for frame in reader:
                writer.write(frame.pixels, frame)
                if frame.index == 20:
                    raise error
    assert (lab / name).read_bytes() == b"the old one"
    assert sorted(file.name for file in lab.folder.iterdir()) == ["in.mp4", name]


def test_the_final_name_appears_only_at_the_end(lab: Any) -> None:
    source = lab.video("in.mkv", count=3)
    with open_input(source) as reader, open_output(lab / "out.mp4", reader) as writer:
        for frame in reader:
            writer.write(frame.pixels, frame)
            assert not (lab / "out.mp4").exists()
            assert (lab / ".out.mp4.partial.mp4").exists()
    assert sorted(file.name for file in lab.folder.iterdir()) == ["in.mkv", "out.mp4"]


def link_to(name: str) -> Callable[[Any], Path]:
    def make(lab: Any) -> Path:
        (lab / "link.mkv").symlink_to(lab / name)
        return lab / "link.mkv"

    return make


def occupied(lab: Any) -> Path:
    (lab / "out.mp4").write_bytes(b"mine")
    return lab / "out.mp4"


@pytest.mark.parametrize(
    ("target", "codec", "overwrite", "words"),
    [
        (occupied, "auto", False, "out.mp4 exists: choose another output, or overwrite it"),
        (lambda lab: lab / "in.mkv", "auto", True, "is the input: choose another output"),
        (link_to("in.mkv"), "auto", True, "is the input: choose another output"),
        (lambda lab: lab / "no" / "out.mp4", "auto", False, "does not exist: create it first"),
        (lambda lab: lab / "out.xyz", "auto", False, "ends in .xyz, which cannot be written"),
        (lambda lab: lab / "out.mp4", "libx999", False, "got 'libx999': choose auto, libx264"),
        (lambda lab: lab / "out.mp4", "aac", False, "got 'aac' for audio: choose auto"),
        (lambda lab: lab / "out.webm", "libx264", False, ".webm cannot hold libx264 video"),
        (lambda lab: lab / "out.mov", "libvpx-vp9", False, ".mov cannot hold libvpx-vp9 video"),
        (
            lambda lab: lab / "out.mkv",
            "libx265",
            False,
            "libx265 needs pictures of 64x64 or more, got 4x4",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(
    lab: Any, target: Any, codec: str, overwrite: bool, words: str
) -> None:
    source = lab.video("in.mkv", size=(4, 4), count=2)
    before = source.read_bytes()
    with open_input(source) as reader, pytest.raises(TemporalCleanError) as raised:
        with open_output(target(lab), reader, codec=codec, overwrite=overwrite):
            pass
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert source.read_bytes() == before
    assert not [file for file in lab.folder.iterdir() if "partial" in file.name]


def test_a_picture_of_another_kind_is_refused(lab: Any) -> None:
    source = lab.video("in.mkv", count=1)
    wrong = np.zeros((48, 64, 3), np.float32)
    with open_input(source) as reader, pytest.raises(TemporalCleanError) as raised:
        with open_output(lab / "out.mkv", reader) as writer:
            writer.write(wrong, next(iter(reader)))
    assert "expected a picture of (48, 64, 3) uint8, got (48, 64, 3) float32" in str(raised.value)


def test_an_output_without_frames_is_refused(lab: Any) -> None:
    source = lab.video("in.mkv")
    for target in ("out.mp4", "out"):
        with open_input(source) as reader, pytest.raises(TemporalCleanError, match="no frame was"):
            with open_output(lab / target, reader):
                pass
    assert [file.name for file in lab.folder.iterdir()] == ["in.mkv"]


LIMITED = """
import resource, sys
from temporal_clean.errors import TemporalCleanError
from temporal_clean.video import open_input, open_output
resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))
try:
    with open_input(sys.argv[1]) as reader, open_output(sys.argv[2], reader, "ffv1") as writer:
        for frame in reader:
            writer.write(frame.pixels, frame)
except TemporalCleanError as error:
    print(error)
print("torch" in sys.modules)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_told_and_leaves_nothing(lab: Any) -> None:
    source = lab.video("in.mkv", count=30)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, source, lab / "out.mkv"],
        capture_output=True,
        text=True,
        check=True,
    )
    sentence, torch = done.stdout.splitlines()
    assert "out.mkv could not be written: the file became larger than this disk" in sentence
    assert torch == "False"
    assert [file.name for file in lab.folder.iterdir()] == ["in.mkv"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", ["out.mkv", "out.mp4"])
def test_no_space_left_is_told(lab: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = lab.video("in.mkv", count=30)
    monkeypatch.setattr(Place, "prepare", lambda place: place.partial.symlink_to("/dev/full"))
    with pytest.raises(TemporalCleanError, match="disk is full; free some space"):
        copy(source, lab / name)
    assert [file.name for file in lab.folder.iterdir()] == ["in.mkv"]
