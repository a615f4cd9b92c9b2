"""A synthetic clip: what a game would show, what it ought to show, and the truth about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from jaxtyping import Float
from torch import Tensor

from temporal_clean.evaluation.motion import Motion

__all__ = ["SceneClip"]


@dataclass(frozen=True)
class SceneClip:
    """All pictures are display-encoded RGB in [0, 1]; the average is of encoded values.

    ``seen`` says in a sentence what the scene tests. ``reference`` has 64 samples a pixel.
    ``inputs`` has ``harsh`` and ``mild`` renderings of the same frames, exactly over the
    reference (no sub-pixel shift). ``motion`` is exact (see occlusion.py for what counts as
    valid). ``hud`` is the coverage of a static HUD in [0, 1], None where there is none; the HUD is
    the same in the reference and the inputs. ``cuts`` are the first frames of new shots.
    """

    name: str
    seen: str
    reference: Float[Tensor, "frames 3 height width"]
    inputs: Mapping[str, Float[Tensor, "frames 3 height width"]]
    motion: Motion
    hud: Float[Tensor, "1 1 height width"] | None = None
    cuts: tuple[int, ...] = ()
    frame_rate: Fraction = Fraction(60)
