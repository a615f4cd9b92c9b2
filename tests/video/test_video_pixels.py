"""The arithmetic between YCbCr and RGB, and the formats it meets."""

from typing import Any

import numpy as np
import pytest
from av.video.frame import VideoFrame

from temporal_clean.video.matrix import Coding, rgb_to_ycbcr, ycbcr_to_rgb
from temporal_clean.video.pixels import Packer, Unpacker, chroma_siting

U8, U16 = np.dtype(np.uint8), np.dtype(np.uint16)
CASES = [(m, full, bits) for m in (1, 6, 9) for full in (False, True) for bits in (8, 10, 12, 16)]


@pytest.mark.parametrize(("matrix", "full", "bits"), CASES)
def test_both_ways_are_right_to_half_a_code(lab: Any, matrix: int, full: bool, bits: int) -> None:
    rgb = np.random.default_rng(bits).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    coding = Coding(matrix, full, bits)
    planes = [np.empty((40, 50), U8 if bits == 8 else U16) for _ in range(3)]
    rgb_to_ycbcr(rgb, coding, planes)
    exact = lab.encode(rgb / 65535, matrix, full, bits).clip(0, 2**bits - 1)
    assert np.abs(np.stack(planes, -1) - exact).max() <= 0.52
    back = ycbcr_to_rgb(planes, coding, U16)
    code = 65535 / (2**bits - 1)
    assert np.abs(back.astype(float) - rgb).max() <= 2.2 * code


@pytest.mark.parametrize("matrix", [1, 6, 9, 8])
def test_grey_stays_grey(matrix: int) -> None:
    grey = np.arange(256, dtype=np.uint8)[None, :, None].repeat(3, -1)
    for full in (False, True):
        coding = Coding(matrix, full, 8)
        planes = [np.empty((1, 256), np.uint8) for _ in range(3)]
        rgb_to_ycbcr(grey, coding, planes)
        assert (planes[1] == 128).all()
        assert (planes[2] == 128).all()
        error = ycbcr_to_rgb(planes, coding, U8).astype(int) - grey
        assert np.abs(error).max() <= 1
        assert error[0, 0].tolist() == error[0, 255].tolist() == [0, 0, 0]


def test_one_plane_is_grey() -> None:
    luma = np.array([[16, 126, 235]], np.uint8)
    pixels = ycbcr_to_rgb([luma], Coding(1, False, 8), U8)
    assert pixels[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]


@pytest.mark.parametrize(
    ("layout", "bits", "tolerance"),
    [
        ("nv12", 8, 3),
        ("yuyv422", 8, 3),
        ("p010le", 10, 4),
        ("yuv411p", 8, 3),
        ("rgb24", 8, 0),
        ("bgra", 8, 0),
        ("gbrp14le", 14, 0.5),
        ("rgb48be", 16, 0),
        ("gbrp16le", 16, 0),
    ],
)
def test_every_layout_passes_both_ways(layout: str, bits: int, tolerance: float) -> None:
    y, x = np.mgrid[0:48, 0:64]
    waves = [0.5 + 0.2 * np.sin(x / 60 + k) * np.cos(y / 70) for k in range(3)]
    kind: Any = np.uint8 if bits == 8 else np.uint16
    pixels = np.rint(np.stack(waves, -1) * np.iinfo(kind).max).astype(kind)
    coding = Coding(1, False, bits)
    frame = Packer(64, 48, layout, coding, None)(pixels)
    assert frame.format.name == layout
    back = Unpacker()(frame, coding, pixels.dtype)
    code = 1 if bits == 8 else 65535 / (2**bits - 1)
    assert np.abs(back.astype(float) - pixels).max() <= tolerance * code


@pytest.mark.parametrize("siting", ["left", "topleft", "top", None])
@pytest.mark.parametrize("layout", ["yuv420p", "yuv420p10le"])
def test_siting_is_told_by_what_swscale_does(siting: str | None, layout: str) -> None:
    bits = 10 if "10" in layout else 8
    packer = Packer(64, 48, layout, Coding(1, False, bits), siting)
    grey: Any = np.full((48, 64, 3), 99, np.uint16 if bits > 8 else np.uint8)
    frame = packer(grey)
    assert chroma_siting(frame) == siting
    assert chroma_siting(VideoFrame(64, 48, "yuv444p")) is None
