"""What records say of their making."""

import sys
from pathlib import Path

import pytest

from temporal_clean.machine import command_line


def test_a_record_keeps_the_command_and_not_where_its_files_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = str(tmp_path / "clips")
    words = ["train", here, "runs/mine", f"--start={here}", "--rate", "60000/1001", "--size=fast"]
    expected = "temporal-clean train clips runs/mine --start=clips --rate 60000/1001 --size=fast"
    monkeypatch.setattr(sys, "argv", ["temporal-clean", *words])
    assert command_line() == expected
