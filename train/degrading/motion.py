"""Motion as a game hands it to its temporal upscaler: good, but not everywhere."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

from temporal_clean.flow import dis_flow
from temporal_clean.flow.classical import DisPreset

__all__ = ["estimate", "spoil"]

# Frames for which a pattern of faults stays: particles and animated textures live a while.
PATTERN_FRAMES = 8


def estimate(
    reference: Float[Tensor, "time 3 height width"], preset: DisPreset
) -> Float[Tensor, "time 2 height width"]:
    """DIS flow of each frame to the one before it, in pixels; zero for the first frame."""
    motion = torch.zeros(len(reference), 2, *reference.shape[-2:], device=reference.device)
    if len(reference) > 1:
        motion[1:] = dis_flow(reference[1:], reference[:-1], preset).motion
    return motion


def spoil(
    motion: Float[Tensor, "time 2 height width"],
    quantum: float,
    late: float,
    missing: float,
    block: int,
    generator: Generator,
) -> Float[Tensor, "time 2 height width"]:
    """Motion with the faults that make temporal upscalers ghost.

    ``quantum`` rounds it to multiples of that many pixels (0: not). A share ``late`` of the
    ``block`` x ``block`` blocks keeps the frame before's motion, as objects do whose vectors are
    not written each frame. A share ``missing`` of the picture, in blobs of about ``block`` pixels,
    has none, as under particles, transparencies and animated textures. Both patterns change every
    8 frames.
    """
    if quantum > 0.0:
        motion = (motion / quantum).round() * quantum
    time, _, height, width = motion.shape
    patterns = -(-time // PATTERN_FRAMES)
    grid = (-(-height // block), -(-width // block))
    if late > 0.0:
        is_late = torch.rand(patterns, 1, *grid, generator=generator) < late
        wide = is_late.repeat_interleave(block, dim=2).repeat_interleave(block, dim=3)
        mask = _in_time(wide[..., :height, :width], time).to(motion.device)
        before = torch.cat([motion[:1], motion[:-1]])
        motion = torch.where(mask, before, motion)
    if missing > 0.0:
        coarse = torch.rand(patterns, 1, grid[0] + 2, grid[1] + 2, generator=generator)
        shape = ((grid[0] + 2) * block, (grid[1] + 2) * block)
        smooth = F.interpolate(coarse, size=shape, mode="bicubic", align_corners=False)
        smooth = smooth[..., block : block + height, block : block + width]
        level = smooth[..., ::4, ::4].flatten(1).quantile(missing, dim=1).view(-1, 1, 1, 1)
        mask = _in_time((smooth > level).float(), time).to(motion.device)
        motion = motion * mask
    return motion


def _in_time(pattern: Tensor, time: int) -> Tensor:
    return pattern.repeat_interleave(PATTERN_FRAMES, dim=0)[:time]
