"""The state machine: single stories, then 10,000 random events with what always holds."""

from collections import deque
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.actions import (
    Action,
    Admission,
    Debt,
    Hide,
    OpenEngine,
    Plan,
    RestartCapture,
    Show,
    Skip,
    Stop,
    Tell,
    UseEngine,
    Way,
)
from temporal_clean.realtime.live.budget import levels_for
from temporal_clean.realtime.live.engine_keeper import FrameFacts
from temporal_clean.realtime.live.events import (
    Closed,
    Command,
    CommandGiven,
    Failed,
    FocusChanged,
    Visibility,
)
from temporal_clean.realtime.live.frames import Frame
from temporal_clean.realtime.live.machine import Machine, MachineConfig, State
from temporal_clean.realtime.live.machine_events import EngineFailed, EngineReady, NewGeneration

PICTURE = np.zeros((1, 1, 4), np.uint8)
FRAME_SECONDS = 1 / 60
LOST = RuntimeError("device lost")


@dataclass
class Flying:
    """A frame on its way through the network, and the world's step at which it left."""

    frame: Frame
    admission: Admission
    plan: Plan | None
    born: int


class World:
    """What surrounds a machine: a clock, frames, engines being opened, and a screen.

    It checks after every step what must always hold, by records of its own.
    """

    def __init__(self, **choices) -> None:
        self.config = MachineConfig(**{"engines": ("auto", "onnxruntime"), **choices})
        self.machine = Machine(self.config, levels_for("quality", True), 1 / 15)
        self.now = 100.0
        self.steps, self.broken = 0, 0
        self.generation, self.sequence, self.still = -1, -1, 0.0
        self.engine: Plan | None = None
        self.wanted: Plan | None = None
        self.flying: deque[Flying] = deque()
        self.hand: Flying | None = None
        self.overlay, self.fresh, self.last_shown = False, 0.0, -1
        self.stopped: Stop | None = None
        self.shown, self.hidden, self.told, self.resets = 0, [], [], []
        self.restarts = 0

    def do(self, actions: list[Action], finished: Flying | None = None) -> None:
        assert not (self.stopped and [a for a in actions if not isinstance(a, Skip)])
        for action in actions:
            match action:
                case OpenEngine(plan):
                    self.wanted = plan
                case UseEngine(plan):
                    self.engine, self.broken = plan, self.steps
                case Show(ticket, again):
                    assert finished is not None
                    self.check_shown(finished, again)
                    assert ticket == finished.admission.ticket
                    self.overlay = True
                    if not again:
                        self.shown += 1
                        self.fresh, self.last_shown = self.now, ticket.sequence
                case Hide(reason):
                    self.overlay = False
                    self.hidden.append(reason)
                case RestartCapture():
                    self.restarts += 1
                case Tell(text):
                    self.told.append(text)
                case Stop():
                    assert not self.overlay
                    self.stopped = action
        assert self.machine.overlay == self.overlay

    def check_shown(self, flying: Flying, again: bool) -> None:
        """Nothing of before a reset, of another size or older than the last is ever shown."""
        ticket, machine = flying.admission.ticket, self.machine
        assert ticket.generation == self.generation
        assert flying.born > self.broken or flying.admission.way is not Way.CLEAN
        assert ticket.sequence >= self.last_shown
        assert not again or self.overlay
        if self.config.covers:
            assert machine.on
            assert machine.visible
            assert machine.focused
            assert flying.admission.way is Way.CLEAN
        assert flying.admission.way in (Way.CLEAN, Way.PASS, Way.PROBE)

    def tick(self, seconds: float = 0.0) -> None:
        self.now += seconds
        self.do(self.machine.tick(self.now))
        if self.config.covers and self.overlay:
            assert self.machine.state is State.RUN
            assert self.now - self.fresh <= self.config.watchdog

    def tell(self, event) -> None:
        before = self.machine.state
        self.do(self.machine.handle(event, self.now))
        if before is State.RUN and self.machine.state is not State.RUN:
            self.broken = self.steps
            assert not (self.config.covers and self.overlay)

    def resize(self) -> None:
        self.generation, self.broken = self.generation + 1, self.steps
        self.tell(NewGeneration(FrameFacts(self.generation, 640, 360, "bgra8")))

    def frame(self, seconds: float = FRAME_SECONDS, steps: int = 1) -> Admission:
        self.now += seconds
        self.sequence += steps
        frame = Frame(PICTURE, self.generation, self.sequence, self.now, self.now, self.now)
        return self.admit(frame)

    def admit(self, frame: Frame) -> Admission:
        self.steps += 1
        admission = self.machine.admit(frame, self.engine, self.now)
        self.hand = Flying(frame, admission, self.engine, self.steps)
        if admission.reset and admission.way is Way.CLEAN:
            self.resets.append(admission.reset)
        if admission.way is not Way.DROP:
            self.flying.append(self.hand)
        return admission

    def finish(self, seconds: float = 0.005) -> None:
        if self.flying:
            flying = self.flying.popleft()
            if flying.plan and flying.admission.way in (Way.CLEAN, Way.PROBE):
                self.machine.stepped(flying.plan, seconds, FRAME_SECONDS, self.now)
            self.do(self.machine.finished(flying.admission.ticket, self.now), flying)

    def catch_up(self) -> Debt:
        """The source shows its last frame on: what is owed to it is done."""
        if self.hand is None:
            return Debt.NONE
        debt = self.machine.owes(self.hand.admission.ticket, self.engine)
        if debt is Debt.ALL:
            self.admit(self.hand.frame)
        elif debt is Debt.SHOW:
            self.do(self.machine.finished(self.hand.admission.ticket, self.now), self.hand)
            assert self.overlay
        return debt

    def draw_again(self) -> None:
        if self.flying:
            flying = self.flying[0]
            actions = self.machine.finished(flying.admission.ticket, self.now, again=True)
            self.do(actions, flying)

    def built(self) -> None:
        plan, self.wanted = self.wanted, None
        if plan is not None:
            self.tell(EngineReady(plan))

    def fails(self, error: Exception = LOST) -> None:
        """The engine being opened fails, else the one in use."""
        plan, self.wanted = self.wanted or self.engine, None
        if plan is not None:
            self.tell(EngineFailed(plan, error))

    def play(self, frames: int, seconds: float = 0.005) -> None:
        for _ in range(frames):
            self.frame()
            self.finish(seconds)
            self.tick()
            self.built()


