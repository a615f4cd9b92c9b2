"""An alignment as clip.json tells it, and what its user should know."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from temporal_clean.train.aligning.alignment import Alignment

__all__ = ["alignment_json", "alignment_warnings"]

# Input pixels a frame. Pans of still pictures matched frame for frame at 1.0, not always at 0.25.
SLOW = 0.6


def alignment_json(alignment: "Alignment") -> dict[str, Any]:
    """Plain numbers, lists and text; frame numbers count from 0 in each recording."""
    timing, geometry = alignment.timing, alignment.geometry
    return {
        "first": _recording(alignment, "first"),
        "second": _recording(alignment, "second"),
        "changed": "reference (moved, scaled and coloured to the input, which is untouched)",
        "offset": alignment.offset,
        "offset_rivals": [alignment.offset + k for k in alignment.offset_rivals],
        "quickest_motion_pixels": round(
            timing.quickest * alignment.first.size[1] / alignment.first.thumbnails.shape[2], 3
        ),
        "drift_frames": alignment.drift,
        "dropped": _slips(alignment, "dropped"),
        "doubled": _slips(alignment, "doubled"),
        "ambiguous": [
            [int(timing.pairs[a, 0]), int(timing.pairs[b, 0])] for a, b in timing.ambiguous
        ],
        "shift_pixels": {
            "x": round(geometry.dx, 4),
            "y": round(geometry.dy, 4),
            "spread": round(alignment.spread, 4),
        },
        "scale": {"x": round(geometry.scale_x, 6), "y": round(geometry.scale_y, 6)},
        "registration": {
            "residual_pixels": round(geometry.residual, 4),
            "confidence": round(geometry.confidence, 4),
        },
        "colour": alignment.colour.as_json(),
        "crop": dict(zip(("top", "bottom", "left", "right"), alignment.crop, strict=True)),
        "psnr_db": {
            "before": round(alignment.psnr_before, 2),
            "after": round(alignment.psnr_after, 2),
        },
        "stretches": [
            {
                "first": [int(n) for n in timing.pairs[[s.start, s.stop - 1], 0]],
                "second": [int(n) for n in timing.pairs[[s.start, s.stop - 1], 1]],
                "frames": len(s),
                "kept": s.kept,
                **({"reason": s.reason} if s.reason else {}),
                "figures": {name: round(value, 4) for name, value in s.figures.items()},
            }
            for s in alignment.stretches
        ],
        "warnings": list(alignment.warnings),
    }


def alignment_warnings(alignment: "Alignment") -> Iterator[str]:
    """A sentence each."""
    mine, other = alignment.first, alignment.second
    if other.size[0] < 0.98 * mine.size[0] * alignment.geometry.scale_y:
        yield (
            f"the reference ({other.size[1]}x{other.size[0]}) is smaller than the input "
            f"({mine.size[1]}x{mine.size[0]}) and was enlarged: it is softer than it could be; "
            "record it at the input's size or above"
        )
    motion = alignment.timing.quickest * mine.size[1] / mine.thumbnails.shape[2]
    if motion < SLOW or alignment.offset_rivals:
        yield (
            f"the offset {alignment.offset} may be a frame or two off: the view moves by "
            f"{motion:.2f} pixels a frame, and so slow a pan looks like a shift; turn quicker"
        )
    if alignment.spread > 0.1:
        yield f"the shift varies by {alignment.spread:.2f} pixels from frame to frame"
    if alignment.colour.note:
        yield alignment.colour.note
    if unsure := sum(not s.is_certain for s in alignment.slips):
        yield f"{unsure} dropped or doubled frames cannot be placed exactly: little moves there"


def _recording(alignment: "Alignment", which: str) -> dict[str, Any]:
    recording = getattr(alignment, which)
    return {
        "file": recording.path.name,
        "role": "input" if which == "first" else "reference",
        "width": recording.info.width,
        "height": recording.info.height,
        "frames": len(recording),
        "rate": round(recording.rate, 4),
    }


def _slips(alignment: "Alignment", kind: str) -> dict[str, list[dict[str, object]]]:
    return {
        which: [s.as_json() for s in alignment.slips if (s.kind, s.recording) == (kind, which)]
        for which in ("first", "second")
    }
