"""The neighbourhood clip: history may not leave the range of what the frame shows nearby.

In luma alone: one plane costs a third of three, and ghosts are seen in luma first. Sums of
shifted slices, not pooling: engines fuse them into one pass (docs/LOG.md).
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["clip_luma", "luma"]

# 1.9 mean absolute deviations are 1.5 standard deviations of a Gaussian, the width that cost
# least under flow errors in the project's earlier experiments (facts/flow.md).
CLIP_DEVIATIONS = 1.9


def luma(picture: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 1 height width"]:
    """BT.709 luma of display-encoded RGB (ITU-R BT.709-6, item 3.2)."""
    return 0.2126 * picture[:, 0:1] + 0.7152 * picture[:, 1:2] + 0.0722 * picture[:, 2:3]


def clip_luma(
    history: Float[Tensor, "batch 1 height width"],
    frame: Float[Tensor, "batch 1 height width"],
    deviations: float = CLIP_DEVIATIONS,
) -> Float[Tensor, "batch 1 height width"]:
    """By how much ``history`` leaves the 3x3 neighbourhood's mean +- ``deviations``; 0 inside.

    Variance clipping (Salvi, GDC 2016) with the mean absolute deviation in the standard
    deviation's place: E[x^2] - E[x]^2 cancels in half precision, |x - E[x]| does not.
    """
    mean = _box(frame)
    reach = deviations * _box((frame - mean).abs())
    return history - torch.minimum(torch.maximum(history, mean - reach), mean + reach)


def _box(x: Tensor) -> Tensor:
    """3x3 mean, borders repeated."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    rows = x[:, :, :-2] + x[:, :, 1:-1] + x[:, :, 2:]
    return (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) * (1.0 / 9.0)
