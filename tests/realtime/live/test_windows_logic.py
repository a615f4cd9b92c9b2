"""What the Windows parts decide, from recorded sequences: no Windows needed."""

import ctypes
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.capture.dxgi import DuplicationCapture, in_our_format
from temporal_clean.realtime.live.capture.windows import GraphicsCapture, attempts
from temporal_clean.realtime.live.events import (
    Closed,
    Command,
    Event,
    Failed,
    FocusChanged,
    Moved,
    Visibility,
)
from temporal_clean.realtime.live.frames import Rectangle
from temporal_clean.realtime.live.hotkeys import DEFAULT_HOTKEYS, KEYS, parse_hotkey
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.window_choice import Window, choose_by_process, choose_by_title
from temporal_clean.realtime.live.windows import native
from temporal_clean.realtime.live.windows.choose import (
    ancestors_in,
    capture_of,
    monitor_under,
    sees_the_screen,
)
from temporal_clean.realtime.live.windows.direct3d import (
    INTERFACES,
    METHODS,
    OutputDescription,
    SwapChainDescription,
)
from temporal_clean.realtime.live.windows.hotkeys import modifier_bits, virtual_key
from temporal_clean.realtime.live.windows.plans import (
    EX_LAYERED,
    EX_NOACTIVATE,
    EX_TRANSPARENT,
    describe_chain,
    is_device_lost,
    is_hdr,
    overlay_style,
    plan_for,
    window_style,
)
from temporal_clean.realtime.live.windows.surface import WindowClass
from temporal_clean.realtime.live.windows.watching import (
    Look,
    Watcher,
    crop_to,
    events_between,
    source_time,
)

HEADERS = Path("/usr/share/mingw-w64/include")
A, B = Rectangle(100, 80, 640, 360), Rectangle(300, 80, 800, 450)
FRAME = Rectangle(99, 50, 642, 391)


class Sink:
    def __init__(self) -> None:
        self.pictures: list[np.ndarray] = []
        self.times: list[float] = []
        self.events: list[Event] = []

    def deliver(self, picture: np.ndarray, source_time: float) -> None:
        self.pictures.append(picture.copy())
        self.times.append(source_time)

    def tell(self, event: Event) -> None:
        self.events.append(event)


