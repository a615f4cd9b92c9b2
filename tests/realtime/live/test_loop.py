"""The live loop with real threads and a real engine: faults, commands, ends."""

import threading
import time

import numpy as np
import pytest
from staged import PATIENCE, SIZES, Screen, Source, faulty_session, real_session, staged

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.graph import GraphRequest
from temporal_clean.realtime.live import budget, desk
from temporal_clean.realtime.live.capture.pattern import Pattern, PatternCapture
from temporal_clean.realtime.live.events import (
    Closed,
    Command,
    CommandGiven,
    FocusChanged,
    Moved,
    Visibility,
)
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.hdr import HdrComposer
from temporal_clean.realtime.live.loop import LiveLoop
from temporal_clean.realtime.live.options import LiveOptions

LOST = RuntimeError("device lost")


def test_every_frame_is_accounted_for_and_none_is_older_than_the_last() -> None:
    with staged() as stage:
        stage.plays(10)
        numbers = stage.screen.numbers
        assert len(set(numbers)) == len(numbers)
    record = stage.record()
    gone = sum(n for reason, n in record["dropped"].items() if "skipped" not in reason)
    on_their_way = record["captured"] - record["duplicates"] - record["shown"] - gone
    assert 0 <= on_their_way <= 3
    assert record["shown"] == len(stage.screen.numbers)
    assert record["latency_ms"]["p50"] >= record["step_ms"]["p50"] > 0
    assert record["sizes"] == ["64x64 bgra8"]
    assert record["engine"].startswith("fast on onnxruntime")
    assert stage.loop.ended.reason == "asked to"


def test_what_is_shown_is_the_cleaned_frame() -> None:
    """At full strength, by a fresh engine; a still picture comes before the engine is open."""
    with staged(strength=1.0, still=7) as stage:
        stage.plays(1)
        shown = stage.screen.pictures[0]
    picture = SIZES[64].picture(7).copy()
    picture[0, 0, :3] = 0, 0, 7
    session = real_session("fast", GraphRequest(64, 64, "bgra8"), "onnxruntime")
    assert np.array_equal(shown, session.step(picture).clean)
    assert not np.array_equal(shown, picture)


def test_a_stalled_game_is_seen_itself_and_the_overlay_comes_back() -> None:
    with staged() as stage:
        stage.plays()
        stage.source.flowing.clear()
        stage.until(lambda: not stage.screen.visible)
        time.sleep(0.2)
        assert not stage.screen.visible
        stage.source.flowing.set()
        stage.plays()
    record = stage.record()
    assert record["hidden"]["watchdog"] >= 1
    assert record["resets"]["gap"] >= 1


def test_a_still_picture_that_keeps_coming_stays_on_the_screen() -> None:
    with staged() as stage:
        stage.plays()
        stage.source.repeating = True
        stage.until(lambda: stage.record()["duplicates"] > 20)
        cleaned = stage.record()["cleaned"]
        stage.until(lambda: stage.record()["duplicates"] > 60)
        assert stage.record()["cleaned"] == cleaned
        assert stage.screen.visible
        stage.source.repeating = False
        stage.plays()


def test_a_still_picture_comes_back_with_the_player() -> None:
    """Nothing new is captured after the focus returns, but the source still shows it."""
    with staged(still=7) as stage:
        stage.plays(1)
        stage.source.sink.tell(FocusChanged(False))
        stage.until(lambda: not stage.screen.visible)
        stage.source.sink.tell(FocusChanged(True))
        stage.until(lambda: stage.screen.visible)


def test_resizes_while_running_show_each_frame_at_its_size() -> None:
    with staged() as stage:
        for width in (64, 80, 64, 80):
            stage.source.width = width
            stage.until(lambda width=width: shown_width(stage.screen) == width)
            stage.plays(2)
        for number, picture in zip(
            stage.screen.numbers[-9:], stage.screen.pictures[-9:], strict=True
        ):
            assert picture.shape[1] == stage.source.widths[number]
    assert stage.record()["resets"]["resize"] == 3
    assert stage.record()["sizes"] == ["64x64 bgra8", "80x64 bgra8"]


def shown_width(screen: Screen) -> int:
    return screen.pictures[-1].shape[1] if screen.pictures else 0


def test_the_focus_lost_or_minimised_the_overlay_is_away() -> None:
    with staged() as stage:
        for away, back in (
            (FocusChanged(False), FocusChanged(True)),
            (Visibility(False), Visibility(True)),
        ):
            stage.plays()
            stage.source.sink.tell(away)
            stage.until(lambda: not stage.screen.visible)
            shown = len(stage.screen.numbers)
            time.sleep(0.1)
            assert len(stage.screen.numbers) == shown
            stage.source.sink.tell(back)
            stage.plays()
    assert stage.record()["resets"]["resume"] == 2


