"""Writing video: what came in comes out, whole or not at all."""

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from av.sidedata.sidedata import Type
from hypothesis import example, given, settings
from hypothesis import strategies as st

from temporal_clean.video import open_input, open_output

UNEVEN = [137, 154, 171, 240, 256, 260, 300, 301, 420, 437]


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
    lab.copy(source, lab / "out.mkv", "ffv1")
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
    lab.copy(source, lab / "out.mkv", "ffv1")
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
@example(size=(8, 23), layout="yuv420p", count=1, codec="ffv1")
def test_every_size_and_format_passes(
    shared_lab: Any, size: tuple[int, int], layout: str, count: int, codec: str
) -> None:
    source = shared_lab.video("in.nut", codec="rawvideo", layout=layout, size=size, count=count)
    writer = shared_lab.copy(source, shared_lab / "out.mkv", codec)
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
    writer = lab.copy(source, lab / name)
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
    lab.copy(source, lab / name)
    assert lab.read(lab / name)[0].tags == tags


def test_saturated_colours_are_written_right(lab: Any) -> None:
    red, blue = np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    for matrix, full in ((1, False), (6, False), (9, True)):
        tags = (matrix, matrix, matrix, 2 if full else 1)
        source = lab.video("in.mkv", tags=tags, count=2, size=(64, 64))
        with (
            open_input(source) as reader,
            open_output(lab / "out.mkv", reader, codec="ffv1", overwrite=True) as writer,
        ):
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
    lab.copy(source, lab / "out.mp4")
    with open_input(source) as before, open_input(lab / "out.mp4") as after:
        assert before.info.color.siting == after.info.color.siting == siting


@pytest.mark.parametrize("source", ["in.mp4", "in.mkv"])
@pytest.mark.parametrize("target", ["out.mp4", "out.mkv", "out.mov"])
def test_uneven_times_are_kept(lab: Any, source: str, target: str) -> None:
    path = lab.video(source, codec="libx264", ticks=UNEVEN, time_base=Fraction(1, 1000))
    lab.copy(path, lab / target)
    assert [p.time for p in lab.read(lab / target)] == [Fraction(t, 1000) for t in UNEVEN]


def test_the_frame_rate_is_kept(lab: Any) -> None:
    rate = Fraction(60000, 1001)
    path = lab.video("in.mp4", codec="libx264", rate=rate, time_base=1 / rate)
    for target, tolerance in (("out.mp4", 0), ("out.mkv", 1e-5)):  # Matroska counts nanoseconds
        lab.copy(path, lab / target)
        with open_input(lab / target) as reader:
            assert reader.info.frame_rate == pytest.approx(rate, abs=tolerance)
    assert [p.time for p in lab.read(lab / "out.mp4")] == [i / rate for i in range(10)]


@pytest.mark.parametrize("target", ["out.mp4", "out.mov"])
def test_a_late_first_picture_stays_late(lab: Any, target: str) -> None:
    ticks = range(7, 17)
    source = lab.video("in.mp4", codec="libx264", ticks=ticks)
    lab.copy(source, lab / target)
    times = [picture.time for picture in lab.read(lab / target)]
    assert times == [picture.time for picture in lab.read(source)]
    assert times[0] == pytest.approx(7 / 30, abs=1e-3)


def test_shape_and_rotation_are_kept(lab: Any) -> None:
    def shape(_: Any, stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)
        stream.set_display_rotation(90)

    source = lab.video("in.mp4", codec="libx264", before=shape)
    for target in ("out.mp4", "out.mkv"):
        lab.copy(source, lab / target)
        with open_input(lab / target) as reader:
            assert reader.info.rotation == 90
            assert reader.info.sample_aspect_ratio == Fraction(4, 3)


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
    assert lab.copy(source, lab / "out.mp4").warnings == []
    kinds = (Type.MASTERING_DISPLAY_METADATA, Type.CONTENT_LIGHT_LEVEL)
    with av.open(str(source)) as before, av.open(str(lab / "out.mp4")) as after:
        one, two = next(before.decode(video=0)), next(after.decode(video=0))
        for kind in kinds:
            assert bytes(one.side_data[kind]) == bytes(two.side_data[kind])  # type: ignore[index]
    (warning,) = lab.copy(source, lab / "out.mkv", "ffv1").warnings
    assert "does not keep the HDR10 mastering metadata" in warning
