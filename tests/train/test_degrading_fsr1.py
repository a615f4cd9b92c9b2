"""FSR 1 against a pixel-by-pixel transcription of AMD's shader, and what it promises."""

import numpy as np
import pytest
import torch

from temporal_clean.train.degrading.fsr1 import easu, rcas
from temporal_clean.train.degrading.resample import resample


def _easu_pixel(image: np.ndarray, px: int, py: int, size: tuple[int, int]) -> np.ndarray:
    """FsrEasuF of ffx_fsr1.h for one output pixel, in the shader's own order."""
    rows, columns = image.shape[:2]
    x = px * columns / size[1] + 0.5 * columns / size[1] - 0.5
    y = py * rows / size[0] + 0.5 * rows / size[0] - 0.5
    fx, fy = int(np.floor(x + 1e-9)), int(np.floor(y + 1e-9))
    x, y = x - fx, y - fy

    def texel(dx, dy):
        return image[min(max(fy + dy, 0), rows - 1), min(max(fx + dx, 0), columns - 1)]

    def luma(dx, dy):
        r, g, b = texel(dx, dy)
        return b * 0.5 + (r * 0.5 + g)

    direction, length = np.zeros(2), 0.0
    for sx, sy, w in (
        (0, 0, (1 - x) * (1 - y)),
        (1, 0, x * (1 - y)),
        (0, 1, (1 - x) * y),
        (1, 1, x * y),
    ):
        a, b, c = luma(sx, sy - 1), luma(sx - 1, sy), luma(sx, sy)
        d, e = luma(sx + 1, sy), luma(sx, sy + 1)
        for axis, (after, before) in enumerate(((d, b), (e, a))):
            steepest = max(abs(after - c), abs(c - before))
            slope = after - before
            direction[axis] += slope * w
            ratio = abs(slope) / steepest if steepest > 0 else 0.0
            length += min(ratio, 1.0) ** 2 * w
    squared = direction @ direction
    if squared < 1.0 / 32768.0:
        direction[0] = 1.0
    else:
        direction /= np.sqrt(squared)
    length = (length * 0.5) ** 2
    stretch = (direction @ direction) / max(abs(direction))
    scale = np.array([1 + (stretch - 1) * length, 1 - 0.5 * length])
    lobe = 0.5 + ((1.0 / 4.0 - 0.04) - 0.5) * length
    clip = 1.0 / lobe

    total, weights = np.zeros(3), 0.0
    for tx, ty in (
        *((0, -1), (1, -1), (-1, 1), (0, 1), (0, 0), (-1, 0)),
        *((1, 1), (2, 1), (2, 0), (1, 0), (1, 2), (0, 2)),
    ):
        ox, oy = tx - x, ty - y
        v = np.array(
            [ox * direction[0] + oy * direction[1], -ox * direction[1] + oy * direction[0]]
        )
        v *= scale
        d2 = min(v @ v, clip)
        base = 25 / 16 * (2 / 5 * d2 - 1) ** 2 - (25 / 16 - 1)
        weight = base * (lobe * d2 - 1) ** 2
        total += weight * texel(tx, ty)
        weights += weight
    four = np.stack([texel(0, 0), texel(1, 0), texel(0, 1), texel(1, 1)])
    return np.minimum(four.max(0), np.maximum(four.min(0), total / weights))


def _rcas_pixel(image: np.ndarray, px: int, py: int, stops: float) -> np.ndarray:
    """FsrRcasF of ffx_fsr1.h for one pixel."""
    rows, columns = image.shape[:2]

    def load(x, y):
        return image[min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)]

    b, d, e = load(px, py - 1), load(px - 1, py), load(px, py)
    f, h = load(px + 1, py), load(px, py + 1)
    lowest = np.minimum(np.minimum(b, d), np.minimum(f, h))
    highest = np.maximum(np.maximum(b, d), np.maximum(f, h))
    hit_min = lowest / (4 * highest)
    hit_max = (1 - highest) / (4 * lowest - 4)
    lobe = max(np.maximum(-hit_min, hit_max))
    lobe = max(-(0.25 - 1 / 16), min(lobe, 0.0)) * 2.0**-stops
    return np.clip((lobe * (b + d + f + h) + e) / (4 * lobe + 1), 0, 1)


def _picture(seed: int, rows: int = 13, columns: int = 17) -> np.ndarray:
    """Lines, flat parts and noise."""
    rng = np.random.default_rng(seed)
    image = np.full((rows, columns, 3), 0.3)
    image[:, 8:] = [0.9, 0.6, 0.2]
    for k in range(min(rows, columns)):
        image[k, k] = [0.05, 0.95, 0.4]
    image[6:] = 0.5 * image[6:] + 0.5 * rng.random((rows - 6, columns, 3))
    return image


def _planes(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)


@pytest.mark.parametrize("size", [(26, 34), (20, 25), (23, 29), (13, 17)])
def test_easu_is_the_shader(size):
    image = _picture(seed=1)
    expected = np.array(
        [[_easu_pixel(image, x, y, size) for x in range(size[1])] for y in range(size[0])]
    )
    np.testing.assert_allclose(easu(_planes(image), size)[0].permute(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize("stops", [0.0, 0.2, 2.0])
def test_rcas_is_the_shader(stops):
    image = np.clip(_picture(seed=2), 0.01, 0.99)
    expected = np.array([[_rcas_pixel(image, x, y, stops) for x in range(17)] for y in range(13)])
    np.testing.assert_allclose(rcas(_planes(image), stops)[0].permute(1, 2, 0), expected, atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 0.37, 1.0])
def test_flat_stays_flat(level):
    flat = torch.full((2, 3, 12, 15), level)
    torch.testing.assert_close(easu(flat, (24, 30)), torch.full((2, 3, 24, 30), level))
    torch.testing.assert_close(rcas(flat, 0.0), flat)


def test_easu_does_not_ring():
    """No pixel leaves the range of the source pixels about it."""
    source = torch.rand(2, 3, 16, 18, generator=torch.Generator().manual_seed(3)).round()
    enlarged = easu(source, (32, 36))
    lowest = -torch.nn.functional.max_pool2d(-source, 3, 1, 1)
    highest = torch.nn.functional.max_pool2d(source, 3, 1, 1)
    assert (enlarged >= resample(lowest, (32, 36), "nearest") - 1e-6).all()
    assert (enlarged <= resample(highest, (32, 36), "nearest") + 1e-6).all()


def test_easu_keeps_the_place():
    """A picture turned half round comes out turned half round: nothing moves.

    But for the shader's own lopsidedness where there is no direction (1e-4).
    """
    source = _planes(_picture(seed=4))
    turned = easu(source.flip(-1, -2), (26, 34)).flip(-1, -2)
    torch.testing.assert_close(turned, easu(source, (26, 34)), atol=1e-3, rtol=0)


def test_easu_follows_a_slanted_edge_better_than_bilinear():
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(96.0), indexing="ij")
    exact = torch.sigmoid((columns - 48 - 0.4 * (rows - 48)) * 4)[None, None].repeat(1, 3, 1, 1)
    small = torch.nn.functional.avg_pool2d(exact, 2)
    errors = [
        float((picture - exact).square().mean())
        for picture in (easu(small, (96, 96)), resample(small, (96, 96), "bilinear"))
    ]
    assert errors[0] < 0.8 * errors[1]


def test_rcas_is_weaker_by_stops():
    source = _planes(_picture(seed=5))
    changes = [float((rcas(source, stops) - source).abs().mean()) for stops in (0.0, 1.0, 2.0)]
    assert changes[0] > changes[1] > changes[2] > 0
