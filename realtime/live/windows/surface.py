"""A window of our own with a swap chain in it. Not run on Windows yet; ``plans`` decides."""

import contextlib
import ctypes
from ctypes import wintypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.windows.direct3d import (
    DXGI_ERROR_NOT_FOUND,
    OutputDescription,
    call,
    create_device,
    create_factory,
    interface_id,
    query,
    unknown_pointer,
)
from temporal_clean.realtime.live.windows.native import Rect, library, rectangle
from temporal_clean.realtime.live.windows.plans import (
    BUFFERS,
    SwapChainPlan,
    describe_chain,
    is_hdr,
)

__all__ = ["NativeWindow", "SwapChain", "hdr_devices", "pressed_hotkeys"]

# winuser.h.
HWND_TOPMOST, HWND_TOP = -1, 0
SWP_NOZORDER, SWP_NOACTIVATE, SWP_SHOWWINDOW = 0x4, 0x10, 0x40
SW_HIDE = 0
LWA_ALPHA = 0x2
WDA_EXCLUDEFROMCAPTURE = 0x11
PM_REMOVE, WM_HOTKEY = 0x1, 0x312
DXGI_MWA_NO_ALT_ENTER = 0x2
FEATURE_ALLOW_TEARING = 0
# A compositor that takes this long for a picture is asleep: the next is written all the same.
PATIENCE_MILLISECONDS = 100
CLASS_NAME = "temporal-clean"


class WindowClass(ctypes.Structure):
    """WNDCLASSEXW."""

    _fields_ = (
        ("size", wintypes.UINT),
        ("style", wintypes.UINT),
        ("procedure", ctypes.c_void_p),
        ("class_extra", ctypes.c_int),
        ("window_extra", ctypes.c_int),
        ("instance", wintypes.HANDLE),
        ("icon", wintypes.HANDLE),
        ("cursor", wintypes.HANDLE),
        ("background", wintypes.HANDLE),
        ("menu", wintypes.LPCWSTR),
        ("name", wintypes.LPCWSTR),
        ("small_icon", wintypes.HANDLE),
    )


class NativeWindow:
    """A hidden window of the system's own behaviour; belongs to the thread that makes it."""

    def __init__(self, title: str, style: tuple[int, int], layered: bool, excluded: bool) -> None:
        user = library("user32")
        procedure = ctypes.cast(user.DefWindowProcW, ctypes.c_void_p)
        kind = WindowClass(size=ctypes.sizeof(WindowClass), procedure=procedure, name=CLASS_NAME)
        user.RegisterClassExW(ctypes.byref(kind))  # again for a second window: refused, no harm
        user.CreateWindowExW.restype = wintypes.HWND
        self.style = plain, extended = style
        self.handle = user.CreateWindowExW(
            wintypes.DWORD(extended), CLASS_NAME, title, wintypes.DWORD(plain),
            0, 0, 1, 1, None, None, None, None,
        )  # fmt: skip
        if not self.handle:
            raise TemporalCleanError(f"no window could be made ({_last_error()})")
        if layered:
            user.SetLayeredWindowAttributes(self._handle, 0, 255, LWA_ALPHA)
        if excluded and not user.SetWindowDisplayAffinity(self._handle, WDA_EXCLUDEFROMCAPTURE):
            user.DestroyWindow(self._handle)
            raise TemporalCleanError(
                "the overlay would be captured with the monitor, and this Windows cannot leave it "
                f"out (10 2004 or newer can; {_last_error()}): use --window TITLE"
            )
        self.shown: Rectangle | None = None

    @property
    def _handle(self) -> wintypes.HWND:
        return wintypes.HWND(self.handle)

    @property
    def alive(self) -> bool:
        """False once the player has closed it."""
        return bool(library("user32").IsWindow(self._handle))

    def show(self, place: Rectangle, topmost: bool) -> None:
        """Be at ``place``, without taking the focus; no call where that is so already."""
        if place != self.shown:
            user, (x, y, width, height) = library("user32"), place
            # A titled window is larger than its inside; an overlay is not.
            whole = Rect(x, y, x + width, y + height)
            plain, extended = (wintypes.DWORD(bits) for bits in self.style)
            user.AdjustWindowRectEx(ctypes.byref(whole), plain, False, extended)
            after = wintypes.HWND(HWND_TOPMOST if topmost else HWND_TOP)
            flags = SWP_NOACTIVATE | SWP_SHOWWINDOW | (0 if topmost else SWP_NOZORDER)
            user.SetWindowPos(self._handle, after, *rectangle(whole), flags)
            self.shown = place

    def hide(self) -> None:
        """Take it from the screen."""
        if self.shown is not None:
            library("user32").ShowWindow(self._handle, SW_HIDE)
            self.shown = None

    def close(self) -> None:
        """Destroy it. Idempotent."""
        library("user32").DestroyWindow(self._handle)