def running(**choices) -> World:
    """A world in which frames are being shown."""
    world = World(**choices)
    world.resize()
    world.built()
    world.play(5)
    assert world.machine.state is State.RUN
    assert world.shown == 5
    return world


def test_waits_for_frames_then_for_an_engine_then_runs() -> None:
    world = World()
    assert world.machine.state is State.WAIT
    world.resize()
    assert world.machine.state is State.REBUILD
    assert world.frame().reason == "rebuild"
    world.built()
    world.play(1)
    assert world.machine.state is State.RUN
    assert world.resets == []


def test_a_resize_drops_what_is_on_its_way_and_resets() -> None:
    world = running()
    world.frame()
    world.resize()
    assert world.hidden == ["rebuild"]
    world.finish()
    assert world.shown == 5
    world.built()
    world.play(3)
    assert world.shown == 8
    assert world.resets == ["resize"]


@pytest.mark.parametrize(
    ("away", "back"),
    [
        (Visibility(False), Visibility(True)),
        (FocusChanged(False), FocusChanged(True)),
    ],
)
def test_minimised_or_without_focus_the_overlay_is_away(away, back) -> None:
    world = running()
    world.frame()
    world.tell(away)
    assert world.machine.state is State.PAUSED
    assert world.hidden == ["paused"]
    world.tell(back)
    world.finish()  # of before the pause
    assert world.shown == 5
    world.play(2)
    assert world.shown == 7
    assert world.resets == ["resume"]


def test_a_window_beside_the_game_does_not_care_for_focus() -> None:
    world = running(covers=False)
    world.tell(FocusChanged(False))
    world.play(2)
    assert world.shown == 7


@pytest.mark.parametrize(
    ("seconds", "steps", "reason"),
    [(0.09, 1, None), (0.11, 1, "gap"), (0.07, 3, None), (0.07, 4, "missed")],
)
def test_gaps_and_missed_frames_reset(seconds: float, steps: int, reason: str | None) -> None:
    assert running().frame(seconds, steps).reset == reason


def test_a_game_slower_than_the_gap_is_shown_all_the_same() -> None:
    """Each frame comes while the one before it is on its way to the screen: none gets lost."""
    world = running()
    for _ in range(10):
        world.frame(0.15)
        if len(world.flying) > 1:
            world.finish()
    assert world.resets == ["gap"] * 10
    assert world.shown == 5 + 9


