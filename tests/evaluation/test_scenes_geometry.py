"""The scenes' truth against independent ways to find it: projection, brute force, more samples."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.scenes import moving
from temporal_clean.evaluation.scenes.layers import Layer, Shot
from temporal_clean.evaluation.scenes.lettering import lettering
from temporal_clean.evaluation.scenes.occlusion import exact_motion, plane_flow
from temporal_clean.evaluation.scenes.patterns import fractal
from temporal_clean.evaluation.scenes.placing import Camera, on_plane, slide
from temporal_clean.evaluation.scenes.sampling import grid, point_sampled, render, rotated_grid
from temporal_clean.evaluation.scenes.texture import DENSITY, bake
from temporal_clean.flow import warp

HEIGHT, WIDTH, FRAMES = 64, 80, 4
TIME = torch.arange(FRAMES, dtype=torch.float64)


def smooth(seed: int, size: int, shortest: float) -> Tensor:
    """A colour picture without waves shorter than so many pixels."""
    rng = torch.Generator().manual_seed(seed)
    planes = [fractal(rng, size, 1.0, smallest=shortest * DENSITY) for _ in range(3)]
    return (0.5 + 0.15 * torch.stack(planes)).clamp(0, 1)


def camera(frames: int = FRAMES) -> Camera:
    time = torch.arange(frames, dtype=torch.float64)
    position = torch.stack([0.1 * time, -0.02 * time, 0.2 * time], 1)
    return Camera(position, 0.01 * time, 0.03, 70.0, 39.5, 25.0)


def two_layers() -> Shot:
    """A round hole-ridden thing that overtakes a background that turns."""
    back = bake(smooth(1, 1024, 8))
    size = 256
    v, u = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    round_thing = torch.hypot(u - 127.5, v - 127.5) < 120
    holes = ((u // 50 + v // 50) % 3 > 0) & round_thing
    thing = bake(smooth(2, size, 8), holes.float(), tiled=(False, False))
    layers = [
        Layer(back, slide(-20 + 1.3 * TIME, 3 - 0.7 * TIME, turn=0.1 + 0.02 * TIME)),
        Layer(thing, slide(10 + 6.4 * TIME, 8 + 2.1 * TIME, turn=0.2 * TIME)),
    ]
    return Shot(layers, HEIGHT, WIDTH)


def warping_error(reference: Tensor, motion: Motion) -> Tensor:
    """PSNR in dB of each frame's valid pixels, predicted from the frame before."""
    predicted = warp(reference[:-1], motion.motion, "lanczos3")
    square = ((predicted - reference[1:]) ** 2).mean(1, keepdim=True)
    mean = (square * motion.valid).sum((1, 2, 3)) / motion.valid.sum((1, 2, 3))
    return -10 * mean.log10()


def test_warping_a_smooth_pan_by_its_motion_gives_the_next_frame() -> None:
    layer = Layer(bake(smooth(0, 1024, 8)), slide(-9 + 1.37 * TIME, -3 - 0.61 * TIME, turn=0.03))
    shot = Shot([layer], HEIGHT, WIDTH)
    rendering = render(shot)
    motion = exact_motion([layer.to_texels], rendering.shares)
    assert motion.valid.mean() > 0.9
    # Measured: 61.8 dB, what Lanczos 3 and texels of 1/6 pixel leave. The bound lies above what
    # a flow wrong by only 0.02 pixel on each axis gives, 56.6 dB.
    assert warping_error(rendering.reference, motion).min() > 59
    wrong = motion._replace(motion=motion.motion + 0.02)
    assert warping_error(rendering.reference, wrong).max() < 59


