"""The windows that there are: listed, found by title or process, and where they are on screen."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xcffib.res as res
import xcffib.xproto as xproto

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.window_choice import Window, choose_by_process, choose_by_title
from temporal_clean.realtime.live.x11.server import GONE, Server

__all__ = [
    "Window",
    "ancestors",
    "client_of",
    "describe",
    "find_by_process",
    "find_by_title",
    "is_viewable",
    "list_windows",
    "monitors",
    "place_of",
    "title_of",
]

# Smaller ones are tray icons and helpers that toolkits keep for themselves.
SMALLEST = 16


def list_windows(server: Server) -> list[Window]:
    """All windows of programs: those that the window manager names, else all in the tree."""
    numbers = np.frombuffer(server.read(server.root, "_NET_CLIENT_LIST"), np.uint32).tolist()
    found = []
    for number in numbers or _in_tree(server, server.root, depth=3):
        try:
            window = describe(server, number)
        except GONE:
            continue
        if min(window.place.width, window.place.height) >= SMALLEST:
            found.append(window)
    return found


def find_by_title(server: Server, text: str) -> Window:
    """The one window whose title contains ``text`` (in any case), or is exactly it.

    Raises :class:`TemporalCleanError`, listing the windows, if there is none or more than one.
    """
    return choose_by_title(list_windows(server), text)


def find_by_process(server: Server, process: int) -> Window:
    """The one window of a process, or of one that it started (launchers and scripts do).

    Raises :class:`TemporalCleanError`, listing the windows, if there is none or more than one.
    """
    return choose_by_process(list_windows(server), process, _parents)


def describe(server: Server, window: int) -> Window:
    """What is known of a window; raises one of ``GONE`` if it has gone."""
    place = place_of(server, window)
    process = _process_of(server, window)
    return Window(window, title_of(server, window), process, place, is_viewable(server, window))


def title_of(server: Server, window: int) -> str:
    """As its program gave it; the class where there is none ('' where there is neither)."""
    for name, encoding in (("_NET_WM_NAME", "utf-8"), ("WM_NAME", "latin-1")):
        if text := server.read(window, name):
            return text.decode(encoding, "replace").strip("\0")
    return server.read(window, "WM_CLASS").rstrip(b"\0").split(b"\0")[-1].decode("latin-1")


def place_of(server: Server, window: int) -> Rectangle:
    """Where a window's inside, without border, is on the screen."""
    shape = server.core.GetGeometry(window).reply()
    corner = server.core.TranslateCoordinates(window, server.root, 0, 0).reply()
    return Rectangle(corner.dst_x, corner.dst_y, shape.width, shape.height)


def is_viewable(server: Server, window: int) -> bool:
    """Whether it and all windows around it are mapped."""
    state = server.core.GetWindowAttributes(window).reply().map_state
    return state == xproto.MapState.Viewable


def monitors(server: Server) -> list[Rectangle]:
    """Where the monitors are on the screen, the primary one first."""
    found = server.extension("RANDR").GetMonitors(server.root, True).reply().monitors
    ordered = sorted(found, key=lambda monitor: not monitor.primary)
    return [Rectangle(each.x, each.y, each.width, each.height) for each in ordered]


def ancestors(server: Server, window: int) -> list[int]:
    """The windows around it, from its parent to the one just below the root."""
    found = []
    while (window := server.core.QueryTree(window).reply().parent) not in (0, server.root):
        found.append(window)
    return found


def client_of(server: Server, frame: int) -> int:
    """The program's window within a window manager's frame: the one with WM_STATE (ICCCM 4.1.3.1).

    ``frame`` itself where there is none.
    """
    level = [frame]
    while level:
        for window in level:
            if server.read(window, "WM_STATE"):
                return window
        level = [child for window in level for child in _children(server, window)]
    return frame


def _children(server: Server, window: int) -> list[int]:
    try:
        return list(server.core.QueryTree(window).reply().children)
    except GONE:
        return []


def _in_tree(server: Server, window: int, depth: int) -> Iterator[int]:
    """Windows with a title, at most ``depth`` levels down; where no window manager lists them.

    Menus, tooltips and overlays (override-redirect) are left out.
    """
    for child in _children(server, window):
        try:
            attributes = server.core.GetWindowAttributes(child).reply()
        except GONE:
            continue
        drawn = attributes._class == xproto.WindowClass.InputOutput
        if not drawn or attributes.override_redirect:
            continue
        if title_of(server, child):
            yield child
        elif depth > 1:
            yield from _in_tree(server, child, depth - 1)


def _process_of(server: Server, window: int) -> int:
    """As its program says, else as the server knows of its connection; 0 if neither does."""
    if said := server.read(window, "_NET_WM_PID"):
        return int.from_bytes(said[:4], "little")
    try:
        asked = res.ClientIdSpec.synthetic(window, res.ClientIdMask.LocalClientPID)
        answer = server.extension("X-Resource").QueryClientIds(1, [asked]).reply()
    except (TemporalCleanError, *GONE):
        return 0
    numbers = [number for found in answer.ids for number in found.value]
    return numbers[0] if numbers else 0


def _parents(process: int) -> Iterator[int]:
    """The processes that started this one, nearest first, as far as /proc tells (proc(5))."""
    while process > 1:
        try:
            stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            return
        process = int(stat.rpartition(")")[2].split()[1])
        yield process