def test_a_capture_that_raises_once_is_started_again() -> None:
    with staged(back_off=(0.0, 0.1)) as stage:
        stage.plays()
        stage.source.errors, stage.source.error = 1, LOST
        stage.until(lambda: stage.source.started == 2)
        stage.plays()
    assert "capture failed (device lost)" in stage.told[0]


def test_a_capture_that_keeps_raising_ends_the_session_with_its_error() -> None:
    with staged(back_off=(0.0, 0.1)) as stage:
        stage.plays()
        stage.source.errors, stage.source.error = 1000, LOST
        stage.ends()
    assert stage.loop.ended.error is LOST
    assert stage.source.started == 3


def test_an_engine_that_raises_once_is_opened_again() -> None:
    faults = [LOST]
    armed = threading.Event()

    def fault() -> None:
        if armed.is_set() and faults:
            raise faults.pop()

    with staged(open_engine=faulty_session(fault), back_off=(0.0, 0.1)) as stage:
        stage.plays()
        armed.set()
        stage.until(lambda: stage.told)
        stage.plays()
    assert "it is opened again" in stage.told[0]
    assert stage.record()["resets"]["engine"] >= 1


def test_an_engine_that_raises_for_good_makes_way_for_another() -> None:
    def fault() -> None:
        raise LOST

    def opened(model, request, engine):
        return (faulty_session(fault) if engine == "auto" else real_session)(model, request, engine)

    with staged(open_engine=opened, engines=("auto", "onnxruntime"), back_off=(0.0, 0.05)) as stage:
        stage.plays()
    assert "onnxruntime takes over" in stage.told[-1]


def test_without_any_engine_the_game_is_seen_itself_and_quitting_works() -> None:
    armed = threading.Event()

    def fault() -> None:
        if armed.is_set():
            raise LOST

    with staged(open_engine=faulty_session(fault), back_off=(0.0, 0.05)) as stage:
        stage.plays()
        armed.set()
        stage.until(lambda: "cleaning is off" in "".join(stage.told))
        assert not stage.screen.visible
        stage.until(lambda: stage.record()["dropped"].get("given up"))
        assert stage.loop.desk.ask({"command": "status"})["standing"] == "fast, given up"


def test_beside_the_game_pictures_go_on_as_they_came() -> None:
    def fault() -> None:
        raise LOST

    screen = Screen(covers=False)
    with staged(screen, faulty_session(fault), back_off=(0.0, 0.05), strength=1.0) as stage:
        stage.until(lambda: "cleaning is off" in "".join(stage.told))
        stage.plays()
        number, picture = screen.numbers[-1], screen.pictures[-1]
        assert np.array_equal(picture[1:], SIZES[64].picture(number)[1:])
    assert stage.record()["cleaned"] == 0


def test_too_slow_an_engine_is_bypassed_until_there_is_time(monkeypatch) -> None:
    monkeypatch.setattr(budget, "WINDOW", 3)
    monkeypatch.setattr(budget, "PROBE_EVERY", 0.05)
    slow = threading.Event()
    with staged(
        open_engine=faulty_session(lambda: time.sleep(1.0 if slow.is_set() else 0.0)), min_fps=1.25
    ) as stage:
        stage.plays()
        slow.set()
        stage.until(lambda: stage.record()["dropped"].get("over budget"))
        stage.until(lambda: not stage.screen.visible)
        slow.clear()
        stage.plays()
    assert stage.record()["resets"]["bypass"] >= 1
    assert stage.record()["dropped"]["over budget"] >= 1


def test_the_end_of_the_source_ends_the_session() -> None:
    with staged() as stage:
        stage.plays()
        stage.source.ended = True
        stage.ends()
    assert stage.loop.ended.reason == "the source has ended"
    assert stage.loop.ended.error is None


def test_a_screen_that_goes_away_ends_the_session() -> None:
    with staged() as stage:
        stage.plays()
        stage.screen.error = LOST
        stage.ends()
    assert stage.loop.ended.error is LOST


def test_time_is_up() -> None:
    with staged(duration=0.1) as stage:
        stage.ends()
    assert stage.loop.ended.reason == "time is up"
    assert stage.record()["duration"] >= 0.1


