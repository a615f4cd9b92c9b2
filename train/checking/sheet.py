"""A contact sheet: a pair at a glance, with what the check found."""

import textwrap
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.side_by_side import write_png
from temporal_clean.train.checking.report import Evidence, Figures, Report

__all__ = ["draw_sheet", "write_sheet"]

Pixels = NDArray[np.uint8]

CELL, GAP, ROWS = 400, 8, 4
WIDTH = 4 * CELL + 5 * GAP
SLICE_HEIGHT, PLOT_HEIGHT, LINE = 150, 130, 24
GROUND, INK, DIM = (24, 24, 28), (235, 235, 235), (150, 150, 155)
COLOURS = {"accept": (90, 200, 110), "warn": (240, 190, 60), "refuse": (240, 90, 80)}
OUTLINE, CURVE = (255, 60, 220), (120, 190, 255)
# Drawn PSNR, dB: below is off the run, above is as good as equal.
LOWEST_DB, HIGHEST_DB = 10.0, 50.0


def write_sheet(path: Path, report: Report, title: str, overwrite: bool = False) -> Path:
    """Write the sheet of a measured pair as a PNG, complete or not at all.

    Raises :class:`TemporalCleanError` if ``path`` exists already and may not be overwritten, is
    not named .png, or if nothing was measured.
    """
    if path.suffix.lower() != ".png":
        raise TemporalCleanError(f"expected a name that ends in .png, got '{path.name}'")
    if path.exists() and not overwrite:
        raise TemporalCleanError(f"'{path}' exists already; add --overwrite to replace it")
    write_png(draw_sheet(report, title), path)
    return path


def draw_sheet(report: Report, title: str) -> Pixels:
    """The sheet as a (height, width, 3) picture: verdict, frames, slices in time, PSNR."""
    if report.evidence is None or report.figures is None:
        raise TemporalCleanError(
            "there is nothing to draw: the frames could not be compared (see the report's reasons)"
        )
    parts = [
        _heading(report, title),
        *_frames(report.evidence, report.figures),
        _slices(report.evidence),
        _plot(report.figures),
    ]
    gap = np.full((GAP, WIDTH, 3), GROUND, np.uint8)
    return np.concatenate([piece for part in parts for piece in (gap, part)] + [gap])


def _heading(report: Report, title: str) -> Pixels:
    """Title, verdict, every finding, the main figures."""
    figures = report.figures
    assert figures is not None
    lines = [(f"{title}: {report.verdict}", COLOURS[report.verdict])]
    for finding in sorted(report.findings, key=lambda f: f.verdict == "accept"):
        for text in textwrap.wrap(f"{finding.check}: {finding.sentence}", 150):
            lines.append((text, COLOURS[finding.verdict]))
    lines.append((_summary(figures), DIM))
    canvas = _canvas(LINE * len(lines) + 2 * GAP)
    for row, (text, colour) in enumerate(lines):
        _write(canvas, text, GAP, GAP + LINE * row + 17, colour, 0.7 if row == 0 else 0.52)
    return canvas


def _summary(f: Figures) -> str:
    values = np.minimum(f.psnr, 99.0)
    shift = "unknown" if f.shift is None else f"{f.shift[0]:+.2f}, {f.shift[1]:+.2f} px"
    sharp = "unknown" if f.sharp is None else f"{f.sharp:.2f}"
    offset = "unknown" if f.offset is None else str(f.offset)
    return (
        f"{f.frames} frames of {f.size[0]}x{f.size[1]}, offset {offset}, shift {shift}, "
        f"PSNR {np.median(values):.1f} ({values.min():.1f} to {values.max():.1f}) dB, "
        f"Sharp {sharp}, gain {f.gain:.3f}, level {f.level:+.1f}"
    )


def _frames(evidence: Evidence, figures: Figures) -> list[Pixels]:
    """Rows across the clip: input, reference, four times their difference, overlays outlined."""
    kept = evidence.samples
    chosen = np.unique(np.linspace(0, len(kept.numbers) - 1, ROWS).round().astype(int))
    rows = []
    for place, index in enumerate(chosen):
        number, given, reference = kept.numbers[index], kept.inputs[index], kept.references[index]
        error = given.astype(np.int16) - reference
        difference = np.clip(128 + 4 * error, 0, 255).astype(np.uint8)
        cells = [_fit(p) for p in (given, reference, difference)]
        cells.append(_fit(_outlined(given, evidence)))
        names = [f"input, frame {number}", "reference", "input - reference, x4", "overlays"]
        for cell, name in zip(cells, names, strict=True):
            if place == 0 or name.startswith("input, "):
                _label(cell, name)
        _label(cells[2], f"{min(figures.psnr[number], 99.0):.1f} dB", bottom=True)
        rows.append(_beside(cells))
    return rows