def wait_for(true: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


# A window's life as looks at it, and what the loop is told.
LIFE = [
    (Look(A, FRAME, True, True), [Moved(A), Visibility(True), FocusChanged(True)]),
    (Look(A, FRAME, True, True), []),
    (Look(A, FRAME, True, False), [FocusChanged(False)]),
    # Minimised, a window lies at -32000: its place says nothing.
    (Look(Rectangle(-32000, -32000, 0, 0), FRAME, False, False), [Visibility(False)]),
    (Look(B, FRAME, True, True), [Moved(B), Visibility(True), FocusChanged(True)]),
    (Look(A, FRAME, True, True), [Moved(A)]),
    (None, [Closed("the game's window is gone")]),
]


def test_a_windows_life_is_told_in_events() -> None:
    before = None
    for look, expected in LIFE:
        assert events_between(before, look) == expected
        before = look


def test_the_watcher_tells_the_same_and_ends_with_the_window() -> None:
    looks = iter([look for look, _ in LIFE])
    sink = Sink()
    watcher = Watcher(lambda: next(looks), sink.tell)
    watcher.start()
    assert sink.events == LIFE[0][1]
    wait_for(lambda: Closed("the game's window is gone") in sink.events)
    watcher.stop()
    assert sink.events == [event for _, events in LIFE for event in events]


def test_a_look_that_fails_is_told_not_raised() -> None:
    looks = iter([LIFE[0][0]])  # then StopIteration
    sink = Sink()
    watcher = Watcher(lambda: next(looks), sink.tell)
    watcher.start()
    wait_for(lambda: isinstance(sink.events[-1], Failed))
    watcher.stop()


sides = st.integers(1, 3000)
places = st.builds(Rectangle, st.integers(-4000, 4000), st.integers(-4000, 4000), sides, sides)


@given(places, places)
def test_a_crop_is_the_windows_own_area_or_nothing(bounds: Rectangle, inner: Rectangle) -> None:
    part = crop_to((bounds.height, bounds.width), bounds, inner)
    inside = (
        bounds.x <= inner.x
        and bounds.y <= inner.y
        and inner.x + inner.width <= bounds.x + bounds.width
        and inner.y + inner.height <= bounds.y + bounds.height
    )
    assert (part is not None) == inside
    if part is not None:
        rows, columns = part
        assert (rows.stop - rows.start, columns.stop - columns.start) == inner[:1:-1]
        assert (columns.start + bounds.x, rows.start + bounds.y) == inner[:2]


def test_a_picture_of_another_size_than_the_window_is_not_cut() -> None:
    assert crop_to((391, 642), FRAME, A) == (slice(30, 390), slice(1, 641))
    assert crop_to((400, 642), FRAME, A) is None


def test_a_frames_time_is_on_the_loops_clock() -> None:
    assert source_time(1_000_000_0, counter=1.010, now=500.0) == pytest.approx(499.99)
    assert source_time(2_000_000_0, counter=1.010, now=500.0) == 500.0  # from the future
    assert source_time(0, counter=90.0, now=500.0) == 500.0  # of another clock


def test_capture_arguments_are_the_packages_own_and_get_simpler() -> None:
    # windows_capture 2.0.1, WindowsCapture.__init__.
    known = {"cursor_capture", "draw_border", "secondary_window", "minimum_update_interval"}
    known |= {"dirty_region", "monitor_index", "window_name", "window_hwnd"}
    tries = attempts({"window_hwnd": 7}, cursor=False)
    assert all(arguments.keys() <= known for arguments in tries)
    assert all(arguments["window_hwnd"] == 7 for arguments in tries)
    assert tries[0]["minimum_update_interval"] == 1
    assert not tries[0]["cursor_capture"]
    assert len(tries[-1]) < len(tries[0])


class Frame:
    """As the package hands one over: a view of rows that are longer than the picture."""

    def __init__(self, number: int, height: int, width: int) -> None:
        self.frame_buffer = np.full((height, width + 8, 4), number, np.uint8)[:, :width]
        self.width, self.height = width, height
        self.timespan = int(time.perf_counter() * 1e7)


class Control:
    def __init__(self) -> None:
        self.stopped = False

    def stop(self) -> None:
        self.stopped = True


class Package:
    """Records how it is called; refuses what an older Windows refuses, in the package's words."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.calls = refused, []
        self.control = Control()
        self.last: Any = None

    def WindowsCapture(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        for name in self.refused:
            if arguments.get(name) is not None:
                raise Exception(f"{name} is not supported by the Graphics Capture API")
        self.last = self
        return self

    def start_free_threaded(self) -> Control:
        return self.control


@pytest.fixture
def package(monkeypatch) -> Callable[..., Package]:
    def install(*refused: str) -> Package:
        made = Package(*refused)
        monkeypatch.setitem(__import__("sys").modules, "windows_capture", made)
        return made

    return install


def test_an_older_windows_is_asked_for_less(package) -> None:
    made = package("minimum_update_interval", "draw_border")
    capture = GraphicsCapture("monitor 2", monitor=2, place=A)
    capture.start(Sink())
    assert [len(arguments) for arguments in made.calls] == [4, 3, 2]
    assert made.calls[-1] == {"monitor_index": 2, "cursor_capture": False}
    capture.stop()
    assert made.control.stopped


def test_a_capture_that_cannot_begin_says_why(package) -> None:
    made = package()
    made.start_free_threaded = lambda: (_ for _ in ()).throw(Exception("Failed to find window"))
    with pytest.raises(TemporalCleanError, match=r"monitor 1 .*cannot be captured: Failed to find"):
        GraphicsCapture("monitor 1", monitor=1, place=A).start(Sink())
    assert len(made.calls) == 1


def test_frames_are_handed_over_at_once_and_cut_to_the_game(package, monkeypatch) -> None:
    made, sink = package(), Sink()
    monkeypatch.setattr(
        "temporal_clean.realtime.live.capture.windows.look_at", lambda _: LIFE[0][0]
    )
    capture = GraphicsCapture("game", window=7)
    capture.start(sink)
    assert sink.events == LIFE[0][1]
    made.frame_handler(Frame(1, 391, 642), made.control)
    made.frame_handler(Frame(2, 500, 700), made.control)  # in the middle of a resize
    assert [picture.shape for picture in sink.pictures] == [(360, 640, 4)]
    assert 0 <= time.monotonic() - sink.times[0] < 5
    made.closed_handler()
    assert sink.events[-1] == Closed("the game's window is gone")
    capture.stop()
    told = len(sink.events)
    made.frame_handler(Frame(3, 391, 642), made.control)
    made.closed_handler()
    assert (len(sink.pictures), len(sink.events)) == (1, told)
    capture.stop()


def test_a_sink_that_raises_ends_the_capture_with_a_word(package) -> None:
    made, sink = package(), Sink()
    sink.deliver = lambda *_: (_ for _ in ()).throw(ValueError("full"))
    capture = GraphicsCapture("monitor", monitor=1, place=A)
    capture.start(sink)
    made.frame_handler(Frame(1, 4, 4), made.control)
    assert isinstance(sink.events[-1], Failed)
    assert made.control.stopped
    capture.stop()


class Duplication:
    """Plays what a session of the package gave: frames, nothing new, errors with its words."""

    LOST = Exception("DXGI duplication access lost; call recreate() to re-establish the session")

    def __init__(self, *steps: Any) -> None:
        self.steps, self.recreated = list(steps), 0

    def acquire_frame(self, timeout_ms: int = 16) -> Any:
        step = self.steps.pop(0) if self.steps else None
        if isinstance(step, Exception):
            raise step
        if step is None:
            time.sleep(0.001)
        return step

    def recreate(self) -> None:
        self.recreated += 1
        if self.recreated == 1:
            raise Exception("Failed to create DXGI duplication session")


class DuplicationFrame:
    def __init__(self, pixels: np.ndarray, color_format: str) -> None:
        self.pixels, self.color_format = pixels, color_format

    def to_numpy(self) -> np.ndarray:
        return self.pixels


HALF = DuplicationFrame(np.full((4, 6, 4), 2.5, np.float16), "rgba16f")
BYTES = DuplicationFrame(np.arange(96, dtype=np.uint8).reshape(4, 6, 4), "bgra8")


def test_hdr_comes_and_goes_and_a_lost_duplication_comes_back(monkeypatch) -> None:
    monkeypatch.setattr("temporal_clean.realtime.live.capture.dxgi.RETRY_SECONDS", 0.01)
    session = Duplication(HALF, None, Duplication.LOST, BYTES, HALF)
    sink, capture = Sink(), DuplicationCapture("monitor 1", 1, A, opened=lambda _: session)
    capture.start(sink)
    wait_for(lambda: len(sink.pictures) == 3)
    capture.stop()
    assert [picture.dtype.name for picture in sink.pictures] == ["float16", "uint8", "float16"]
    assert session.recreated == 2
    assert sink.events == [Moved(A), FocusChanged(True)]


def test_a_duplication_that_fails_otherwise_is_told(monkeypatch) -> None:
    session = Duplication(Exception("Failed to map duplication frame"))
    sink, capture = Sink(), DuplicationCapture("monitor 1", 1, A, opened=lambda _: session)
    capture.start(sink)
    wait_for(lambda: isinstance(sink.events[-1], Failed))
    capture.stop()
    capture.stop()


def test_a_window_is_cut_out_of_its_monitor(monkeypatch) -> None:
    inside = Look(Rectangle(12, 21, 3, 2), FRAME, True, True)
    monkeypatch.setattr("temporal_clean.realtime.live.capture.dxgi.look_at", lambda _: inside)
    session = Duplication(BYTES)
    capture = DuplicationCapture("game", 1, Rectangle(10, 20, 6, 4), 7, lambda _: session)
    sink = Sink()
    capture.start(sink)
    wait_for(lambda: sink.pictures)
    capture.stop()
    assert np.array_equal(sink.pictures[0], BYTES.pixels[1:3, 2:5])


def test_formats_of_the_duplication() -> None:
    rgba = np.arange(8, dtype=np.uint8).reshape(1, 2, 4)
    assert in_our_format(rgba, "rgba8").tolist() == [[[2, 1, 0, 3], [6, 5, 4, 7]]]
    assert in_our_format(rgba, "bgra8") is rgba
    with pytest.raises(TemporalCleanError, match="the desktop is rgb10a2: expected bgra8"):
        in_our_format(rgba, "rgb10a2")


MONITORS = [Rectangle(0, 0, 1920, 1080), Rectangle(-2560, 0, 2560, 1440)]
GAME = Window(7, "Game", 70, Rectangle(-2000, 100, 1280, 720), True)


def test_hdr_takes_the_duplication_and_all_else_the_graphics_capture() -> None:
    def capture(found: Window | None, bright: list[int], **given: Any) -> Any:
        options = LiveOptions(**(given or {"window": "Game"}))
        return capture_of(options, found, MONITORS, bright)

    plain, hdr = capture(GAME, []), capture(GAME, [2])
    assert isinstance(plain, GraphicsCapture)
    assert (plain.window, plain.monitor) == (7, None)
    assert isinstance(hdr, DuplicationCapture)
    assert (hdr.window, hdr.monitor, hdr.place) == (7, 2, MONITORS[1])
    assert isinstance(capture(GAME, [1]), GraphicsCapture)
    assert isinstance(capture(GAME, [2], window="Game", force_sdr=True), GraphicsCapture)
    whole = capture(None, [1], monitor=1)
    assert isinstance(whole, DuplicationCapture)
    assert whole.window is None
    assert capture(None, [1], monitor=2).monitor == 2
    with pytest.raises(TemporalCleanError, match="from 1 to 2; there are 1: 1920x1080, 2: 2560"):
        capture(None, [], monitor=3)
    # What would see our overlay, so that it must be kept out.
    assert [sees_the_screen(each) for each in (plain, hdr, whole)] == [False, True, True]
    assert sees_the_screen(capture(None, [], monitor=2))


def test_the_monitor_of_a_window_is_the_one_that_holds_most_of_it() -> None:
    assert monitor_under(GAME.place, MONITORS) == 2
    assert monitor_under(Rectangle(-100, 0, 900, 100), MONITORS) == 1
    assert monitor_under(Rectangle(9000, 9000, 10, 10), MONITORS) in (1, 2)


def test_windows_are_chosen_by_title_or_by_who_started_them() -> None:
    launcher = Window(8, "Launcher", 60, A, True)
    windows = [GAME, launcher, Window(9, "game tips", 90, A, False)]
    assert choose_by_title(windows, "Game") is GAME
    with pytest.raises(TemporalCleanError, match="2 windows fit"):
        choose_by_title(windows, "gam")
    parents = ancestors_in({70: 65, 65: 50, 60: 1, 1: 2, 2: 1})
    assert list(parents(70)) == [65, 50]
    assert list(parents(60)) == [1, 2]  # a circle of numbers used again
    assert choose_by_process(windows, 50, parents) is GAME
    assert choose_by_process(windows, 60, parents) is launcher
    with pytest.raises(TemporalCleanError, match="there is not a window of process 4"):
        choose_by_process(windows, 4, parents)


def test_plans_of_the_swap_chain() -> None:
    sdr = plan_for(np.zeros((360, 640, 4), np.uint8), tearing=True)
    hdr = plan_for(np.zeros((360, 640, 4), np.float16), tearing=False)
    assert (sdr.width, sdr.height) == (640, 360)
    assert (sdr.format, sdr.colour_space) == (87, 0)  # B8G8R8A8_UNORM, sRGB
    assert (hdr.format, hdr.colour_space) == (10, 1)  # R16G16B16A16_FLOAT, linear BT.709
    assert (sdr.present_flags, hdr.present_flags) == (0x200, 0)
    assert sdr.flags == 0x840
    assert hdr.flags == 0x40
    chain = describe_chain(sdr)
    assert (chain.width, chain.effect, chain.samples, chain.buffers) == (640, 4, 1, 3)
    assert ctypes.sizeof(SwapChainDescription) == 48


def test_styles_let_clicks_and_focus_pass() -> None:
    _, overlay = overlay_style()
    for bit in (EX_LAYERED, EX_TRANSPARENT, EX_NOACTIVATE):
        assert overlay & bit
    assert not window_style()[1] & EX_TRANSPARENT


def test_lost_devices_and_hdr_outputs() -> None:
    lost = OSError()
    lost.winerror = 0x887A0005 - 2**32
    assert is_device_lost(lost)
    assert not is_device_lost(OSError(22, "x"))
    assert is_hdr(12)
    assert not is_hdr(0)


def test_hotkeys_have_windows_codes() -> None:
    assert len({virtual_key(key) for key in KEYS}) == len(KEYS)
    assert virtual_key("a") == 0x41
    assert virtual_key("f1") == 0x70
    assert virtual_key("f24") == 0x87
    assert modifier_bits(Command.TOGGLE, parse_hotkey("ctrl+shift+f6")) == 0x4006
    assert modifier_bits(Command.STRENGTH_UP, parse_hotkey("ctrl+alt+super+a")) == 0xB
    # F12 belongs to debuggers: RegisterHotKey's own page.
    assert all(hotkey.key != "f12" for hotkey in DEFAULT_HOTKEYS.values())


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: f"{m.interface}.{m.name}")
def test_methods_stand_where_the_headers_have_them(method) -> None:
    table = header(rf"typedef struct {method.interface}Vtbl \{{(.*?)END_INTERFACE")
    names = re.findall(r"\(STDMETHODCALLTYPE \*(\w+)\)\(([^)]*)\)", table)
    assert [name for name, _ in names].index(method.name) == method.slot
    arguments = names[method.slot][1].count(",")
    assert len(method.arguments) == arguments


@pytest.mark.parametrize("name", INTERFACES)
def test_interface_ids_are_the_headers(name: str) -> None:
    found = header(rf"DEFINE_GUID\(IID_{name}, (.*?)\);")
    digits = "".join(part.strip()[2:].rjust(w, "0") for part, w in zip(
        found.split(","), (8, 4, 4, *[2] * 8), strict=True))  # fmt: skip
    assert digits == re.sub(r"[{}-]", "", INTERFACES[name])


def header(pattern: str) -> str:
    if not HEADERS.is_dir():
        pytest.skip("needs the headers: apt-get install --no-install-recommends mingw-w64-common")
    for name in ("dxgi1_6.h", "dxgi1_5.h", "dxgi1_4.h", "dxgi1_2.h", "dxgi.h", "d3d11.h"):
        if found := re.search(pattern, (HEADERS / name).read_text(), re.DOTALL):
            return found[1]
    raise AssertionError(f"no {pattern} in {HEADERS}")


def test_structures_have_their_sizes_on_64_bits() -> None:
    """As sizeof has them: WNDCLASSEXW, MONITORINFOEXW, PROCESSENTRY32W, DXGI_OUTPUT_DESC1."""
    if ctypes.sizeof(ctypes.c_void_p) == 8:
        assert ctypes.sizeof(WindowClass) == 80
        assert ctypes.sizeof(native.Monitor) == 104
        assert ctypes.sizeof(native.ProcessEntry) == 568
        assert ctypes.sizeof(OutputDescription) == 152


def test_elsewhere_the_calls_say_where_they_belong() -> None:
    if native.sys.platform != "win32":
        with pytest.raises(TemporalCleanError, match=r"user32\.dll is part of Windows"):
            native.be_aware_of_dpi()
