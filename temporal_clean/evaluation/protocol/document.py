"""docs/RESULTS.md: what was run, on what, and what came of it, unflattering or not."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from temporal_clean.evaluation.metrics import METRICS
from temporal_clean.evaluation.protocol.material import GROUPS
from temporal_clean.evaluation.protocol.plots import pareto_plot
from temporal_clean.evaluation.protocol.rows import Row
from temporal_clean.evaluation.protocol.summary import UNTOUCHED, Summary, summaries
from temporal_clean.evaluation.protocol.tables import (
    cut_table,
    identity_table,
    matched_table,
    method_table,
    scene_table,
)
from temporal_clean.evaluation.scenes import SCENES
from temporal_clean.files import write_whole

__all__ = ["write_results"]

READING = """\
Changes are against the input, means over clips, with 95 % bootstrap intervals over clips in
brackets. PSNR and tPSNR in dB; MCflick as relative change (the line of the input has its value);
E_warp beside the reference's own; tOF in pixels; Sharp is right at 1 (under it blur, over it
aliasing), Ghost at 0; JOD is ColorVideoVDP's (10 is like the reference; display standard_fhd), on
native renders of games and for a few methods only. Milliseconds a frame (median and 95th percentile
over clips) are of these implementations in torch or OpenCV on one
thread of this machine, for comparison among each other only: what ships runs on other engines
(README). Swept methods stand here at the one setting of an earlier study; the plots have all."""


def write_results(
    rows: Sequence[Row],
    folder: Path,
    *,
    about: Mapping[str, str],
    missing: Mapping[str, str],
    close_ups: bool = False,
) -> Path:
    """Write ``RESULTS.md`` and its plots (``results/``) into ``folder``; the document's path.

    ``missing`` tells of methods that could not run; ``close_ups`` says that
    ``results/close-ups.webp`` is there. Raises :class:`temporal_clean.errors.TemporalCleanError`
    if a file cannot be written.
    """
    models = [row.peer for row in rows if row.family == "full"]
    parts = [_head(rows, about, missing)]
    for (kind, rendering), title in GROUPS.items():
        group = summaries(rows, kind, rendering)
        if not group:
            continue
        picture = f"results/pareto-{kind}-{rendering}.png"
        pareto_plot(group, title, folder / picture)
        parts.append(_group(group, rows, kind, rendering, title, picture))
    parts.append(_scenes(rows, list(dict.fromkeys(models))))
    if close_ups:
        parts.append(
            "## Close up\n\nWhere the input flickers most: four times enlarged, and below it one "
            "row of pixels in 32 frames, time running down. A clean picture draws smooth lines.\n\n"
            "![Crops and space-time slices](results/close-ups.webp)"
        )
    document = folder / "RESULTS.md"
    write_whole(document, ("\n\n".join(parts) + "\n").encode())
    return document


def _head(rows: Sequence[Row], about: Mapping[str, str], missing: Mapping[str, str]) -> str:
    games = list(dict.fromkeys(row.clip for row in rows if row.kind == "game"))
    facts = "\n".join(f"- {name}: {value}" for name, value in about.items())
    absent = "\n".join(f"- {family} did not run: {reason}" for family, reason in missing.items())
    return "\n\n".join(
        filter(
            None,
            (
                "# Results of the protocol",
                "Written by `temporal-clean evaluate --protocol`; do not edit. Every row: "
                "[results/protocol.csv](results/protocol.csv).",
                facts,
                absent,
                f"{len(games)} clips of games that no one trained on (validation split): "
                f"{', '.join(games)}. Their flow is DIS on the supersampled master. "
                f"{len(SCENES)} synthetic scenes with exact flow.",
                READING,
            ),
        )
    )


def _group(
    group: Sequence[Summary],
    rows: Sequence[Row],
    kind: str,
    rendering: str,
    title: str,
    picture: str,
) -> str:
    judged = (row for row in rows if row.group == (kind, rendering))
    clips = {row.clip for row in judged if row.clip != UNTOUCHED}
    return "\n\n".join(
        (
            f"## {title[0].upper() + title[1:]} ({len(clips)})",
            method_table(group),
            "At the same sharpness (straight lines between a method's settings, the input being "
            "its mildest), MCflick changes by:",
            matched_table(group),
            f"![Sharp and Ghost against MCflick]({picture})",
        )
    )


def _scenes(rows: Sequence[Row], models: Sequence[str]) -> str:
    parts = []
    for (kind, rendering), title in GROUPS.items():
        if any(row.group == (kind, rendering) for row in rows):
            heading = f"### {title[0].upper() + title[1:]}"
            parts += [heading, scene_table(rows, kind, rendering, models)]
    return "\n\n".join(
        (
            "## Clip by clip",
            "Change of PSNR, of MCflick; Sharp and Ghost afterwards.",
            *parts,
            "## A hard cut",
            f"{METRICS['psnr'].title} in dB of the first frames of the new shot.",
            cut_table(rows),
            "## Nothing wrong",
            "The input is the reference; 45 dB and up cannot be seen.",
            identity_table(rows),
        )
    )