class SwapChain:
    """Flip-model buffers of a window, on a device of its own."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.factory = create_factory()
        self.device, self.context = create_device()
        allowed = wintypes.BOOL(0)
        with contextlib.suppress(OSError):  # too old to know the question
            call(
                self.factory, "CheckFeatureSupport", FEATURE_ALLOW_TEARING,
                ctypes.byref(allowed), ctypes.sizeof(allowed),
            )  # fmt: skip
        self.tearing = bool(allowed.value)
        self.plan: SwapChainPlan | None = None
        self.chain: Any = None
        self.waitable: int | None = None

    def show(self, picture: NDArray[Any], plan: SwapChainPlan) -> None:
        """Put a picture into the next buffer and present it; an OSError if the device is lost."""
        self._fit(plan)
        library("kernel32").WaitForSingleObject(
            wintypes.HANDLE(self.waitable), PATIENCE_MILLISECONDS
        )
        buffer = unknown_pointer()
        wanted = interface_id("ID3D11Texture2D")
        call(self.chain, "GetBuffer", 0, ctypes.byref(wanted), ctypes.byref(buffer))
        pixels = np.ascontiguousarray(picture)
        pitch = pixels.strides[0]
        call(self.context, "UpdateSubresource", buffer, 0, None, pixels.ctypes.data, pitch, 0)
        call(self.chain, "Present", 0, plan.present_flags)

    def close(self) -> None:
        """Let go of everything. Idempotent."""
        if self.waitable is not None:
            library("kernel32").CloseHandle(wintypes.HANDLE(self.waitable))
        self.waitable = None
        if self.context is not None:
            call(self.context, "ClearState")
            call(self.context, "Flush")
        # comtypes releases what is no longer referred to.
        self.chain = self.context = self.device = self.factory = None

    def _fit(self, plan: SwapChainPlan) -> None:
        if plan == self.plan:
            return
        if self.chain is None:
            self._create(plan)
        else:
            call(self.chain, "ResizeBuffers", 0, plan.width, plan.height, plan.format, plan.flags)
        call(self.chain, "SetColorSpace1", plan.colour_space)
        self.plan = plan

    def _create(self, plan: SwapChainPlan) -> None:
        description, made = describe_chain(plan), unknown_pointer()
        call(
            self.factory, "CreateSwapChainForHwnd", self.device, self.window,
            ctypes.byref(description), None, None, ctypes.byref(made),
        )  # fmt: skip
        call(self.factory, "MakeWindowAssociation", self.window, DXGI_MWA_NO_ALT_ENTER)
        self.chain = query(made, "IDXGISwapChain3")
        call(self.chain, "SetMaximumFrameLatency", BUFFERS - 1)
        self.waitable = call(self.chain, "GetFrameLatencyWaitableObject")


def hdr_devices() -> set[str]:
    """The names of monitors, ``\\\\.\\DISPLAY1``, on which HDR is on."""
    factory = create_factory()
    found = set()
    for adapter in _each(factory, "EnumAdapters1"):
        for output in _each(adapter, "EnumOutputs"):
            description = OutputDescription()
            call(query(output, "IDXGIOutput6"), "GetDesc1", ctypes.byref(description))
            if is_hdr(description.colour_space):
                found.add(bytes(description.device).decode("utf-16-le").partition("\0")[0])
    return found


def pressed_hotkeys() -> list[int]:
    """Take this thread's messages, let windows handle theirs, and give the ids of hotkeys."""
    user, message = library("user32"), wintypes.MSG()
    pressed = []
    while user.PeekMessageW(ctypes.byref(message), None, 0, 0, PM_REMOVE):
        if message.message == WM_HOTKEY:
            pressed.append(int(message.wParam))
        user.TranslateMessage(ctypes.byref(message))
        user.DispatchMessageW(ctypes.byref(message))
    return pressed


def _each(unknown: Any, method: str) -> list[Any]:
    """All that an Enum... method gives, until it says that there is none."""
    found: list[Any] = []
    while True:
        item = unknown_pointer()
        try:
            call(unknown, method, len(found), ctypes.byref(item))
        except OSError as error:
            if getattr(error, "winerror", 0) & 0xFFFFFFFF == DXGI_ERROR_NOT_FOUND:
                return found
            raise
        found.append(item)


def _last_error() -> str:
    number = getattr(ctypes, "get_last_error", int)()
    return f"Windows error {number}"
