"""Taking a tensor's channels apart so that engines do it for nothing."""

from jaxtyping import Float
from torch import Tensor

__all__ = ["taken_apart"]


def taken_apart(
    x: Float[Tensor, "batch channels height width"], parts: int
) -> list[Float[Tensor, "batch channels//{parts} height width"]]:
    """``x.chunk(parts, dim=1)``, each plane laid out by itself.

    After a convolution OpenVINO keeps channels interleaved, and splits and joins them slowly: seen
    as rows, it lays them out one after another first, and half of the solver's time is gone
    (docs/LOG.md).
    """
    size = x.shape[-2:]
    return [rows.unflatten(2, size) for rows in x.flatten(2).chunk(parts, dim=1)]