def _outlined(picture: Pixels, evidence: Evidence) -> Pixels:
    """The picture, dimmed, with what was found fixed to the screen bright and outlined."""
    shown = (picture // 3 + 20).astype(np.uint8)
    if evidence.overlays is None:
        return shown
    mask = np.maximum(*(overlay.mask for overlay in evidence.overlays)) > 0.5
    shown[mask] = picture[mask]
    edge = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~mask
    shown[edge] = OUTLINE
    return shown


def _slices(evidence: Evidence) -> Pixels:
    """The middle row of every frame, time downwards: shimmer shows as broken threads."""
    cells = []
    for name, rows in zip(("input", "reference"), evidence.slices, strict=True):
        size = (2 * CELL + GAP, SLICE_HEIGHT)
        chosen = np.linspace(0, len(rows) - 1, SLICE_HEIGHT).round().astype(int)
        cell = np.asarray(cv2.resize(rows[chosen], size, interpolation=cv2.INTER_AREA), np.uint8)
        _label(cell, f"{name}: middle row, time downwards")
        cells.append(cell)
    return _beside(cells)


def _plot(figures: Figures) -> Pixels:
    """PSNR over time, with cuts, doubled and frozen frames marked."""
    canvas = _canvas(PLOT_HEIGHT)
    left, right, top, bottom = 60, WIDTH - 2 * GAP, 8, PLOT_HEIGHT - 10
    values = np.clip(figures.psnr, LOWEST_DB, HIGHEST_DB)
    step = (right - left) / max(1, len(values) - 1)
    across = [round(left + step * index) for index in range(len(values))]

    def height(db: float) -> int:
        return round(bottom - (db - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB) * (bottom - top))

    for db in range(int(LOWEST_DB), int(HIGHEST_DB) + 1, 10):
        cv2.line(canvas, (left, height(db)), (right, height(db)), (60, 60, 66), 1)
        _write(canvas, f"{db} dB", 4, height(db) + 5, DIM, 0.42)
    for frames, colour in (
        ((*figures.cuts_input, *figures.cuts_reference), COLOURS["warn"]),
        ((*figures.doubled_input, *figures.doubled_reference), COLOURS["refuse"]),
    ):
        for frame in frames:
            x = across[frame]
            cv2.line(canvas, (x, top), (x, bottom), colour, 1)
    for first, last in (*figures.frozen_input, *figures.frozen_reference):
        corners = (across[first], bottom - 6), (across[last], bottom)
        cv2.rectangle(canvas, *corners, COLOURS["refuse"], -1)
    points = np.array([[x, height(v)] for x, v in zip(across, values, strict=True)], np.int32)
    cv2.polylines(canvas, [points], False, CURVE, 2, cv2.LINE_AA)
    text = "PSNR a frame; yellow: cut, red: doubled or frozen"
    _write(canvas, text, left + 8, bottom - 8, DIM, 0.42)
    return canvas


def _fit(picture: Pixels) -> Pixels:
    height = round(CELL * picture.shape[0] / picture.shape[1])
    smaller = picture.shape[1] > CELL
    kernel = cv2.INTER_AREA if smaller else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, (CELL, height), interpolation=kernel), np.uint8)


def _beside(cells: list[Pixels]) -> Pixels:
    gap = np.full((cells[0].shape[0], GAP, 3), GROUND, np.uint8)
    return np.concatenate([piece for cell in cells for piece in (gap, cell)] + [gap], axis=1)


def _canvas(height: int) -> Pixels:
    return np.full((height, WIDTH, 3), GROUND, np.uint8)


def _label(picture: Pixels, text: str, bottom: bool = False) -> None:
    """Text on a dark ground in the corner, readable on any picture."""
    (width, height), below = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    top = picture.shape[0] - height - below - 4 if bottom else 0
    picture[top : top + height + below + 4, : width + 8] //= 4
    _write(picture, text, 4, top + height + 2, INK, 0.45)


def _write(
    picture: Pixels, text: str, x: int, y: int, colour: tuple[int, ...], size: float
) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
