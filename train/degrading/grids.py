"""The grids of a supersampled master: its box-filtered reference and its point samples.

A master is ``factor`` times as high and as wide as the screen, display-encoded. An even factor has
no master pixel in the centre of a block, so the screen's grid lies half a master pixel to the
right and below: screen pixel (i, j) is centred on the centre of master pixel
``factor * i + factor // 2``, for odd factors too. Everything that samples a master does it here.
"""

from functools import lru_cache

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.jitter import halton
from temporal_clean.train.degrading.picture import Picture

__all__ = ["FACTORS", "halton_jitter", "reference", "sample", "screen_size"]

FACTORS = (1, 2, 3, 4)
# FSR 2 and its successors repeat their jitter after 8 (screen / render width)^2 frames
# (ffxFsr2GetJitterPhaseCount in AMD's ffx_fsr2.cpp).
PHASES_AT_NATIVE = 8


def screen_size(master: Shaped[Tensor, "time 3 rows columns"], factor: int) -> tuple[int, int]:
    """Height and width of the screen that the master is for.

    Raises :class:`TemporalCleanError` if the master is not a whole number of screen pixels.
    """
    rows, columns = master.shape[-2:]
    if factor not in FACTORS:
        raise TemporalCleanError(
            f"a master is 1, 2, 3 or 4 times the size of its clip, not {factor} times: "
            "set the factor of clip.json right"
        )
    if rows % factor or columns % factor:
        raise TemporalCleanError(
            f"a master of factor {factor} has a height and width divisible by {factor}, this one "
            f"is {columns}x{rows}: crop it"
        )
    if master.dtype not in (torch.uint8, torch.float32):
        raise TemporalCleanError(
            f"a master is uint8, or float32 in [0, 1], not {master.dtype}: convert it"
        )
    return rows // factor, columns // factor


def reference(
    master: Shaped[Tensor, "time 3 rows columns"], factor: int
) -> Float[Tensor, "time 3 height width"]:
    """The mean of the master over each screen pixel, in [0, 1]; averaged display-encoded.

    ``master`` is uint8, or float32 in [0, 1]. For an even factor the screen's pixels lie half a
    master pixel off: the master is moved there by cubic interpolation, which keeps detail that
    a linear one would soften, then averaged; what lies beyond the border repeats it.
    """
    screen_size(master, factor)
    total = master
    for axis in (-2, -1):
        total = _block_sums(total, factor, axis)
    scale = 1.0 / (sum(_weights(factor)) ** 2 * (255 if master.dtype == torch.uint8 else 1))
    return (total.contiguous() * scale).clamp_(0.0, 1.0)


def _weights(factor: int) -> tuple[int, ...]:
    """Of the master pixels from the one before a block on (odd factors: from its first on).

    The interpolation halfway between pixels is Lagrange's through four points, (-1, 9, 9, -1) / 16.
    """
    if factor % 2:
        return (1,) * factor
    weights = [0] * (factor + 3)
    for start in range(factor):
        for tap, weight in enumerate((-1, 9, 9, -1)):
            weights[start + tap] += weight
    return tuple(weights)


def _block_sums(x: Tensor, factor: int, axis: int) -> Tensor:
    """Weighted sums over each block of ``factor`` along ``axis``, as 8-bit sums or float32."""
    # Of 8-bit values the first axis's sums fit into int16 (4 * 16 * 1.04 * 255 < 2^15).
    wide = torch.int16 if x.dtype == torch.uint8 else torch.float32
    first = 0 if factor % 2 else -1
    total = None
    for tap, weight in enumerate(_weights(factor), start=first):
        piece = _tap(x, tap, factor, axis).to(wide)
        total = piece * weight if total is None else total.add_(piece, alpha=weight)
    assert total is not None
    return total


def _tap(x: Tensor, tap: int, factor: int, axis: int) -> Tensor:
    """Pixel ``factor * i + tap`` for each block i, the border repeated."""
    count = x.shape[axis] // factor
    if 0 <= tap < factor:
        return _every(x, tap, factor, axis)
    if tap < 0:
        after = _every(x, tap + factor, factor, axis).narrow(axis, 0, count - 1)
        return torch.cat([x.narrow(axis, 0, 1), after], dim=axis)
    before = _every(x, tap, factor, axis)
    return torch.cat([before, x.narrow(axis, -1, 1)], dim=axis)


