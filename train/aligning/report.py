"""An alignment as clip.json tells it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from temporal_clean.train.aligning.alignment import Alignment

__all__ = ["alignment_json"]


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
