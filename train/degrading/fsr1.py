"""FSR 1: edge-adaptive upscaling (EASU) and robust contrast-adaptive sharpening (RCAS).

The arithmetic is that of AMD's published ffx_fsr1.h (FidelityFX Super Resolution 1, v1.20210629,
MIT licence), the 32-bit path FsrEasuF and FsrRcasF, with exact reciprocals and square roots in
place of the shader's approximations. Written anew for whole clips: what the shader does at each
pixel is done here for all pixels at once.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["easu", "rcas"]

# FsrEasuF's 12 taps around the 2x2 texels f g / j k: (x, y) from f, the texel above and left.
REACH = (-1, 0, 1, 2)
TAPS = [(x, y) for y in REACH for x in REACH if (x in (0, 1)) or (y in (0, 1))]
# FsrEasuF: below this squared gradient there is no direction.
NO_DIRECTION = 1.0 / 32768.0
# FsrEasuF: the window's parameter without an edge and the change towards a full edge.
LOBE, LOBE_CHANGE = 0.5, (1.0 / 4.0 - 0.04) - 0.5
# FSR_RCAS_LIMIT: 'the limit of providing unnatural results for sharpening'.
RCAS_LIMIT = 0.25 - 1.0 / 16.0
BORDER = 3


def easu(
    frames: Float[Tensor, "time 3 rows columns"],
    size: tuple[int, int],
    offset: Float[Tensor, "time 2"] | None = None,
) -> Float[Tensor, "time 3 height width"]:
    """Enlarge to ``size`` (height, width) along the edges, without ringing.

    A Lanczos-like kernel of 12 taps, turned along the local gradient and stretched by how much of
    an edge there is; the result stays within the 4 nearest pixels. ``offset`` (one for the clip:
    its first row is taken) is where the samples lie against their pixels' centres.
    """
    shift_x, shift_y = (0.0, 0.0) if offset is None else offset[0].tolist()
    source = F.pad(frames, (BORDER,) * 4, mode="replicate")
    rows, part_y = _texels(frames.shape[-2], size[0], shift_y, frames)
    columns, part_x = _texels(frames.shape[-1], size[1], shift_x, frames)
    part_x, part_y = part_x.view(1, 1, 1, -1), part_y.view(1, 1, -1, 1)
    along_xx, along_xy, along_yy, lobe = _kernel_shape(source, rows, columns, part_x, part_y)
    clip = 1.0 / lobe
    by_column = {x: source.index_select(3, columns + x) for x in REACH}
    # Each tap's squared distance is xx x^2 + xy x y + yy y^2: parts that rows or columns share.
    square_x = {x: along_xx * (x - part_x).square() for x in REACH}
    square_y = {y: along_yy * (y - part_y).square() for y in REACH}
    mixed_x = {x: along_xy * (x - part_x) for x in REACH}
    colour, total, nearest = torch.zeros(()), torch.zeros(()), []
    for x, y in TAPS:
        tap = by_column[x].index_select(2, rows + y)
        squared = (square_x[x] + square_y[y]).addcmul_(mixed_x[x], y - part_y)
        weight = _lanczos2_approximation(torch.minimum(squared, clip, out=squared), lobe)
        colour = torch.addcmul(colour, tap, weight)
        total = total + weight
        if x in (0, 1) and y in (0, 1):
            nearest.append(tap)
    lowest = torch.minimum(torch.minimum(*nearest[:2]), torch.minimum(*nearest[2:]))
    highest = torch.maximum(torch.maximum(*nearest[:2]), torch.maximum(*nearest[2:]))
    return colour.div_(total).clamp_(lowest, highest)


def _texels(source: int, target: int, shift: float, like: Tensor) -> tuple[Tensor, Tensor]:
    """For each output pixel of an axis: texel f in the bordered source, and the part beyond it.

    Position of 'f' of FsrEasuF with the constants of FsrEasuCon.
    """
    position = (torch.arange(target, dtype=torch.float64) + 0.5) * (source / target) - 0.5 - shift
    # 1e-9: where a pixel lies on a texel's centre, rounding must not choose the texel before.
    first = torch.floor(position + 1e-9).clamp(-1, source - 1)
    part = (position - first).clamp(0.0, 1.0)
    return (first.long() + BORDER).to(like.device), part.to(like)


def _kernel_shape(
    source: Tensor, rows: Tensor, columns: Tensor, part_x: Tensor, part_y: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The kernel's quadratic form (xx, xy, yy of squared distance) and its lobe, per output pixel.

    FsrEasuSetF at each texel, mixed bilinearly, then the direction, stretch and anisotropic
    length of FsrEasuF. |turned and stretched offset|^2 is written out as a quadratic form.
    """
    planes = _edges(source)
    left, right = planes.index_select(3, columns - 1), planes.index_select(3, columns)
    both = torch.lerp(left, right, part_x)
    mixed = torch.lerp(both.index_select(2, rows - 1), both.index_select(2, rows), part_y)
    x, y, length = mixed.split(1, dim=1)
    squared = x.square() + y.square()
    flat = squared < NO_DIRECTION
    norm = torch.where(flat, 1.0, squared).rsqrt()
    x, y = torch.where(flat, 1.0, x) * norm, y * norm
    length = (0.5 * length).square()
    stretch = (x.square() + y.square()) / torch.maximum(x.abs(), y.abs())
    long = (1.0 + (stretch - 1.0) * length).square()
    short = (1.0 - 0.5 * length).square()
    xx = x.square() * long + y.square() * short
    yy = y.square() * long + x.square() * short
    xy = 2.0 * x * y * (long - short)
    return xx, xy, yy, LOBE + LOBE_CHANGE * length