def _every(x: Tensor, first: int, step: int, axis: int) -> Tensor:
    return x[..., first::step, :] if axis == -2 else x[..., first::step]


def sample(
    master: Shaped[Tensor, "time 3 rows columns"],
    factor: int,
    scale: float,
    jitter: Float[Tensor, "time 2"] | None = None,
) -> Picture:
    """One point of the master for each pixel of a render at ``scale`` times the screen's size.

    A render of round(height * scale) rows, no anti-aliasing; the nearest master pixel is taken
    (exact for scales 1, 2/3 and 1/2 of a factor 4). ``jitter`` moves the points, x and y in pixels
    of the render, [-0.5, 0.5). The result knows where its samples really lie, rounding to master
    pixels included. With factor 1 the picture itself is point-sampled: what it has of
    anti-aliasing stays, lower scales alias again; where a point falls between two pixels the right
    and lower one is taken.
    """
    size = screen_size(master, factor)
    if not 0.0 < scale <= 1.0:
        raise TemporalCleanError(f"a render has a scale above 0 and up to 1, not {scale}")
    still = jitter is None or bool((jitter == jitter[:1]).all())
    moves = [[0.0, 0.0]] if jitter is None else (jitter[:1] if still else jitter).tolist()
    pictures, offsets = [], []
    for index, (move_x, move_y) in enumerate(moves):
        rows, offset_y = _points(size[0], round(size[0] * scale), factor, move_y)
        columns, offset_x = _points(size[1], round(size[1] * scale), factor, move_x)
        part = master if still else master[index : index + 1]
        pictures.append(_unit_range(_take(_take(part, rows, -2), columns, -1)))
        offsets.append([offset_x, offset_y])
    offset = torch.tensor(offsets, dtype=torch.float32, device=master.device)
    return Picture(torch.cat(pictures), offset.expand(len(master), 2), size)


@lru_cache(maxsize=1024)
def _points(screen: int, count: int, factor: int, jitter: float) -> tuple[Tensor, float]:
    """Master pixels nearest to ``count`` sample points along an axis, and their mean offset.

    The offset is from the centres of the render's pixels, in pixels of the render.
    """
    spacing = screen * factor / count
    centres = (torch.arange(count, dtype=torch.float64) + 0.5) * spacing
    centres += 0.5 * (factor % 2 == 0)
    # 1e-9: products such as 85 * (512 / 85) must not fall just short of a whole number.
    nearest = torch.floor(centres + jitter * spacing + 1e-9)
    offset = float((nearest + 0.5 - centres).mean()) / spacing
    return nearest.long().clamp(0, screen * factor - 1), offset


def _take(x: Tensor, indices: Tensor, axis: int) -> Tensor:
    """Rows or columns by number; a slice where they are evenly spaced, which costs less."""
    steps = indices.diff()
    if len(steps) and bool((steps == steps[0]).all()) and int(steps[0]) > 0:
        return _every(x, int(indices[0]), int(steps[0]), axis).narrow(axis, 0, len(indices))
    return x.index_select(axis, indices.to(x.device))


def _unit_range(x: Tensor) -> Tensor:
    """Contiguous float32 in [0, 1]."""
    # Copied first: converting a strided uint8 view was ten times slower than both apart.
    plain = x.contiguous(memory_format=torch.contiguous_format)
    return plain.float() / 255.0 if x.dtype == torch.uint8 else plain


def halton_jitter(count: int, scale: float, start: int = 0) -> Float[Tensor, "count 2"]:
    """Offsets x and y in [-0.5, 0.5) of ``count`` frames: Halton(2, 3), as upscalers use.

    The sequence repeats after 8 / scale^2 frames, as FSR 2's does, and begins at ``start``.
    """
    period = max(1, int(PHASES_AT_NATIVE / scale**2))
    return halton(count, period, start)
