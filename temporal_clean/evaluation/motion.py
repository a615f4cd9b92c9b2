"""The motion that temporal figures are measured along: exact, or seen in the reference."""

from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

__all__ = ["Motion"]


class Motion(NamedTuple):
    """Flow between the frames of a clip; ``pairs`` is its frames less one.

    ``motion[k]`` leads from frame ``k + 1`` back to frame ``k``, in pixels, x then y: the content
    at ``p`` lay at ``p + motion(p)``. ``valid`` is 1 where the same content is seen in both frames
    and the flow is smooth; ``disoccluded`` is 1 where frame ``k + 1`` shows what frame ``k`` hid.
    Neither holds on the edges of moving things.
    """

    motion: Float[Tensor, "pairs 2 height width"]
    valid: Float[Tensor, "pairs 1 height width"]
    disoccluded: Float[Tensor, "pairs 1 height width"]
