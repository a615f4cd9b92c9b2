"""What records say of their making."""

from pathlib import Path

from temporal_clean.machine import command_line


def test_a_record_keeps_the_command_and_not_where_its_files_lie(tmp_path: Path) -> None:
    here = str(tmp_path / "clips")
    words = ["train", here, "runs/mine", f"--start={here}", "--rate", "60000/1001", "--size=fast"]
    expected = "temporal-clean train clips runs/mine --start=clips --rate 60000/1001 --size=fast"
    assert command_line(words) == expected
