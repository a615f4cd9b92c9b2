"""Which capture a session's options ask for. Adapters are imported here, when they are needed."""

import sys

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.base import Capture
from temporal_clean.realtime.live.desktop import has_wayland, has_x11, require_x11
from temporal_clean.realtime.live.options import LiveOptions

__all__ = ["open_capture"]


def open_capture(options: LiveOptions) -> Capture:
    """The source of frames, not started yet.

    Raises :class:`TemporalCleanError` if there is no such source or no way to capture it here.
    """
    if options.source is not None:
        return _open_source(options.source, options.loop)
    # Under Wayland the X server's own screen is empty: monitors come through the portal there.
    if has_x11() and not (options.monitor is not None and has_wayland()):
        require_x11()
        from temporal_clean.realtime.live.x11.choose import open_x11_capture

        return open_x11_capture(options)
    if sys.platform == "win32":
        from temporal_clean.realtime.live.windows.choose import open_windows_capture

        return open_windows_capture(options)
    if has_wayland() and (options.pick or options.monitor is not None):
        from temporal_clean.realtime.live.capture.pipewire import PortalCapture

        return PortalCapture(fps_cap=options.fps_cap)
    raise TemporalCleanError(
        "windows and monitors cannot be captured on this system: use --source VIDEO or pattern"
    )


def _open_source(source: str, loop: bool) -> Capture:
    if source.partition(":")[0] in ("pattern", "hdr-pattern"):
        from temporal_clean.realtime.live.capture.pattern import PatternCapture, parse_pattern

        return PatternCapture(parse_pattern(source))
    from temporal_clean.realtime.live.capture.video import VideoCapture

    return VideoCapture(source, loop)
