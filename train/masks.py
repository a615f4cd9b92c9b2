"""Overlays fixed to the screen (HUD, minimap, crosshair, watermark, bars): found, or known exactly.

A game draws them after its upscaler, so they are no business of a cleaner's: the loss leaves them
out, and degrading pastes the reference's over the input. :func:`find_overlay` finds them in a
recording; :func:`overlay_from_pair` takes them from a game rendered with and without.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.aligning.registration import active_area
from temporal_clean.train.degrading import reference
from temporal_clean.train.persistence import EDGE, Persistence, gather

__all__ = ["Hud", "Overlay", "find_overlay", "overlay_from_pair"]

Mask = NDArray[np.bool_]
Plane = NDArray[Any]

# Fixed to the screen: half of the gradients' energy stays where it is (the edge of a half
# translucent panel, too), while the scene moved this far across the edge (of the height). Of
# text, four pixels in five were above the sure value on 48 frames; of weapons, in 18 recordings
# of OpenArena, next to none (a jump is the hardest case: 0.08 % of the picture was marked).
COHERENT, SURELY_COHERENT, TRAVELLED = 0.5, 0.8, 0.015
# Numbers that count: nothing changed in this share of at least so many telling frame pairs.
HELD, SURELY_HELD, TRIALS = 0.85, 0.95, 3.0
# A connected edge needs this share of sure pixels.
SURE_SHARE = 0.25
# Around an overlay the scene must be seen to move: textured (code values), not coherent.
TEXTURED, INCOHERENT = 4.0, 0.3
# On most sides of it, in this share of the pixels within this distance (of the height). Stars and
# mountains far away keep their place too, but so do their surroundings.
MOVING_SHARE, RING = 0.15, 0.03
# Below this share of moving among all textured places the camera counts as still.
ENOUGH_MOTION = 0.4
# Gaps closed between edges, and what is seen as one thing (letters of a word), of the height.
GAP, TOGETHER = 0.011, 0.02
# Gaps of this length (of the height) in the straight sides of a frame do not open it.
FRAME_GAP = 0.06
# Larger pictures are searched at about this height: their edges are wide, their flow coarse.
ROWS = 540
# A crosshair has more edge pixels than this; single stars and sparks fewer.
FEWEST_PIXELS = 10
# Larger insides of a closed frame (of the picture) are a view of the scene: a scope, a cockpit.
LARGEST_INSIDE = 0.1
# Opaque panels: luma within this range (code values) in all frames, at least this share of the
# picture, this share of their border coherent, and this share sure: in a pan only the upright
# sides are.
CONSTANT, SMALLEST_PANEL, STAYING_BORDER, PROVEN_BORDER = 4.0, 0.002, 0.6, 0.2
# Below this squared spread (of 8-bit samples in a pixel's surroundings) opacity shows in nothing.
FLAT = 4.0


@dataclass(frozen=True)
class Overlay:
    """Where a recording shows things fixed to the screen.

    ``mask`` (height, width) float32 in [0, 1]: 1 on overlays, translucent ones too, with soft
    borders a pixel wide. ``found`` is None if the recording cannot tell (the mask is then 0
    everywhere). ``confidence`` in [0, 1] is the share of the textured places at which the
    scene was seen to move, the only places where an overlay shows. ``why`` says it in a sentence.
    """

    mask: NDArray[np.float32]
    found: bool | None
    confidence: float
    why: str


@dataclass(frozen=True)
class Hud:
    """An overlay at the clip's size: picture * (1 - coverage / 255) + colour.

    ``colour`` (height, width, 3) uint8 is premultiplied by coverage; ``coverage`` (height, width)
    uint8.
    """

    colour: NDArray[np.uint8]
    coverage: NDArray[np.uint8]


def find_overlay(
    frames: Sequence[NDArray[np.uint8]] | NDArray[np.uint8], numbers: Sequence[int] | None = None
) -> Overlay:
    """Find what is fixed to the screen in (frames, height, width, 3) RGB, 8 bits, of one shot.

    ``numbers`` are the frames' places in the recording if they are not neighbours. The scene must
    have moved by some pixels behind an overlay; one that the camera only ever shows before an
    even sky stays unknown. Raises :class:`TemporalCleanError` for under 8 frames.
    """
    if len(frames) < 8:
        raise TemporalCleanError(
            f"expected at least 8 frames to find overlays in, got {len(frames)}: give a longer part"
        )
    height, width = frames[0].shape[:2]
    factor = max(1, round(height / ROWS))
    size = (round(width / factor), round(height / factor))
    evidence = gather(
        [cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames],
        range(len(frames)) if numbers is None else numbers,
    )
    moving = _moving(evidence)
    confidence = _share_moving(evidence, moving)
    if confidence < ENOUGH_MOTION:
        why = (
            f"the scene moves in only {confidence:.0%} of the textured places: what is fixed to "
            "the screen cannot be told from what stands still; use a part with a moving camera"
        )
        return Overlay(np.zeros((height, width), np.float32), None, confidence, why)
    fixed = _surrounded_by_motion(_fixed_edges(evidence), moving)
    mask = _filled(fixed) | _even_panels(evidence, fixed) | _bars(evidence)
    share = float(mask.mean())
    why = (
        f"{share:.1%} of the picture stays in place while the scene moves behind it"
        if share
        else "nothing stays in place while the scene moves"
    )
    enlarged = np.asarray(cv2.resize(_soft(mask), (width, height)), np.float32)
    return Overlay(enlarged, share > 0, confidence, why)


def _fixed_edges(e: Persistence) -> Mask:
    """Edges that stay while the scene moves across them, and numbers that count.

    Weak ones, also those along the motion, count where they touch enough sure ones: nothing on a
    weapon or a car is sure.
    """
    strong = e.strength > 0.8 * EDGE
    telling = (e.trials > TRIALS) & e.jumpy & (e.texture > EDGE / 2)
    weak = (strong & (e.coherence > COHERENT)) | (telling & (e.hold > HELD))
    sure = strong & (e.coherence > SURELY_COHERENT) & _travelled(e)
    sure |= telling & (e.hold > SURELY_HELD)
    count, labels = cv2.connectedComponents(cv2.dilate(weak.astype(np.uint8), _disc(1)))
    groups = np.asarray(labels, np.intp)
    members, sure_ones = (np.bincount(groups[part], minlength=count) for part in (weak, sure))
    return weak & (sure_ones >= np.maximum(4, SURE_SHARE * members))[groups]


def _travelled(e: Persistence) -> Mask:
    """Where the scene is seen to have moved on: by more than edges are wide, too."""
    return e.travel > max(4.0, TRAVELLED * len(e.travel))


def _moving(e: Persistence) -> Mask:
    """Texture that came and went with the scene."""
    return (e.texture > TEXTURED) & (e.coherence < INCOHERENT) & _travelled(e)


def _share_moving(e: Persistence, moving: Mask) -> float:
    """Of the 16 x 16 blocks with texture, the share where some of it moved."""
    rows, columns = (max(1, side // 16) for side in moving.shape)
    area = (columns, rows)
    textured = cv2.resize((e.texture > TEXTURED).astype(np.float32), area, interpolation=3)
    moved = cv2.resize(moving.astype(np.float32), area, interpolation=cv2.INTER_AREA)
    counted = textured > 0.1
    return float((moved[counted] > 0.25 * textured[counted]).mean()) if counted.any() else 0.0


def _surrounded_by_motion(fixed: Mask, moving: Mask) -> Mask:
    """The groups of fixed edges with the scene moving on most of their sides."""
    height = fixed.shape[0]
    together = cv2.dilate(fixed.astype(np.uint8), _disc(TOGETHER * height / 2))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(together)
    kept = np.zeros_like(fixed)
    for label in range(1, count):
        window = _around(boxes[label], max(3, round(RING * height)), fixed.shape)
        group = labels[window] == label
        edges = group & fixed[window]
        if edges.sum() >= FEWEST_PIXELS and _sides_move(group, moving[window]):
            kept[window] |= edges
    return kept


def _around(box: Plane, reach: int, size: tuple[int, ...]) -> tuple[slice, slice]:
    left, top, width, height = (int(value) for value in box[:4])
    rows = slice(max(0, top - reach), min(size[0], top + height + reach))
    return rows, slice(max(0, left - reach), min(size[1], left + width + reach))


def _sides_move(group: Mask, moving: Mask) -> bool:
    """Whether most of the sides that lie inside the picture show a moving scene."""
    rows, columns = np.nonzero(group)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    outside = moving & ~group
    sides = [outside[:top], outside[bottom:], outside[:, :left], outside[:, right:]]
    seen = [float(side.mean()) > MOVING_SHARE for side in sides if side.size >= 8]
    return sum(seen) > len(seen) / 2


def _filled(fixed: Mask) -> Mask:
    """Small gaps closed, and the insides of closed frames filled."""
    height = fixed.shape[0]
    # Forward differences sit on the pixel before an edge: one more to the right and below.
    edges = cv2.dilate(fixed.astype(np.uint8), np.ones((2, 2), np.uint8), anchor=(1, 1))
    closed = cv2.morphologyEx(edges, cv2.MORPH_CLOSE, _disc(GAP * height / 2))
    closed |= _insides(closed)
    # A panel's frame is interrupted where it looked like the scene behind.
    reach = max(3, round(FRAME_GAP * height))
    frames = closed.copy()
    for kernel in (np.ones((1, reach), np.uint8), np.ones((reach, 1), np.uint8)):
        frames |= cv2.morphologyEx(closed, cv2.MORPH_CLOSE, kernel)
    inside = _insides(frames)
    closed |= inside | (cv2.dilate(inside, np.ones((3, 3), np.uint8)) & frames)
    # What bridged the gaps belongs to the panel where the panel is on both sides of it.
    square = np.ones((reach // 2 + 1, reach // 2 + 1), np.uint8)
    closed |= cv2.morphologyEx(closed, cv2.MORPH_CLOSE, square) & frames
    return closed.astype(bool)


def _insides(frames: Plane) -> Plane:
    """1 where closed lines (1) enclose a small part of the picture."""
    height, width = frames.shape
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(1 - frames, connectivity=4)
    inside = np.zeros_like(frames)
    for label in range(1, count):
        left, top, wide, high, area = (int(value) for value in boxes[label])
        at_border = not left or not top or left + wide == width or top + high == height
        if not at_border and area < LARGEST_INSIDE * height * width:
            inside[labels == label] = 1
    return inside


def _even_panels(e: Persistence, fixed: Mask) -> Mask:
    """Even areas that never change, with a border that stays, part of it proven to.

    A sky never changes either, but what moves before it frays its border.
    """
    height, width = fixed.shape
    even = (e.highest - e.lowest < CONSTANT).astype(np.uint8)
    stays = (e.strength > 0.8 * EDGE) & (e.coherence > COHERENT)
    near = [cv2.dilate(m.astype(np.uint8), np.ones((5, 5), np.uint8)) for m in (stays, fixed)]
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(even, connectivity=4)
    kept = np.zeros_like(fixed)
    for label in range(1, count):
        if boxes[label, cv2.CC_STAT_AREA] < SMALLEST_PANEL * height * width:
            continue
        area = (labels == label).astype(np.uint8)
        border = cv2.dilate(area, np.ones((3, 3), np.uint8)) > area
        shares = [float(m[border].mean()) if border.any() else 0.0 for m in near]
        if shares[0] > STAYING_BORDER and shares[1] > PROVEN_BORDER:
            kept |= area.astype(bool)
    return kept


def _bars(e: Persistence) -> Mask:
    """Black bars at the picture's edges; rows of the scene that stay black lose nothing by it."""
    rows, columns = active_area((e.highest / 255.0).astype(np.float32))
    bars = np.ones(e.highest.shape, bool)
    bars[rows, columns] = False
    return bars


