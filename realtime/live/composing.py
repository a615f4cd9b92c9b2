"""The shown picture: the game's own and the clean one, mixed, split and written upon."""

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from temporal_clean.keeping import Keep
from temporal_clean.realtime.live.building import CleanPicture
from temporal_clean.realtime.live.hud import draw_hud
from temporal_clean.realtime.live.look import Look
from temporal_clean.realtime.live.pathways import Pathway, blend
from temporal_clean.realtime.live.split import split

__all__ = ["compose"]


def compose(
    pathway: Pathway,
    picture: NDArray[Any],
    made: CleanPicture | None,
    look: Look,
    lines: Sequence[str],
    keep: Keep | None = None,
) -> NDArray[Any]:
    """A picture for the presenter, which shares no memory with ``picture`` as it was captured.

    ``made`` is what the engine made of it; without, the picture goes on as it came. ``lines``
    are the HUD's. What ``keep`` marks stays the game's own.
    """
    if made is None:
        shown = pathway.before(picture, pathway.see(picture)).copy()
    else:
        mixed = blend(made.seen, made.clean, look.strength)
        shown = pathway.after(picture, made.seen, mixed)
        if keep is not None:
            shown = keep.restore(pathway.before(picture, made.seen), shown)
        elif look.split or look.hud:  # what the engine made may have to be drawn again
            shown = shown.copy()
        if look.split:
            split(pathway.before(picture, made.seen), shown, look.divider)
    if look.hud:
        draw_hud(shown, lines)
    return shown
