"""What the viewer of a page is told beside the pictures: ``assets/viewer/viewer.js`` reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from temporal_clean.compare.clips import Clips, rate_text
from temporal_clean.compare.stills import MOST_SHIMMER, Fidelity, Trial

__all__ = ["Video", "shimmer_warning", "viewer_facts"]


@dataclass(frozen=True)
class Video:
    """What a video is called on the page, and the name of its file."""

    label: str
    file: str


def viewer_facts(
    title: str, videos: Sequence[Video], clips: Clips, trial: Trial, first: int = 0, length: int = 0
) -> dict[str, object]:
    """Facts of one set of videos; ``first`` of ``length`` frames is where the shown part begins.

    ``length`` 0 is for videos shown from end to end.
    """
    height, width = clips.pixels[0][0].shape[:2]
    return {
        "title": title,
        "width": width,
        "height": height,
        "frames": len(clips.times),
        "first": first,
        "length": length or len(clips.times),
        "times": [round(float(time), 6) for time in clips.times],
        "rate": float(clips.rate),
        "rate_text": rate_text(clips.rate),
        "mime": trial.storage.mime,
        "lossless": trial.fidelity.largest_error == 0,
        "stored_short": _stored_short(trial.fidelity),
        "stored": _stored_text(trial.storage.text, trial.fidelity),
        "videos": [{"label": video.label, "file": video.file} for video in videos],
        "warnings": list(clips.warnings),
    }


def _stored_short(fidelity: Fidelity) -> str:
    return "lossless" if fidelity.largest_error == 0 else f"stored at {fidelity.psnr:.0f} dB"


def _stored_text(storage: str, fidelity: Fidelity) -> str:
    if fidelity.largest_error == 0:
        return f"Frames are stored exactly ({storage})."
    return (
        f"Frames are stored as {storage}: {fidelity.psnr:.1f} dB from the source, no value"
        f" off by more than {fidelity.largest_error} of 255, frame-to-frame change"
        f" {fidelity.shimmer:+.1%} (sampled frames)."
    )


def shimmer_warning(fidelity: Fidelity) -> list[str]:
    """A sentence for who judges flicker by frames that storing them has changed."""
    if abs(fidelity.shimmer) <= MOST_SHIMMER:
        return []
    return [
        f"Storing the frames changed their frame-to-frame difference by {fidelity.shimmer:+.0%}:"
        " use quality lossless to judge flicker."
    ]
