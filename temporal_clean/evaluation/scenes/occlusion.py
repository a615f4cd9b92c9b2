"""Exact flow, validity and disocclusion of a shot, from its planes and their shares of pixels."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor

from temporal_clean.evaluation.motion import Motion

__all__ = ["exact_motion", "plane_flow"]

# Shares are sums of 64ths times coverages: less than any real share, more than their rounding.
SHARE = 1e-4


def plane_flow(
    now: Float64[Tensor, "3 3"], previous: Float64[Tensor, "3 3"], height: int, width: int
) -> Float64[Tensor, "2 height width"]:
    """Flow from a frame to the one before of a plane, from its homographies in both, in pixels."""
    if torch.equal(now, previous):
        return torch.zeros(2, height, width, dtype=torch.float64)  # exactly, not to rounding
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    back = torch.linalg.inv(previous) @ now
    there = torch.einsum("ij,jhw->ihw", back, torch.stack([x, y, torch.ones_like(x)]))
    return there[:2] / there[2:] - torch.stack([x, y])


def exact_motion(
    planes: Sequence[Float64[Tensor, "frames 3 3"]],
    shares: Float[Tensor, "frames layers height width"],
) -> Motion:
    """Motion from each frame to the one before, of planes (homographies) and their shares.

    Planes that move alike count as one: nothing between them comes into view or goes. A pixel
    counts as a plane's own where all its samples are of that plane. It is valid where the
    four pixels that a bilinear look-up of the previous frame would read are that plane's own too,
    disoccluded where they show nothing of that plane, and neither where it shares a pixel with
    another plane now or then, or lies outside the previous frame. The motion of a shared pixel is
    that of the plane with the largest share.
    """
    pairs, size = len(shares) - 1, shares.shape[2:]
    motion = torch.zeros(pairs, 2, *size)
    valid, disoccluded = torch.zeros(pairs, 1, *size), torch.zeros(pairs, 1, *size)
    for k in range(pairs):
        groups = _moving_alike([to_texels[k : k + 2] for to_texels in planes])
        then, now = (torch.stack([shares[f, g].sum(0) for g in groups]) for f in (k, k + 1))
        front = now.argmax(0)
        for number, group in enumerate(groups):
            own = front == number
            if not own.any():
                continue
            to_texels = planes[group[0]]
            flow = plane_flow(to_texels[k + 1], to_texels[k], *size).float()
            motion[k] = torch.where(own, flow, motion[k])
            all_of_it, none_of_it = _then(then[number], flow)
            pure = now[number] > 1 - SHARE
            valid[k, 0] += pure & all_of_it
            disoccluded[k, 0] += pure & none_of_it
    return Motion(motion, valid, disoccluded)


def _moving_alike(planes: Sequence[Float64[Tensor, "2 3 3"]]) -> list[list[int]]:
    """Numbers of planes, grouped by their map from the second of two frames to the first."""
    groups: list[list[int]] = []
    maps: list[Tensor] = []
    for number, (previous, now) in enumerate(planes):
        back = torch.linalg.inv(previous) @ now
        back = back / back[2, 2]
        for group, other in zip(groups, maps, strict=True):
            if torch.allclose(back, other, rtol=0, atol=1e-9):
                group.append(number)
                break
        else:
            groups.append([number])
            maps.append(back)
    return groups


def _then(
    share: Float[Tensor, "height width"], flow: Float[Tensor, "2 height width"]
) -> tuple[Bool[Tensor, "height width"], Bool[Tensor, "height width"]]:
    """Whether the pixels that the flow leads to were wholly, and not at all, of a layer."""
    height, width = share.shape
    # Rounded to 1/1024 pixel: a still pixel's look-up must not touch its neighbour by rounding.
    flow = flow.nan_to_num()  # where the plane is not in front of the eye
    x = ((torch.arange(width) + flow[0]) * 1024).round() / 1024
    y = ((torch.arange(height)[:, None] + flow[1]) * 1024).round() / 1024
    inside = (x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1)
    taps = [
        share[row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()]
        for row in (y.floor(), y.ceil())
        for column in (x.floor(), x.ceil())
    ]
    around = torch.stack(taps)
    return inside & (around > 1 - SHARE).all(0), inside & (around < SHARE).all(0)
