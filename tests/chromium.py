"""Headless Chromium for tests of pages, over the DevTools protocol. Loaded by the test files."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

__all__ = ["Browser", "chromium"]

CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


class Browser:
    """Headless Chromium over the DevTools protocol, by pipe: JSON messages ended by a zero byte."""

    def __init__(self, program: str, profile: Path) -> None:
        commands, answers = os.pipe(), os.pipe()
        # Chromium reads descriptor 3 and writes 4; high copies cannot be those two themselves.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands[0], answers[1])]

        def hand_over() -> None:
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        self._process = subprocess.Popen(
            [program, *CHROMIUM_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=hand_over,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (commands[0], answers[1], *ends):
            os.close(end)
        self._write, self._read = commands[1], answers[0]
        self._buffer, self._count, self._session = b"", 0, {}
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        first = next(target for target in targets if target["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=first["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters, **self._session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], 60)
            assert ready, "Chromium did not answer within a minute"
            received = os.read(self._read, 1 << 20)
            assert received, "Chromium ended"
            self._buffer += received
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def run(self, script: str) -> Any:
        """The value of a script, awaited if it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        limit = time.monotonic() + 30
        while not self.run(condition):
            assert time.monotonic() < limit, f"still not: {condition}"
            time.sleep(0.02)

    def open(self, path: Path, state: str = "") -> None:
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"{path.as_uri()}#{state}")
        self.wait("window.__ready === true")

    def go(self, state: str) -> None:
        """Another place of the open page, as a shared address gives it."""
        self.run(f"location.hash = '{state}'")
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def size(self, width: int, height: int, ratio: int = 1) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=ratio,
            mobile=False,
        )

    def picture(self) -> NDArray[np.uint8]:
        """What the window shows, (height, width, 3) RGB."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        data = self.call("Page.captureScreenshot", format="png")["data"]
        decoder = av.VideoCodecContext.create("png", "r")
        packet = av.Packet(base64.b64decode(data))
        frame = [*decoder.decode(packet), *decoder.decode(None)][0]
        return frame.to_ndarray(format="rgb24").astype(np.uint8)

    def press(self, key: str, shift: bool = False) -> None:
        self.hold(key, shift)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def hold(self, key: str, shift: bool = False) -> None:
        text = {"text": key} if len(key) == 1 else {}
        modifiers = 8 if shift else 0
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, modifiers=modifiers, **text)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        def mouse(kind: str, x: float, y: float) -> None:
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

        mouse("mousePressed", *start)
        for part in (0.5, 1.0):
            x, y = (a + (b - a) * part for a, b in zip(start, end, strict=True))
            mouse("mouseMoved", x, y)
        mouse("mouseReleased", *end)

    def middle(self) -> tuple[float, float]:
        """The middle of the stage, in CSS pixels."""
        x, y, w, h = self.run(
            "(({x, y, width, height}) => [x, y, width, height])(stage.getBoundingClientRect())"
        )
        return x + w / 2, y + h / 2

    def close(self) -> None:
        self._session = {}
        self.call("Browser.close")
        self._process.wait(20)
        os.close(self._write)
        os.close(self._read)

    def complaints(self) -> list[dict[str, Any]]:
        """What the page said on the console, and its uncaught errors."""
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [event for event in self.events if event["method"] in kinds]

    def requests(self) -> set[str]:
        """The kinds of addresses that the page asked for."""
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return {event["params"]["request"]["url"].split(":")[0] for event in sent}


def chromium(profile: Path) -> Iterator[Browser]:
    """One browser, for a fixture to yield from; the test is skipped where there is none."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("no Chromium: apt-get install chromium")
    started = Browser(program, profile)
    yield started
    started.close()
