"""temporal-clean compare"""

from pathlib import Path
from typing import Annotated, Literal

import tyro

__all__ = ["compare"]


def compare(
    inputs: Annotated[tuple[Path, ...], tyro.conf.Positional],
    /,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])] = Path("comparison.html"),
    labels: tuple[str, ...] = (),
    start: float = 0.0,
    frames: int = 120,
    title: str | None = None,
    quality: Literal["auto", "lossless", "high", "medium"] = "auto",
    overwrite: bool = False,
) -> None:
    """Compare two or more videos of the same frames on one page with a slider.

    The page needs no network: slider, side by side, flip, difference, space-time slice.

    Example: temporal-clean compare match.mp4 match-clean.mp4 -o match.html

    Args:
        inputs: Two or more videos, picture folders or patterns.
        output: The HTML page.
        labels: Names of the videos on the page; by default their file names.
        start: Seconds to begin at.
        frames: At most this many frames.
        title: The page's heading.
        quality: How frames are stored; auto keeps flicker true and the page near 15 MB.
        overwrite: Replace what stands under the output's name.
    """
    from temporal_clean.commands.progress import progress_bar, say
    from temporal_clean.compare import write_comparison

    with progress_bar("pictures") as progress:
        page = write_comparison(
            inputs,
            output,
            labels=labels or None,
            start=start,
            frames=frames,
            title=title,
            quality=quality,
            overwrite=overwrite,
            progress=progress,
        )
    say(f"{page.path}: {page.frames} frames, {page.size / 1e6:.1f} MB, stored as {page.storage}")
    for warning in page.warnings:
        say(f"note: {warning}")
