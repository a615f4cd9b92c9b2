"""HDR to the display-encoded SDR that the network sees, and back; numpy only.

The network is trained on display-encoded SDR in [0, 1]. HDR light is brought there by one curve:
sRGB up to SDR white, a logarithm above. What the network changed comes back as a residual,

    out = x + m (g(net(y')) - g(y')),    y' = clip(y, 0, 1),

with y the encoded picture and g the inverse curve, so that an identity network gives x bit for
bit. The mask m is 1 where the network saw all there was (y inside [0, 1]) and falls smoothly to 0
where y lies ``FADE`` or more outside: highlights pass through untouched.

Two users: :class:`ScRgb` for live capture (linear floating point, 1.0 is 80 nits), and
:func:`transfer_for` for video files tagged PQ or HLG, whose pixels are code values.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError

__all__ = [
    "ScRgb",
    "Seen",
    "Transfer",
    "decode_curve",
    "encode_curve",
    "hlg_to_nits",
    "nits_to_hlg",
    "nits_to_pq",
    "pq_to_nits",
    "transfer_for",
]

Array = NDArray[Any]

SCRGB_UNIT_NITS = 80.0  # scRGB 1.0, IEC 61966-2-2
REFERENCE_WHITE_NITS = 203.0  # HDR reference white, ITU-R BT.2408-7 section 2.1
HIGHLIGHT_SCALE = 0.25  # k of facts/live.md: 1000 nits lands near 1.5 when white is 203 nits
SLOPE_AT_WHITE = 1.055 / 2.4  # derivative of the sRGB curve at 1 (IEC 61966-2-1)
FADE = 0.25  # encoded distance outside [0, 1] where the mask reaches 0: twice SDR white

# Transfer characteristics and colour primaries, ITU-T H.273 tables 3 and 2.
PQ, HLG = 16, 18
# (x, y) of red, green and blue; all with the white point D65.
CHROMATICITIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),  # BT.709
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
}
D65 = (0.3127, 0.3290)

# SMPTE ST 2084, section 5: m1, m2, c1, c2, c3 and the peak in nits.
PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
PQ_PEAK_NITS = 10000.0

# ARIB STD-B67 and ITU-R BT.2100-2 table 5: the curve, and the system gamma of a 1000-nit display.
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
HLG_PEAK_NITS, HLG_GAMMA = 1000.0, 1.2
BT2100_LUMA = (0.2627, 0.6780, 0.0593)


def encode_curve(light: Array) -> Array:
    """Light, 1 at SDR white -> encoded value: sRGB to 1, then a logarithm; odd symmetry."""
    u = np.abs(light)
    low = 1.055 * np.power(np.clip(u, 0.0031308, 1.0), 1 / 2.4) - 0.055
    above = np.maximum(u - 1.0, 0.0) * (SLOPE_AT_WHITE / HIGHLIGHT_SCALE)
    bright = low + HIGHLIGHT_SCALE * np.log1p(above)
    return np.copysign(np.where(u <= 0.0031308, 12.92 * u, bright), light)


def decode_curve(encoded: Array) -> Array:
    """The inverse of :func:`encode_curve`."""
    y = np.abs(encoded)
    low = np.power((np.clip(y, 0.04045, 1.0) + 0.055) / 1.055, 2.4)
    above = np.expm1(np.maximum(y - 1.0, 0.0) / HIGHLIGHT_SCALE)
    bright = low + above * (HIGHLIGHT_SCALE / SLOPE_AT_WHITE)
    return np.copysign(np.where(y <= 0.04045, y / 12.92, bright), encoded)


def pq_to_nits(signal: Array) -> Array:
    """PQ signal in [0, 1] -> display light in nits (ST 2084 equation 5.1)."""
    p = np.power(signal, 1 / PQ_M2)
    ratio = np.maximum(p - PQ_C1, 0.0) / (PQ_C2 - PQ_C3 * p)
    return PQ_PEAK_NITS * np.power(ratio, 1 / PQ_M1)


def nits_to_pq(nits: Array) -> Array:
    """Display light in nits -> PQ signal in [0, 1] (ST 2084 equation 5.2)."""
    p = np.power(np.clip(nits / PQ_PEAK_NITS, 0.0, 1.0), PQ_M1)
    return np.power((PQ_C1 + PQ_C2 * p) / (1.0 + PQ_C3 * p), PQ_M2)


def hlg_to_nits(signal: Array) -> Array:
    """HLG signal in [0, 1], last axis RGB -> nits on the reference display of 1000 nits."""
    high = (np.exp((np.maximum(signal, 0.5) - HLG_C) / HLG_A) + HLG_B) / 12.0
    scene = np.where(signal <= 0.5, signal * signal / 3.0, high)
    luma = weigh(BT2100_LUMA, scene)
    return HLG_PEAK_NITS * scene * np.power(luma, HLG_GAMMA - 1.0)


def nits_to_hlg(nits: Array) -> Array:
    """The inverse of :func:`hlg_to_nits`, clipped to [0, 1]."""
    display = nits / HLG_PEAK_NITS
    luma = np.maximum(weigh(BT2100_LUMA, display), np.finfo(np.float32).tiny)
    scene = display * np.power(luma, 1.0 / HLG_GAMMA - 1.0)
    high = HLG_A * np.log(np.maximum(12.0 * scene - HLG_B, 1.0 - HLG_B)) + HLG_C
    return np.clip(np.where(scene <= 1 / 12, np.sqrt(3.0 * scene), high), 0.0, 1.0)


def weigh(weights: Any, pixels: Array) -> Array:
    """The weighted sum over the last axis, kept as an axis of 1."""
    r, g, b = (np.float32(weight) for weight in weights)
    return r * pixels[..., 0:1] + g * pixels[..., 1:2] + b * pixels[..., 2:3]


def largest(pixels: Array) -> Array:
    """The largest of RGB, kept as an axis of 1; ``max`` over an axis of 3 was six times slower."""
    return np.maximum(np.maximum(pixels[..., 0:1], pixels[..., 1:2]), pixels[..., 2:3])


def apply_matrix(matrix: Array, pixels: Array) -> Array:
    """A 3x3 matrix on the last axis, without BLAS, whose threads made it ten times slower."""
    return np.concatenate([weigh(row, pixels) for row in matrix], axis=-1)


def to_xyz(primaries: int) -> Array:
    """Linear RGB of these primaries -> XYZ, white D65 at luminance 1 (SMPTE RP 177)."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in CHROMATICITIES[primaries]]).T
    x, y = D65
    return columns * np.linalg.solve(columns, np.array([x / y, 1.0, (1 - x - y) / y]))


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame's pixels, its light, and what the network was shown of it: what composing needs."""

    pixels: Array
    light: Array
    shown: Array
    mask: Array

    def residual(self, cleaned: Array) -> Array:
        """Light to add, in units of SDR white; exactly 0 where ``cleaned`` equals ``shown``."""
        cleaned = np.clip(cleaned.astype(np.float32), 0.0, 1.0)
        return self.mask * (decode_curve(cleaned) - decode_curve(self.shown))


