"""Each defect is caught by the figure that is there to catch it, and by that one's sign."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from temporal_clean.evaluation import (
    Motion,
    ghost,
    mcflick,
    psnr,
    sharp,
    tof,
    tpsnr,
    warping_error,
)
from temporal_clean.flow import Kernel, warp

SIDE, FRAMES, SAMPLES = 64, 10, 4
PAN = (1.3, 0.45)
SQUARE, STEP = 22, (-2, 1)

Figures = dict[str, float]


@pytest.fixture(scope="module")
def scene(texture: Callable[..., Tensor]) -> dict[str, Tensor | Motion]:
    """A square that moves over a panning ground: 16 samples a pixel, 4, and 1; exact motion."""
    fine = (0.7 * SAMPLES, 9.0 * SAMPLES)
    frames: dict[str, list[Tensor]] = {"reference": [], "four": [], "one": []}
    places = [(34 + STEP[0] * t, 12 + STEP[1] * t) for t in range(FRAMES)]
    front = texture(5, SQUARE * SAMPLES, SQUARE * SAMPLES, wavelengths=fine)
    for t, (x, y) in enumerate(places):
        side = SIDE * SAMPLES
        large = texture(4, side, side, PAN[0] * t * SAMPLES, PAN[1] * t * SAMPLES, fine)
        rows, columns = (slice(p * SAMPLES, (p + SQUARE) * SAMPLES) for p in (y, x))
        large[..., rows, columns] = front
        frames["reference"].append(F.avg_pool2d(large, SAMPLES))
        frames["four"].append(F.avg_pool2d(large[..., 1::2, 1::2], 2))
        frames["one"].append(large[..., 2::SAMPLES, 2::SAMPLES])
    return {name: torch.cat(list_) for name, list_ in frames.items()} | {"motion": motion(places)}


def motion(places: list[tuple[int, int]]) -> Motion:
    planes = []
    for (x0, y0), (x, y) in pairwise(places):
        flow = torch.tensor(PAN).view(2, 1, 1).expand(2, SIDE, SIDE).clone()
        front, old = torch.zeros(2, 1, SIDE, SIDE)
        front[:, y : y + SQUARE, x : x + SQUARE] = 1
        old[:, y0 : y0 + SQUARE, x0 : x0 + SQUARE] = 1
        flow = torch.where(front > 0, -torch.tensor(STEP, dtype=torch.float).view(2, 1, 1), flow)
        # The ground is new where the square was, and where it came in from beyond the border.
        covered = warp(old[None], flow[None], "bilinear")[0] > 0
        inside = torch.zeros(1, SIDE, SIDE)
        inside[:, : SIDE - 2, : SIDE - 3] = 1
        new = (front == 0) & (covered | (inside == 0))
        planes.append((flow, (~new).float(), new.float()))
    return Motion(*(torch.stack(plane) for plane in zip(*planes, strict=True)))


def figures(output: Tensor, scene: dict) -> Figures:
    reference, flow = scene["reference"], scene["motion"]
    return {
        "psnr": float(psnr(output, reference).mean()),
        "tpsnr": float(tpsnr(output, reference).mean()),
        "mcflick": float(mcflick(output, reference, flow).mean()),
        "e_warp": float(warping_error(output, flow).mean()),
        "own_e_warp": float(warping_error(reference, flow).mean()),
        "tof": float(tof(output, reference).mean()),
        "sharp": float(sharp(output, reference).mean()),
        "ghost": float(ghost(output, reference, flow).mean()),
    }


def noise(frames: int, seed: int = 0) -> Tensor:
    random = np.random.default_rng(seed).normal(0, 8 / 255, (frames, 3, SIDE, SIDE))
    return torch.from_numpy(random.astype(np.float32))


def blurred(frames: Tensor, sigma: float) -> Tensor:
    taps = torch.exp(-0.5 * (torch.arange(-3, 4) / sigma) ** 2)
    kernel = (torch.outer(taps, taps) / taps.sum() ** 2).expand(3, 1, 7, 7)
    return F.conv2d(F.pad(frames, (3, 3, 3, 3), mode="replicate"), kernel, groups=3)


def test_the_motion_is_that_of_the_frames(scene) -> None:
    """Warped by it, the reference repeats itself up to what interpolation costs."""
    reference, flow = scene["reference"], scene["motion"]
    before = warp(reference[:-1], flow.motion, "lanczos3")
    error = ((reference[1:] - before).square() * flow.valid).sum() / (3 * flow.valid.sum())
    still = (reference[1:] - reference[:-1]).square().mean()
    assert error < 0.05 * still


def test_blur_is_seen_by_sharp_and_rewarded_by_e_warp(scene) -> None:
    found = figures(blurred(scene["reference"], 0.8), scene)
    assert found["sharp"] < 0.75
    assert found["e_warp"] < 0.7 * found["own_e_warp"]


def test_flickering_noise_is_seen_by_mcflick_alone(scene) -> None:
    found = figures(scene["reference"] + noise(FRAMES), scene)
    # Twice the variance where the lookup is between pixels less: 1.0 to 2.0 of sigma squared.
    assert 1.0 < found["mcflick"] / (1e3 * (8 / 255) ** 2) < 2.05
    assert found["e_warp"] > 1.3 * found["own_e_warp"]
    assert found["sharp"] == pytest.approx(1.0, abs=0.02)
    assert found["ghost"] == pytest.approx(0.0, abs=0.02)


def test_frozen_noise_is_no_change_from_frame_to_frame(scene) -> None:
    """On the screen it stands still: tPSNR does not see it, PSNR does as if it flickered."""
    still, flickering = (
        figures(scene["reference"] + noise(1), scene),
        figures(scene["reference"] + noise(FRAMES), scene),
    )
    assert still["psnr"] == pytest.approx(flickering["psnr"], abs=0.2)
    assert still["tpsnr"] > 100
    assert flickering["tpsnr"] < 30


def test_noise_frozen_to_its_surface_is_no_flicker(scene) -> None:
    """A still camera, so that the surface stays in place on the screen."""
    reference = scene["reference"][:1].expand(FRAMES, -1, -1, -1)
    pairs = torch.zeros(FRAMES - 1, 1, SIDE, SIDE)
    still = Motion(torch.zeros(FRAMES - 1, 2, SIDE, SIDE), pairs + 1, pairs)
    assert (mcflick(reference + noise(1), reference, still) < 1e-9).all()
    assert (mcflick(reference + noise(FRAMES), reference, still) > 1.5).all()


def test_flicker_of_the_whole_picture_is_seen(scene) -> None:
    gain = 1.0 + 0.08 * (-1.0) ** torch.arange(FRAMES).view(-1, 1, 1, 1)
    found = figures(scene["reference"] * gain, scene)
    assert found["mcflick"] > 3.0
    assert found["tpsnr"] < 25
    assert found["sharp"] == pytest.approx(1.0, abs=0.02)


def test_aliasing_is_flicker_and_false_detail(scene) -> None:
    one, four = figures(scene["one"], scene), figures(scene["four"], scene)
    assert one["mcflick"] > 2 * four["mcflick"] > 0
    assert one["sharp"] > 1.1 > four["sharp"] > 0.98
    assert one["tof"] > four["tof"]
    assert one["e_warp"] > four["e_warp"] > one["own_e_warp"]
    assert abs(one["ghost"]) < 0.2


def test_ghosting_is_seen_by_ghost(scene) -> None:
    reference = scene["reference"]
    padded = torch.cat([reference[:1], reference[:1], reference])
    average = (padded[2:] + padded[1:-1] + padded[:-2]) / 3
    found = figures(average, scene)
    assert found["ghost"] > 0.3
    assert found["sharp"] < 0.9


def test_bilinear_accumulation_is_calm_and_blurred(scene) -> None:
    """What MCflick praises, Sharp must tell on: history resampled bilinearly loses detail."""
    soft, sharper = (
        figures(accumulated(scene, kernel), scene) for kernel in ("bilinear", "lanczos3")
    )
    before = figures(scene["one"], scene)
    assert soft["mcflick"] < 0.4 * before["mcflick"]
    assert soft["sharp"] < 0.85 < sharper["sharp"]
    assert soft["e_warp"] < 0.3 * soft["own_e_warp"]
    assert abs(soft["ghost"]) < 0.2


def accumulated(scene: dict, kernel: Kernel) -> Tensor:
    """Exact motion, four fifths of history wherever there is one."""
    flow = scene["motion"]
    clean = [scene["one"][:1]]
    for k, now in enumerate(scene["one"][1:].split(1)):
        past = warp(clean[-1], flow.motion[k : k + 1], kernel)
        clean.append(now + 0.8 * flow.valid[k : k + 1] * (past - now))
    return torch.cat(clean)
