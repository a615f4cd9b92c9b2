"""What a session's options mean on Windows. Not run yet; the decisions are tested anywhere."""

from collections.abc import Callable, Collection, Iterator, Sequence

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import Capture
from temporal_clean.realtime.live.capture.dxgi import DuplicationCapture
from temporal_clean.realtime.live.capture.windows import GraphicsCapture
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.base import Presenter
from temporal_clean.realtime.live.window_choice import Window, choose_by_process, choose_by_title
from temporal_clean.realtime.live.windows import native

__all__ = ["capture_of", "monitor_under", "open_windows_capture", "open_windows_presenter"]


def open_windows_capture(options: LiveOptions) -> Capture:
    """The window or monitor asked for; waits for a click with ``--pick``.

    Raises :class:`TemporalCleanError`, listing what there is, if it is not there.
    """
    from temporal_clean.realtime.live.windows.surface import hdr_devices

    native.be_aware_of_dpi()
    monitors = native.list_monitors()
    hdr = hdr_devices()
    places = [monitor.place for monitor in monitors]
    bright = [number for number, each in enumerate(monitors, 1) if each.name in hdr]
    return capture_of(options, _window_of(options), places, bright)


def _window_of(options: LiveOptions) -> Window | None:
    if options.window is not None:
        return choose_by_title(native.list_windows(), options.window)
    if options.pid is not None:
        parents = ancestors_in(native.parent_processes())
        return choose_by_process(native.list_windows(), options.pid, parents)
    return native.window_at_click() if options.pick else None


def ancestors_in(parents: dict[int, int]) -> Callable[[int], Iterator[int]]:
    """From a table of processes' parents: who started a process, nearest first.

    Windows uses numbers again, so the table may hold circles.
    """

    def ancestors(process: int) -> Iterator[int]:
        seen = {process}
        while (process := parents.get(process, 0)) not in (0, *seen):
            seen.add(process)
            yield process

    return ancestors


def capture_of(
    options: LiveOptions,
    window: Window | None,
    places: Sequence[Rectangle],
    bright: Collection[int],
) -> Capture:
    """The capture for a window or, without one, a monitor; ``bright`` are those with HDR on.

    HDR comes through the monitor's duplication alone; 'force SDR' takes the 8 bits of the other.
    """
    number = options.monitor if window is None else monitor_under(window.place, places)
    if number is None or not 1 <= number <= len(places):
        shown = ", ".join(f"{n}: {p.width}x{p.height}" for n, p in enumerate(places, 1))
        raise TemporalCleanError(f"expected a monitor from 1 to {len(places)}; there are {shown}")
    place = places[number - 1]
    name = f"monitor {number}" if window is None else f'window "{window.title}"'
    handle = None if window is None else window.id
    if number in bright and not options.force_sdr:
        return DuplicationCapture(name, number, place, handle)
    return GraphicsCapture(name, handle, number if window is None else None, place, options.cursor)


def monitor_under(place: Rectangle, monitors: Sequence[Rectangle]) -> int:
    """The number, from 1, of the monitor that holds most of ``place``."""

    def shared(monitor: Rectangle) -> int:
        right = min(place.x + place.width, monitor.x + monitor.width)
        bottom = min(place.y + place.height, monitor.y + monitor.height)
        return max(right - max(place.x, monitor.x), 0) * max(bottom - max(place.y, monitor.y), 0)

    return max(range(len(monitors)), key=lambda index: shared(monitors[index])) + 1


def open_windows_presenter(options: LiveOptions, capture: Capture) -> Presenter:
    """An overlay over the source or a window beside it, hidden still."""
    from temporal_clean.realtime.live.present.d3d11 import Direct3DPresenter

    if options.shown_by == "gl":
        raise TemporalCleanError("on Windows pictures are shown by Direct3D: leave --presenter out")
    title = f"temporal-clean: {capture.description}"
    return Direct3DPresenter(
        title,
        options.hotkeys,
        covers=options.shown_by == "overlay",
        excluded=sees_the_screen(capture),
    )


def sees_the_screen(capture: Capture) -> bool:
    """Whether an overlay would be in the capture's own picture."""
    if isinstance(capture, DuplicationCapture):
        return True
    return isinstance(capture, GraphicsCapture) and capture.window is None