def test_hotkeys_panic_toggle_and_quit() -> None:
    with staged() as stage:
        stage.plays()
        stage.screen.waiting.append(CommandGiven(Command.PANIC))
        stage.until(lambda: not stage.screen.visible)
        stage.until(lambda: stage.record()["dropped"].get("panic", 0) > 5)
        assert not stage.screen.visible
        stage.screen.waiting.append(CommandGiven(Command.TOGGLE))
        stage.plays()
        stage.screen.waiting.append(CommandGiven(Command.QUIT))
        stage.ends()
    assert stage.loop.ended.reason == "asked to"


def test_the_desk_obeys_and_answers(monkeypatch) -> None:
    with staged() as stage:
        stage.plays()
        ask = stage.loop.desk.ask
        assert ask({"command": "split"})["split"] is True
        assert ask({"command": "set", "strength": 0.5, "divider": 0.25})["strength"] == 0.5
        assert ask({"command": "divider-right"})["divider"] == 0.3
        assert ask({"command": "set", "fps-cap": 20.0})["strength"] == 0.5
        stage.until(lambda: stage.record()["dropped"].get("fps cap"))
        status = ask({"command": "status"})
        assert status["standing"] == "fast"
        assert status["shown"] >= 5
        model = str(assets.graph_path("fast"))
        ask({"command": "set", "model": model})
        stage.until(lambda: stage.loop.stats.engine.startswith(model))
    monkeypatch.setattr(desk, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(TemporalCleanError, match="is ending"):
        ask({"command": "status"})


def test_split_and_hud_draw_a_still_picture_again() -> None:
    with staged(Screen(covers=False), strength=1.0) as stage:
        stage.plays()
        stage.source.repeating = True
        stage.until(lambda: stage.record()["duplicates"] > 5 and stage.record()["cleaned"])
        came = SIZES[64].picture(stage.source.index)
        stage.until(lambda: not np.array_equal(stage.screen.pictures[-1][1:], came[1:]))
        plain = stage.screen.pictures[-1]
        stage.loop.desk.ask({"command": "split"})
        stage.until(lambda: np.array_equal(stage.screen.pictures[-1][1:, :31], came[1:, :31]))
        assert np.array_equal(stage.screen.pictures[-1][:, 33:], plain[:, 33:])
        stage.loop.desk.ask({"command": "split"})
        stage.until(lambda: np.array_equal(stage.screen.pictures[-1], plain))
        stage.loop.desk.ask({"command": "hud"})
        stage.until(lambda: not np.array_equal(stage.screen.pictures[-1], plain))
        assert stage.record()["redrawn"] >= 3


def test_pictures_are_shown_where_the_window_is() -> None:
    with staged() as stage:
        places = []
        show = stage.screen.show
        stage.screen.show = lambda picture, place: (places.append(place), show(picture, place))
        stage.plays()
        assert places[-1] == Rectangle(0, 0, 64, 64)
        stage.source.sink.tell(Moved(Rectangle(30, 40, 64, 64)))
        stage.until(lambda: places[-1] == Rectangle(30, 40, 64, 64))


def test_a_source_that_cannot_begin_says_so_and_leaves_nothing() -> None:
    def refuse(self, sink) -> None:
        raise TemporalCleanError("no such window")

    before = set(threading.enumerate())
    source, screen = Source(), Screen()
    source.start = refuse.__get__(source)
    with pytest.raises(TemporalCleanError, match="no such window"):
        LiveLoop(source, screen, LiveOptions(source="staged"), print).run()
    assert screen.closed
    assert set(threading.enumerate()) <= before


@pytest.mark.parametrize("force_sdr", [False, True])
def test_hdr_goes_through_the_whole_loop(force_sdr: bool) -> None:
    """At strength 0 every bit of the light comes back; forced to SDR, its 8-bit picture."""
    screen = Screen(formats=("bgra8", "rgba16f"))
    source = PatternCapture(Pattern(80, 64, 20.0, hdr=True))
    composer = HdrComposer()
    kept = []
    screen.show = lambda picture, place: kept.append(picture.copy())
    options = LiveOptions(
        source="staged", strength=0.0, min_fps=0.0, adaptive=False, force_sdr=force_sdr
    )
    loop = LiveLoop(source, screen, options, print, real_session)
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE
    while len(kept) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    loop.post(Closed())
    thread.join()
    given = (source.picture(index) for index in range(loop.intake.confirmed[0] + 20))
    frames = [composer.to_sdr(frame) if force_sdr else frame for frame in given]
    assert len(kept) >= 2
    for picture in kept[:2]:
        assert any(np.array_equal(picture, frame) for frame in frames)
