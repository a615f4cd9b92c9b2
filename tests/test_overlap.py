"""The three overlapped stages: order, bounded memory, failures and cancels."""

import threading
import time

import pytest

from temporal_clean.overlap import QUEUE_LENGTH, StageTimes, overlap


def ours() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("temporal-clean")]


def test_keeps_order_and_times_every_item() -> None:
    times, written = StageTimes(), []
    assert sum(1 for _ in overlap(range(50), lambda x: x * x, written.append, times)) == 50
    assert written == [x * x for x in range(50)]
    assert len(times.source) == len(times.work) == len(times.sink) == 50
    assert not ours()


def test_reads_only_a_little_ahead() -> None:
    read = []

    def source():
        for item in range(100):
            read.append(item)
            yield item

    steps = overlap(source(), lambda x: x, lambda _: None, StageTimes())
    for _ in range(3):
        next(steps)
    time.sleep(0.3)
    assert len(read) <= 3 + 2 * QUEUE_LENGTH
    steps.close()
    assert not ours()


def test_stages_overlap() -> None:
    """Three stages of 20 ms each over 20 items take far less than one after the other."""

    def slow(item):
        time.sleep(0.02)
        return item

    started = time.perf_counter()
    list(overlap((slow(x) for x in range(20)), slow, slow, StageTimes()))
    assert time.perf_counter() - started < 0.8 * 3 * 20 * 0.02


@pytest.mark.parametrize("stage", ["source", "work", "sink"])
@pytest.mark.parametrize("at", [0, 7, 19])
def test_a_failure_anywhere_is_raised_here(stage: str, at: int) -> None:
    def fail(item, here):
        if stage == here and item == at:
            raise ValueError(f"{stage} broke")
        return item

    steps = overlap(
        (fail(x, "source") for x in range(20)),
        lambda x: fail(x, "work"),
        lambda x: fail(x, "sink"),
        StageTimes(),
    )
    with pytest.raises(ValueError, match=f"{stage} broke"):
        list(steps)
    assert not ours()


def test_an_empty_source_ends_at_once() -> None:
    assert list(overlap([], lambda x: x, lambda _: None, StageTimes())) == []
