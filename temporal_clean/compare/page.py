"""The page itself: checks the request, fills the template, writes the file whole or not at all."""

import html
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from temporal_clean.compare.clips import Clips, rate_text, read_clips
from temporal_clean.compare.stills import (
    MOST_SHIMMER,
    QUALITIES,
    Fidelity,
    Trial,
    choose_storage,
    encode_all,
)
from temporal_clean.errors import TemporalCleanError

__all__ = ["ComparisonPage", "write_comparison"]

LARGE_PAGE = 50_000_000  # bytes: from here on, opening takes seconds and phones may give up


@dataclass(frozen=True)
class ComparisonPage:
    """What was written: ``size`` in bytes, how frames are stored and how true that is."""

    path: Path
    frames: int
    size: int
    storage: str
    fidelity: Fidelity
    warnings: tuple[str, ...]


def write_comparison(
    inputs: Sequence[Path],
    output: Path,
    *,
    labels: Sequence[str] | None = None,
    start: float = 0.0,
    frames: int = 120,
    title: str | None = None,
    quality: str = "auto",
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ComparisonPage:
    """Writes one HTML page, free of the network, that compares the same frames of the inputs.

    ``start`` in seconds; at most ``frames`` frames of each video; ``labels`` name the videos (by
    default their file names). ``quality`` is ``lossless``, ``high`` or ``medium``, or ``auto``: of
    those that leave flicker as it is, the finest that keeps the page near 15 MB.
    ``progress`` is told (stored, all) pictures. Raises ``TemporalCleanError`` when an argument is
    refused, when the output exists and ``overwrite`` is false, and when the videos do not hold
    the same frames.
    """
    inputs = [Path(path) for path in inputs]
    output = Path(output)
    _check_request(inputs, labels, frames, quality)
    _check_output(inputs, output, overwrite)
    clips = read_clips(inputs, start, frames)
    trial = choose_storage(quality, clips.pixels)
    pictures = encode_all(clips.pixels, trial.storage, progress)
    names = list(labels) if labels is not None else _labels(inputs)
    warnings = (*clips.warnings, *_shimmer_warning(trial.fidelity))
    facts = _facts(names, inputs, clips, trial) | {"warnings": warnings}
    content = _fill(title or " vs ".join(names), facts, pictures)
    _write_whole(output, content)
    return ComparisonPage(
        path=output,
        frames=len(clips.times),
        size=len(content),
        storage=trial.storage.text,
        fidelity=trial.fidelity,
        warnings=(*warnings, *_size_warning(len(content))),
    )


def _check_request(
    inputs: Sequence[Path],
    labels: Sequence[str] | None,
    frames: int,
    quality: str,
) -> None:
    if len(inputs) < 2:
        raise TemporalCleanError(
            f"A comparison needs at least two videos, but {len(inputs)} was given."
        )
    if labels is not None and len(labels) != len(inputs):
        raise TemporalCleanError(
            f"One label a video is needed: {len(inputs)} videos came with {len(labels)} labels."
        )
    if frames < 1:
        raise TemporalCleanError(f"frames must be 1 or more, but {frames} was given.")
    if quality not in ("auto", *QUALITIES):
        known = ", ".join(("auto", *QUALITIES))
        raise TemporalCleanError(f"quality is one of {known}, but {quality!r} was given.")


def _check_output(inputs: Sequence[Path], output: Path, overwrite: bool) -> None:
    if output.resolve() in [path.resolve() for path in inputs]:
        raise TemporalCleanError(f"{output} is one of the videos: choose another output name.")
    if output.is_dir():
        raise TemporalCleanError(f"{output} is a folder: name a file, such as {output}/page.html.")
    if output.exists() and not overwrite:
        raise TemporalCleanError(
            f"{output} exists: choose another name, or overwrite it with --overwrite."
        )
    if not output.parent.is_dir():
        raise TemporalCleanError(f"The folder {output.parent} does not exist: create it first.")


def _labels(inputs: Sequence[Path]) -> list[str]:
    """File names without their ending; with their folder where those would be the same."""
    stems = [path.stem for path in inputs]
    if len(set(stems)) == len(stems):
        return stems
    return [f"{path.resolve().parent.name}/{path.name}" for path in inputs]


def _facts(
    names: Sequence[str], inputs: Sequence[Path], clips: Clips, trial: Trial
) -> dict[str, object]:
    """All the page's script knows besides the pictures."""
    height, width = clips.pixels[0][0].shape[:2]
    return {
        "width": width,
        "height": height,
        "frames": len(clips.times),
        "times": [round(float(time), 6) for time in clips.times],
        "rate": float(clips.rate),
        "rate_text": rate_text(clips.rate),
        "mime": trial.storage.mime,
        "lossless": trial.fidelity.largest_error == 0,
        "stored_short": _stored_short(trial.fidelity),
        "stored": _stored_text(trial.storage.text, trial.fidelity),
        "videos": [
            {"label": name, "file": path.name} for name, path in zip(names, inputs, strict=True)
        ],
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


def _fill(title: str, facts: dict[str, object], pictures: list[list[str]]) -> bytes:
    """The template with its three names replaced, in one pass, so that no text is read twice."""
    values = {
        "title": html.escape(title),
        "page": _script_safe(json.dumps(facts)),
        "pictures": "\n".join(
            '<script type="text/plain" class="pictures">\n' + "\n".join(texts) + "\n</script>"
            for texts in pictures
        ),
    }
    template = files("temporal_clean").joinpath("assets", "compare.html").read_text("utf-8")
    filled = re.sub(r"\{\{(title|page|pictures)\}\}", lambda found: values[found[1]], template)
    return filled.encode("utf-8", "replace")


def _script_safe(text: str) -> str:
    """JSON that stays inside its script element: no ``</script>`` or ``<!--`` can form."""
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def _write_whole(output: Path, content: bytes) -> None:
    """Under another name first: a cancelled run leaves nothing under the final one."""
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(output)
    except OSError as problem:
        raise TemporalCleanError(f"{output} could not be written: {problem}.") from problem
    finally:
        partial.unlink(missing_ok=True)


def _shimmer_warning(fidelity: Fidelity) -> list[str]:
    if abs(fidelity.shimmer) <= MOST_SHIMMER:
        return []
    return [
        f"Storing the frames changed their frame-to-frame difference by {fidelity.shimmer:+.0%}:"
        " use quality lossless to judge flicker."
    ]


def _size_warning(size: int) -> list[str]:
    if size < LARGE_PAGE:
        return []
    return [
        f"The page is {size / 1e6:.0f} MB and slow to open: fewer frames or a lower quality make"
        " it smaller."
    ]
