"""What a session's options mean under X11."""

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import Capture
from temporal_clean.realtime.live.capture.x11 import MonitorCapture, WindowCapture
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.base import Presenter
from temporal_clean.realtime.live.x11.pick import pick_window
from temporal_clean.realtime.live.x11.server import Server
from temporal_clean.realtime.live.x11.windows import find_by_process, find_by_title, monitors

__all__ = ["open_x11_capture", "open_x11_presenter"]


def open_x11_capture(options: LiveOptions) -> WindowCapture | MonitorCapture:
    """The window or monitor asked for; waits for a click with ``--pick``.

    Raises :class:`TemporalCleanError`, listing what there is, if it is not there.
    """
    server = Server()
    try:
        if options.monitor is not None:
            count = len(monitors(server))
            if options.monitor > count:
                raise TemporalCleanError(
                    f"expected a monitor from 1 to {count}, got {options.monitor}"
                )
            return MonitorCapture(options.monitor, options.cursor)
        if options.window is not None:
            found = find_by_title(server, options.window)
        elif options.pid is not None:
            found = find_by_process(server, options.pid)
        else:
            found = pick_window(server)
        return WindowCapture(found.id, options.cursor, title=found.title)
    finally:
        server.close()


def open_x11_presenter(options: LiveOptions, capture: Capture) -> Presenter:
    """An overlay over the capture's window, or a window beside it, hidden still.

    Raises :class:`TemporalCleanError` where an overlay would end up in its own picture.
    """
    target = capture.window if isinstance(capture, WindowCapture) else None
    overlay = options.shown_by == "overlay" or (options.shown_by == "gl" and target is not None)
    if overlay and isinstance(capture, MonitorCapture):
        raise TemporalCleanError(
            "under X11 an overlay over a monitor would be captured with it: use --window TITLE, "
            "--presenter window on another monitor, or --presenter none --record FILE"
        )
    title = f"temporal-clean: {capture.description}"
    if options.shown_by == "gl":
        from temporal_clean.realtime.live.present.gl import GLOverlayPresenter, GLWindowPresenter

        if overlay:
            return GLOverlayPresenter(target, options.hotkeys)
        return GLWindowPresenter(title, options.hotkeys)
    from temporal_clean.realtime.live.present.x11 import OverlayPresenter, WindowPresenter

    if overlay:
        return OverlayPresenter(target, options.hotkeys)
    return WindowPresenter(title, options.hotkeys)
