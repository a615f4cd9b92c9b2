"""Which presenter a session's options ask for. Adapters are imported here, when needed."""

import sys
from dataclasses import replace

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import Capture
from temporal_clean.realtime.live.desktop import has_wayland, has_x11, require_x11
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
    if has_wayland():
        options = _beside(options, capture)
    if has_x11():
        require_x11()
        from temporal_clean.realtime.live.x11.choose import open_x11_presenter

        return open_x11_presenter(options, capture)
    if sys.platform == "win32":
        from temporal_clean.realtime.live.windows.choose import open_windows_presenter

        return open_windows_presenter(options, capture)
    raise TemporalCleanError(
        f"'{capture.description}' cannot be shown by '{name}' on this system: choose "
        "--presenter none with --record FILE"
    )


def _beside(options: LiveOptions, capture: Capture) -> LiveOptions:
    """A picked window under Wayland lies where only the compositor knows: shown beside it."""
    from temporal_clean.realtime.live.capture.pipewire import PortalCapture

    if not isinstance(capture, PortalCapture) or options.shown_by != "overlay":
        return options
    if options.presenter == "overlay":
        raise TemporalCleanError(
            "Wayland tells no program where another's window is, so nothing can lie over it: use "
            "--presenter window, or run the game under XWayland and name it by --window TITLE"
        )
    return replace(options, presenter="window")
