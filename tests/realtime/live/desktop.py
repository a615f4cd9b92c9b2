"""A small desktop for tests: Xvfb with openbox, a program of one window on it, and a person.

Not a test module. What is used of the product here is only its errors; the window's program and
the person talk to the X server by themselves.
"""

import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

xcffib = pytest.importorskip("xcffib", reason="needs xcffib: pip install 'temporal-clean[live]'")
import xcffib.xproto as xproto  # noqa: E402
import xcffib.xtest as xtest  # noqa: E402

__all__ = ["Desktop", "Game", "desktop", "own_segments", "picture_of", "until"]

PROGRAMS = ("Xvfb", "openbox", "xprop")
XVFB = ("Xvfb", "-nolisten", "tcp", "-noreset")
INSTALL = (
    "needs Xvfb, openbox and xprop: apt-get install --no-install-recommends xvfb openbox x11-utils"
)
PATIENCE_SECONDS = 20.0
KEY_PRESS, KEY_RELEASE, BUTTON_PRESS, BUTTON_RELEASE, MOTION = 2, 3, 4, 5, 6


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for a value that counts as true and return it; fails with ``what`` after a while."""
    end = time.monotonic() + seconds
    while True:
        if found := true():
            return found
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.005)


@contextmanager
def desktop(
    width: int = 800, height: int = 600, *flags: str, depth: int = 24, manager: bool = True
) -> Iterator["Desktop"]:
    """Start Xvfb and openbox; skips the test where they are missing."""
    if not all(shutil.which(program) for program in PROGRAMS):
        pytest.skip(INSTALL)
    number, answer = os.pipe()
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        [*XVFB, "-displayfd", str(answer), *flags, "-screen", "0", f"{width}x{height}x{depth}"],
        pass_fds=[answer],
        stdin=quiet,
        stdout=quiet,
        stderr=quiet,
    )
    os.close(answer)
    openbox = None
    try:
        assert select.select([number], [], [], PATIENCE_SECONDS)[0], "Xvfb did not start"
        display = f":{os.read(number, 16).decode().strip()}"
        person = Desktop(display)
        if manager:
            # Windows mapped before openbox has looked around are missed: wait for what it starts.
            command = ["openbox", "--startup", "xprop -root -f READY 8s -set READY yes"]
            openbox = subprocess.Popen(command, env=person.environment, stdout=quiet, stderr=quiet)
            until(lambda: person.property(person.root, "READY"), "openbox is ready")
        yield person
        person.connection.disconnect()
    finally:
        # The window manager first: it would complain of a server that has gone.
        for process in filter(None, (openbox, server)):
            process.terminate()
            process.wait()
        os.close(number)


class Desktop:
    """A person in front of the screen: sees it whole, points, clicks, types and manages windows."""

    def __init__(self, display: str) -> None:
        self.display = display
        self.environment = {**os.environ, "DISPLAY": display}
        self.connection: Any = xcffib.connect(display=display)
        self.core = self.connection.core
        self.root = self.connection.setup.roots[0].root
        self._test = self.connection(xtest.key)

    def screen(self) -> NDArray[np.uint8]:
        """What is on the screen: (height, width, 3), BGR."""
        shape = self.core.GetGeometry(self.root).reply()
        return self.see(0, 0, shape.width, shape.height)

    def see(self, x: int, y: int, width: int, height: int) -> NDArray[np.uint8]:
        """A part of the screen: (height, width, 3), BGR."""
        image = self.core.GetImage(
            xproto.ImageFormat.ZPixmap, self.root, x, y, width, height, 0xFFFFFFFF
        ).reply()
        pixels = np.frombuffer(bytes(image.data.buf()), np.uint8)
        return pixels.reshape(height, width, 4)[..., :3]

    def property(self, window: int, name: str) -> bytes:
        atom = self.core.InternAtom(False, len(name), name).reply().atom
        kind = xproto.GetPropertyType.Any
        answer = self.core.GetProperty(False, window, atom, kind, 0, 1024).reply()
        return bytes(answer.value.buf())

    def point(self, x: int, y: int) -> None:
        self._test.FakeInput(MOTION, 0, 0, self.root, x, y, 0)
        self.sync()

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.point(x, y)
        for kind in (BUTTON_PRESS, BUTTON_RELEASE):
            self._test.FakeInput(kind, button, 0, self.root, 0, 0, 0)
        self.sync()

    def keycode(self, symbol: int) -> int:
        setup = self.connection.setup
        count = setup.max_keycode - setup.min_keycode + 1
        found = self.core.GetKeyboardMapping(setup.min_keycode, count).reply()
        return setup.min_keycode + list(found.keysyms).index(symbol) // found.keysyms_per_keycode

    def press(self, *symbols: int) -> None:
        """Press keys in order and let go of them in the opposite one."""
        codes = [self.keycode(symbol) for symbol in symbols]
        for kind, some in ((KEY_PRESS, codes), (KEY_RELEASE, codes[::-1])):
            for code in some:
                self._test.FakeInput(kind, code, 0, self.root, 0, 0, 0)
        self.sync()

    def can_grab_pointer(self) -> bool:
        """Whether nobody else holds the pointer."""
        mode, now = xproto.GrabMode.Async, xproto.Time.CurrentTime
        status = self.core.GrabPointer(False, self.root, 0, mode, mode, 0, 0, now).reply().status
        self.core.UngrabPointer(now)
        self.sync()
        return status == xproto.GrabStatus.Success

    def focus(self) -> int:
        return self.core.GetInputFocus().reply().focus

    def children(self) -> list[int]:
        """The windows below the root, lowest first."""
        return list(self.core.QueryTree(self.root).reply().children)

    def viewable(self, window: int) -> bool:
        try:
            state = self.core.GetWindowAttributes(window).reply().map_state
        except xproto.WindowError:
            return False
        return state == xproto.MapState.Viewable

    def ask(self, window: int, message: str, *values: int) -> None:
        """A request to the window manager (EWMH and ICCCM client messages)."""
        atom = self.core.InternAtom(False, len(message), message).reply().atom
        data = xproto.ClientMessageData.synthetic([*values, *[0] * (5 - len(values))], "5I")
        event = xproto.ClientMessageEvent.synthetic(32, window, atom, data)
        mask = xproto.EventMask.SubstructureRedirect | xproto.EventMask.SubstructureNotify
        self.core.SendEvent(False, self.root, mask, event.pack())
        self.sync()

    def iconify(self, window: int) -> None:
        self.ask(window, "WM_CHANGE_STATE", 3)

    def activate(self, window: int) -> None:
        """Raise, restore and focus, as a taskbar does."""
        self.ask(window, "_NET_ACTIVE_WINDOW", 2)

    def sync(self) -> None:
        self.core.GetInputFocus().reply()


class Game:
    """A program of one window, ``window``, with a title; draws and hears what it is told to."""

    def __init__(
        self,
        person: Desktop,
        width: int = 320,
        height: int = 180,
        title: str = "Some Game",
        managed: bool = True,
    ) -> None:
        self.connection: Any = xcffib.connect(display=person.display)
        self.core = self.connection.core
        self.size = width, height
        self._heard: list[tuple[str, int]] = []
        self._person, self._screen = person, self.connection.setup.roots[0]
        self.window, self._context = (self.connection.generate_id() for _ in range(2))
        mask = xproto.EventMask
        heard = mask.KeyPress | mask.ButtonPress | mask.StructureNotify | mask.FocusChange
        self.core.CreateWindow(
            self._screen.root_depth, self.window, self._screen.root, 40, 50, width, height, 0,
            xproto.WindowClass.InputOutput, self._screen.root_visual,
            xproto.CW.BackPixel | xproto.CW.EventMask, [0, heard],
        )  # fmt: skip
        self.core.CreateGC(self._context, self.window, 0, [])
        mode, kinds = xproto.PropMode.Replace, xproto.Atom
        text = title.encode()
        self.core.ChangeProperty(mode, self.window, kinds.WM_NAME, kinds.STRING, 8, len(text), text)
        self.core.MapWindow(self.window)
        self.connection.flush()
        until(lambda: person.viewable(self.window), "the game's window is on the screen")
        until(lambda: person.focus() == self.window or not managed, "the game has the focus")

    def draw(self, number: int) -> NDArray[np.uint8]:
        """Draw a picture of its own for each number; returns it, (height, width, 3) BGR."""
        width, height = self.size
        picture = picture_of(number, width, height)
        rows = max(1, 200_000 // (width * 4))
        for top in range(0, height, rows):
            part = picture[top : top + rows]
            self.core.PutImage(
                xproto.ImageFormat.ZPixmap, self.window, self._context, width, len(part), 0, top,
                0, self._screen.root_depth, part.size, part.tobytes(),
            )  # fmt: skip
        self.core.GetInputFocus().reply()
        return picture[..., :3]

    def resize(self, width: int, height: int) -> None:
        mask = xproto.ConfigWindow
        self.core.ConfigureWindow(self.window, mask.Width | mask.Height, [width, height])
        self.size = width, height
        self.connection.flush()

    def move(self, x: int, y: int) -> None:
        mask = xproto.ConfigWindow
        self.core.ConfigureWindow(self.window, mask.X | mask.Y, [x, y])
        self.connection.flush()

    def place(self) -> tuple[int, int]:
        """Where the inside of its window is on the screen."""
        corner = self.core.TranslateCoordinates(self.window, self._screen.root, 0, 0).reply()
        return corner.dst_x, corner.dst_y

    def heard(self) -> list[tuple[str, int]]:
        """('key', keycode) and ('button', number), all so far."""
        while event := self.connection.poll_for_event():
            if isinstance(event, xproto.KeyPressEvent):
                self._heard.append(("key", event.detail))
            elif isinstance(event, xproto.ButtonPressEvent):
                self._heard.append(("button", event.detail))
        return self._heard

    def close(self) -> None:
        self.connection.disconnect()


def picture_of(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Noise of a number, (height, width, 4) uint8."""
    noise = np.random.default_rng(number)
    return noise.integers(0, 256, (height, width, 4), np.uint8)


def own_segments() -> set[str]:
    """The System V segments that this process has made and that are there still."""
    lines = Path("/proc/sysvipc/shm").read_text(encoding="ascii").splitlines()
    names, *rows = (line.split() for line in lines)
    segments = [dict(zip(names, row, strict=False)) for row in rows]
    return {each["shmid"] for each in segments if int(each["cpid"]) == os.getpid()}
