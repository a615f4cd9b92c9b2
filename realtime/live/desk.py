"""Where other threads leave requests for the main thread and wait for its answer."""

import queue
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

from temporal_clean.errors import TemporalCleanError

__all__ = ["Desk"]

# The main thread answers within milliseconds, unless the session is ending.
PATIENCE_SECONDS = 2.0


class Question(NamedTuple):
    """A request and the place of its answer."""

    request: dict[str, Any]
    answer: Future[dict[str, Any]]


class Desk:
    """Requests as ``control.requests`` checks them; ``wake`` tells the main thread of one."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._questions: queue.SimpleQueue[Question] = queue.SimpleQueue()

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The main thread's answer; raises :class:`TemporalCleanError` if it gives none."""
        question = Question(request, Future())
        self._questions.put(question)
        self._wake()
        try:
            return question.answer.result(PATIENCE_SECONDS)
        except TimeoutError as error:
            raise TemporalCleanError("the session is ending: it does not answer") from error

    def serve(self, obey: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """On the main thread: obey what waits."""
        while not self._questions.empty():
            request, answer = self._questions.get()
            try:
                answer.set_result(obey(request))
            except TemporalCleanError as error:
                answer.set_exception(error)
