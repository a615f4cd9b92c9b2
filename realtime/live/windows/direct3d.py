"""The few Direct3D 11 and DXGI methods that presenting needs, by their places in the tables.

A COM method is its place in its interface's table: ``METHODS`` has them with their arguments, and
a test compares the places with the headers of mingw-w64. comtypes does the reference counting.
Not run on Windows yet; the tables and structures are checked anywhere.
"""

import ctypes
import importlib
import sys
from ctypes import wintypes
from typing import Any, NamedTuple

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.windows.native import Rect, library

__all__ = [
    "DEVICE_LOST",
    "INTERFACES",
    "METHODS",
    "Method",
    "OutputDescription",
    "SwapChainDescription",
    "call",
    "create_device",
    "create_factory",
    "query",
]

UINT, POINTER, HWND = ctypes.c_uint32, ctypes.c_void_p, wintypes.HWND
# Resource, part, box, source, its bytes a row and a slice.
UPDATED = (POINTER, UINT, POINTER, POINTER, UINT, UINT)

# dxgi1_5.h, dxgi1_4.h, dxgi1_6.h, dxgi.h, d3d11.h.
INTERFACES = {
    "IDXGIDevice": "{54ec77fa-1377-44e6-8c32-88fd5f44c84c}",
    "IDXGIFactory5": "{7632e1f5-ee65-4dca-87fd-84cd75f8838d}",
    "IDXGIOutput6": "{068346e8-aaec-4b84-add7-137f513f77a1}",
    "IDXGISwapChain3": "{94d99bdb-f1f8-4ab0-b236-7da0170edab1}",
    "ID3D11Texture2D": "{6f15aaf2-d208-4e89-9ab4-489535d34f9c}",
}
# winerror.h and d3d11.h.
DXGI_ERROR_NOT_FOUND = 0x887A0002
DEVICE_LOST = (0x887A0005, 0x887A0006, 0x887A0007, 0x887A0020)
DRIVER_TYPE_HARDWARE, SDK_VERSION, BGRA_SUPPORT = 1, 7, 0x20


class Method(NamedTuple):
    """An interface's method: its place in the table, its arguments after ``this``, its result."""

    interface: str
    name: str
    slot: int
    arguments: tuple[Any, ...] = ()
    # 'result': an HRESULT, raised as OSError when it is a failure. Otherwise a ctypes type.
    returns: Any = "result"


METHODS = {
    method.name: method
    for method in (
        Method("IDXGIFactory5", "MakeWindowAssociation", 8, (HWND, UINT)),
        Method("IDXGIFactory5", "EnumAdapters1", 12, (UINT, POINTER)),
        Method("IDXGIFactory5", "CreateSwapChainForHwnd", 15, (POINTER, HWND, *[POINTER] * 4)),
        Method("IDXGIFactory5", "CheckFeatureSupport", 28, (UINT, POINTER, UINT)),
        Method("IDXGIAdapter1", "EnumOutputs", 7, (UINT, POINTER)),
        Method("IDXGIOutput6", "GetDesc1", 27, (POINTER,)),
        Method("IDXGISwapChain3", "Present", 8, (UINT, UINT)),
        Method("IDXGISwapChain3", "GetBuffer", 9, (UINT, POINTER, POINTER)),
        Method("IDXGISwapChain3", "ResizeBuffers", 13, (UINT, UINT, UINT, UINT, UINT)),
        Method("IDXGISwapChain3", "SetMaximumFrameLatency", 31, (UINT,)),
        Method("IDXGISwapChain3", "GetFrameLatencyWaitableObject", 33, (), wintypes.HANDLE),
        Method("IDXGISwapChain3", "CheckColorSpaceSupport", 37, (UINT, POINTER)),
        Method("IDXGISwapChain3", "SetColorSpace1", 38, (UINT,)),
        Method("ID3D11DeviceContext", "UpdateSubresource", 48, UPDATED, None),
        Method("ID3D11DeviceContext", "ClearState", 110, (), None),
        Method("ID3D11DeviceContext", "Flush", 111, (), None),
    )
}  # fmt: skip


class SwapChainDescription(ctypes.Structure):
    """DXGI_SWAP_CHAIN_DESC1, its DXGI_SAMPLE_DESC written out."""

    _fields_ = tuple(
        (name, UINT)
        for name in (
            *("width", "height", "format", "stereo", "samples", "quality", "usage"),
            *("buffers", "scaling", "effect", "alpha", "flags"),
        )
    )


class OutputDescription(ctypes.Structure):
    """DXGI_OUTPUT_DESC1: a monitor as Direct3D sees it; luminances in nits."""

    _fields_ = (
        ("device", ctypes.c_uint16 * 32),
        ("place", Rect),
        ("attached", UINT),
        ("rotation", UINT),
        ("monitor", POINTER),
        ("bits", UINT),
        ("colour_space", UINT),
        ("primaries", ctypes.c_float * 8),
        ("darkest", ctypes.c_float),
        ("brightest", ctypes.c_float),
        ("brightest_full", ctypes.c_float),
    )


def call(unknown: Any, name: str, *arguments: Any) -> Any:
    """Call ``METHODS[name]`` of a comtypes pointer; a failure is an OSError with its HRESULT."""
    if sys.platform != "win32":
        raise TemporalCleanError(f"Direct3D is part of Windows, and this is {sys.platform}")
    method = METHODS[name]
    returns = ctypes.HRESULT if method.returns == "result" else method.returns
    prototype = ctypes.WINFUNCTYPE(returns, *method.arguments)
    return prototype(method.slot, name)(unknown, *arguments)


def unknown_pointer() -> Any:
    """An empty pointer to IUnknown that releases what it comes to hold."""
    return ctypes.POINTER(importlib.import_module("comtypes").IUnknown)()


def interface_id(name: str) -> Any:
    """The GUID of an interface."""
    return importlib.import_module("comtypes").GUID(INTERFACES[name])


def query(unknown: Any, interface: str) -> Any:
    """The same object as another of its interfaces; raises comtypes.COMError if it has none."""
    kind = importlib.import_module("comtypes").IUnknown
    return unknown.QueryInterface(kind, interface_id(interface))


def create_factory() -> Any:
    """IDXGIFactory5."""
    found = unknown_pointer()
    result = library("dxgi").CreateDXGIFactory2(
        0, ctypes.byref(interface_id("IDXGIFactory5")), ctypes.byref(found)
    )
    check(result, "Windows 10 1703 or newer is needed (IDXGIFactory5)")
    return found


def create_device() -> tuple[Any, Any]:
    """An ID3D11Device on the first adapter, and its ID3D11DeviceContext."""
    device, context, level = unknown_pointer(), unknown_pointer(), UINT(0)
    result = library("d3d11").D3D11CreateDevice(
        None, DRIVER_TYPE_HARDWARE, None, BGRA_SUPPORT, None, 0, SDK_VERSION,
        ctypes.byref(device), ctypes.byref(level), ctypes.byref(context),
    )  # fmt: skip
    check(result, "no Direct3D 11 device: update the graphics driver")
    return device, context


def check(result: int, words: str) -> None:
    """Raise :class:`TemporalCleanError` if an HRESULT is a failure."""
    if result < 0:
        raise TemporalCleanError(f"{words} (0x{result & 0xFFFFFFFF:08X})")
