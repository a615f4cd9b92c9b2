"""From a capture's pictures to stamped frames: mailbox, duplicates, generations, pacing."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.continuity import Continuity
from temporal_clean.realtime.live.events import Moved, Resized
from temporal_clean.realtime.live.frames import Frame, Rectangle
from temporal_clean.realtime.live.intake import Intake
from temporal_clean.realtime.live.machine_events import NewGeneration
from temporal_clean.realtime.live.mailbox import Mailbox, Owner, same_bytes
from temporal_clean.realtime.live.pacing import Cadence, RateCap
from temporal_clean.realtime.live.stats import LiveStats


class Source:
    """An intake with a clock that its test sets."""

    def __init__(self, cap: float | None = None) -> None:
        self.now, self.heard = 10.0, []
        self.stats = LiveStats()
        self.stats.started = self.now
        self.mailbox = Mailbox()
        self.intake = Intake(
            self.mailbox, RateCap(cap), self.stats, self.heard.append, lambda: self.now
        )

    def deliver(self, value: int, seconds: float = 1 / 60, size: tuple[int, int] = (4, 6)) -> None:
        self.now += seconds
        self.intake.deliver(np.full((*size, 4), value, np.uint8), self.now)

    def take(self) -> Frame:
        frame = self.mailbox.take(0.0)
        assert frame is not None
        return frame

    def count(self, name: str) -> int:
        return self.stats.record(self.now)[name]

    def dropped(self) -> dict[str, int]:
        return self.stats.record(self.now)["dropped"]


def test_the_newest_wins_and_what_it_replaces_is_counted() -> None:
    source = Source()
    for value in range(5):
        source.deliver(value)
    assert source.take().picture[0, 0, 0] == 4
    assert source.mailbox.take(0.0) is None
    assert source.dropped() == {"overwritten": 4}
    assert source.count("captured") == 5


def test_a_frame_in_hand_is_not_written_over() -> None:
    source = Source()
    source.deliver(1)
    held = source.take()
    for value in range(2, 12):
        source.deliver(value)
        assert (held.picture == 1).all()
    assert source.take().picture[0, 0, 0] == 11


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["publish", "discard", "take"]), max_size=60))
def test_each_slot_has_one_owner(steps: list[str]) -> None:
    mailbox, value, newest = Mailbox(), 0, None
    for step in steps:
        if step == "take":
            frame = mailbox.take(0.0)
            assert (frame is None) == (newest is None)
            assert frame is None or (frame.picture == newest).all()
            newest = None
        else:
            value += 1
            slot = mailbox.write(np.full((2, 2, 4), value % 251, np.uint8))
            assert slot.owner is Owner.WRITER
            if step == "publish":
                mailbox.publish(slot, Frame(slot.picture, 0, value, 0.0, 0.0, 0.0))
                newest = value % 251
            else:
                mailbox.discard(slot)
        owners = mailbox.owners()
        assert all(owners.count(who) <= 1 for who in Owner if who is not Owner.NOBODY)
        assert Owner.NOBODY in owners


def test_reader_is_woken_by_a_frame_by_a_poke_and_by_the_end() -> None:
    for wake in (lambda s: s.deliver(1), lambda s: s.mailbox.poke(), lambda s: s.mailbox.close()):
        source = Source()
        reader = threading.Thread(target=source.mailbox.take, args=(60.0,))
        reader.start()
        wake(source)
        reader.join(10.0)
        assert not reader.is_alive()


def test_a_duplicate_neither_advances_nor_resets() -> None:
    """Two seconds of a still picture in between: no gap, no missed frame, one duplicate each."""
    source, continuity = Source(), Continuity(gap=0.1, missed=3)
    for value in range(40):
        source.deliver(value)
    assert continuity.follow(source.take()) is None
    for _ in range(120):
        source.deliver(39)
        assert source.mailbox.take(0.0) is None
    assert source.count("duplicates") == 120
    assert source.intake.confirmed == (39, source.now)
    source.deliver(41)
    frame = source.take()
    assert frame.sequence == 40
    assert continuity.follow(frame) is None


def test_silence_is_a_gap() -> None:
    source, continuity = Source(), Continuity(gap=0.1, missed=3)
    source.deliver(1)
    continuity.follow(source.take())
    source.deliver(2, seconds=0.2)
    assert continuity.follow(source.take()) == "gap"


@pytest.mark.parametrize(("where", "same"), [(None, True), (0, False), (-1, False)])
def test_duplicates_are_told_byte_for_byte(where: int | None, same: bool) -> None:
    first = np.random.default_rng(1).integers(0, 256, (90, 70, 4), np.uint8)
    second = first.copy()
    if where is not None:
        second.reshape(-1)[where] ^= 1
    assert same_bytes(first, second) is same
    assert not same_bytes(first, first[:80])
    assert same_bytes(first.view(np.float16), first.view(np.float16))  # NaNs too


def test_strided_pictures_are_copied_right() -> None:
    source = Source()
    world = np.random.default_rng(1).integers(0, 256, (90, 70, 4), np.uint8)
    source.intake.deliver(world[5:25, 7:40], 11.0)
    assert np.array_equal(source.take().picture, world[5:25, 7:40])


def test_another_size_or_format_begins_a_generation() -> None:
    source = Source()
    source.intake.tell(Resized(1, 2))  # pictures tell their sizes themselves
    source.intake.tell(Moved(Rectangle(1, 2, 3, 4)))
    source.deliver(1)
    source.deliver(2)
    source.deliver(2, size=(6, 4))
    source.intake.deliver(np.zeros((6, 4, 4), np.float16), source.now)
    facts = [event.frames for event in source.heard if isinstance(event, NewGeneration)]
    assert [tuple(f) for f in facts] == [
        (0, 6, 4, "bgra8"),
        (1, 4, 6, "bgra8"),
        (2, 4, 6, "rgba16f"),
    ]
    assert source.take().generation == 2
    assert source.heard[0] == Moved(Rectangle(1, 2, 3, 4))
    assert source.count("sizes") == ["6x4 bgra8", "4x6 bgra8", "4x6 rgba16f"]


@pytest.mark.parametrize("picture", [np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4, 4), np.int32)])
def test_other_pictures_are_refused(picture: np.ndarray) -> None:
    with pytest.raises(TemporalCleanError, match="expected pictures of"):
        Source().intake.deliver(picture, 1.0)


def test_frames_that_the_source_left_out_are_counted_as_missed() -> None:
    source = Source()
    for value in range(40):
        source.deliver(value)
    before = source.take().sequence
    source.deliver(41, seconds=4 / 60)
    assert source.take().sequence == before + 4
    assert source.dropped()["skipped by the source"] == 3
    source.deliver(42, seconds=2.0)  # a stall is not 120 frames
    assert source.take().sequence == before + 5


@pytest.mark.parametrize(("source", "cap"), [(60, 30), (60, 40), (144, 60), (60, 59), (30, 60)])
def test_cap_keeps_its_rate_at_a_steady_beat(source: int, cap: int) -> None:
    limit, random = RateCap(cap), np.random.default_rng(3)
    times = np.arange(source * 10) / source + random.normal(0, 0.0005, source * 10)
    passed = [time for time in times if limit.allows(time)]
    assert len(passed) == pytest.approx(min(source, cap) * 10, rel=0.02)
    # No wait is longer than the cap's interval and one of the source's.
    assert max(np.diff(passed)) < 1 / cap + 1 / source + 0.004


def test_cap_drops_before_anything_is_compared() -> None:
    source = Source(cap=30)
    for value in range(60):
        source.deliver(value)
    assert source.dropped()["fps cap"] == 30
    assert "skipped by the source" not in source.dropped()


def test_cadence_is_the_median() -> None:
    cadence = Cadence()
    assert cadence.interval is None
    for index in range(50):
        cadence.advance(index / 60 + (0.004 if index % 7 == 0 else 0.0))
    assert cadence.interval == pytest.approx(1 / 60, rel=0.01)
