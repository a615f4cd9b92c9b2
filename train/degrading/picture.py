"""What passes from one degrading step to the next."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.train.degrading.resample import resample

__all__ = ["Overlay", "Picture"]


@dataclass(frozen=True)
class Picture:
    """Frames of a clip on their way from the renderer to the screen.

    ``frames`` are RGB, display-encoded, in [0, 1]. ``offset`` says where the samples of a frame
    lie against the centres of its pixels (x, y, in pixels of ``frames``, right and down positive):
    a jittered camera's offset, which an upscaler takes out again. ``size`` is the height and
    width of the screen, in pixels.
    """

    frames: Float[Tensor, "time 3 height width"]
    offset: Float[Tensor, "time 2"]
    size: tuple[int, int]

    def filtered(self, frames: Float[Tensor, "time 3 height width"]) -> "Picture":
        """The same grid with other colours."""
        return replace(self, frames=frames)

    def at_screen_size(self) -> "Picture":
        """This picture, enlarged bilinearly if it is smaller than the screen."""
        if self.frames.shape[-2:] == self.size:
            return self
        return self.centred(resample(self.frames, self.size, "bilinear", self.offset))

    def centred(self, frames: Float[Tensor, "time 3 rows columns"]) -> "Picture":
        """Upscaled frames, whose samples lie in the centres of their pixels."""
        return replace(self, frames=frames, offset=torch.zeros_like(self.offset))


@dataclass(frozen=True)
class Overlay:
    """What a game draws over the finished picture: its HUD.

    ``colour`` is premultiplied by ``coverage`` (0 to 1); both have the screen's size.
    """

    colour: Float[Tensor, "time 3 height width"]
    coverage: Float[Tensor, "time 1 height width"]

    @classmethod
    def from_reference(
        cls,
        reference: Float[Tensor, "time 3 height width"],
        coverage: Float[Tensor, "time 1 height width"],
    ) -> "Overlay":
        """The HUD of a reference that contains it, cut out by its mask."""
        return cls(reference * coverage, coverage)

    def over(
        self, frames: Float[Tensor, "time 3 height width"]
    ) -> Float[Tensor, "time 3 height width"]:
        """``frames * (1 - coverage) + colour``."""
        return torch.addcmul(self.colour, frames, 1.0 - self.coverage)