def look(pixels: Array, light: Array, matrix: Array | None = None) -> Seen:
    """Encode ``light`` (1 at SDR white) for the network; not-a-number is shown as black."""
    y = np.nan_to_num(encode_curve(light if matrix is None else apply_matrix(matrix, light)))
    outside = largest(np.maximum(y - 1.0, -y))
    t = np.clip(outside, 0.0, FADE) / FADE
    return Seen(pixels, light, np.clip(y, 0.0, 1.0), 1.0 - t * t * (3.0 - 2.0 * t))


@dataclass(frozen=True)
class ScRgb:
    """Linear scRGB frames of an HDR desktop, float16 or float32 (height, width, 3).

    ``white_nits`` is the SDR white level of the display's settings.
    """

    white_nits: float = REFERENCE_WHITE_NITS

    @property
    def white(self) -> np.float32:
        """SDR white in units of scRGB."""
        return np.float32(self.white_nits / SCRGB_UNIT_NITS)

    def encode(self, pixels: Array) -> tuple[Array, Seen]:
        """The frame for the network, float32 in [0, 1], and the context for :meth:`compose`."""
        seen = look(pixels, pixels.astype(np.float32) / self.white)
        return seen.shown, seen

    def compose(self, context: Seen, cleaned: Array) -> Array:
        """The cleaned frame, in the shape and type of the one encoded."""
        change = context.residual(cleaned) * self.white
        return (context.pixels.astype(np.float32) + change).astype(context.pixels.dtype)


@dataclass(frozen=True, eq=False)
class Transfer:
    """Code values of PQ or HLG video, uint16 (height, width, 3), full scale 65535.

    ``to_bt709`` brings linear light to the primaries the network was trained on.
    """

    name: str
    to_nits: Callable[[Array], Array]
    from_nits: Callable[[Array], Array]
    to_bt709: Array
    white_nits: float = REFERENCE_WHITE_NITS

    def encode(self, pixels: Array) -> tuple[Array, Seen]:
        """The frame for the network, float32 in [0, 1], and the context for :meth:`compose`."""
        if pixels.dtype != np.uint16:
            raise TemporalCleanError(
                f"expected uint16 pixels for {self.name} video, got {pixels.dtype}; "
                "record HDR in 10 bits, or remove the HDR tag from this 8-bit file"
            )
        signal = pixels.astype(np.float32) / np.float32(65535)
        seen = look(pixels, self.to_nits(signal) / np.float32(self.white_nits), self.to_bt709)
        return seen.shown, seen

    def compose(self, context: Seen, cleaned: Array) -> Array:
        """The cleaned code values, uint16; pixels the network left alone keep theirs exactly."""
        change = apply_matrix(np.linalg.inv(self.to_bt709), context.residual(cleaned))
        light = np.maximum(context.light + change, 0.0)
        codes = np.rint(self.from_nits(light * np.float32(self.white_nits)) * np.float32(65535))
        return np.where(largest(np.abs(change)) > 0.0, codes.astype(np.uint16), context.pixels)


class Tags(Protocol):
    """Two colour tags of a video, as ITU-T H.273 code points."""

    @property
    def transfer(self) -> int: ...
    @property
    def primaries(self) -> int: ...


class Tagged(Protocol):
    """Anything with colour tags: a :class:`temporal_clean.video.VideoInfo`."""

    @property
    def color(self) -> Tags: ...


def transfer_for(info: Tagged) -> Transfer | None:
    """How to show this video to the network: ``None`` for SDR, whose pixels go unchanged.

    HDR without (known) primaries is taken as BT.2020, the only ones BT.2100 allows.
    """
    primaries = info.color.primaries if info.color.primaries in CHROMATICITIES else 9
    matrix = np.linalg.solve(to_xyz(1), to_xyz(primaries))
    if info.color.transfer == PQ:
        return Transfer("PQ", pq_to_nits, nits_to_pq, matrix)
    if info.color.transfer == HLG:
        return Transfer("HLG", hlg_to_nits, nits_to_hlg, matrix)
    return None
