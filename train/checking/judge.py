"""From figures to findings: every threshold with its reason, every finding a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from temporal_clean.train.checking.report import Figures, Finding

__all__ = ["judge", "mismatches"]

Size = tuple[int, int]

# Renderings of one master agree within 0.05 px; the eye and a loss see a quarter of a pixel.
MOST_SHIFT = 0.25
# Renderings of one run: 33 dB (OpenArena), 23 dB (SuperTuxKart with its HUD); runs that have
# parted: near 13 dB.
UNRELATED_DB, LOW_DB, IDENTICAL_DB = 16.0, 20.0, 60.0
# Frames this far under the clip's median have lost step.
LOST_DB = 8.0
# Limited range read as full, and full range expanded as if it were limited (ITU-R BT.709-6:
# black 16, white 235).
TO_LIMITED, TO_FULL = (219 / 255, 16.0), (255 / 219, -16.0 * 255 / 219)
GAIN_NEAR, LEVEL_NEAR = 0.04, 6.0
# Other differences of colour: what `pairs align` takes out.
MOST_GAIN, MOST_LEVEL = 0.08, 8.0
# Share of samples that only the input has at the ends of the scale (a native render of a dark
# map, whose point samples are not averaged: 0.03).
MOST_CLIPPED = 0.06
# Sharp of a native render with matching mip levels: 1.0 to 1.3; upscaled inputs lie below 1.
SOFT, HARD, HARDLY_ANY = 0.9, 1.4, 0.35
# Overlay in one recording only, share of the picture (a crosshair at 480x270 is 0.001).
MOST_LONE_OVERLAY = 0.002
# A single doubled frame disturbs a window; more than this share spoils the clip.
MANY_DOUBLED = 0.05


def mismatches(
    sizes: tuple[Size, Size] | None,
    rates: tuple[Fraction | None, Fraction | None],
    lengths: tuple[int, int] | None,
) -> tuple[Finding, ...]:
    """What can be said before any frame is compared: sizes, rates and lengths that differ."""
    found = []
    if sizes is not None and sizes[0] != sizes[1]:
        (a, b), (c, d) = sizes
        text = f"the input is {a}x{b} and the reference {c}x{d}: scale the input first"
        found.append(Finding("size", "refuse", text))
    if rates[0] and rates[1] and abs(rates[0] / rates[1] - 1) > Fraction(1, 1000):
        text = f"the input has {float(rates[0]):g} frames a second, the reference "
        found.append(Finding("rate", "refuse", f"{text}{float(rates[1]):g}: lock the frame rate"))
    if lengths is not None and lengths[0] != lengths[1]:
        text = f"the input has {lengths[0]} frames and the reference {lengths[1]}: the common "
        found.append(Finding("length", "warn", text + "ones were compared; run `pairs align`"))
    return tuple(found)


def judge(figures: Figures, steps: Sequence[Mapping[str, Any]] | None) -> tuple[Finding, ...]:
    """All findings; with frames out of step only what does not depend on step is judged."""
    cuts = [*_cuts(figures)]
    in_step = figures.offset in (0, None) and not cuts
    related = float(np.median(figures.psnr)) >= UNRELATED_DB
    found = [*_offset(figures), *_stops(figures), *cuts, *_overlays(figures)]
    if in_step:
        found += _likeness(figures)
    if in_step and related:
        # Sharp of a shifted picture says nothing.
        shift = [*_shift(figures)]
        found += [*_colour(figures), *(shift or _detail(figures, steps))]
    return tuple(found)


def _offset(f: Figures) -> Iterator[Finding]:
    if f.offset:
        late = "late" if f.offset > 0 else "early"
        text = f"the input is {abs(f.offset)} frame(s) {late}: run `pairs align`"
        yield Finding("offset", "refuse", text)
    elif f.offset is None and np.median(f.psnr) >= UNRELATED_DB:
        text = "too short or too still to tell whether input and reference are in step"
        yield Finding("offset", "warn", text)


def _likeness(f: Figures) -> Iterator[Finding]:
    values = np.minimum(f.psnr, 99.0)
    median = float(np.median(values))
    if median < UNRELATED_DB:
        text = f"PSNR is {median:.1f} dB: not the same run (runs that have parted show 13 dB)"
        yield Finding("psnr", "refuse", text)
        return
    if median > IDENTICAL_DB:
        text = f"PSNR is {median:.1f} dB: the input is the reference; there is nothing to learn"
        yield Finding("psnr", "warn", text)
    elif median < LOW_DB and not _range_mistake(f):
        text = f"PSNR is {median:.1f} dB: low for renderings of one run (23 to 33 dB); look at it"
        yield Finding("psnr", "warn", text)
    told = {*f.doubled_input, *f.doubled_reference, *f.cuts_input, *f.cuts_reference}
    for first, last in (*f.frozen_input, *f.frozen_reference, *f.black_input, *f.black_reference):
        told |= set(range(first, last + 1))
    lost = [t for t in np.flatnonzero(values < median - LOST_DB).tolist() if t not in told]
    if lost:
        text = f"{len(lost)} frame(s) lie {LOST_DB:g} dB under the clip's median of {median:.1f} "
        text += f"dB ({_listed(lost)}): the runs differ there"
        yield Finding("psnr", "refuse" if len(lost) > 0.1 * f.frames else "warn", text)


def _shift(f: Figures) -> Iterator[Finding]:
    if f.shift is not None and float(np.hypot(*f.shift)) >= MOST_SHIFT:
        text = f"the input lies {f.shift[0]:+.2f}, {f.shift[1]:+.2f} px from the reference "
        text += f"({MOST_SHIFT} px is the limit): run `pairs align`"
        yield Finding("shift", "refuse", text)


def _range_mistake(f: Figures) -> str | None:
    for (gain, level), text in (
        (TO_LIMITED, "the input is in limited range (black 16, white 235), read as full"),
        (TO_FULL, "the input was expanded from limited range though it was full already"),
        ((1 / TO_LIMITED[0], -TO_LIMITED[1] / TO_LIMITED[0]), "the reference is in limited range"),
    ):
        if abs(f.gain - gain) < GAIN_NEAR and abs(f.level - level) < LEVEL_NEAR:
            return text
    return None


def _colour(f: Figures) -> Iterator[Finding]:
    if mistake := _range_mistake(f):
        text = f"{mistake} (gain {f.gain:.3f}, level {f.level:+.1f}): convert it again"
        yield Finding("range", "refuse", text)
    elif abs(f.gain - 1.0) > MOST_GAIN or abs(f.level + 128 * (f.gain - 1.0)) > MOST_LEVEL:
        text = f"brightness differs (gain {f.gain:.3f}, level {f.level:+.1f}): run `pairs align`"
        yield Finding("colour", "warn", text)
    elif f.clipped > MOST_CLIPPED:
        text = f"{f.clipped:.1%} more of the input's samples than of the reference's are clipped"
        yield Finding("clipping", "warn", text)


def _detail(f: Figures, steps: Sequence[Mapping[str, Any]] | None) -> Iterator[Finding]:
    """Level of detail: does the input show the reference's textures?"""
    if f.sharp is None or f.frozen_input or f.frozen_reference:
        return
    sharp = f.sharp / f.gain
    native = steps is not None and all(s.get("step") == "sample" for s in steps)
    native = native and all(float(s.get("scale", 1.0)) >= 1.0 for s in steps or ())
    if sharp > HARD:
        text = f"Sharp is {sharp:.2f}: over-sharpened, or its textures are sharper than the "
        yield Finding("detail", "warn", text + "reference's (a negative mip bias); 1.0 to 1.3 fits")
    elif native and sharp < SOFT:
        text = f"Sharp is {sharp:.2f} for a native rendering (1.0 to 1.3): its textures are "
        text += "smoother than the reference's; match the mip bias, or blur is learnt as a fault"
        yield Finding("detail", "warn", text)
    elif sharp < HARDLY_ANY:
        text = f"Sharp is {sharp:.2f}: hardly any of the reference's detail is in the input"
        yield Finding("detail", "warn", text)
    elif sharp < SOFT:
        text = f"Sharp is {sharp:.2f}: softer than a native render, as upscaled inputs are"
        yield Finding("detail", "accept", text)