def _soft(mask: Mask) -> NDArray[np.float32]:
    """1 on the mask, falling off within two pixels around it: overlays are anti-aliased."""
    wide = cv2.dilate(mask.astype(np.float32), _disc(1))
    return np.maximum(mask, cv2.GaussianBlur(wide, (0, 0), 0.7) * (wide > 0)).astype(np.float32)


def _disc(radius: float) -> Plane:
    side = 2 * max(1, round(radius)) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def overlay_from_pair(
    without_hud: NDArray[np.uint8], with_hud: NDArray[np.uint8], factor: int, tolerance: int = 0
) -> Hud:
    """The HUD of one frame, exactly, from (rows, columns, 3) master frames without and with it.

    At the clip's size, on the master's grid (see :mod:`temporal_clean.train.degrading`), so that
    reference without * (1 - coverage) + colour is the reference with HUD to within two codes (the
    interpolation's negative lobes reach a pixel beyond the HUD).
    Pixels that differ by more than ``tolerance`` code values (0 for deterministic games) belong to
    it; how opaque they are shows in how little of the scene's contrast is left in them.
    Raises :class:`TemporalCleanError` if the sizes differ.
    """
    if without_hud.shape != with_hud.shape:
        raise TemporalCleanError(
            f"expected frames of one size, got {without_hud.shape[:2]} without the HUD and "
            f"{with_hud.shape[:2]} with it: render both at the same size"
        )
    before, after = (torch.from_numpy(np.ascontiguousarray(f)) for f in (without_hud, with_hud))
    before, after = (f.permute(2, 0, 1)[None] for f in (before, after))
    covered = (before.int() - after.int()).abs().amax(dim=1, keepdim=True) > tolerance
    coverage = _opacity(before.float(), after.float(), covered.float(), factor)
    scene, shown = (255.0 * reference(f, factor) for f in (before, after))
    # Never less than what keeps the colour from being negative, then rounded up.
    dimmed = ((scene - shown) / scene.clamp_min(1e-3)).amax(dim=1, keepdim=True)
    mask = torch.ceil(255.0 * torch.maximum(coverage, dimmed).clamp(0.0, 1.0) - 1e-4)
    colour = torch.where(mask > 0, shown - scene * (1.0 - mask / 255.0), 0.0)
    colour = colour.round().clamp(0.0, 255.0)
    return Hud(colour[0].permute(1, 2, 0).byte().numpy(), mask[0, 0].byte().numpy())


