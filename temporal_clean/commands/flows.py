"""temporal-clean evaluate --flows"""

from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["judge_and_print"]


def judge_and_print(names: tuple[str, ...], clips: Path | None, frames: int | None) -> None:
    """Judge flows on every input of validation clips and print a table of means."""
    from rich.console import Console
    from rich.table import Table

    from temporal_clean.clip import find_clips
    from temporal_clean.commands.progress import progress_bar
    from temporal_clean.commands.protocol import CLIP_FRAMES, with_inputs
    from temporal_clean.evaluation.flows import flow_named, judge_flow, mean_figures
    from temporal_clean.evaluation.protocol.material import clip_material, load

    if clips is None:
        raise TemporalCleanError("--flows judges on validation clips: name their folder by --clips")
    flows = {name: flow_named(name) for name in names}
    found = [with_inputs(clip) for clip in find_clips(clips)]
    materials = clip_material(found, frames or CLIP_FRAMES)
    rows: dict[tuple[str, str], list] = {}
    with progress_bar("flows") as progress:
        for done, material in enumerate(materials):
            (loaded,) = load([material])
            for name, flow in flows.items():
                rows.setdefault((material.rendering, name), []).append(judge_flow(flow, loaded))
            progress(done + 1, len(materials))
    table = Table("input", "flow", title=f"{len(found)} clips", title_justify="left")
    for heading in ("warp error", "over least", "EPE px", "spurious px", "doubt AUC", "ms"):
        table.add_column(heading, justify="right")
    for (rendering, name), figures in sorted(rows.items()):
        mean = mean_figures(figures)
        table.add_row(
            rendering,
            name,
            f"{1000 * mean.warp_error:.2f}e-3",
            f"{mean.warp_error / mean.least_error:.2f}",
            f"{mean.end_point_error:.2f}",
            f"{mean.spurious:.2f}",
            f"{mean.doubt_auc:.3f}",
            f"{mean.ms:.0f}",
        )
    Console(highlight=False).print(table)
