"""Three stages at once: a source, a worker and a sink, joined by short queues."""

import queue
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

__all__ = ["StageTimes", "overlap"]

Item = TypeVar("Item")
Result = TypeVar("Result")

# Frames waiting between two stages: enough to ride out a slow frame, little memory.
QUEUE_LENGTH = 4
END = object()


class StageTimes:
    """Milliseconds that each item took in each stage, waiting not included."""

    def __init__(self) -> None:
        self.source, self.work, self.sink = array("f"), array("f"), array("f")


def overlap(
    source: Iterable[Item],
    work: Callable[[Item], Result],
    sink: Callable[[Result], None],
    times: StageTimes,
) -> Iterator[None]:
    """Read ahead in one thread, ``work`` in the caller's, ``sink`` in another; yields per item.

    Order is kept. The first exception of any stage ends all and is raised here; both threads
    have ended when this generator has.
    """
    before: queue.Queue = queue.Queue(QUEUE_LENGTH)
    after: queue.Queue = queue.Queue(QUEUE_LENGTH)
    stop = threading.Event()
    failures: list[BaseException] = []

    def guarded(run: Callable[[], None]) -> Callable[[], None]:
        def body() -> None:
            try:
                run()
            except BaseException as error:
                failures.append(error)
                stop.set()

        return body

    def read() -> None:
        for item in _timed(iter(source), times.source):
            if not _put(before, item, stop):
                return
        _put(before, END, stop)

    def write() -> None:
        while (item := _get(after, stop)) is not END:
            started = time.perf_counter()
            sink(item)
            times.sink.append(1e3 * (time.perf_counter() - started))

    threads = [
        threading.Thread(target=guarded(run), name=f"temporal-clean {name}", daemon=True)
        for name, run in (("reader", read), ("writer", write))
    ]
    for thread in threads:
        thread.start()
    finished = False
    try:
        while (item := _get(before, stop)) is not END:
            started = time.perf_counter()
            result = work(item)
            times.work.append(1e3 * (time.perf_counter() - started))
            if not _put(after, result, stop):
                break
            yield
        _put(after, END, stop)
        finished = True
    finally:
        if not finished:
            stop.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _timed(items: Iterator[Item], times: array) -> Iterator[Item]:
    while True:
        started = time.perf_counter()
        try:
            item = next(items)
        except StopIteration:
            return
        times.append(1e3 * (time.perf_counter() - started))
        yield item


def _put(target: queue.Queue, item: Any, stop: threading.Event) -> bool:
    """False if everything was told to stop before there was room."""
    while not stop.is_set():
        try:
            target.put(item, timeout=0.1)
            return True
        except queue.Full:
            continue
    return False


def _get(source: queue.Queue, stop: threading.Event) -> Any:
    """The next item; END once everything was told to stop."""
    while not stop.is_set():
        try:
            return source.get(timeout=0.1)
        except queue.Empty:
            continue
    return END
