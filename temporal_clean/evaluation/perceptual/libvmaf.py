"""VMAF through an ffmpeg that holds libvmaf: raw frames by one pipe, figures by its JSON log."""

import json
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.ffmpeg import program_with
from temporal_clean.evaluation.perceptual.clips import require_clips
from temporal_clean.evaluation.perceptual.needs import VMAF_FILTER, require

__all__ = ["LEAST_SIDE", "MODEL", "Vmaf", "vmaf"]

# Built into libvmaf; for 1080p seen from three times its height, the one that people quote.
MODEL = "vmaf_v0.6.1"
# Its features halve the picture four times; 17 and less give no figures (tried).
LEAST_SIDE = 18
LOG = "vmaf.json"
# The luma of BT.709 in limited range: 16 to 235 (ITU-R BT.709-6, items 3.2 and 5.3).
LUMA = (0.2126, 0.7152, 0.0722)
BLACK, SPAN = 16.0, 219.0
NEUTRAL = 128


class Vmaf(NamedTuple):
    """Figures of each frame and their mean, 0 to 100."""

    frames: Float[Tensor, "frames"]
    pooled: float


def vmaf(
    output: Float[Tensor, "frames 3 height width"],
    reference: Float[Tensor, "frames 3 height width"],
    frame_rate: float | Fraction,
    model: str = MODEL,
) -> Vmaf:
    """Netflix's VMAF (Li et al., 2016), model vmaf_v0.6.1, by ffmpeg's libvmaf filter.

    Frames are SDR display-encoded RGB in [0, 1], clipped. The model reads luma alone, of 8 bits
    in limited range as in the videos it was trained on: that is computed here, so nothing depends
    on ffmpeg's guess of matrix and range, and chroma is sent neutral. Pooled by the mean.
    A clip that equals its reference scores 97 (at rest) to 100. ``model`` is the
    name of another model built into libvmaf, such as vmaf_v0.6.1neg or vmaf_4k_v0.6.1.
    ``frame_rate`` is in Hz; version 0.6.1 does not use it.

    Raises TemporalCleanError without such an ffmpeg, for pictures with a side under 18 pixels,
    and with ffmpeg's own words if it fails.
    """
    require_clips("VMAF", output, reference, LEAST_SIDE)
    require("vmaf")
    with tempfile.TemporaryDirectory(prefix="temporal-clean-vmaf-") as folder:
        _run(output, reference, Fraction(frame_rate), model, Path(folder))
        log = json.loads((Path(folder) / LOG).read_text(encoding="utf-8"))
    scores = [frame["metrics"]["vmaf"] for frame in log["frames"]]
    if len(scores) != len(output):
        raise TemporalCleanError(
            f"expected VMAF of {len(output)} frames, got {len(scores)} from "
            f"{program_with(VMAF_FILTER)}: try another ffmpeg"
        )
    figures = torch.tensor(scores, dtype=torch.float32, device=output.device)
    return Vmaf(figures, float(np.mean(scores)))


def _run(output: Tensor, reference: Tensor, frame_rate: Fraction, model: str, folder: Path) -> None:
    """Both clips through one pipe, one above the other, which every system's ffmpeg can read."""
    height, width = output.shape[-2:]
    threads = torch.get_num_threads()
    crops = (
        f"[0:v]split[a][b];[a]crop={width}:{height}:0:0[o];[b]crop={width}:{height}:0:{height}[r]"
    )
    judge = f"[o][r]libvmaf=model=version={model}:log_fmt=json:log_path={LOG}:n_threads={threads}"
    command = [str(program_with(VMAF_FILTER)), "-hide_banner", "-loglevel", "error", "-nostdin"]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv444p", "-s", f"{width}x{2 * height}"]
    command += ["-r", str(frame_rate), "-i", "pipe:0", "-lavfi", f"{crops};{judge}"]
    command += ["-f", "null", "-"]
    # The log's name is relative to the folder: a drive's colon would end the filter's option.
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stderr=complaints) as process,
    ):
        _feed(process, output, reference)
        status = process.wait()
        complaints.seek(0)
        text = complaints.read().decode(errors="replace").strip()
    if status != 0 or not (folder / LOG).is_file():
        raise TemporalCleanError(
            f"ffmpeg could not compute VMAF with model '{model}': {text or 'no reason given'}"
        )


def _feed(process: "subprocess.Popen[bytes]", output: Tensor, reference: Tensor) -> None:
    """Write all frames, or as many as ffmpeg takes before it gives up (its words tell why)."""
    assert process.stdin is not None
    chroma: bytes | None = None
    try:
        with process.stdin as pipe:
            for ours, theirs in zip(output, reference, strict=True):
                lumas = np.concatenate([_luma_codes(ours), _luma_codes(theirs)])
                chroma = chroma or np.full((2, *lumas.shape), NEUTRAL, np.uint8).tobytes()
                pipe.write(lumas.tobytes())
                pipe.write(chroma)
    except (BrokenPipeError, OSError):
        # Closing a pipe that nobody reads fails as well; the status and the words say it all.
        return


def _luma_codes(frame: Tensor) -> np.ndarray:
    """(height, width) uint8 luma of an RGB frame in [0, 1], limited range."""
    weights = torch.tensor(LUMA, device=frame.device).view(3, 1, 1)
    luma = (frame.float().clamp(0, 1) * weights).sum(dim=0)
    return (BLACK + SPAN * luma).round().byte().cpu().numpy()
