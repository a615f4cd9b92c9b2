"""The report page: what is written, what is refused, and how it behaves in a real browser."""

import json
import re
import runpy
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation import ClipResult, Evaluation, Figures, Interval
from temporal_clean.evaluation.report import check_report, write_report
from temporal_clean.evaluation.report.figures import clip_table, figure_text, pooled_table
from temporal_clean.evaluation.report.worst import worst_of

if TYPE_CHECKING:
    from tests.chromium import Browser, chromium
else:
    shared = runpy.run_path(str(Path(__file__).parents[1] / "chromium.py"))
    Browser, chromium = shared["Browser"], shared["chromium"]

WIDTH, HEIGHT, FRAMES = 240, 160, 30
# What the input does wrong: one row flickers in every frame, one square is wrong in one frame.
ROW, SQUARE, WRONG_FRAME = 40, (150, 100), 17
NASTY = "</script><img src=x onerror=alert(1)>&{{page}}"
Frames = NDArray[np.uint8]


def reference() -> Frames:
    still = np.random.default_rng(3).integers(60, 190, (HEIGHT, WIDTH, 3))
    return np.repeat(still[None], FRAMES, axis=0).astype(np.uint8)


def with_faults(strength: int) -> Frames:
    frames = reference()
    frames[::2, ROW, 20:200] += np.uint8(strength)
    x, y = SQUARE
    frames[WRONG_FRAME, y : y + 20, x : x + 20] += np.uint8(strength)
    return frames


def write_video(path: Path, frames: Frames) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=30)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for k, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = k, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def figures(path: Path, frames: Frames, judge: Frames) -> Figures:
    """PSNR, and MCflick of a scene that does not move: the change of the error, x1e3."""
    error = (frames.astype(float) - judge) / 255
    squares = (error**2).mean((1, 2, 3))
    psnr = tuple(float(-10 * np.log10(s)) if s else float("inf") for s in squares)
    flicker = (None, *(1e3 * (np.diff(error, axis=0) ** 2).mean((1, 2, 3))).tolist())
    pooled = {
        "psnr": float(-10 * np.log10(squares.mean())) if squares.any() else float("inf"),
        "mcflick": float(np.mean(flicker[1:])) if len(frames) > 1 else None,
    }
    return Figures(path, pooled, {"psnr": psnr, "mcflick": flicker})


