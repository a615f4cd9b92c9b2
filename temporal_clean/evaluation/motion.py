"""The motion that temporal figures are measured along: exact, or seen in the reference."""

import io
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.flow import block_mean, dis_flow

__all__ = [
    "Motion",
    "at_cuts",
    "motion_edges",
    "read_motion",
    "reference_motion",
    "require_pairs",
    "write_motion",
]

# Sundaram, Brox and Keutzer, ECCV 2010, equation 6, as Lai et al., ECCV 2018, use it.
EDGE_RELATIVE, EDGE_ABSOLUTE = 0.01, 0.002
# Frames of two shots agree in a few flat places; in one shot at least a third of the pixels do.
CUT_SHARE = 0.85


class Motion(NamedTuple):
    """Flow between the frames of a clip; ``pairs`` is its frames less one.

    ``motion[k]`` leads from frame ``k + 1`` back to frame ``k``, in pixels, x then y: the content
    at ``p`` lay at ``p + motion(p)``. ``valid`` is 1 where the same content is seen in both frames
    and the flow is smooth; ``disoccluded`` is 1 where frame ``k + 1`` shows what frame ``k`` hid.
    Neither holds on the edges of moving things.
    """

    motion: Float[Tensor, "pairs 2 height width"]
    valid: Float[Tensor, "pairs 1 height width"]
    disoccluded: Float[Tensor, "pairs 1 height width"]

    def cut(self, pairs: slice) -> "Motion":
        """Some of the pairs."""
        return Motion(*(plane[pairs] for plane in self))


def reference_motion(frames: Float[Tensor, "frames 3 height width"], factor: int = 1) -> Motion:
    """The motion that DIS sees in clean frames, checked forward and backward.

    ``frames`` (RGB in [0, 1]) are the reference, or its master of ``factor`` times the size: then
    flow is found at the master's size and averaged to the reference's. Not valid is what fails the
    round trip (that is taken for disoccluded) and what lies on edges of the motion; a pair whose
    flow fails nearly everywhere is a cut. Raises ValueError for a size that ``factor`` does not
    divide.
    """
    if factor < 1 or frames.shape[-2] % factor or frames.shape[-1] % factor:
        raise ValueError(f"expected a size that {factor} divides, got {tuple(frames.shape[-2:])}")
    pairs = [_pair(now, before, factor) for before, now in pairwise(frames)]
    if not pairs:
        height, width = frames.shape[-2] // factor, frames.shape[-1] // factor
        nothing = frames.new_zeros(0, 1, height, width)
        return Motion(frames.new_zeros(0, 2, height, width), nothing, nothing)
    return at_cuts(Motion(*(torch.cat(planes) for planes in zip(*pairs, strict=True))))


def _pair(now: Tensor, before: Tensor, factor: int) -> Motion:
    flow = dis_flow(now[None].float(), before[None].float())
    motion, doubt = flow.motion / factor, flow.doubt
    if factor > 1:
        motion, doubt = block_mean(motion, factor), block_mean(doubt, factor).round()
    return Motion(motion, (1.0 - doubt) * (1.0 - motion_edges(motion)), doubt)


def motion_edges(
    motion: Float[Tensor, "pairs 2 height width"],
) -> Float[Tensor, "pairs 1 height width"]:
    """1 on the edges of moving things, where |grad u|^2 + |grad v|^2 > 0.01 |f|^2 + 0.002."""
    along = F.pad(torch.diff(motion, dim=-1), (0, 1)).square()
    down = F.pad(torch.diff(motion, dim=-2), (0, 0, 0, 1)).square()
    steep = (along + down).sum(dim=1, keepdim=True)
    bound = EDGE_RELATIVE * motion.square().sum(dim=1, keepdim=True) + EDGE_ABSOLUTE
    return (steep > bound).to(motion.dtype)


def at_cuts(motion: Motion) -> Motion:
    """The same, with everything new where nearly everything is: across a cut nothing is valid."""
    share = motion.disoccluded.mean(dim=(1, 2, 3), keepdim=True)
    cut = (share > CUT_SHARE).to(share.dtype)
    everything = torch.maximum(motion.disoccluded, cut.expand_as(motion.disoccluded))
    return Motion(motion.motion, motion.valid * (1.0 - cut), everything)


def require_pairs(frames: Tensor, motion: Motion) -> None:
    """Raise ValueError unless ``motion`` is that of as many frames of this size."""
    pairs, size = len(frames) - 1, tuple(frames.shape[-2:])
    found = [tuple(plane.shape) for plane in motion]
    if found != [(pairs, channels, *size) for channels in (2, 1, 1)]:
        raise ValueError(
            f"expected the motion of {len(frames)} frames of {size[0]} rows and {size[1]} columns, "
            f"got planes of {', '.join(map(str, found))}"
        )


def write_motion(file: Path, motion: Motion) -> None:
    """Write exact motion beside a clip (a NumPy archive); its name goes into ``clip.json``."""
    values = {name: plane.cpu().numpy() for name, plane in motion._asdict().items()}
    masks = {name: values[name].astype(np.uint8) for name in ("valid", "disoccluded")}
    content = io.BytesIO()
    np.savez_compressed(content, motion=values["motion"].astype(np.float32), **masks)
    write_whole(file, content.getvalue())


def read_motion(file: Path) -> Motion:
    """Exact motion as :func:`write_motion` wrote it.

    Raises :class:`TemporalCleanError` if the file is not such an archive.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            planes = [torch.from_numpy(archive[name]).float() for name in Motion._fields]
    except (OSError, ValueError, KeyError) as error:
        raise TemporalCleanError(
            f"{file} is not a clip's motion: expected a NumPy archive with "
            f"{', '.join(Motion._fields)} ({error})"
        ) from error
    return Motion(*planes)