def _edges(source: Tensor) -> Tensor:
    """Gradient x and y and edge length of each texel inside a border of one (FsrEasuSetF)."""
    luma = source[:, 1:2] + 0.5 * (source[:, 0:1] + source[:, 2:3])
    centre = luma[..., 1:-1, 1:-1]
    length = torch.zeros_like(centre)
    gradients = []
    for before, after in (
        (luma[..., 1:-1, :-2], luma[..., 1:-1, 2:]),
        (luma[..., :-2, 1:-1], luma[..., 2:, 1:-1]),
    ):
        gradient = after - before
        steepest = torch.maximum((after - centre).abs(), (centre - before).abs())
        # Two equal neighbours have gradient 0, and 0 / tiny is 0, as in the shader.
        length = length + (gradient.abs() / steepest.clamp_min(1e-20)).clamp_max(1.0).square()
        gradients.append(gradient)
    return torch.cat([*gradients, length], dim=1)


def _lanczos2_approximation(squared: Tensor, lobe: Tensor) -> Tensor:
    """FsrEasuTapF: (25/16 (2/5 d^2 - 1)^2 - 9/16) (lobe d^2 - 1)^2, first factor expanded."""
    base = (squared * 0.25).sub_(1.25).mul_(squared).add_(1.0)
    window = (lobe * squared).sub_(1.0)
    return base.mul_(window).mul_(window)


def rcas(
    frames: Float[Tensor, "time 3 height width"], stops: float
) -> Float[Tensor, "time 3 height width"]:
    """Sharpen as far as no pixel leaves [0, 1]; each of ``stops`` halves the strength (0: most).

    A cross of five pixels with one negative weight for all channels, solved from the extremes of
    the four neighbours (FsrRcasF, without its noise detection).
    """
    bordered = F.pad(frames, (1, 1, 1, 1), mode="replicate")
    above, below = bordered[..., :-2, 1:-1], bordered[..., 2:, 1:-1]
    left, right = bordered[..., 1:-1, :-2], bordered[..., 1:-1, 2:]
    lowest = torch.minimum(torch.minimum(above, below), torch.minimum(left, right))
    highest = torch.maximum(torch.maximum(above, below), torch.maximum(left, right))
    to_black = lowest / (4.0 * highest)
    to_white = (1.0 - highest) / (4.0 * lowest - 4.0)
    # 0 / 0 in a black or white ring: the other limit holds, as the shader's max() takes it.
    lobe = torch.fmax(-to_black, to_white).amax(dim=1, keepdim=True)
    lobe = lobe.clamp(-RCAS_LIMIT, 0.0) * 2.0**-stops
    ring = (above + below).add_(left).add_(right)
    # The cross may overshoot where the centre itself is the extreme; an 8-bit target clips it.
    return torch.addcmul(frames, ring, lobe).div_(1.0 + 4.0 * lobe).clamp_(0.0, 1.0)
