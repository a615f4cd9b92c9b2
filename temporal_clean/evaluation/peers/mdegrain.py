"""MDegrain3 of MVTools through VapourSynth: the strongest classical peer, and not a causal one."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from temporal_clean.evaluation.motion import Motion
from temporal_clean.evaluation.peers.codes import from_codes, to_codes
from temporal_clean.evaluation.peers.record import Peer, check_clip, padded

__all__ = ["degrained", "mdegrain_peers", "why_missing"]

# A block of 8x8 is averaged in where its sum of absolute differences, in codes of 255, is below
# this: thsad, 400 by MVTools' own default.
THRESHOLDS = (200, 400, 800, 1600)
# Above thscd1 (400 by default) in half of its blocks a pair of frames passes for a scene cut, and
# nothing is averaged: noise of 15 codes does that. It follows thsad here: +5.4 dB in place of 0.
LEAST_CUT = 400
BLOCK = 8
REACH = 3


def mdegrain_peers() -> list[Peer]:
    """MDegrain3 at each threshold; none where it is not installed."""
    if why_missing():
        return []
    return [
        Peer(f"MDegrain3 {limit}", "MDegrain", float(limit), False, False, partial(_run, limit))
        for limit in THRESHOLDS
    ]


def why_missing() -> str | None:
    """What to install, or None where MDegrain can run."""
    wanted = "pip install vapoursynth vapoursynth-mvtools (both need Python 3.12 or newer)"
    try:
        core = _vapoursynth().core
    except (ImportError, AttributeError) as error:
        return f"VapourSynth is not there ({error}): {wanted}"
    return None if hasattr(core, "mv") else f"VapourSynth lacks its plugin MVTools: {wanted}"


def degrained(source: Any, limit: int) -> Any:
    """A VapourSynth clip, averaged with the three frames before and after along block motion.

    Source: MVTools 2.5.11 (Manao, Fizick, Tsp, TSchniede), VapourSynth's port; run here with
    vapoursynth-mvtools 29 on VapourSynth R81. Half-pixel motion, 8x8 blocks that overlap by half,
    each weighed by how well it matches.
    """
    mv = _vapoursynth().core.mv
    pyramid = mv.Super(source)
    vectors = {
        f"mv{'bw' if backward else 'fw'}{distance if distance > 1 else ''}": mv.Analyse(
            pyramid, isb=backward, delta=distance, blksize=BLOCK, overlap=BLOCK // 2
        )
        for distance in range(1, REACH + 1)
        for backward in (True, False)
    }
    return mv.Degrain3(source, pyramid, thsad=limit, thscd1=max(LEAST_CUT, limit), **vectors)


def _run(limit: int, clip: Tensor, motion: Motion | None = None) -> Tensor:
    check_clip(clip)
    height, width = clip.shape[-2:]
    output = torch.empty_like(clip)
    pictures = degrained(_source(clip), limit).frames(close=True)
    for place, picture in zip(output, pictures, strict=True):
        planes = np.stack([np.asarray(picture[plane]) for plane in range(3)])
        place.copy_(from_codes(planes)[0, :, :height, :width])
    return output


def _source(clip: Tensor) -> Any:
    """The clip as VapourSynth asks for it, frame by frame, padded to whole blocks.

    MVTools leaves what lies beyond the last whole block as it was.
    """
    vs = _vapoursynth()
    height, width = padded(clip[:1], BLOCK).shape[-2:]
    blank = vs.core.std.BlankClip(
        format=vs.YUV444P16, width=width, height=height, length=len(clip), keep=True
    )

    def fill(n: int, f: Any) -> Any:
        frame = f.copy()
        for plane, codes in enumerate(to_codes(padded(clip[n : n + 1], BLOCK))):
            np.copyto(np.asarray(frame[plane]), codes)
        return frame

    return vs.core.std.ModifyFrame(blank, blank, fill)


def _vapoursynth() -> Any:
    # Optional, and without a wheel for Python 3.11: a type checker need not find it.
    import vapoursynth  # type: ignore[import-not-found]

    return vapoursynth
