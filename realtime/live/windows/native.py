"""The calls of user32, dwmapi and shcore that live use needs, by ctypes. Not run on Windows yet.

Each function is one or a few calls with no decisions in it. Imports anywhere, runs on Windows only.
"""

import ctypes
import sys
from ctypes import wintypes
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.window_choice import Window
from temporal_clean.realtime.live.windows.watching import Look

__all__ = [
    "Monitor",
    "Rect",
    "be_aware_of_dpi",
    "library",
    "list_monitors",
    "list_windows",
    "look_at",
    "parent_processes",
    "rectangle",
    "window_at_click",
]

# winuser.h, dwmapi.h and tlhelp32.h.
PER_MONITOR_AWARE_V2 = -4
DWMWA_EXTENDED_FRAME_BOUNDS, DWMWA_CLOAKED = 9, 14
GA_ROOT = 2
VK_LBUTTON, VK_ESCAPE = 0x01, 0x1B
TH32CS_SNAPPROCESS = 0x2
PROCESS_ENTRY_NAME = 260


# Of 4 bytes on Windows; ctypes' own follow this system's C, and tests measure them anywhere.
DWORD = ctypes.c_uint32


class Rect(ctypes.Structure):
    """RECT: right and bottom lie just outside."""

    _fields_ = tuple((name, ctypes.c_int32) for name in ("left", "top", "right", "bottom"))


class Monitor(ctypes.Structure):
    """MONITORINFOEXW: ``place`` is the whole monitor, in pixels of the virtual screen."""

    _fields_ = (
        ("size", DWORD),
        ("monitor", Rect),
        ("work", Rect),
        ("flags", DWORD),
        ("device", ctypes.c_uint16 * 32),
    )

    @property
    def place(self) -> Rectangle:
        return rectangle(self.monitor)

    @property
    def name(self) -> str:
        """The device's name: ``\\\\.\\DISPLAY1``."""
        return bytes(self.device).decode("utf-16-le").rstrip("\0")


class ProcessEntry(ctypes.Structure):
    """PROCESSENTRY32W."""

    _fields_ = (
        ("size", DWORD),
        ("usage", DWORD),
        ("process", DWORD),
        ("heap", ctypes.c_size_t),
        ("module", DWORD),
        ("threads", DWORD),
        ("parent", DWORD),
        ("priority", ctypes.c_int32),
        ("flags", DWORD),
        ("name", ctypes.c_uint16 * PROCESS_ENTRY_NAME),
    )


def rectangle(found: Rect) -> Rectangle:
    """A RECT as a place."""
    return Rectangle(found.left, found.top, found.right - found.left, found.bottom - found.top)


def library(name: str) -> Any:
    """user32, dwmapi, kernel32, dxgi, d3d11; raises :class:`TemporalCleanError` elsewhere."""
    if sys.platform != "win32":
        raise TemporalCleanError(f"{name}.dll is part of Windows, and this is {sys.platform}")
    return ctypes.WinDLL(name, use_last_error=True)


def be_aware_of_dpi() -> None:
    """Have every place in true pixels, on every monitor; once, before the first window."""
    library("user32").SetProcessDpiAwarenessContext(ctypes.c_void_p(PER_MONITOR_AWARE_V2))


def look_at(window: int) -> Look | None:
    """The window now; None once it is gone."""
    user, dwm, handle = library("user32"), library("dwmapi"), wintypes.HWND(window)
    if not user.IsWindow(handle):
        return None
    client, bounds, corner = Rect(), Rect(), wintypes.POINT(0, 0)
    cloaked = wintypes.DWORD(0)
    user.GetClientRect(handle, ctypes.byref(client))
    user.ClientToScreen(handle, ctypes.byref(corner))
    for attribute, target in ((DWMWA_EXTENDED_FRAME_BOUNDS, bounds), (DWMWA_CLOAKED, cloaked)):
        dwm.DwmGetWindowAttribute(handle, attribute, ctypes.byref(target), ctypes.sizeof(target))
    shown = user.IsWindowVisible(handle) and not user.IsIconic(handle) and not cloaked.value
    user.GetForegroundWindow.restype = wintypes.HWND
    return Look(
        client=Rectangle(corner.x, corner.y, client.right, client.bottom),
        bounds=rectangle(bounds),
        shown=bool(shown),
        focused=user.GetForegroundWindow() == window,
    )


def list_windows() -> list[Window]:
    """All windows of programs, topmost first."""
    user = library("user32")
    found: list[Window] = []

    def take(handle: int, _: int) -> bool:
        if user.IsWindowVisible(wintypes.HWND(handle)):
            found.append(describe(handle))
        return True

    if sys.platform == "win32":
        callback = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)(take)
        user.EnumWindows(callback, 0)
    return [window for window in found if window.title and window.place.width > 1]


def describe(window: int) -> Window:
    """What is known of a window."""
    user, handle = library("user32"), wintypes.HWND(window)
    title = ctypes.create_unicode_buffer(512)
    process = wintypes.DWORD(0)
    user.GetWindowTextW(handle, title, len(title))
    user.GetWindowThreadProcessId(handle, ctypes.byref(process))
    look = look_at(window)
    place = look.client if look else Rectangle(0, 0, 0, 0)
    return Window(window, title.value, process.value, place, bool(look and look.shown))


def window_at_click() -> Window:
    """The window that is clicked next; raises :class:`TemporalCleanError` on Escape."""
    user = library("user32")
    user.WindowFromPoint.restype = user.GetAncestor.restype = wintypes.HWND
    user.WindowFromPoint.argtypes = [wintypes.POINT]
    while True:
        if user.GetAsyncKeyState(VK_ESCAPE) & 0x8000:
            raise TemporalCleanError("no window was picked")
        if user.GetAsyncKeyState(VK_LBUTTON) & 0x8000:
            point = wintypes.POINT()
            user.GetCursorPos(ctypes.byref(point))
            handle = user.WindowFromPoint(point)
            return describe(user.GetAncestor(wintypes.HWND(handle), GA_ROOT))
        library("kernel32").Sleep(10)


def list_monitors() -> list[Monitor]:
    """In the order in which windows-capture counts them (EnumDisplayMonitors), from 1."""
    user = library("user32")
    found: list[Monitor] = []

    def take(handle: int, *_: Any) -> bool:
        monitor = Monitor(size=ctypes.sizeof(Monitor))
        user.GetMonitorInfoW(wintypes.HMONITOR(handle), ctypes.byref(monitor))
        found.append(monitor)
        return True

    if sys.platform == "win32":
        callback = ctypes.WINFUNCTYPE(
            wintypes.BOOL, wintypes.HMONITOR, wintypes.HDC, ctypes.c_void_p, wintypes.LPARAM
        )(take)
        user.EnumDisplayMonitors(None, None, callback, 0)
    return found


def parent_processes() -> dict[int, int]:
    """Every process and the one that started it."""
    kernel = library("kernel32")
    kernel.CreateToolhelp32Snapshot.restype = wintypes.HANDLE
    snapshot = wintypes.HANDLE(kernel.CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0))
    entry = ProcessEntry(size=ctypes.sizeof(ProcessEntry))
    found: dict[int, int] = {}
    more = kernel.Process32FirstW(snapshot, ctypes.byref(entry))
    while more:
        found[entry.process] = entry.parent
        more = kernel.Process32NextW(snapshot, ctypes.byref(entry))
    kernel.CloseHandle(snapshot)
    return found
