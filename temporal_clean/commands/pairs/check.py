"""temporal-clean pairs check"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from temporal_clean.errors import TemporalCleanError

if TYPE_CHECKING:
    from temporal_clean.train.checking import Report

__all__ = ["check"]


def check(
    source: Annotated[Path, tyro.conf.Positional],
    /,
    against: Path | None = None,
    sheets: Path | None = None,
) -> None:
    """Accept or refuse clips with reasons: timing, shift, HUD, cuts, doubled frames, sharpness.

    Notes the verdict in clip.json. Ends with exit code 2 if a pair is refused.

    Examples:
      temporal-clean pairs check clips --sheets sheets
      temporal-clean pairs check low.mp4 --against best.mp4 --sheets sheets

    Args:
        source: A clip, a folder of clips, or the input as a video.
        against: The reference, where the input is a video.
        sheets: A folder for contact sheets, a picture each pair.
    """
    from temporal_clean.clip import find_clips
    from temporal_clean.commands.progress import say
    from temporal_clean.train.checking.clips import check_clip, check_videos

    if sheets is not None:
        sheets.mkdir(parents=True, exist_ok=True)
    reports: dict[str, Report] = {}
    if against is not None:
        sheet = None if sheets is None else sheets / f"{source.stem}.png"
        reports[source.name] = check_videos(source, against, sheet)
        show(say, source.name, reports[source.name])
    else:
        if source.is_file():
            raise TemporalCleanError(f"{source} is a video: name its reference with --against")
        for clip in find_clips(source):
            for name, report in check_clip(clip, sheets).items():
                reports[f"{clip.record.name} {name}"] = report
                show(say, f"{clip.record.name} {name}", report)
    verdicts = [report.verdict for report in reports.values()]
    counts = ", ".join(f"{verdicts.count(v)} {v}" for v in ("accept", "warn", "refuse"))
    if "refuse" in verdicts:
        raise TemporalCleanError(f"{len(verdicts)} pairs: {counts}; leave the refused ones out")
    say(f"{len(verdicts)} pairs: {counts}")


def show(say, name: str, report: "Report") -> None:
    """The figures that matter in a line, then the reasons."""
    say(f"{report.verdict:<7} {name}{summary(report)}")
    for finding in report.reasons:
        say(f"        {finding.sentence}")


def summary(report: "Report") -> str:
    """Offset, shift, PSNR and Sharp, where they were measured."""
    figures = report.figures
    if figures is None:
        return ""
    parts = [f"offset {figures.offset}" if figures.offset is not None else "offset unknown"]
    if figures.shift is not None:
        parts.append(f"shift {figures.shift[0]:+.2f} {figures.shift[1]:+.2f} px")
    parts.append(f"PSNR {min(figures.psnr):.1f} to {max(figures.psnr):.1f} dB")
    if figures.sharp is not None:
        parts.append(f"Sharp {figures.sharp:.2f}")
    return ": " + ", ".join(parts)
