"""temporal-clean hud-mask"""

from pathlib import Path
from typing import Annotated

import tyro

from temporal_clean.files import require_writable

__all__ = ["hud_mask"]


def hud_mask(
    recording: Annotated[str, tyro.conf.Positional],
    /,
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"])],
    start: float | None = None,
    end: float | None = None,
    tolerance: int = 4,
    overwrite: bool = False,
) -> None:
    """Find a game's HUD in a recording: what stands still while the view moves.

    'clean --keep' and 'live --keep' then leave it as it came. Half a minute of play in which the
    view turns is enough. Look at the mask, and paint what it lacks (see-through text) in white.

    Example: temporal-clean hud-mask match.mp4 -o hud.png

    Args:
        recording: A video file, a folder of pictures or a pattern of their names.
        output: The mask, a .png: white is kept as it came, black is cleaned.
        start: Seconds to begin at.
        end: Seconds to end at.
        tolerance: Codes of 255 that a still pixel may change by; more for hard compression.
        overwrite: Replace what stands under the output's name.
    """
    import numpy as np

    from temporal_clean.commands.progress import progress_bar, say
    from temporal_clean.errors import TemporalCleanError
    from temporal_clean.keeping import still_in
    from temporal_clean.side_by_side import write_png

    if output.suffix.lower() != ".png":
        raise TemporalCleanError(f"'{output}': a mask is a .png, name it so")
    require_writable(output, overwrite)
    with progress_bar(recording) as progress:
        found = still_in(recording, start, end, tolerance, progress)
    write_png(np.repeat(found.mask[..., None], 3, axis=2).astype(np.uint8) * 255, output)
    say(
        f"{output}: {found.mask.mean():.1%} of the picture stood still in {found.pairs} moments of "
        "motion; look at it, and paint in white what it lacks"
    )
