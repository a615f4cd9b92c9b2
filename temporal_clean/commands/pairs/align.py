"""temporal-clean pairs align"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from temporal_clean.train.aligning import Alignment

__all__ = ["align"]


def align(
    low: Annotated[Path, tyro.conf.Positional],
    best: Annotated[Path, tyro.conf.Positional],
    out: Annotated[Path, tyro.conf.Positional],
    /,
    name: str | None = None,
    game: str = "",
    licence: str = "",
    split: Literal["train", "validation"] = "train",
    frames: int = 120,
    shortest: int = 16,
    overwrite: bool = False,
) -> None:
    """Make clips of two recordings of the same run: one in a low mode, one in the best.

    Record both at the same locked frame rate (a demo, a replay, a benchmark or a camera on rails).
    Finds the offset, the drift, dropped and doubled frames, the shift to a fraction of a pixel,
    scale and colour, and keeps the stretches that agree. The low recording is never changed; the
    best one is moved, scaled and coloured to it.

    Example: temporal-clean pairs align performance.mkv dlaa.mkv clips --game "My game"

    Args:
        low: The recording with the low upscaler mode.
        best: The recording with the best anti-aliasing.
        out: The folder for the clips.
        name: Of the clips; the low recording's by default.
        game: Kept in clip.json.
        licence: Kept in clip.json.
        split: train or validation.
        frames: Frames in a clip at most; longer stretches become several.
        shortest: Stretches and rests with fewer frames are left out.
        overwrite: Replace clips that are there already.
    """
    from temporal_clean.commands.progress import say
    from temporal_clean.train.aligning import AlignSettings, Limits
    from temporal_clean.train.aligning import align as find_alignment
    from temporal_clean.train.aligning.clips import ClipPlan, write_clips

    settings = AlignSettings(limits=Limits(shortest=shortest))
    alignment = find_alignment(low, best, settings, progress=lambda step: say(f"... {step}"))
    describe(alignment, say)
    plan = ClipPlan(name or low.stem, low.stem, game, split, licence, frames, shortest)
    for clip in write_clips(alignment, out, plan, overwrite):
        say(
            f"{clip.folder}: {clip.record.frames} frames"
            + (", HUD masked" * bool(clip.record.mask))
        )


def describe(alignment: "Alignment", say) -> None:
    """What was found, in some lines."""
    found = alignment.as_json()
    shift, scale, psnr = found["shift_pixels"], found["scale"], found["psnr_db"]
    say(f"offset        {found['offset']} frames, drift {found['drift_frames']} frames")
    say(f"shift         {shift['x']:+.3f} {shift['y']:+.3f} px, scale {scale['x']} {scale['y']}")
    say(f"PSNR          {psnr['before']} dB as recorded, {psnr['after']} dB aligned")
    for kind in ("dropped", "doubled"):
        for which, file in (("first", "low"), ("second", "best")):
            if slips := found[kind][which]:
                say(f"{kind:<13} in {file}: {', '.join(str(s['index']) for s in slips)}")
    for stretch in found["stretches"]:
        state = "kept" if stretch["kept"] else f"left out: {stretch['reason']}"
        first, last = stretch["first"]
        say(f"frames {first} to {last}: {state}")
    for warning in alignment.warnings:
        say(f"note: {warning}")
