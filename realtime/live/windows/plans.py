"""What presenting on Windows decides, apart from the calls: formats, flags, styles. Portable."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

from temporal_clean.realtime.live.frames import pixel_format
from temporal_clean.realtime.live.windows.direct3d import DEVICE_LOST, SwapChainDescription

__all__ = [
    "SwapChainPlan",
    "describe_chain",
    "is_device_lost",
    "is_hdr",
    "overlay_style",
    "plan_for",
    "window_style",
]

# dxgiformat.h, dxgicommon.h, dxgi.h, dxgi1_2.h.
FORMATS = {"bgra8": 87, "rgba16f": 10}  # B8G8R8A8_UNORM, R16G16B16A16_FLOAT
COLOUR_SPACES = {"bgra8": 0, "rgba16f": 1}  # RGB_FULL_G22_NONE_P709, RGB_FULL_G10_NONE_P709
HDR10_SPACE = 12  # RGB_FULL_G2084_NONE_P2020: what an output says of itself while HDR is on
USAGE_RENDER_TARGET = 0x20
STRETCH, FLIP_DISCARD, IGNORE_ALPHA = 0, 4, 3
WAITABLE, ALLOW_TEARING = 0x40, 0x800
PRESENT_ALLOW_TEARING = 0x200
# One is on screen, one waits, one is written: the game is never held up.
BUFFERS = 3

# winuser.h.
WS_POPUP, WS_OVERLAPPEDWINDOW = 0x80000000, 0x00CF0000
EX_TOPMOST, EX_TRANSPARENT, EX_TOOLWINDOW = 0x8, 0x20, 0x80
EX_LAYERED, EX_NOREDIRECTIONBITMAP, EX_NOACTIVATE = 0x80000, 0x200000, 0x8000000


class SwapChainPlan(NamedTuple):
    """A swap chain's buffers: numbers of DXGI."""

    width: int
    height: int
    format: int
    colour_space: int
    flags: int
    present_flags: int


def plan_for(picture: NDArray[Any], tearing: bool) -> SwapChainPlan:
    """For pictures like this one; ``tearing`` where the system allows it (variable refresh)."""
    kind = pixel_format(picture)
    flags = WAITABLE | (ALLOW_TEARING if tearing else 0)
    present = PRESENT_ALLOW_TEARING if tearing else 0
    height, width = picture.shape[:2]
    return SwapChainPlan(width, height, FORMATS[kind], COLOUR_SPACES[kind], flags, present)


def describe_chain(plan: SwapChainPlan) -> SwapChainDescription:
    """Flip model, newest picture wins, scaled to the window, opaque."""
    return SwapChainDescription(
        width=plan.width,
        height=plan.height,
        format=plan.format,
        samples=1,
        usage=USAGE_RENDER_TARGET,
        buffers=BUFFERS,
        scaling=STRETCH,
        effect=FLIP_DISCARD,
        alpha=IGNORE_ALPHA,
        flags=plan.flags,
    )


def is_hdr(colour_space: int) -> bool:
    """Whether an output of this DXGI_COLOR_SPACE_TYPE shows HDR at the moment."""
    return colour_space == HDR10_SPACE


def is_device_lost(error: OSError) -> bool:
    """Whether the graphics device has gone (updated, reset or unplugged): to be made anew."""
    number = getattr(error, "winerror", None)
    return number is not None and number & 0xFFFFFFFF in DEVICE_LOST


def overlay_style() -> tuple[int, int]:
    """Style and extended style of a window without clicks, keys, focus or a taskbar button.

    Layered and transparent, clicks fall through to other programs' windows; without a redirection
    bitmap a layered window may have a flip-model swap chain (as Magpie's has).
    """
    extended = EX_TOPMOST | EX_TRANSPARENT | EX_TOOLWINDOW | EX_LAYERED
    return WS_POPUP, extended | EX_NOREDIRECTIONBITMAP | EX_NOACTIVATE


def window_style() -> tuple[int, int]:
    """Style and extended style of a window beside the game, which leaves it the keyboard."""
    return WS_OVERLAPPEDWINDOW, EX_NOACTIVATE
