"""FXAA against a pixel-by-pixel transcription of Lottes' shader."""

import numpy as np
import torch

from temporal_clean.train.degrading.fxaa import fxaa

STEPS = (1.0, 1.5, 2.0, 4.0, 12.0)  # FXAA_QUALITY__PRESET 12


def _bilinear(image: np.ndarray, x: float, y: float) -> np.ndarray:
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    total = 0.0
    for dy, wy in ((0, 1 - (y - y0)), (1, y - y0)):
        for dx, wx in ((0, 1 - (x - x0)), (1, x - x0)):
            row = min(max(y0 + dy, 0), image.shape[0] - 1)
            column = min(max(x0 + dx, 0), image.shape[1] - 1)
            total = total + wx * wy * image[row, column]
    return np.asarray(total)


def _fxaa_pixel(image: np.ndarray, px: int, py: int) -> np.ndarray:
    """FxaaPixelShader with the default settings and preset 12, in the shader's order."""
    luma = image @ np.array([0.299, 0.587, 0.114])

    def at(dx, dy):
        return float(_bilinear(luma, px + dx, py + dy))

    m, n, s, e, w = at(0, 0), at(0, -1), at(0, 1), at(1, 0), at(-1, 0)
    top, bottom = max(m, n, s, e, w), min(m, n, s, e, w)
    span = top - bottom
    if span < max(0.0833, top * 0.166):
        return image[py, px]
    nw, ne, sw, se = at(-1, -1), at(1, -1), at(-1, 1), at(1, 1)
    edge_horizontal = abs(nw + sw - 2 * w) + 2 * abs(n + s - 2 * m) + abs(ne + se - 2 * e)
    edge_vertical = abs(sw + se - 2 * s) + 2 * abs(w + e - 2 * m) + abs(nw + ne - 2 * n)
    horizontal = edge_horizontal >= edge_vertical
    blend = min(abs((2 * (n + s + w + e) + nw + ne + sw + se) / 12 - m) / span, 1.0)
    blend = (-2 * blend + 3) * blend**2
    if not horizontal:
        n, s = w, e
    pair_n = abs(n - m) >= abs(s - m)
    gradient = max(abs(n - m), abs(s - m)) / 4
    sign = -1.0 if pair_n else 1.0
    mean = ((n if pair_n else s) + m) * 0.5
    base = np.array([0.0, 0.5 * sign]) if horizontal else np.array([0.5 * sign, 0.0])
    along = np.array([1.0, 0.0]) if horizontal else np.array([0.0, 1.0])
    ends, distances = [], []
    for way in (-1, 1):
        distance, end = STEPS[0], at(*(base + way * STEPS[0] * along)) - mean
        for index, step in enumerate(STEPS[1:], start=1):
            if abs(end) >= gradient:
                break
            distance += step
            if index < len(STEPS) - 1:
                end = at(*(base + way * distance * along)) - mean
        ends.append(end)
        distances.append(distance)
    nearest = 0 if distances[0] < distances[1] else 1
    good = (ends[nearest] < 0) != (m - mean < 0)
    offset = (0.5 - min(distances) / sum(distances)) if good else 0.0
    offset = max(offset, blend**2 * 0.75) * sign
    return _bilinear(image, px, py + offset) if horizontal else _bilinear(image, px + offset, py)


def _planes(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1).unsqueeze(0)


def test_it_is_the_shader():
    rng = np.random.default_rng(7)
    rows, columns = np.mgrid[:40, :56]
    image = np.where((columns > 6 + rows * 3.3 % 50)[..., None], [0.8, 0.7, 0.2], [0.1, 0.2, 0.3])
    image[28:] += 0.3 * rng.random((12, 56, 3))
    image[5, 20:50], image[10:25, 50] = 0.95, 0.02
    image = image.clip(0, 1)
    expected = np.array([[_fxaa_pixel(image, x, y) for x in range(56)] for y in range(40)])
    ours = fxaa(_planes(image))[0].permute(1, 2, 0).numpy()
    # Across and along tie exactly on many a pixel; rounding then decides, here 6 of 2240.
    wrong = np.abs(ours - expected).max(axis=-1) > 1e-5
    assert wrong.mean() < 0.005
    assert np.abs(ours - image).max() > 0.2


def test_frames_do_not_mix_and_flat_stays():
    frames = torch.rand(3, 3, 24, 30, generator=torch.Generator().manual_seed(0))
    frames[1] = 0.4
    smooth = fxaa(frames)
    torch.testing.assert_close(smooth[1], frames[1])
    torch.testing.assert_close(smooth[2:], fxaa(frames[2:]))


def test_a_staircase_becomes_smoother():
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(96.0), indexing="ij")
    hard = (columns > 4.0 * rows - 30).float().expand(1, 3, 48, 96)
    soft = ((columns - 4.0 * rows + 30.5) / 4.0).clamp(0, 1).expand(1, 3, 48, 96)
    before, after = ((p - soft).square().mean() for p in (hard, fxaa(hard)))
    assert after < 0.6 * before