def test_watchdog_hides_a_stalled_overlay_and_a_new_frame_brings_it_back() -> None:
    world = running()
    world.tick(0.29)
    assert world.overlay
    world.tick(0.02)
    assert world.hidden == ["watchdog"]
    world.play(1)
    assert world.overlay
    assert world.resets == ["gap"]


def test_a_picture_that_the_source_repeats_is_not_old() -> None:
    world = running()
    for _ in range(20):
        world.machine.confirm(world.sequence, world.now)
        world.fresh = world.now
        world.tick(0.1)
    assert world.hidden == []


def test_a_still_picture_is_owed_what_it_has_not_got() -> None:
    world = World()
    world.resize()
    assert world.frame().reason == "rebuild"
    assert world.catch_up() is Debt.NONE
    world.built()
    assert world.catch_up() is Debt.ALL  # the engine came after it
    world.finish()
    assert world.shown == 1
    assert world.catch_up() is Debt.NONE
    world.tell(FocusChanged(False))
    assert world.catch_up() is Debt.ALL
    assert world.catch_up() is Debt.NONE  # nothing to be done before the player is back
    world.tell(FocusChanged(True))
    assert world.catch_up() is Debt.ALL
    world.finish()
    assert world.shown == 2
    world.tick(0.4)
    assert world.hidden == ["paused", "watchdog"]
    assert world.catch_up() is Debt.SHOW
    assert world.overlay


def test_frames_that_the_engine_does_not_finish_hide_the_overlay() -> None:
    """The source lives, the engine hangs: the shown picture is old all the same."""
    world = running()
    for _ in range(30):
        world.frame()
        world.machine.confirm(world.sequence, world.now)
        world.tick()
    assert world.hidden == ["watchdog"]


def test_an_engine_that_raises_once_is_opened_again() -> None:
    world = running()
    world.fails()
    assert world.machine.state is State.REBUILD
    world.tick()
    world.built()
    world.play(3)
    assert world.shown == 8
    assert world.resets == ["engine"]
    assert "opened again" in world.told[0]


def test_an_engine_that_keeps_raising_gives_way_to_the_next_then_to_none() -> None:
    world = running()
    engines, waits = [], []
    for _ in range(100):
        if world.machine.state is State.BYPASS:
            break
        world.fails()
        started = world.now
        while world.wanted is None and world.machine.state is State.REBUILD:
            world.tick(0.1)
        waits.append(world.now - started)
        engines.append(world.wanted.engine if world.wanted else None)
    assert engines == ["auto"] * 5 + ["onnxruntime"] * 6 + [None]
    assert waits[:5] == pytest.approx([0.0, 0.5, 1.0, 2.0, 4.0], abs=0.11)
    assert "onnxruntime takes over" in "".join(world.told)
    assert "cleaning is off" in world.told[-1]
    assert world.frame().reason == "given up"
    # The player may want another try.
    world.tell(CommandGiven(Command.TOGGLE))
    world.tell(CommandGiven(Command.TOGGLE))
    world.built()
    world.play(1)
    assert world.overlay


def test_a_refusal_is_not_tried_again() -> None:
    world = World(engines=("openvino",))
    world.resize()
    world.fails(TemporalCleanError("frames of 32x32 are too small"))
    world.tick(10.0)
    assert world.wanted is None
    assert world.machine.state is State.BYPASS
    assert "too small" in world.told[0]


def test_over_budget_goes_down_by_levels_then_off_and_comes_back() -> None:
    world = running()
    assert str(world.machine.budget.level) == "quality"
    levels = []
    while not world.machine.budget.over:
        world.play(1, seconds=0.1)
        if str(world.machine.budget.level) not in levels:
            levels.append(str(world.machine.budget.level))
    assert levels == ["quality", "fast", "fast at half the size"]
    world.play(1, seconds=0.1)
    assert world.machine.state is State.BYPASS
    assert world.hidden[-1] == "over budget"
    shown, started = world.shown, world.now
    while world.machine.state is State.BYPASS:
        world.play(1, seconds=0.04)
        assert world.now - started < 10.0
    world.play(2, seconds=0.005)
    assert world.shown > shown
    assert world.resets[-1] == "bypass"
    for _ in range(60 * 30):  # with room again it climbs back to the best, patiently
        world.play(1, seconds=0.002)
    assert str(world.machine.budget.level) == "quality"


