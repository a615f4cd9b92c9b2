"""The privileged teacher: motion that DIS sees in clean, supersampled frames.

It costs nothing at play: the network learns from aliased input the flow that DIS finds in the
clean frames behind it (facts/flow.md). Kept beside a clip at half its size, both ways in time.
"""

import io
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from typing import BinaryIO, NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int16
from torch import Tensor

from temporal_clean.clip import Clip, write_record
from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole
from temporal_clean.flow import dis_both_ways
from temporal_clean.train.loading.decoding import decode

__all__ = ["TEACHER", "Teacher", "add_teachers", "one_thread", "read_teacher"]

TEACHER = "teacher.npz"
# Motion is stored in 64ths of a pixel: 16 bits reach 512 pixels a frame.
UNIT = 64.0


class Teacher(NamedTuple):
    """Motion between neighbouring frames of a clip, at half its height and width (rounded up).

    ``back[k]`` leads from frame ``k + 1`` to frame ``k``, ``ahead[k]`` from ``k`` to ``k + 1``, in
    64ths of a pixel of the clip, x then y. ``known`` is true where going there and back returns.
    """

    back: Int16[np.ndarray, "pairs 2 half_height half_width"]
    ahead: Int16[np.ndarray, "pairs 2 half_height half_width"]
    back_known: Bool[np.ndarray, "pairs half_height half_width"]
    ahead_known: Bool[np.ndarray, "pairs half_height half_width"]

    def window(
        self, first: int, count: int, backwards: bool, corner: tuple[int, int], side: int
    ) -> tuple[Float[Tensor, "time 2 side side"], Float[Tensor, "time 1 side side"]]:
        """Motion, and where it is known, of the frames ``first`` to ``first + count``.

        Each leads to the frame shown before it (of the first nothing is known), in pixels of the
        clip at its full size, for the square of ``side`` pixels at ``corner`` (row, column).
        """
        pairs = slice(first, first + count - 1)
        motion, known = (
            (self.ahead[pairs][::-1], self.ahead_known[pairs][::-1])
            if backwards
            else (self.back[pairs], self.back_known[pairs])
        )
        # One half-size pixel more on each side is what interpolation looks at.
        (top, rows), (left, columns) = (
            (max(n // 2 - 1, 0), slice(max(n // 2 - 1, 0), (n + side) // 2 + 2)) for n in corner
        )
        planes = torch.from_numpy(motion[..., rows, columns].astype(np.float32)) / UNIT
        sure = torch.from_numpy(known[:, None, rows, columns].astype(np.float32))
        both = F.pad(torch.cat([planes, sure], dim=1), (0, 0, 0, 0, 0, 0, 1, 0))
        both = F.interpolate(both, scale_factor=2.0, mode="bilinear", align_corners=False)
        y, x = corner[0] - 2 * top, corner[1] - 2 * left
        both = both[..., y : y + side, x : x + side]
        return both[:, :2], (both[:, 2:] > 0.99).to(both.dtype)


def find_teacher(clip: Clip) -> Teacher:
    """What DIS sees in the clip's master, or in its reference if it has no master."""
    record = clip.record
    name, factor = ("master", record.master.factor) if record.master else ("reference", 1)
    source = str(clip.path(name))
    frames = decode(source, float(record.frame_rate), 0, record.frames, exact=True).pixels
    # Twice the clip's size shows sub-pixel motion; the master's full size would only cost time.
    larger = min(factor, 2)
    seen = (record.width * larger, record.height * larger)
    size = ((record.height + 1) // 2, (record.width + 1) // 2)
    planes: dict[str, list[np.ndarray]] = {name: [] for name in Teacher._fields}
    before: Tensor | None = None
    for pixels in frames:
        pixels = cv2.resize(pixels, seen, interpolation=cv2.INTER_AREA)
        now = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255.0
        if before is not None:
            flows = dis_both_ways(now, before)
            for direction, flow in zip(("back", "ahead"), flows, strict=True):
                motion = F.interpolate(flow.motion / larger, size, mode="area")
                lost = F.interpolate(flow.doubt, size, mode="area")
                units = (motion[0] * UNIT).round().clamp(-32767, 32767)
                planes[direction].append(units.to(torch.int16).numpy())
                planes[f"{direction}_known"].append((lost[0, 0] == 0.0).numpy())
        before = now
    return Teacher(*(np.stack(planes[name]) for name in Teacher._fields))


def add_teachers(clips: list[Clip], jobs: int = 1) -> Iterator[Clip]:
    """Write ``teacher.npz`` into each clip that lacks it and name it in ``clip.json``.

    Yields each clip, as it now is, once it is done; ``jobs`` processes of one thread each. Raises
    :class:`TemporalCleanError` if a clip cannot be read or written.
    """
    missing = [clip for clip in clips if clip.record.teacher is None]
    if jobs <= 1 or len(missing) < 2:
        yield from map(_add, missing)
        return
    # Forked children of a process that has used OpenMP may hang: fresh ones are started.
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=one_thread) as pool:
        for work in as_completed([pool.submit(_add, clip) for clip in missing]):
            yield work.result()


def _add(clip: Clip) -> Clip:
    if clip.record.frames < 2:
        raise TemporalCleanError(f"{clip.folder} has one frame only: there is no motion to learn")
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **find_teacher(clip)._asdict())
    write_whole(clip.folder / TEACHER, content.getvalue())
    record = replace(clip.record, teacher=TEACHER)
    write_record(clip.folder, record)
    return Clip(clip.folder, record)


def one_thread(_: int = 0) -> None:
    """Start of a worker process, whose number nobody needs: they run side by side, one a core."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def read_teacher(source: str | BinaryIO) -> Teacher:
    """The teacher in a file.

    Raises :class:`TemporalCleanError` if it is not one.
    """
    try:
        with np.load(source, allow_pickle=False) as archive:
            return Teacher(*(archive[name] for name in Teacher._fields))
    except (OSError, ValueError, KeyError) as error:
        raise TemporalCleanError(
            f"{source} is not a clip's teacher flow ({error}): remove it and its name in "
            "clip.json, and temporal-clean train finds it again"
        ) from error
