"""A real game cleaned live for a minute: counts, drops, times, focus, keys, clicks, a screenshot.

python docs/benchmarks/live.py docs/benchmarks/live.json --picture docs/live.webp  (idle machine)

Starts Xvfb, openbox, the game at 640x360 and ``temporal-clean live``; once the overlay is on the
screen, it looks at focus and overlay every second, clicks and presses a key in the middle, and at
the end switches on HUD and split by their hotkeys, takes the screenshot and quits by a hotkey.
Other options go to ``temporal-clean live``. Needs '.[test]' and
apt-get install xvfb openbox x11-utils openarena openarena-data ioquake3.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from temporal_clean.machine import command_line, package_versions, processor

sys.path.append(str(Path(__file__).parents[2] / "tests" / "realtime" / "live"))
from desktop import Desktop, desktop, until
from games import RealGame, openarena

PACKAGES = ("temporal-clean", "openvino", "onnxruntime", "numpy", "xcffib")
CONTROL, SHIFT, F3, F7, F8, F10 = 0xFFE3, 0xFFE1, 0xFFC0, 0xFFC4, 0xFFC5, 0xFFC7
# A fresh size is fixed and folded first, and a busy machine takes its time.
PATIENCE_SECONDS = 600.0


def overlay_of(person: Desktop) -> int:
    """The overlay's window if it is on the screen, else 0."""
    for window in reversed(person.children()):
        if person.viewable(window) and b"overlay" in person.property(window, "_NET_WM_NAME"):
            return window
    return 0


def watch(person: Desktop, game: RealGame, seconds: float) -> dict[str, Any]:
    """Focus and overlay each second; a click and a key in the middle."""
    focus = person.focus()
    place = person.core.TranslateCoordinates(focus, person.root, 0, 0).reply()
    end, samples, kept, covered, asked = time.monotonic() + seconds, 0, 0, 0, False
    while (left := end - time.monotonic()) > 0:
        if left < seconds / 2 and not asked:
            asked = True
            person.click(place.dst_x + 100, place.dst_y + 80)
            person.press(F3)
        samples += 1
        kept += person.focus() == focus
        covered += overlay_of(person) != 0
        time.sleep(min(1.0, max(left, 0.0)))
    heard = sorted(game.heard() & {"click", "key"})
    return {"samples": samples, "game_has_focus": kept, "overlay_shown": covered, "heard": heard}


def look(person: Desktop, picture: Path) -> None:
    """A screenshot with HUD and split."""
    for key in (F7, F8):
        person.press(CONTROL, SHIFT, key)
    time.sleep(2)
    until(lambda: overlay_of(person), "the overlay is shown", PATIENCE_SECONDS)
    Image.fromarray(person.screen()[..., ::-1]).save(picture, quality=88)


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    reader.add_argument("output", type=Path)
    reader.add_argument("--picture", type=Path)
    reader.add_argument("--seconds", type=float, default=60.0)
    reader.add_argument("--fps", type=int, default=30, help="what the game is limited to")
    reader.add_argument("--size", default="640x360")
    given, others = reader.parse_known_args()
    width, height = (int(side) for side in given.size.split("x"))
    # Of the last minute, before anything of this was started: near zero on an idle machine.
    load = round(os.getloadavg()[0], 1)
    with (
        TemporaryDirectory() as folder,
        desktop(width + 40, height + 60) as person,
        openarena(person.display, Path(folder), width, height, given.fps) as game,
    ):
        until(lambda: "match" in game.heard(), "play is on", PATIENCE_SECONDS)
        stats = Path(folder, "stats.json")
        command = ["temporal-clean", "live", "--window", game.title, "--stats", str(stats)]
        session = subprocess.Popen([*command, *others], env=person.environment)
        until(lambda: overlay_of(person), "the overlay is shown", PATIENCE_SECONDS)
        seen = watch(person, game, given.seconds)
        if given.picture:
            look(person, given.picture)
        person.press(CONTROL, SHIFT, F10)
        code = session.wait(PATIENCE_SECONDS)
        result = json.loads(stats.read_text())
    record = {
        "command": command_line("python docs/benchmarks/live.py"),
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "load_average_before": load,
        "versions": package_versions(PACKAGES),
        "game": f"OpenArena, {given.size}, limited to {given.fps} frames a second, llvmpipe",
        "exit_status": code,
        **seen,
        "stats": result,
    }
    given.output.write_text(f"{json.dumps(record, indent=2)}\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