def _stops(f: Figures) -> Iterator[Finding]:
    """Doubled, frozen and black frames."""
    for name, doubled, frozen, black, other in (
        ("input", f.doubled_input, f.frozen_input, f.black_input, f.black_reference),
        ("reference", f.doubled_reference, f.frozen_reference, f.black_reference, f.black_input),
    ):
        if doubled:
            plural = "frame repeats" if len(doubled) == 1 else "frames repeat"
            text = f"{len(doubled)} {plural} the one before in the {name} "
            text += f"({_listed(doubled)}): run `pairs align`, which leaves such out"
            many = len(doubled) > MANY_DOUBLED * f.frames
            yield Finding("doubled", "refuse" if many else "warn", text)
        if frozen:
            runs = ", ".join(f"{a} to {b}" for a, b in frozen)
            text = f"the {name} stands still in frames {runs} while the other goes on"
            yield Finding("frozen", "refuse", text)
        if black != other and black:
            runs = ", ".join(f"{a} to {b}" for a, b in black)
            yield Finding("black", "refuse", f"the {name} is black in frames {runs}")


def _cuts(f: Figures) -> Iterator[Finding]:
    expected = {cut + (f.offset or 0) for cut in f.cuts_reference}
    lone = sorted(expected ^ set(f.cuts_input))
    # The picture after a frozen stretch leaps without being cut.
    ends = {last + 1 for _, last in (*f.frozen_input, *f.frozen_reference)}
    ends |= {t + 1 for t in (*f.doubled_input, *f.doubled_reference)}
    if lone := [cut for cut in lone if cut not in ends and cut < f.frames]:
        text = f"cuts that only one of the two has, at frame {_listed(lone)}: keep the part before"
        yield Finding("cut", "refuse", text)


def _overlays(f: Figures) -> Iterator[Finding]:
    if f.overlay_input is None or f.overlay_reference is None or f.overlay_common is None:
        yield Finding("overlay", "accept", "too still or short to tell overlays from the scene")
        return
    for name, share in (("input", f.overlay_input), ("reference", f.overlay_reference)):
        lone = share - f.overlay_common
        if lone > MOST_LONE_OVERLAY and lone > 0.25 * share:
            text = f"{lone:.1%} of the picture is a HUD or overlay that only the {name} has"
            yield Finding("overlay", "warn", text + ": mask it")


def _listed(frames: Sequence[int]) -> str:
    shown = ", ".join(str(frame) for frame in frames[:8])
    return shown + (", ..." if len(frames) > 8 else "")
