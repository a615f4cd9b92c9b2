"""One window out of many, by title or process; the same rules and words on every system."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.frames import Rectangle

__all__ = ["Window", "choose_by_process", "choose_by_title"]

# Of the list in an error.
LISTED = 30


class Window(NamedTuple):
    """A program's window. ``process`` is 0 where no one knows it."""

    id: int
    title: str
    process: int
    place: Rectangle
    visible: bool


def choose_by_title(windows: Sequence[Window], text: str) -> Window:
    """The one window whose title contains ``text`` (in any case), or is exactly it.

    Raises :class:`TemporalCleanError`, listing the windows, if there is none or more than one.
    """
    matches = [window for window in windows if text.lower() in window.title.lower()]
    exact = [window for window in matches if window.title == text]
    return _only(
        exact or matches, windows, f"a window with '{text}' in its title", "--pid or --pick"
    )


def choose_by_process(
    windows: Sequence[Window], process: int, parents: Callable[[int], Iterable[int]]
) -> Window:
    """The one window of a process, or of one that it started (launchers and scripts do).

    ``parents`` gives the processes that started a process. Raises :class:`TemporalCleanError`,
    listing the windows, if there is none or more than one.
    """
    own = [window for window in windows if window.process == process]
    others = [window for window in windows if process in parents(window.process)]
    return _only(own or others, windows, f"a window of process {process}", "--window or --pick")


def _only(matches: Sequence[Window], windows: Sequence[Window], wanted: str, other: str) -> Window:
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise TemporalCleanError(
            f"expected one, but {len(matches)} windows fit {wanted}: use {other}\n{_table(matches)}"
        )
    listed = f"; there are\n{_table(windows)}" if windows else " and no other window either"
    raise TemporalCleanError(f"there is not {wanted}{listed}")


def _table(windows: Sequence[Window]) -> str:
    lines = [
        f"  pid {window.process or '?':<8}{window.place.width}x{window.place.height:<6}"
        f"{'' if window.visible else '(hidden) '}{window.title or '(no title)'}"
        for window in windows[:LISTED]
    ]
    more = len(windows) - LISTED
    return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)
