"""What the steps of a recipe may look at beside the picture itself."""

from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float, Shaped
from torch import Tensor

from temporal_clean.flow.classical import DisPreset
from temporal_clean.train.degrading.grids import reference
from temporal_clean.train.degrading.motion import estimate

__all__ = ["Scene"]


@dataclass(frozen=True)
class Scene:
    """A clip's master, and what was known of it beforehand.

    ``known_reference`` is what :func:`reference` gives, ``known_motion`` leads from each frame to
    the one before it, in pixels of the screen; both are made when a step needs them.
    """

    master: Shaped[Tensor, "time 3 rows columns"]
    factor: int
    known_reference: Float[Tensor, "time 3 height width"] | None = None
    known_motion: Float[Tensor, "time 2 height width"] | None = None

    @cached_property
    def reference(self) -> Float[Tensor, "time 3 height width"]:
        """The clip as it should look."""
        if self.known_reference is not None:
            return self.known_reference
        return reference(self.master, self.factor)

    def motion(self, preset: DisPreset) -> Float[Tensor, "time 2 height width"]:
        """Motion as given, or found in the reference by DIS."""
        if self.known_motion is not None:
            return self.known_motion
        return estimate(self.reference, preset)