def test_warping_a_smooth_street_by_its_motion_gives_the_next_frame() -> None:
    view = camera()
    ground = on_plane(view, (0.0, 1.6, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 100.0)
    sky = on_plane(view, (0.0, 0.0, 200.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), 2.0)
    shot = Shot(
        [
            Layer(bake(smooth(4, 512, 8)), sky),
            Layer(bake(smooth(3, 512, 16), receding=True), ground),
        ],
        HEIGHT,
        WIDTH,
    )
    rendering = render(shot)
    motion = exact_motion([layer.to_texels for layer in shot.layers], rendering.shares)
    # Only near ground is band-limited on the screen.
    motion.valid[:, :, :48] = 0
    assert motion.valid.mean() > 0.1
    assert warping_error(rendering.reference, motion).min() > 40
    still = motion._replace(motion=torch.zeros_like(motion.motion))
    assert warping_error(rendering.reference, still).max() < 30


def test_warping_stays_right_beside_what_is_hidden_and_uncovered() -> None:
    shot = two_layers()
    rendering = render(shot)
    motion = exact_motion([layer.to_texels for layer in shot.layers], rendering.shares)
    bilinear = warp(rendering.reference[:-1], motion.motion, "bilinear")
    worst = ((bilinear - rendering.reference[1:]).abs() * motion.valid).amax()
    # Bilinear look-ups read only pixels that validity vouches for: nothing of the other layer.
    assert worst < 0.05


def test_the_flow_of_a_plane_is_the_projection_of_its_points() -> None:
    """Points of the ground in metres, projected by plain trigonometry in both frames."""
    view = camera()
    maps = on_plane(view, (0.5, 1.6, -2.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 37.0)
    flow = plane_flow(maps[2], maps[1], HEIGHT, WIDTH)
    rng = np.random.default_rng(0)
    for x, z in zip(rng.uniform(-1, 1, 20), rng.uniform(3.5, 9, 20), strict=True):
        now, before = project(view, 2, x, 1.6, z), project(view, 1, x, 1.6, z)
        texel = maps[2] @ torch.tensor([*now, 1.0], dtype=torch.float64)
        assert texel[:2] / texel[2] == pytest.approx([(x - 0.5) * 37, (z + 2) * 37], abs=1e-6)
        back = torch.linalg.inv(maps[1]) @ texel
        assert back[:2] / back[2] == pytest.approx(before, abs=1e-6)
        column, row = round(now[0]), round(now[1])
        if 0 <= column < WIDTH and 0 <= row < HEIGHT:
            near = torch.tensor(before) - torch.tensor(now)
            assert torch.allclose(flow[:, row, column], near.double(), atol=0.3)


def project(view: Camera, frame: int, x: float, y: float, z: float) -> tuple[float, float]:
    x, y, z = (a - float(b) for a, b in zip((x, y, z), view.position[frame], strict=True))
    yaw = float(view.yaw[frame])
    right = x * math.cos(yaw) - z * math.sin(yaw)
    ahead = x * math.sin(yaw) + z * math.cos(yaw)
    across = right * math.cos(view.roll) - y * math.sin(view.roll)
    down = right * math.sin(view.roll) + y * math.cos(view.roll)
    return view.centre + view.focal * across / ahead, view.horizon + view.focal * down / ahead


def test_flow_is_the_limit_of_finite_differences_of_the_projection() -> None:
    """Flow over a short time is the time derivative of the homography's inverse, to first order."""
    step = 1e-4
    view = Camera(
        torch.tensor([[0.0, 0.0, 0.0], [0.3 * step, 0.1 * step, step]], dtype=torch.float64),
        torch.tensor([0.0, 0.2 * step], dtype=torch.float64),
        0.0,
        70.0,
        39.5,
        25.0,
    )
    maps = on_plane(view, (0.0, 1.6, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 1.0), 50.0)
    flow = plane_flow(maps[1], maps[0], HEIGHT, WIDTH)[:, 40:] / step
    y, x = np.mgrid[40:HEIGHT, 0:WIDTH].astype(float)
    a, b = (x - 39.5) / 70, (y - 25.0) / 70
    nearness = b / 1.6
    # The motion field of Longuet-Higgins and Prazdny (1980), backwards in time.
    flow_x = 70 * ((0.3 - a) * nearness + 0.2 * (1 + a * a))
    flow_y = 70 * ((0.1 - b) * nearness + 0.2 * a * b)
    expected = torch.from_numpy(np.stack([flow_x, flow_y]))
    assert torch.allclose(flow, expected, rtol=1e-3, atol=1e-2)


def test_occlusion_agrees_with_brute_force() -> None:
    """Rays of a pixel, 6 x 6: is what each meets now in front where it lay in the frame before?"""
    shot = two_layers()
    rendering = render(shot)
    maps = [layer.to_texels for layer in shot.layers]
    motion = exact_motion(maps, rendering.shares)
    valid, new = motion.valid[1, 0].bool(), motion.disoccluded[1, 0].bool()
    places = (torch.arange(6) + 0.5) / 6 - 0.5
    rays = [seen_before(shot, 2, float(dx), float(dy)) for dx in places for dy in places]
    share = torch.stack(rays).float().mean(0)
    assert valid.float().mean() > 0.5
    assert new.float().mean() > 0.01
    assert share[valid].min() == 1
    assert share[new].max() == 0
    # And little is missed but beside edges, where look-ups would read pixels that are shared.
    beside = torch.nn.functional.max_pool2d((share[None] - share[None].round()).abs(), 5, 1, 2)[0]
    inner = (beside == 0) & inside_before(maps, rendering.shares)
    assert ((share == 1) & ~valid & inner).float().mean() < 0.12
    assert ((share == 0) & ~new & inner).float().mean() < 0.05


def seen_before(shot: Shot, frame: int, dx: float, dy: float) -> Tensor:
    """Whether the ray of each pixel meets something that was in front in the frame before too."""
    y, x = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    here = torch.stack([x + dx, y + dy, torch.ones_like(x)]).double()
    front = front_layer(shot, frame, here)
    seen = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    for number, layer in enumerate(shot.layers):
        back = torch.linalg.inv(layer.to_texels[frame - 1]) @ layer.to_texels[frame]
        there = torch.einsum("ij,jhw->ihw", back, here)
        seen |= (front == number) & (front_layer(shot, frame - 1, there) == number)
    return seen


def front_layer(shot: Shot, frame: int, points: Tensor) -> Tensor:
    """The front layer's number at homogeneous points, from the textures alone; -1 for none."""
    front = torch.full(points.shape[1:], -1)
    for number, layer in enumerate(shot.layers):
        texture, n = layer.texture, layer.texture.size
        u, v, _ = torch.einsum("ij,jhw->ihw", layer.to_texels[frame], points).floor().long()
        there = texture.texels[(v % n) * n + u % n] < 0
        if not texture.tiled[0]:
            there &= (u >= 0) & (u < n) & (v >= 0) & (v < n)
        front[there] = number
    return front


def inside_before(maps: list[Tensor], shares: Tensor) -> Tensor:
    """Pixels of frame 2 whose content lay in frame 1's picture."""
    flow = torch.stack([plane_flow(m[2], m[1], HEIGHT, WIDTH) for m in maps])
    front = shares[2].argmax(0)
    x, y = flow.gather(0, front.expand(1, 2, -1, -1))[0]
    x, y = x + torch.arange(WIDTH), y + torch.arange(HEIGHT)[:, None]
    return (x >= 0) & (y >= 0) & (x <= WIDTH - 1) & (y <= HEIGHT - 1)


def test_planes_that_move_alike_are_one() -> None:
    shares = torch.zeros(2, 2, 4, 4)
    shares[:, 0], shares[:, 1] = 0.25, 0.75
    still = torch.eye(3, dtype=torch.float64).expand(2, 3, 3)
    assert exact_motion([still, 2 * still], shares).valid.all()
    moving_one = slide(torch.tensor([0.0, 1.0]).double(), torch.zeros(2).double())
    assert not exact_motion([still, moving_one], shares).valid.any()


@pytest.mark.parametrize("name", ["fence", "brick", "hud_pan"])
def test_sixty_four_samples_are_nearly_as_many_as_it_takes(name: str) -> None:
    take = getattr(moving, name)(torch.Generator().manual_seed(5), 1, 48, 64)
    shot = take.shots[0]
    fine, _ = grid(shot, 0, 16)

    def psnr(picture: Tensor) -> float:
        return float(-10 * (picture - fine).square().mean().log10())

    coarse, one, four = (
        psnr(picture)
        for picture in (grid(shot, 0, 8)[0], point_sampled(shot, 0), rotated_grid(shot, 0))
    )
    # The references' own error (measured: 39 to 41 dB at 160x128) must be far below that of the
    # inputs they judge.
    assert coarse > 36
    assert coarse > four + 9
    assert four > one + 3


def test_every_pattern_of_samples_has_its_mean_in_the_pixels_centre() -> None:
    """A ramp of colour, flat within a texel: all ways of sampling give its value at the centre."""
    size = 1024
    ramp = torch.linspace(0, 1, size).expand(3, size, size)
    both = torch.stack([ramp[0], ramp[0].T, ramp[0]])
    zero = torch.zeros(1, dtype=torch.float64)
    shot = Shot([Layer(bake(both), slide(zero - 1, zero - 1))], HEIGHT, WIDTH)
    reference, share = grid(shot, 0, 8)
    assert (share == 1).all()
    for picture in (rotated_grid(shot, 0), point_sampled(shot, 0)):
        # A pixel is DENSITY / 1024 of the ramp, 1.6 codes: a shift of 0.03 pixel is 2e-4.
        difference = (picture - reference).mean((1, 2))
        assert difference.abs().max() < 2e-4
    moved = (point_sampled(shot, 0, 0.25) - reference).mean((1, 2))
    assert moved[0] == pytest.approx(0.25 * DENSITY / size, rel=0.15)


def test_minified_levels_keep_colour_and_coverage() -> None:
    picture = smooth(6, 64, 1)
    texture = bake(picture, (torch.arange(64)[None] < 48).float().expand(64, 64), receding=True)
    assert texture.levels == 6
    last = int(texture.texels[texture.starts[6][6]])
    assert last < 0, "three quarters covered: opaque"
    red = last & 0xFF
    assert red / 255 == pytest.approx(float(picture[0].mean()), abs=0.01)
    row = texture.texels[texture.starts[0][4] :][: 64 * 4].view(64, 4)
    assert (row[:, :3] < 0).all()
    assert (row[:, 3] >= 0).all()


def test_letters_are_legible_and_unknown_ones_refused() -> None:
    rows = ["".join(".#"[int(dot)] for dot in row) for row in lettering("T")]
    assert rows == ["#####."] + ["..#..."] * 6
    with pytest.raises(ValueError, match="no letter for"):
        lettering("é")
