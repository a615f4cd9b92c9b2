"""Which presenter a session's options ask for. Adapters are imported here, when needed."""

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import Capture
from temporal_clean.realtime.live.desktop import has_x11, require_x11
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.base import Presenter

__all__ = ["open_presenter"]


def open_presenter(options: LiveOptions, capture: Capture) -> Presenter:
    """Where clean frames go, hidden still; with a recorder around it if one is asked for.

    Raises :class:`TemporalCleanError` if it cannot be opened here.
    """
    presenter = _open_screen(options, capture)
    if options.record is None:
        return presenter
    from temporal_clean.realtime.live.present.recording import Recording

    return Recording(presenter, options.record, options.overwrite)


def _open_screen(options: LiveOptions, capture: Capture) -> Presenter:
    name = options.shown_by
    if name == "none":
        from temporal_clean.realtime.live.present.headless import Headless

        return Headless()
    if has_x11():
        require_x11()
        from temporal_clean.realtime.live.x11.choose import open_x11_presenter

        return open_x11_presenter(options, capture)
    raise TemporalCleanError(
        f"'{capture.description}' cannot be shown by '{name}' on this system: choose "
        "--presenter none with --record FILE"
    )
