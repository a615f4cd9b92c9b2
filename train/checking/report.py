"""What a check found: figures, findings in plain sentences, one verdict."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from temporal_clean.train.checking.sampling import Samples
from temporal_clean.train.masks import Overlay

__all__ = ["Evidence", "Figures", "Finding", "Report", "Verdict"]

Verdict = Literal["accept", "warn", "refuse"]
ORDER: tuple[Verdict, ...] = ("accept", "warn", "refuse")


@dataclass(frozen=True)
class Finding:
    """One complaint (``warn``, ``refuse``) or remark (``accept``): which check, a sentence."""

    check: str
    verdict: Verdict
    sentence: str


@dataclass(frozen=True)
class Figures:
    """Everything measured on a pair; None where the clip cannot tell.

    ``offset``: frames by which the input is late (positive) for the best match; ``offset_margin``:
    the error of the best other offset over the best one's. ``shift``: pixels (x, y) that the
    input's content lies to the right of and below the reference's. ``psnr``: dB, one a frame.
    ``sharp``: the input's gradients on the reference's (1 is right). ``gain`` and ``level`` (8-bit
    codes): input = gain * reference + level. ``clipped``: share of samples at 0 or 255 in the
    input less that in the reference. Frame numbers count from 0: ``cuts`` are the first frames
    after a cut, ``doubled`` the second of two equal ones, ``frozen`` and ``black`` stretches are
    (first, last). ``overlay``: share of the picture.
    """

    frames: int
    size: tuple[int, int]
    offset: int | None
    offset_margin: float | None
    shift: tuple[float, float] | None
    psnr: tuple[float, ...]
    sharp: float | None
    gain: float
    level: float
    clipped: float
    cuts_input: tuple[int, ...]
    cuts_reference: tuple[int, ...]
    doubled_input: tuple[int, ...]
    doubled_reference: tuple[int, ...]
    frozen_input: tuple[tuple[int, int], ...]
    frozen_reference: tuple[tuple[int, int], ...]
    black_input: tuple[tuple[int, int], ...]
    black_reference: tuple[tuple[int, int], ...]
    overlay_input: float | None
    overlay_reference: float | None
    overlay_common: float | None


@dataclass(frozen=True)
class Evidence:
    """What a contact sheet shows: frames kept, one row of pixels of every frame (frames, width,
    3) of input and reference, and their overlays (None if there were too few frames)."""

    samples: Samples
    slices: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    overlays: tuple[Overlay, Overlay] | None


@dataclass(frozen=True)
class Report:
    """The verdict on a pair with its reasons.

    ``figures`` and ``evidence`` are None if it could not be measured; evidence is not in the JSON.
    """

    figures: Figures | None
    findings: tuple[Finding, ...]
    evidence: Evidence | None = field(default=None, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The gravest of the findings."""
        return ORDER[max((ORDER.index(f.verdict) for f in self.findings), default=0)]

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The complaints, gravest first."""
        complaints = [f for f in self.findings if f.verdict != "accept"]
        return tuple(sorted(complaints, key=lambda f: -ORDER.index(f.verdict)))

    def as_json(self) -> dict[str, Any]:
        """For ``json.dumps``: figures rounded, infinite PSNR as null, sentences as they are."""
        return {
            "verdict": self.verdict,
            "findings": [asdict(finding) for finding in self.findings],
            "figures": None if self.figures is None else _plain(asdict(self.figures)),
        }


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value
