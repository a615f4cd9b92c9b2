"""The comparison page: what is written, what is refused, and how it behaves in a real browser."""

import base64
import html
import json
import re
import runpy
import shutil
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from temporal_clean.compare import page, stills, write_comparison
from temporal_clean.errors import TemporalCleanError

if TYPE_CHECKING:
    from tests.chromium import Browser, chromium
else:
    shared = runpy.run_path(str(Path(__file__).with_name("chromium.py")))
    Browser, chromium = shared["Browser"], shared["chromium"]

WIDTH, HEIGHT, FRAMES = 64, 48, 12
RED, BLUE = (200, 40, 30), (20, 60, 210)
NASTY = "</script><img src=x onerror=alert(1)>&{{page}}"
Paint = Callable[[int], NDArray[np.uint8]]


def write_clip(
    path: Path,
    paint: Paint,
    frames: int = FRAMES,
    rate: int = 30,
    step: int = 1,
    transfer: int = 2,
) -> Path:
    """A lossless video of ``paint(k)``, (height, width, 3) RGB; ``step`` ticks between frames."""
    height, width = paint(0).shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        stream.codec_context.color_trc = transfer
        for k in range(frames):
            frame = av.VideoFrame.from_ndarray(paint(k), format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = k * step, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def flat(
    color: tuple[int, int, int], brighter: int = 0, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> Paint:
    """One colour, ``brighter`` by so much every frame."""
    return lambda k: np.full((*size, 3), [c + k * brighter for c in color], np.uint8)


def textured(k: int) -> NDArray[np.uint8]:
    """Every pixel its own value, moving by one pixel a frame."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    return np.roll(noise, k, axis=1)


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {
        "red": write_clip(folder / "red.mkv", flat(RED, brighter=4)),
        "blue": write_clip(folder / "blue.mkv", flat(BLUE)),
        "copy": write_clip(folder / "copy.mkv", flat(RED, brighter=4)),
        "textured": write_clip(folder / "textured.mkv", textured),
        "short": write_clip(folder / "short.mkv", flat(BLUE), frames=7),
        "large": write_clip(folder / "large.mkv", flat(RED, size=(96, 128))),
        "slow": write_clip(folder / "slow.mkv", flat(RED), rate=15),
    }


@pytest.fixture(scope="module")
def written(clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of four videos: 1 red, 2 blue, 3 the same as red, 4 textured."""
    output = tmp_path_factory.mktemp("page") / "page.html"
    names = ("red", "blue", "copy", "textured")
    write_comparison([clips[name] for name in names], output, title="Four videos")
    return output


def facts_of(path: Path) -> dict[str, Any]:
    found = re.search(
        r'<script type="application/json" id="page">(.*?)</script>', path.read_text("utf-8")
    )
    assert found
    return json.loads(found[1])


def pictures_of(path: Path) -> list[list[bytes]]:
    blocks = re.findall(
        r'<script type="text/plain" class="pictures">\n(.*?)\n</script>',
        path.read_text("utf-8"),
        re.DOTALL,
    )
    return [[base64.b64decode(line) for line in block.split("\n")] for block in blocks]


# What is written


def test_pictures_are_the_frames(written: Path) -> None:
    pictures = pictures_of(written)
    assert [len(video) for video in pictures] == [FRAMES] * 4
    decode = stills.QUALITIES["lossless"].decode
    np.testing.assert_array_equal(decode(pictures[0][5]), flat(RED, brighter=4)(5))
    np.testing.assert_array_equal(decode(pictures[3][11]), textured(11))


def test_facts_describe_the_page(written: Path) -> None:
    facts = facts_of(written)
    assert (facts["width"], facts["height"], facts["frames"]) == (WIDTH, HEIGHT, FRAMES)
    assert facts["rate"] == 30
    assert facts["times"][3] == pytest.approx(0.1)
    assert [video["label"] for video in facts["videos"]] == ["red", "blue", "copy", "textured"]
    assert facts["mime"] == "image/webp"
    assert "exactly" in facts["stored"]


def test_page_needs_no_network(written: Path) -> None:
    text = written.read_text("utf-8")
    assert not re.search(r"https?://|//cdn|@import|<link rel=.stylesheet", text)
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon", text)
    assert "default-src 'none'" in text


def test_record_tells_what_was_written(clips: dict[str, Path], tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    record = write_comparison(
        [clips["red"], clips["blue"]],
        tmp_path / "page.html",
        start=0.19,
        frames=4,
        progress=lambda done, total: told.append((done, total)),
    )
    assert record.path == tmp_path / "page.html"
    assert record.frames == 4
    assert record.size == record.path.stat().st_size
    assert record.warnings == ()
    assert told == [(k, 8) for k in range(1, 9)]
    assert facts_of(record.path)["times"][0] == pytest.approx(0.2)


def test_text_cannot_leave_its_element(clips: dict[str, Path], tmp_path: Path) -> None:
    record = write_comparison(
        [clips["red"], clips["blue"]], tmp_path / "page.html", labels=[NASTY, "B"], title=NASTY
    )
    text = record.path.read_text("utf-8")
    assert NASTY not in text
    assert text.count("<img") == 0
    assert f"<title>{html.escape(NASTY)}</title>" in text
    assert facts_of(record.path)["videos"][0]["label"] == NASTY


def test_equal_names_are_told_apart(clips: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    copied = Path(shutil.copy(clips["red"], other / "red.mkv"))
    record = write_comparison([clips["red"], copied], tmp_path / "page.html")
    labels = [video["label"] for video in facts_of(record.path)["videos"]]
    assert labels == [f"{clips['red'].parent.name}/red.mkv", "other/red.mkv"]


def test_shorter_video_sets_the_length(clips: dict[str, Path], tmp_path: Path) -> None:
    record = write_comparison([clips["red"], clips["short"]], tmp_path / "page.html")
    assert record.frames == 7
    assert "short.mkv ends first, so 7 frames are compared" in record.warnings[0]
    assert facts_of(record.path)["warnings"] == list(record.warnings)


def test_equal_parts_of_unequal_videos_need_no_warning(
    clips: dict[str, Path], tmp_path: Path
) -> None:
    record = write_comparison([clips["red"], clips["short"]], tmp_path / "page.html", frames=5)
    assert record.warnings == ()


def test_dropped_frames_are_warned_of(clips: dict[str, Path], tmp_path: Path) -> None:
    late = write_clip(tmp_path / "late.mkv", flat(BLUE), rate=30, step=2)
    record = write_comparison([clips["red"], late], tmp_path / "page.html", frames=6)
    assert "late.mkv is out of step with red.mkv from frame 2 on" in record.warnings[0]


def test_pictures_of_16_bits_beside_a_video(clips: dict[str, Path], tmp_path: Path) -> None:
    """Pictures tell no rate: the video's frames set it. Full scale stays full scale."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    deep = np.full((HEIGHT, WIDTH, 3), (65535, 32768, 0), np.uint16)
    for k in range(3):
        encoder = av.VideoCodecContext.create("png", "w")
        encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "rgb48be"
        encoder.time_base = Fraction(1)
        frame = av.VideoFrame.from_ndarray(deep, format="rgb48le").reformat(format="rgb48be")
        packets = [*encoder.encode(frame), *encoder.encode(None)]
        (folder / f"{k}.png").write_bytes(b"".join(bytes(packet) for packet in packets))
    record = write_comparison([folder, clips["red"]], tmp_path / "page.html")
    assert facts_of(record.path)["rate"] == 30
    assert ["pictures ends first" in warning for warning in record.warnings] == [True]
    shown = stills.QUALITIES["lossless"].decode(pictures_of(record.path)[0][0])
    assert shown[0, 0].tolist() == [255, 128, 0]


def test_hdr_is_warned_of(clips: dict[str, Path], tmp_path: Path) -> None:
    hdr = write_clip(tmp_path / "hdr.mkv", flat(BLUE), transfer=16)
    record = write_comparison([clips["red"], hdr], tmp_path / "page.html")
    assert "hdr.mkv is HDR" in record.warnings[0]


# How frames are stored


def test_size_decides_between_storages_that_keep_the_flicker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moving = [textured(7 * k) for k in range(8)]
    assert stills.choose_storage("auto", [moving]).storage is stills.QUALITIES["lossless"]
    monkeypatch.setattr(stills, "TARGET_BYTES", 1)
    trial = stills.choose_storage("auto", [moving])
    assert trial.storage is stills.QUALITIES["medium"]
    assert abs(trial.fidelity.shimmer) < stills.MOST_SHIMMER
    assert trial.fidelity.psnr > 30


def test_truth_of_the_flicker_comes_before_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels that change by one step in places: JPEG changes them by more, all over the block."""
    still = np.random.default_rng(0).integers(60, 190, (HEIGHT, WIDTH, 3), np.uint8)
    flicker = [still + (np.arange(WIDTH)[None, :, None] % 9 == k) for k in range(8)]
    clip = [frame.astype(np.uint8) for frame in flicker]
    monkeypatch.setattr(stills, "TARGET_BYTES", 1)
    assert stills.choose_storage("medium", [clip]).fidelity.shimmer > stills.MOST_SHIMMER
    assert stills.choose_storage("auto", [clip]).storage is stills.QUALITIES["lossless"]


def test_asking_for_less_truth_is_warned_of(tmp_path: Path) -> None:
    def pan(k: int) -> NDArray[np.uint8]:
        return (textured(0) // 8 + 100 + (np.arange(WIDTH) % 9 == k)[None, :, None]).astype(
            np.uint8
        )

    one, two = (write_clip(tmp_path / f"{name}.mkv", pan) for name in "ab")
    record = write_comparison([one, two], tmp_path / "page.html", quality="medium")
    assert "use quality lossless to judge flicker" in record.warnings[0]
    assert record.storage == "JPEG 4:4:4, quantiser 2"


@pytest.mark.parametrize(("quality", "least"), [("high", 44), ("medium", 40)])
def test_jpeg_is_close_and_does_not_tint(quality: str, least: float) -> None:
    x, y = np.meshgrid(np.linspace(0, 1, 160), np.linspace(0, 1, 96))
    smooth = np.stack([40 + 80 * x, 90 + 60 * y, 60 + 50 * x * y], -1).astype(np.uint8)
    storage = stills.QUALITIES[quality]
    error = storage.decode(storage.encode(smooth)).astype(int) - smooth
    assert 10 * np.log10(255**2 / np.mean(error**2)) > least
    assert np.abs(error.mean((0, 1))).max() < 0.3


# What is refused


def refused(text: str, inputs: list[Path], output: Path, **options: Any) -> None:
    with pytest.raises(TemporalCleanError, match=text):
        write_comparison(inputs, output, **options)


@pytest.mark.parametrize(
    ("names", "options", "text"),
    [
        (["red"], {}, "at least two videos, but 1 was given"),
        (["red", "large"], {}, r"red\.mkv is 64x48, large\.mkv is 128x96.*scale=64:48"),
        (["red", "slow"], {}, r"red\.mkv has 30 fps, slow\.mkv has 15 fps"),
        (["red", "blue"], {"labels": ["one"]}, "2 videos came with 1 labels"),
        (["red", "blue"], {"frames": 0}, "frames must be 1 or more, but 0 was given"),
        (["red", "blue"], {"start": -1.0}, "start to be 0 seconds or more, got -1"),
        (["red", "blue"], {"start": 9.0}, "no frame"),
        (["red", "blue"], {"quality": "best"}, "auto, lossless, high, medium, but 'best'"),
    ],
)
def test_wrong_requests(
    clips: dict[str, Path], tmp_path: Path, names: list[str], options: dict[str, Any], text: str
) -> None:
    refused(text, [clips[name] for name in names], tmp_path / "page.html", **options)
    assert list(tmp_path.iterdir()) == []


def test_outputs_refused(clips: dict[str, Path], tmp_path: Path) -> None:
    inputs = [clips["red"], clips["blue"]]
    refused("is one of the videos", inputs, clips["red"], overwrite=True)
    refused("is a folder", inputs, tmp_path)
    refused("does not exist: create it first", inputs, tmp_path / "nowhere" / "page.html")


def test_nothing_is_overwritten_unasked(clips: dict[str, Path], tmp_path: Path) -> None:
    output = tmp_path / "page.html"
    output.write_text("kept")
    inputs = [clips["red"], clips["blue"]]
    refused("exists already: choose another name, or add --overwrite", inputs, output)
    assert output.read_text() == "kept"
    write_comparison(inputs, output, overwrite=True)
    assert output.read_text("utf-8").startswith("<!doctype html>")


def test_more_than_a_browser_holds(
    clips: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temporal_clean.compare.clips.MOST_DECODED", 2 * 5 * WIDTH * HEIGHT * 4)
    inputs = [clips["red"], clips["blue"]]
    refused("at most 5 frames each: ask for frames=5", inputs, tmp_path / "page.html")
    assert write_comparison(inputs, tmp_path / "page.html", frames=5).frames == 5


def test_a_failed_write_leaves_nothing(
    clips: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(page.Path, "replace", full)
    inputs = [clips["red"], clips["blue"]]
    refused("cannot be written: No space left", inputs, tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []


# In a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from chromium(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def opened(browser: Browser, written: Path) -> Browser:
    browser.size(640, 600)
    browser.open(written)
    return browser


def pixel(shown: NDArray[np.uint8], x: float, y: float) -> tuple[int, ...]:
    return tuple(shown[round(y), round(x)].tolist())


def frame_shown(browser: Browser) -> int:
    return browser.run("Number(document.getElementById('seek').value)")


def test_page_loads_alone_and_without_complaint(browser: Browser, written: Path) -> None:
    browser.events.clear()
    browser.open(written)
    assert browser.requests() <= {"file", "about"}
    assert browser.complaints() == []
    assert browser.run("document.documentElement.dataset.ready") == "true"


def test_divider_parts_a_from_b(opened: Browser) -> None:
    x, y = opened.middle()
    left, right, low = x - 100, x + 100, y + 60
    shown = opened.picture()
    assert (pixel(shown, left, low), pixel(shown, right, low)) == (RED, BLUE)
    opened.drag((x, y), (x - 150, y))
    assert pixel(opened.picture(), left, low) == BLUE
    opened.drag((x - 150, y), (x + 150, y))
    assert pixel(opened.picture(), right, low) == RED


def test_arrows_move_the_divider(opened: Browser) -> None:
    x, y = opened.middle()
    assert pixel(opened.picture(), x + 5, y + 60) == BLUE
    for _ in range(4):
        opened.press("ArrowRight")
    assert pixel(opened.picture(), x + 5, y + 60) == RED
    assert opened.run("divider.ariaValueNow") == "54"
    assert frame_shown(opened) == 1


def test_steps_change_frame_number_and_pixels(opened: Browser) -> None:
    x, y = opened.middle()
    for key, shift in ((".", False), (".", False), ("ArrowRight", True)):
        opened.press(key, shift)
    assert frame_shown(opened) == 4
    assert opened.run("document.getElementById('place').textContent").split()[1:] == [
        *["4", "/", "12", "0.100", "s"]
    ]
    brighter = tuple(c + 3 * 4 for c in RED)
    assert pixel(opened.picture(), x - 100, y + 60) == brighter
    opened.press(",")
    assert frame_shown(opened) == 3
    opened.press("End")
    opened.press(".")
    assert frame_shown(opened) == 1, "loop: from the last frame to the first"


def test_play_advances_and_pauses(opened: Browser) -> None:
    opened.press(" ")
    opened.wait("Number(document.getElementById('seek').value) > 3")
    assert opened.run("document.getElementById('play').ariaLabel") == "Pause"
    opened.press(" ")
    paused = frame_shown(opened)
    time.sleep(0.2)
    assert frame_shown(opened) == paused


def test_play_without_loop_ends_at_the_last_frame(opened: Browser) -> None:
    opened.press("l")
    opened.run("goTo(7)")
    opened.press(" ")
    opened.wait("!state.playing")
    assert frame_shown(opened) == FRAMES


def test_difference_of_equal_videos_is_black(opened: Browser) -> None:
    x, y = opened.middle()
    opened.go("mode=difference&gain=16&a=1&b=3")
    assert pixel(opened.picture(), x, y) == (0, 0, 0)
    opened.go("mode=difference&gain=1&a=1&b=2")
    expected = tuple(abs(a - b) for a, b in zip(RED, BLUE, strict=True))
    assert pixel(opened.picture(), x, y) == expected
    opened.go("mode=difference&gain=2&a=1&b=2")
    assert pixel(opened.picture(), x, y) == tuple(min(255, 2 * c) for c in expected)


def test_flip_shows_b_while_held(opened: Browser) -> None:
    x, y = opened.middle()
    opened.press("3")
    assert pixel(opened.picture(), x, y) == RED
    opened.hold("b")
    assert pixel(opened.picture(), x, y) == BLUE
    opened.press("b")
    assert pixel(opened.picture(), x, y) == RED


def test_side_by_side_shows_both(opened: Browser) -> None:
    x, y = opened.middle()
    opened.press("2")
    shown = opened.picture()
    assert (pixel(shown, x - 80, y), pixel(shown, x + 80, y)) == (RED, BLUE)


@pytest.mark.parametrize("ratio", [1, 2])
def test_zoom_shows_exact_pixels(browser: Browser, written: Path, ratio: int) -> None:
    browser.size(640, 600, ratio)
    browser.open(written, "frame=3&mode=flip&a=4&zoom=8&x=32&y=24")
    shown = browser.picture()
    x, y = (round(value * ratio) for value in browser.middle())
    block, source = 8 * ratio, textured(2)
    for row, column in ((0, 0), (-3, 5), (4, -7)):
        top, left = y + row * block, x + column * block
        part = shown[top : top + block, left : left + block]
        expected = source[HEIGHT // 2 + row, WIDTH // 2 + column]
        assert (part == expected).all(), (row, column, part[0, 0], expected)


def test_drag_pans_and_wheel_zooms(opened: Browser) -> None:
    x, y = opened.middle()
    opened.go("mode=flip&zoom=8&x=40&y=24")
    before = opened.run("state.y")
    opened.drag((x, y), (x, y + 16))
    assert opened.run("state.y") == pytest.approx(before - 2)
    wheel = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0}
    opened.call("Input.dispatchMouseEvent", deltaY=100, **wheel)
    opened.wait("state.zoom === '4'")
    time.sleep(0.15)  # longer than the page's pause between two steps of the wheel
    opened.call("Input.dispatchMouseEvent", deltaY=-100, **wheel)
    opened.wait("state.zoom === '8'")


def test_fingers_move_the_divider_and_pinch(opened: Browser) -> None:
    x, y = opened.middle()

    def touch(kind: str, *points: float) -> None:
        fingers = [{"x": at, "y": y, "id": number} for number, at in enumerate(points)]
        opened.call("Input.dispatchTouchEvent", type=kind, touchPoints=fingers)

    touch("touchStart", x)
    touch("touchMove", x - 60)
    touch("touchMove", x - 120)
    touch("touchEnd")
    assert pixel(opened.picture(), x - 100, y + 60) == BLUE
    touch("touchStart", x - 20, x + 20)
    touch("touchMove", x - 40, x + 40)
    touch("touchEnd")
    assert opened.run("state.zoom") != "fit"


def test_slice_shows_the_row_over_time(opened: Browser) -> None:
    opened.go("mode=slice&row=10")
    shown = opened.picture()
    boxes = opened.run("views().map(({x, y, w, h}) => [x, y, w, h])")
    top = opened.run("stage.getBoundingClientRect().top")
    assert len(boxes) == 5, "the frame, and one slice for each of four videos"
    _, y, w, h = boxes[1]
    for frame in (2, 9):
        expected = tuple(c + 4 * frame for c in RED)
        assert pixel(shown, w / 2, top + y + (frame + 0.5) / FRAMES * h) == expected


def test_the_address_keeps_the_place(opened: Browser) -> None:
    opened.press("5")
    opened.press(".")
    opened.wait("location.hash.includes('mode=slice') && location.hash.includes('frame=2')")
    kept = opened.run("location.hash")
    opened.go("frame=9&mode=side&zoom=99&row=oops")
    assert opened.run("[state.frame, state.mode, state.zoom]") == [8, "side", "fit"]
    opened.go(kept[1:])
    assert opened.run("[state.frame, state.mode]") == [1, "slice"]


@pytest.mark.parametrize("size", [(360, 740), (740, 360), (1280, 800)])
def test_every_control_is_on_the_screen(
    browser: Browser, written: Path, size: tuple[int, int]
) -> None:
    browser.size(*size)
    browser.open(written)
    for mode in ("slider", "flip", "difference", "slice"):
        browser.go(f"mode={mode}")
        outside = browser.run(
            "[...document.querySelectorAll('button, select, input, output, #stage')]"
            ".filter((part) => part.offsetParent && !part.closest('dialog'))"
            ".filter((part) => { const box = part.getBoundingClientRect();"
            " return box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5"
            " || box.bottom > innerHeight + 0.5; }).map((part) => part.id || part.value)"
        )
        assert outside == []


def test_every_control_has_a_name(opened: Browser) -> None:
    nameless = opened.run(
        "[...document.querySelectorAll('button, select, input')]"
        ".filter((part) => !part.ariaLabel && !part.labels?.length && !part.textContent.trim())"
        ".map((part) => part.outerHTML)"
    )
    assert nameless == []


def test_warnings_and_odd_names_are_shown_as_text(
    browser: Browser, clips: dict[str, Path], tmp_path: Path
) -> None:
    inputs, output = [clips["red"], clips["short"]], tmp_path / "page.html"
    write_comparison(inputs, output, labels=[NASTY, "B"], title=NASTY)
    browser.open(output)
    assert browser.run("document.title") == NASTY
    assert browser.run("document.getElementById('a').options[0].text") == NASTY
    assert "7 frames" in browser.run("document.getElementById('warnings').innerText")
    assert browser.run("document.images.length") == 0
