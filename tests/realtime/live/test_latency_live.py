"""The whole measurement with the real loop, engine and overlay, on a small picture."""

import json
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if sys.platform != "linux":
    pytest.skip("needs X11", allow_module_level=True)
if TYPE_CHECKING:
    from tests.realtime.live.desktop import desktop
else:
    pytest.importorskip("xcffib", reason="pip install 'temporal-clean[live]'")
    desktop = runpy.run_path(str(Path(__file__).with_name("desktop.py")))["desktop"]

from temporal_clean.commands import main


@pytest.mark.timeout(900)  # the first opening of an engine, on a machine that does other work too
def test_measure_latency_writes_figures_and_a_plot(tmp_path: Path, monkeypatch, capsys) -> None:
    stats = tmp_path / "latency.json"
    asked = ["live", "--measure-latency", "--source", "pattern:192x128@10", "--duration", "4"]
    with desktop(640, 480) as person:
        monkeypatch.setenv("DISPLAY", person.display)
        # A HUD would lie over the number: it is left out of a measurement.
        main([*asked, "--hud", "--min-fps", "0", "--stats", str(stats)])
        names = [person.property(window, "_NET_WM_NAME") for window in person.children()]
        assert not any(b"temporal-clean" in name for name in names)
    found = json.loads(stats.read_text())
    screen, session = found["capture_to_screen"], found["session"]
    # Frames were seen in order, and none before it was drawn.
    assert screen["seen"] >= 3
    assert screen["out_of_order"] == 0
    assert screen["drawn"] == screen["seen"] + screen["dropped"]
    assert 0 < screen["latency"]["min"] <= screen["latency"]["p50"] <= screen["latency"]["p95"]
    assert screen["unreadable"] < screen["looks"]
    # What the reader saw is what the session says it showed, within the seconds of warm-up.
    assert session["shown"] >= screen["seen"]
    # The session's own latency begins when the server had drawn and ends when it was sent.
    assert screen["latency"]["p50"] > 0.5 * session["step_ms"]["p50"]
    if find_spec("matplotlib"):
        assert stats.with_suffix(".png").read_bytes().startswith(b"\x89PNG")
    assert "drawn to screen: p50" in capsys.readouterr().out


def test_without_a_screen_it_says_what_is_missing(monkeypatch, capsys) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(SystemExit):
        main(["live", "--measure-latency"])
    assert "set DISPLAY" in capsys.readouterr().err
