"""An evaluation as JSON and as CSV."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from temporal_clean.evaluation.known import KNOWN
from temporal_clean.evaluation.results import ClipResult, Evaluation, Figures, Interval
from temporal_clean.files import write_whole

__all__ = ["FORMAT", "as_json", "write_csv", "write_json"]

FORMAT = "temporal-clean evaluation 1"


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Plain values for ``json.dumps``: figures by clip and video, then means over clips.

    ``clips[k].output`` holds the file, each figure by name (null where there is none) and
    ``frames``, the same figures frame by frame. Units are those of
    :data:`~temporal_clean.evaluation.METRICS` and ``BLIND_METRICS``.
    """
    return {
        "format": FORMAT,
        "about": dict(evaluation.about),
        "units": {name: metric.unit for name, metric in KNOWN.items() if metric.unit},
        "clips": [_clip(clip) for clip in evaluation.clips],
        "pooled": {
            role: {name: asdict(interval) for name, interval in figures.items()}
            for role, figures in evaluation.pooled.items()
        },
    }


def _clip(clip: ClipResult) -> dict[str, Any]:
    known = {
        "name": clip.name,
        "width": clip.width,
        "height": clip.height,
        "length": clip.length,
        "frame_rate": f"{clip.frame_rate.numerator}/{clip.frame_rate.denominator}",
        "motion": clip.motion,
        "missing": dict(clip.missing),
        "warnings": list(clip.warnings),
    }
    videos = {"output": clip.output, "input": clip.input, "reference": clip.reference}
    return known | {role: _figures(video) for role, video in videos.items() if video}


def _figures(figures: Figures) -> dict[str, Any]:
    frames = {name: list(values) for name, values in figures.frames.items()}
    return {"file": str(figures.file), **figures.pooled, "frames": frames}


def write_json(evaluation: Evaluation, path: Path) -> None:
    """Write :func:`as_json` to ``path``, whole or not at all.

    Raises :class:`temporal_clean.errors.TemporalCleanError` if it cannot be written.
    """
    text = json.dumps(as_json(evaluation), indent=1, allow_nan=False)
    write_whole(path, text.encode() + b"\n")


def write_csv(evaluation: Evaluation, path: Path) -> None:
    """Write a row for each video of each clip, then rows of means over clips.

    An empty field is no figure.

    Raises :class:`temporal_clean.errors.TemporalCleanError` if it cannot be written.
    """
    names = list(dict.fromkeys(n for clip in evaluation.clips for n in clip.output.pooled))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["clip", "video", "file", *names])
    for clip in evaluation.clips:
        videos = {"output": clip.output, "input": clip.input, "reference": clip.reference}
        for role, video in videos.items():
            if video:
                row = [_cell(video.pooled.get(name)) for name in names]
                writer.writerow([clip.name, role, video.file, *row])
    for role, figures in evaluation.pooled.items() if len(evaluation.clips) > 1 else ():
        for part in ("mean", "low", "high"):
            row = [_cell(_part(figures, name, part)) for name in names]
            writer.writerow([f"{part} over clips", role, "", *row])
    write_whole(path, text.getvalue().encode())


def _part(figures: Mapping[str, Interval], name: str, part: str) -> float | None:
    return getattr(figures[name], part) if name in figures else None


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