def evaluated(folder: Path, name: str, strength: int = 40) -> ClipResult:
    folder.mkdir(exist_ok=True)
    judge = reference()
    videos = {"input": with_faults(strength), "output": with_faults(strength // 2)}
    files = {role: write_video(folder / f"{role}.mkv", frames) for role, frames in videos.items()}
    return ClipResult(
        name=name,
        width=WIDTH,
        height=HEIGHT,
        frame_rate=Fraction(30),
        motion="none: nothing moves",
        output=figures(files["output"], videos["output"], judge),
        input=figures(files["input"], videos["input"], judge),
        reference=Figures(write_video(folder / "reference.mkv", judge), {}, {}),
        missing={"vmaf": "this ffmpeg has no libvmaf"},
    )


def evaluation_of(*clips: ClipResult) -> Evaluation:
    pooled: dict[str, dict[str, Interval]] = {"output": {}, "input": {}, "change": {}}
    for name in ("psnr", "mcflick"):
        after = [clip.output.pooled[name] or 0.0 for clip in clips]
        before = [(clip.input or clip.output).pooled[name] or 0.0 for clip in clips]
        change = [a - b if a != b else 0.0 for a, b in zip(after, before, strict=True)]
        for role, values in (("output", after), ("input", before), ("change", change)):
            pooled[role][name] = Interval(float(np.mean(values)), min(values), max(values))
    about = {"command": "temporal-clean evaluate output.mkv", "date": "2026-01-01"}
    return Evaluation(clips, pooled, about)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipResult:
    return evaluated(tmp_path_factory.mktemp("clip"), "fence")


@pytest.fixture(scope="module")
def pages(clip: ClipResult, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page of one clip, of two, and the two kinds without a reference."""
    folder = tmp_path_factory.mktemp("pages")
    other = evaluated(folder / "other", "gate", strength=24)
    blind = replace(clip, reference=None, missing={})
    written = {
        "one": evaluation_of(clip),
        "two": evaluation_of(clip, other),
        "blind": Evaluation((blind,), {}, {}),
        "alone": Evaluation((replace(blind, input=None),), {}, {}),
    }
    return {
        name: write_report(evaluation, folder / f"{name}.html", frames=20).path
        for name, evaluation in written.items()
    }


def facts_of(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="page">(.*?)</script>', path.read_text())
    assert found
    return json.loads(found[1])


# What is written


def test_record_tells_what_was_written(clip: ClipResult, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    record = write_report(
        evaluation_of(clip), tmp_path / "page.html", progress=lambda *t: told.append(t)
    )
    assert record.path == tmp_path / "page.html"
    assert record.size == record.path.stat().st_size
    assert record.warnings == ()
    assert told == [(k, 3 * FRAMES) for k in range(1, 3 * FRAMES + 1)]


def test_slices_lie_on_the_row_that_flickers(pages: dict[str, Path]) -> None:
    for name in ("one", "blind"):
        found = facts_of(pages[name])["clips"][0]["slices"]
        assert found["row"] == ROW
        assert found["from"] >= 20
        assert found["to"] < 200
    assert set(found["pictures"]) == {"input", "output"}
    assert found["pictures"]["input"]["height"] == 20


def test_worst_frames_and_places_are_found(pages: dict[str, Path]) -> None:
    part = facts_of(pages["one"])["clips"][0]
    flicker, error = part["worst"]
    assert (flicker["title"], error["title"]) == ("MCflick", "PSNR")
    first = part["viewer"]["first"]
    assert first + error["frames"][0]["frame"] == WRONG_FRAME
    assert first + flicker["frames"][0]["frame"] in (WRONG_FRAME, WRONG_FRAME + 1)
    for group in part["worst"]:
        numbers = sorted(one["frame"] for one in group["frames"])
        assert min(np.diff(numbers)) > 1
    for group in (flicker, error):
        x, y, w, h = group["frames"][0]["area"]
        assert x <= SQUARE[0] <= x + w - 20
        assert y <= SQUARE[1] <= y + h - 20


def test_shown_frames_are_the_worst_stretch(clip: ClipResult, tmp_path: Path) -> None:
    record = write_report(evaluation_of(clip), tmp_path / "page.html", frames=4)
    viewer = facts_of(record.path)["clips"][0]["viewer"]
    assert viewer["first"] <= WRONG_FRAME < viewer["first"] + 4
    assert viewer["times"][0] == pytest.approx(viewer["first"] / 30, abs=1e-3)
    assert f"of {FRAMES}, where the output's MCflick is worst" in record.warnings[0]


def test_page_grows_with_a_warning(
    clip: ClipResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temporal_clean.compare.assembly.LARGE_PAGE", 1000)
    record = write_report(evaluation_of(clip), tmp_path / "page.html", frames=2)
    assert "slow to open" in record.warnings[-1]


def test_frames_that_a_browser_cannot_hold_are_left_out(
    clip: ClipResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("temporal_clean.compare.clips.MOST_DECODED", 3 * 5 * WIDTH * HEIGHT * 4)
    record = write_report(evaluation_of(clip), tmp_path / "page.html")
    assert facts_of(record.path)["clips"][0]["viewer"]["frames"] == 5


def test_one_small_frame(tmp_path: Path) -> None:
    """No time, hardly a picture, nothing wrong: no slices, curves or worst frames."""
    frames = np.full((1, 2, 2, 3), 90, np.uint8)
    path = write_video(tmp_path / "dot.mkv", frames)
    same = figures(path, frames, frames)
    clip = ClipResult("dot", 2, 2, Fraction(30), "none", same, same, Figures(path, {}, {}))
    part = facts_of(write_report(evaluation_of(clip), tmp_path / "page.html").path)["clips"][0]
    assert (part["slices"], part["curves"], part["worst"]) == (None, [], [])
    assert [row["output"]["text"] for row in part["table"]] == ["\u221e", "\u2013"]


def test_text_cannot_leave_its_element(clip: ClipResult, tmp_path: Path) -> None:
    nasty = replace(evaluation_of(replace(clip, name=NASTY, warnings=(NASTY,))), about={NASTY: "x"})
    text = write_report(nasty, tmp_path / "page.html", frames=2).path.read_text("utf-8")
    assert NASTY not in text
    assert "<img" not in text


# Figures


def rows_of(before: dict, after: dict, own: dict | None = None) -> dict[str, dict[str, Any]]:
    made = [Figures(Path("x.mkv"), pooled, {}) for pooled in (after, before, own or {})]
    clip = ClipResult("x", 2, 2, Fraction(30), "none", *made, missing={"tlp": "no weights"})
    return {row["name"]: row for row in clip_table(clip)}


@pytest.mark.parametrize(
    ("name", "before", "after", "text", "verdict"),
    [
        ("psnr", 30.0, 31.5, "+1.50", "better"),
        ("psnr", 30.0, 29.0, "\u22121.00", "worse"),
        ("psnr", 30.0, 30.004, "0.00", "same"),
        ("psnr", 30.0, float("inf"), "\u2013", "better"),
        ("mcflick", 2.0, 1.0, "\u22121.000", "better"),
        ("sharp", 1.25, 0.9, "\u22120.35", "better"),
        ("sharp", 1.0, 1.2, "+0.20", "worse"),
        ("ghost", -0.3, 0.1, "+0.40", "better"),
        ("ghost", -0.026, 0.031, "+0.06", "same"),
        ("sharpness_change", 1.0, 0.8, "\u22120.20", "worse"),
        ("psnr", None, 30.0, "\u2013", ""),
    ],
)
def test_changes_are_judged(
    name: str, before: float | None, after: float, text: str, verdict: str
) -> None:
    change = rows_of({name: before}, {name: after})[name]["change"]
    assert (change["text"], change["verdict"]) == (text, verdict)


def test_less_than_the_references_own_is_no_merit() -> None:
    row = rows_of({"e_warp": 2.0}, {"e_warp": 0.2}, {"e_warp": 1.9})["e_warp"]
    assert row["change"] == {"text": "\u22121.800", "percent": "\u221290 %", "verdict": "worse"}
    assert row["reference"]["text"] == "1.900"


def test_missing_figures_say_why() -> None:
    row = rows_of({}, {"psnr": 30.0})["tlp"]
    assert (row["output"]["text"], row["missing"]) == ("\u2013", "no weights")


def test_an_interval_that_holds_zero_is_no_verdict(clip: ClipResult) -> None:
    pooled = {
        "output": {"psnr": Interval(31.0, 30.0, 32.0)},
        "input": {"psnr": Interval(30.5, 30.0, 31.0)},
        "change": {"psnr": Interval(0.5, -0.5, 1.5)},
    }
    row = pooled_table(Evaluation((clip, replace(clip, missing={})), pooled, {}))[0]
    assert row["output"] == {"text": "31.00", "range": "30.00 to 32.00"}
    assert row["change"]["verdict"] == "unclear"
    assert row["change"]["range"] == "\u22120.50 to +1.50"


@given(st.lists(st.none() | st.floats(0.01, 9), min_size=1, max_size=60))
def test_worst_frames_are_worst_and_apart(values: list[float | None]) -> None:
    found = worst_of("mcflick", values)
    known = [value for value in values if value is not None]
    assert [values[k] for k in found][:1] == ([max(known)] if known else [])
    worth = [values[k] or 0 for k in found]
    assert worth == sorted(worth, reverse=True)
    assert all(abs(a - b) > 1 for a in found for b in found if a != b)


@pytest.mark.parametrize(
    ("value", "text"), [(None, "\u2013"), (float("nan"), "\u2013"), (-0.001, "0.00"), (1.0, "1.00")]
)
def test_figures_as_text(value: float | None, text: str) -> None:
    assert figure_text("sharp", value) == text


# What is refused


def test_refused_before_any_work(clip: ClipResult, tmp_path: Path) -> None:
    gone = replace(clip, output=replace(clip.output, file=tmp_path / "never-read.mkv"))
    output = tmp_path / "page.html"
    output.write_text("kept")
    for refuse in (
        lambda: write_report(evaluation_of(gone), output),
        lambda: check_report(output),
    ):
        with pytest.raises(TemporalCleanError, match="exists already: choose another name"):
            refuse()
    assert output.read_text() == "kept"
    with pytest.raises(TemporalCleanError, match=r"never-read\.mkv"):
        write_report(evaluation_of(gone), output, overwrite=True)
    assert output.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize(
    ("options", "text"),
    [({"frames": 0}, "frames must be 1 or more, but 0"), ({"quality": "best"}, "but 'best'")],
)
def test_wrong_requests(
    clip: ClipResult, tmp_path: Path, options: dict[str, Any], text: str
) -> None:
    with pytest.raises(TemporalCleanError, match=text):
        write_report(evaluation_of(clip), tmp_path / "page.html", **options)


def test_a_video_is_not_written_over(clip: ClipResult) -> None:
    with pytest.raises(TemporalCleanError, match="is one of the videos"):
        write_report(evaluation_of(clip), clip.output.file, overwrite=True)


# In a browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    yield from chromium(tmp_path_factory.mktemp("profile"))


@pytest.fixture
def opened(browser: Browser, pages: dict[str, Path]) -> Browser:
    browser.size(1280, 800)
    browser.open(pages["one"])
    return browser


def frame_shown(browser: Browser) -> int:
    return browser.run("Number(document.getElementById('seek').value)")


def click(browser: Browser, element: str, across: float = 0.5) -> None:
    """A press of the mouse on an element, scrolled into sight, at a part of its width."""
    x, y = browser.run(
        f"(() => {{ const part = {element}; part.scrollIntoView({{ block: 'center' }});"
        " const box = part.getBoundingClientRect();"
        f" return [box.left + {across} * box.width, box.top + box.height / 2]; }})()"
    )
    browser.drag((x, y), (x, y))


PAGES = ("one", "two", "blind", "alone")


@pytest.mark.parametrize("name", PAGES)
def test_page_loads_alone_and_without_complaint(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.size(1280, 800)
    browser.events.clear()
    browser.open(pages[name])
    assert browser.requests() <= {"file", "about", "data", "blob"}
    assert browser.complaints() == []
    assert browser.run("[...document.images].every((one) => one.complete && one.naturalWidth)")


@pytest.mark.parametrize(
    ("width", "name"),
    [*((360, name) for name in PAGES), (768, "two"), (1024, "two"), (1280, "two")],
)
def test_nothing_is_wider_than_the_screen(
    browser: Browser, pages: dict[str, Path], width: int, name: str
) -> None:
    browser.size(width, 740)
    browser.open(pages[name])
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
    outside = browser.run(
        "[...document.querySelectorAll('main *, header *')].filter((part) => part.checkVisibility()"
        " && part.getBoundingClientRect().right > innerWidth + 1).map((part) => part.outerHTML)"
    )
    assert outside == []
    assert browser.run(
        "[...document.querySelectorAll('.table-box')].every((b) => b.scrollWidth <= b.clientWidth)"
    )


def test_table_says_what_changed(opened: Browser) -> None:
    text = opened.run("document.getElementById('report-table').innerText")
    assert "PSNR" in text
    assert "this ffmpeg has no libvmaf" in text
    assert opened.run("document.querySelector('.cards .verdict').textContent").endswith("better")
    assert opened.run("document.getElementById('report-chooser').checkVisibility()") is False


def test_divider_moves(opened: Browser) -> None:
    opened.run("stage.scrollIntoView({ block: 'center' })")
    x, y = opened.middle()
    before = opened.picture().astype(int)
    opened.drag((x, y), (x + 300, y))
    assert opened.run("state.split") > 0.6
    assert np.abs(opened.picture() - before).max() > 0


def test_play_and_step(opened: Browser) -> None:
    click(opened, "document.getElementById('forward')")
    assert frame_shown(opened) == 2
    click(opened, "document.getElementById('play')")
    opened.wait("state.frame > 4")
    click(opened, "document.getElementById('play')")
    paused = frame_shown(opened)
    time.sleep(0.15)
    assert frame_shown(opened) == paused


def test_keys_belong_to_the_viewer_only_when_it_is_used(opened: Browser) -> None:
    opened.run("document.activeElement.blur()")
    opened.press(".")
    assert frame_shown(opened) == 1
    opened.run("stage.focus()")
    opened.press(".")
    assert frame_shown(opened) == 2


def test_curves_are_drawn_in_their_colours(opened: Browser) -> None:
    drawn = opened.run(
        "[...document.querySelectorAll('.chart canvas')].map((one) => {"
        " const { data } = one.getContext('2d').getImageData(0, 0, one.width, one.height);"
        " return new Set(new Uint32Array(data.buffer)).size; })"
    )
    assert len(drawn) == 2
    assert min(drawn) > 20, "lines, grid and text have many shades; a blank canvas has one"


def test_a_click_on_a_curve_goes_to_the_frame(opened: Browser) -> None:
    first = opened.run("page.first")
    for across in (0.5, 0.2 + first / FRAMES):
        click(opened, "document.querySelector('.chart .u-over')", across)
        number = round(across * (FRAMES - 1)) + 1
        expected = min(max(number - first, 1), 20)
        assert abs(frame_shown(opened) - expected) <= 1
        marked = opened.run(
            "charts.map(({ plot, marker }) => Math.abs(plot.valToPos(page.first + state.frame + 1,"
            " 'x') - new DOMMatrix(getComputedStyle(marker).transform).e))"
        )
        assert max(marked) < 1


def test_a_click_on_a_worst_frame_goes_there(opened: Browser) -> None:
    for index in (1, 3):
        button = f"document.querySelectorAll('.worst button')[{index}]"
        wanted = opened.run(f"Number({button}.dataset.frame)")
        click(opened, button)
        assert frame_shown(opened) == wanted + 1
        opened.wait("stage.getBoundingClientRect().top < innerHeight")


def test_chosen_clip_is_shown_everywhere(browser: Browser, pages: dict[str, Path]) -> None:
    browser.size(1280, 800)
    browser.open(pages["two"])
    seen = (
        "['slices', 'worst', 'clip-table'].map("
        "(name) => document.getElementById(`report-${name}`).innerHTML)"
    )
    curves = "charts.map(({ plot }) => plot.data[2].join())"
    before, lines = browser.run(seen), browser.run(curves)
    assert browser.run("document.getElementById('title').textContent") == "fence"
    browser.events.clear()
    click(browser, "document.querySelector('#report-chooser [data-by=\"1\"]')")
    browser.wait("window.__ready === true && page.clip === 2")
    assert browser.run("document.getElementById('title').textContent") == "gate"
    assert all(a != b for a, b in zip(before, browser.run(seen), strict=True))
    assert all(a != b for a, b in zip(lines, browser.run(curves), strict=True))
    browser.wait("location.hash.includes('clip=2')")
    click(browser, "document.querySelector('#report-chooser [data-by=\"1\"]')")
    browser.wait("window.__ready === true && page.clip === 1")
    assert browser.run(seen) == before
    assert browser.complaints() == []


def test_the_address_keeps_clip_and_frame(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["two"], "clip=2&frame=9&mode=slice")
    assert browser.run("[page.clip, state.frame, state.mode]") == [2, 8, "slice"]


def test_one_video_has_nothing_to_slide(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["alone"])
    names = "[...document.querySelectorAll('#modes label')].filter((l) => l.checkVisibility())"
    assert browser.run(f"{names}.map((l) => l.textContent)") == ["Picture", "Slice"]
    assert "without a reference" in browser.run("document.querySelector('header').innerText")


def test_odd_names_are_shown_as_text(browser: Browser, clip: ClipResult, tmp_path: Path) -> None:
    file = tmp_path / "<script>alert(1)<!-- &amp;.mkv"
    file.write_bytes(clip.output.file.read_bytes())
    nasty = replace(
        clip,
        name=NASTY,
        motion=NASTY,
        warnings=(NASTY,),
        missing={"vmaf": NASTY},
        output=replace(clip.output, file=file),
    )
    page = replace(evaluation_of(nasty, clip), about={"Command": NASTY})
    browser.events.clear()
    browser.open(write_report(page, tmp_path / "page.html", frames=3).path)
    assert browser.complaints() == []
    for part in ("clip-facts", "clip-warnings", "clip-table", "about", "chooser"):
        assert NASTY in browser.run(f"document.getElementById('report-{part}').textContent")
    assert file.name in browser.run("document.getElementById('report-clip-facts').textContent")
    assert browser.run("document.querySelectorAll('img:not([src^=data])').length") == 0


def shade(picture: NDArray[np.uint8]) -> int:
    return int(picture[3, 3].mean())


def test_dark_and_light(opened: Browser) -> None:
    def prefer(theme: str) -> None:
        wanted = [{"name": "prefers-color-scheme", "value": theme}]
        opened.call("Emulation.setEmulatedMedia", features=wanted)

    shades: dict[str, int] = {}
    for theme in ("light", "dark"):
        prefer(theme)
        shades[theme] = shade(opened.picture())
        assert opened.run("document.querySelectorAll('.chart canvas').length") == 2
    prefer("")
    assert shades["light"] > 230
    assert shades["dark"] < 40


def test_every_control_has_a_name(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["two"])
    nameless = browser.run(
        "[...document.querySelectorAll('button, select, input')]"
        ".filter((part) => !part.ariaLabel && !part.labels?.length && !part.textContent.trim())"
        ".map((part) => part.outerHTML)"
    )
    assert nameless == []
    assert browser.run("[...document.images].every((one) => one.alt)")
