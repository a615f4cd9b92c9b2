"""The protocol: rows of a real run, means over clips, and a document that says what they say."""

import re
from pathlib import Path

import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.protocol import (
    Material,
    Row,
    clip_material,
    read_rows,
    run_protocol,
    write_results,
    write_rows,
)
from temporal_clean.evaluation.protocol.summary import at_sharpness, summaries

CLIPS = Path(__file__).parents[1] / "clips"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """A cut and a scene with nothing wrong, three frames of each, every method."""
    materials = [Material("scene", name, "harsh", 3) for name in ("cut", "nothing")]
    return run_protocol(materials, ["fast"])


def test_every_method_is_judged_on_every_input(rows: list[Row]) -> None:
    by_clip = {clip: [row.peer for row in rows if row.clip == clip] for clip in ("cut", "nothing")}
    assert by_clip["cut"] == by_clip["nothing"]
    assert {"input", "Gaussian 0.6", "fast full", "fast full, exact flow", "oracle"} <= set(
        by_clip["cut"]
    )
    assert len(set(by_clip["cut"])) == len(by_clip["cut"])


def test_the_truth_about_the_inputs_is_told(rows: list[Row]) -> None:
    found = {(row.clip, row.peer): row.figures for row in rows}
    assert found["nothing", "input"]["psnr"] == 120
    assert found["nothing", "input"]["sharp"] == pytest.approx(1, abs=1e-5)
    # One of three frames is new: a moving average shows the shot before, the input does not.
    assert found["cut", "tmix 3"]["cut_0"] < found["cut", "input"]["cut_0"] - 3
    assert found["cut", "tmix 3"]["ghost"] > 0.3
    assert abs(found["cut", "input"]["ghost"]) < 0.1
    assert "cut_0" not in found["nothing", "input"] or found["nothing", "input"]["cut_0"] is None
    assert all(row.figures["ms"] > 0 for row in rows)
    assert not any("jod" in row.figures for row in rows)


def test_rows_are_kept_as_they_are(rows: list[Row], tmp_path: Path) -> None:
    write_rows(rows, tmp_path / "rows.csv")
    again = read_rows(tmp_path / "rows.csv")
    assert [(r.clip, r.peer, r.causal, r.exact_flow) for r in again] == [
        (r.clip, r.peer, r.causal, r.exact_flow) for r in rows
    ]
    for ours, theirs in zip(again, rows, strict=True):
        for name, value in theirs.figures.items():
            assert ours.figures[name] == (None if value is None else pytest.approx(value, rel=1e-5))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    with pytest.raises(TemporalCleanError, match="is not a table of the protocol"):
        read_rows(tmp_path / "rows.csv")


def row(clip: str, peer: str, family: str, setting: str = "", **figures: float) -> Row:
    return Row("game", clip, "native", peer, family, setting, True, False, figures)


@pytest.fixture
def made() -> list[Row]:
    """Two clips and figures that can be reckoned by hand."""
    return [
        row("a", "input", "input", psnr=30.0, mcflick=2.0, sharp=1.2, ghost=0.0),
        row("a", "Gaussian 0.6", "Gaussian", "0.6", psnr=31.0, mcflick=1.0, sharp=0.6, ghost=0.1),
        row("a", "fast full", "full", psnr=32.0, mcflick=0.8, sharp=0.9, ghost=0.0),
        row("b", "input", "input", psnr=20.0, mcflick=4.0, sharp=1.2, ghost=0.0),
        row("b", "Gaussian 0.6", "Gaussian", "0.6", psnr=24.0, mcflick=1.0, sharp=0.6, ghost=0.1),
        row("b", "fast full", "full", psnr=23.0, mcflick=2.4, sharp=0.9, ghost=0.0),
    ]


def test_changes_are_means_over_clips(made: list[Row]) -> None:
    before, blur, ours = summaries(made, "game", "native")
    assert (before.flicker.mean, ours.changes["psnr"].mean) == (0, 2.5)
    # -60 % and -40 %: each clip counts once, whatever it flickers.
    assert ours.flicker.mean == pytest.approx(-0.5)
    assert (ours.flicker.low, ours.flicker.high) == (pytest.approx(-0.6), pytest.approx(-0.4))
    assert blur.flicker.mean == pytest.approx(-0.625)
    # Sharp 0.9 lies half-way between the input and the blur.
    half = at_sharpness([before, blur], 0.9)
    assert half == pytest.approx(-0.3125)
    assert at_sharpness([before, blur], 0.5) is None


def test_the_document_says_what_the_rows_say(made: list[Row], tmp_path: Path) -> None:
    document = write_results(
        made, with_folder(tmp_path), about={"date": "today"}, missing={"MDegrain": "not there"}
    )
    text = document.read_text()
    line = next(line for line in text.splitlines() if line.startswith("| fast full"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == "+2.50 (+2.00 to +3.00)"
    assert cells[3] == "-50% (-60% to -40%)"
    assert cells[6] == "0.90"
    assert "MDegrain did not run: not there" in text
    assert "| fast full | 0.90 | -50% | -31% |" in text
    for picture in re.findall(r"\]\((results/[^)]+png)\)", text):
        assert (tmp_path / picture).stat().st_size > 10_000


def with_folder(path: Path) -> Path:
    (path / "results").mkdir()
    return path


def test_clips_of_the_training_are_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from temporal_clean.clip import Clip, write_record

    source = Clip.open(CLIPS / "openarena-oa_shine-s0-f00242-hud")
    for file in source.files().values():
        (tmp_path / file).write_bytes((source.folder / file).read_bytes())
    write_record(tmp_path, replace(source.record, split="train"))
    with pytest.raises(TemporalCleanError, match="belongs to the train split"):
        clip_material([Clip.open(tmp_path)])
    with pytest.raises(TemporalCleanError, match="has no 'reference'"):
        clip_material([source])
