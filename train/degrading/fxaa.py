"""FXAA 3.11 in its quality form, preset 12.

After Timothy Lottes' FxaaPixelShader (Fxaa3_11.h, NVIDIA 2011) and his white paper. Contrast is
looked at for all pixels at once; only those on an edge go on, gathered into a list.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["fxaa"]

# FXAA_QUALITY__PRESET 12: steps of 1, 1.5, 2, 4 and 12 pixels, here added up. The last place is
# not looked at: an edge longer than the others counts as ending there.
DISTANCES, BEYOND = (1.0, 2.5, 4.5, 8.5), 20.5
# fxaaQualitySubpix, EdgeThreshold and EdgeThresholdMin: the defaults named in Fxaa3_11.h.
SUBPIXEL, EDGE_THRESHOLD, EDGE_THRESHOLD_MIN = 0.75, 0.166, 0.0833
BORDER = 10
# The luma weights of the white paper (ITU-R BT.601).
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True)
class _Edges:
    """The luma of whole frames with a border, as one list, and the edge pixels' places in it."""

    luma: Tensor
    places: Tensor
    row: int

    def at(self, x: int, y: int) -> Tensor:
        """Luma at a whole distance from each edge pixel."""
        return self.luma[self.places + (y * self.row + x)]


def fxaa(
    frames: Float[Tensor, "time 3 height width"],
    subpixel: float = SUBPIXEL,
    threshold: float = EDGE_THRESHOLD,
) -> Float[Tensor, "time 3 height width"]:
    """Smooth stair steps: each edge pixel is mixed with its neighbour across the edge.

    ``subpixel`` (0 to 1) is how much single-pixel detail is softened; ``threshold`` is the local
    contrast, as a share of the brightest neighbour, from which there is an edge.
    """
    bordered = F.pad(frames, (BORDER,) * 4, mode="replicate")
    red, green, blue = bordered.unbind(dim=1)
    luma = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    span = _contrast(luma, threshold)
    time, row, column = torch.nonzero(span, as_tuple=True)
    height, width = luma.shape[1:]
    places = (time * height + row + BORDER) * width + column + BORDER
    edges = _Edges(luma.flatten(), places, width)
    horizontal, softening = _orientation(edges, span[time, row, column])
    side, share = _along_edge(edges, horizontal)
    share = torch.maximum(share, softening.square() * subpixel)

    # From (time, 3, ...) to a list of pixels, the same place in all channels.
    start = places + 2 * time * height * width
    channels = start.unsqueeze(0) + torch.arange(3, device=start.device).unsqueeze(1) * (
        height * width
    )
    colours = bordered.flatten()
    mixed = torch.lerp(colours[channels], colours[channels + side], share)
    result = frames.clone()
    result[time, :, row, column] = mixed.T
    return result


def _contrast(luma: Tensor, threshold: float) -> Tensor:
    """Span of luma in each pixel's cross of five, 0 where that is too little for an edge."""
    inner = luma[:, BORDER - 1 : 1 - BORDER, BORDER - 1 : 1 - BORDER]
    cross = (
        inner[:, 1:-1, 1:-1],
        inner[:, :-2, 1:-1],
        inner[:, 2:, 1:-1],
        inner[:, 1:-1, :-2],
        inner[:, 1:-1, 2:],
    )
    lowest = highest = cross[0]
    for neighbour in cross[1:]:
        lowest, highest = torch.minimum(lowest, neighbour), torch.maximum(highest, neighbour)
    span = highest - lowest
    return span * (span >= (highest * threshold).clamp_min_(EDGE_THRESHOLD_MIN))


def _orientation(edges: _Edges, span: Tensor) -> tuple[Tensor, Tensor]:
    """Whether the edge is horizontal, and how much the pixel stands out alone (subpixF, 0 to 1)."""
    middle = edges.at(0, 0)
    north, south, west, east = edges.at(0, -1), edges.at(0, 1), edges.at(-1, 0), edges.at(1, 0)
    north_west, north_east = edges.at(-1, -1), edges.at(1, -1)
    south_west, south_east = edges.at(-1, 1), edges.at(1, 1)
    across = 2.0 * (north + south - 2.0 * middle).abs()
    across += (north_east + south_east - 2.0 * east).abs()
    across += (north_west + south_west - 2.0 * west).abs()
    along = 2.0 * (west + east - 2.0 * middle).abs()
    along += (north_west + north_east - 2.0 * north).abs()
    along += (south_west + south_east - 2.0 * south).abs()
    corners = north_west + north_east + south_west + south_east
    surroundings = (2.0 * (north + south + west + east) + corners) / 12.0
    alone = ((surroundings - middle).abs() / span).clamp_max(1.0)
    return across >= along, (3.0 - 2.0 * alone) * alone.square()


def _along_edge(edges: _Edges, horizontal: Tensor) -> tuple[Tensor, Tensor]:
    """The neighbour across the edge, as a step in the list, and its share by the edge's ends.

    The edge is followed both ways, half way between the pixel and that neighbour, until luma
    departs from the mean of the two by a quarter of their difference.
    """
    luma, places = edges.luma, edges.places
    across = torch.where(horizontal, edges.row, 1)
    along = torch.where(horizontal, 1, edges.row)
    middle, first, second = luma[places], luma[places - across], luma[places + across]
    to_first = (first - middle).abs() >= (second - middle).abs()
    side = torch.where(to_first, -across, across)
    other = torch.where(to_first, first, second)
    pair, slope = 0.5 * (middle + other), 0.25 * (other - middle).abs()

    def beside(distance: float, sign: int) -> Tensor:
        """Luma that far along the edge; half pixels are the mean of two, as bilinear is."""
        near = places + along * (sign * int(distance))
        values = luma[near] + luma[near + side]
        if distance % 1:
            values = 0.5 * (values + luma[near + sign * along] + luma[near + sign * along + side])
        return 0.5 * values - pair

    ends = []
    for sign in (-1, 1):
        value, distance = beside(DISTANCES[0], sign), torch.full_like(pair, DISTANCES[0])
        for further in DISTANCES[1:]:
            going = value.abs() < slope
            value = torch.where(going, beside(further, sign), value)
            distance = distance.masked_fill(going, further)
        ends.append((value, distance.masked_fill(value.abs() < slope, BEYOND)))
    (value_before, before), (value_after, after) = ends
    value = torch.where(before < after, value_before, value_after)
    share = 0.5 - torch.minimum(before, after) / (before + after)
    return side, share * ((value < 0.0) != (middle < pair))