def test_panic_hides_at_once_and_stays_off_until_toggled() -> None:
    world = running()
    world.tell(CommandGiven(Command.PANIC))
    assert world.hidden == ["panic"]
    world.play(30)
    assert world.shown == 5
    world.tell(CommandGiven(Command.TOGGLE))
    world.play(1)
    assert world.overlay
    assert world.resets == ["bypass"]


def test_panic_also_empties_a_window_beside_the_game() -> None:
    world = running(covers=False)
    world.tell(CommandGiven(Command.TOGGLE))
    world.play(5)
    assert world.shown == 10  # off, the pictures go on as they came
    world.tell(CommandGiven(Command.PANIC))
    assert world.hidden == ["panic"]
    world.play(5)
    assert world.shown == 10


def test_a_capture_that_raises_is_started_again_and_given_up_in_the_end() -> None:
    world = running()
    for failures in range(1, 7):
        world.tell(Failed("capture", LOST))
        assert not world.overlay
        if failures < 6:
            world.tick(5.0)
            assert world.restarts == failures
    assert world.stopped
    assert world.stopped.error is LOST


@pytest.mark.parametrize("event", [Closed(), CommandGiven(Command.QUIT), Failed("presenter", LOST)])
def test_the_end_hides_and_stops_once(event) -> None:
    world = running()
    world.tell(event)
    assert world.hidden == ["closed"]
    assert world.stopped
    assert world.machine.state is State.CLOSED
    world.tell(Closed())
    world.play(3)
    assert world.shown == 5


# Random events. Each is a name and a number of seconds, whose meaning depends on the name.
NAMES = (
    *("frame", "frame", "frame", "finish", "finish", "tick", "tick"),
    *("skip", "again", "repeat", "build", "build", "fail", "refuse", "slow", "resize"),
    *("catch", "hide", "show", "blur", "focus", "toggle", "panic", "capture"),
)
EVENTS = st.tuples(
    st.sampled_from(NAMES), st.sampled_from([0.0, 0.001, FRAME_SECONDS, 0.05, 0.12, 0.4, 3.0])
)


def happen(world: World, name: str, seconds: float) -> None:
    match name:
        case "frame":
            world.frame(seconds)
        case "skip":
            world.frame(seconds, steps=5)
        case "finish":
            world.finish()
        case "slow":
            for _ in range(20):
                world.frame()
                world.finish(0.2)
        case "again":
            world.draw_again()
        case "repeat":
            world.machine.confirm(world.sequence, world.now)
            if world.overlay and world.sequence == world.last_shown:
                world.fresh = world.now
        case "catch":
            world.catch_up()
        case "build":
            world.built()
        case "fail":
            world.fails()
        case "refuse":
            world.fails(TemporalCleanError("refused"))
        case "resize":
            world.resize()
        case "hide" | "show":
            world.tell(Visibility(name == "show"))
        case "blur" | "focus":
            world.tell(FocusChanged(name == "focus"))
        case "toggle" | "panic":
            world.tell(CommandGiven(Command(name)))
        case "capture":
            world.tell(Failed("capture", LOST))
    world.tick(seconds if name == "tick" else 0.0)


# 250 examples of at least 40 events: 10,000 and more.
@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=st.lists(EVENTS, min_size=40, max_size=80), covers=st.booleans())
def test_ten_thousand_random_events(events: list[tuple[str, float]], covers: bool) -> None:
    """Never a stuck overlay, never a stale frame (both checked inside), always a clean end.

    And never stuck at all: once everything is well again, pictures are shown within a minute.
    """
    world = World(covers=covers)
    world.resize()
    for name, seconds in events:
        happen(world, name, seconds)
    if world.stopped is None:
        world.flying.clear()
        for event in (Visibility(True), FocusChanged(True)):
            world.tell(event)
        if not world.machine.on or world.machine.engines.given_up:
            world.tell(CommandGiven(Command.TOGGLE))
        if not world.machine.on:
            world.tell(CommandGiven(Command.TOGGLE))
        shown, deadline = world.shown, world.now + 60.0
        while world.shown < shown + 20 or world.machine.state is not State.RUN:
            world.play(1)
            assert world.now < deadline
        assert world.overlay
        world.tell(CommandGiven(Command.QUIT))
    assert world.stopped
    assert not world.overlay