def _opacity(
    before: torch.Tensor, after: torch.Tensor, covered: torch.Tensor, factor: int
) -> torch.Tensor:
    """Coverage in [0, 1] at the clip's size: the covered share of the pixel times opacity.

    Opacity is 1 minus the slope of ``after`` on ``before`` over the covered samples around, all
    channels together, and 1 where the scene is too even to tell.
    """
    share = _box3(covered.expand(-1, 3, -1, -1), factor)
    some = share.clamp_min(1e-6)
    mean_before, mean_after = (_box3(covered * f, factor) / some for f in (before, after))
    product = _box3(covered * before * after, factor)
    square = _box3(covered * before.square(), factor)
    slope_over = (product - share * mean_before * mean_after).sum(dim=1, keepdim=True)
    slope_under = (square - share * mean_before.square()).sum(dim=1, keepdim=True)
    slope_under = slope_under + FLAT * some[:, :1]
    slope = (slope_over / slope_under).clamp(0.0, 1.0)
    return reference(covered.expand(-1, 3, -1, -1), factor)[:, :1] * (1.0 - slope)


def _box3(planes: torch.Tensor, factor: int) -> torch.Tensor:
    """Mean over the 3 x 3 pixels around each, of three full-size planes."""
    mean = torch.nn.functional.avg_pool2d(planes, factor)
    return torch.nn.functional.avg_pool2d(mean, 3, stride=1, padding=1, count_include_pad=False)
