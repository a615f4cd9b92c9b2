"""Sound, subtitles, titles and chapters come along with the pictures."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest


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
    assert lab.copy(source, lab / target).warnings == []
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


@pytest.mark.parametrize("target", ["out.mkv", "out.mp4", "out.webm"])
@pytest.mark.parametrize("name", ["in.mkv", "in.ts"])
def test_a_cut_recording_is_saved_as_far_as_it_goes(lab: Any, name: str, target: str) -> None:
    whole = clip_with_sound(lab, name).read_bytes()
    (cut := lab / f"cut_{name}").write_bytes(whole[: len(whole) * 2 // 3])
    lab.copy(cut, lab / target)
    assert 30 < len(lab.read(lab / target)) < 60
    assert lab.tracks(lab / target)[0].packets[-1][0] > 1


def test_pictures_are_not_delayed_by_the_sound_codec(lab: Any) -> None:
    source = clip_with_sound(lab)
    lab.copy(source, lab / "out.mkv")
    times = [p.time for p in lab.read(lab / "out.mkv")]
    assert times == [Fraction(round(Fraction(i, 30) * 1000), 1000) for i in range(60)]


@pytest.mark.parametrize(("name", "target"), [("in.mp4", "out.mp4"), ("in.mkv", "out.mkv")])
def test_start_and_end_cut_sound_and_chapters_too(lab: Any, name: str, target: str) -> None:
    source = clip_with_sound(lab, name)
    lab.copy(source, lab / target, start=1.0, end=1.5)
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
    writer = lab.copy(with_subtitles(lab), lab / name)
    (track,) = lab.tracks(lab / name)
    texts = [packet for packet in track.packets if packet[1] != b"\x00\x00"]
    assert (track.codec, texts) == (codec, [(Fraction(1, 10), data)])
    assert track.metadata["language"] == "fra"
    converted = f"subtitle track 1 (subrip) was converted to {codec}"
    assert (converted in " ".join(writer.warnings)) == (codec != "subrip")


def test_sound_a_container_cannot_hold_is_converted_aloud(lab: Any) -> None:
    writer = lab.copy(clip_with_sound(lab), lab / "out.webm", start=0.5)
    (track,) = lab.tracks(lab / "out.webm")
    assert track.codec == "opus"
    assert 0 <= track.packets[0][0] < 0.05
    assert 1.4 < track.packets[-1][0] < 1.6
    assert writer.warnings == ["audio track 1 (aac) was converted to libopus: webm cannot hold it"]
