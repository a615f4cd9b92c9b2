"""The processor's fastest engine: networks by OpenVINO, everything between them in fused loops."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.engines.base import EngineInfo, StepResult
from temporal_clean.realtime.engines.openvino import openvino_version, shared_core
from temporal_clean.realtime.fused import correcting, finishing, history, motion, pictures
from temporal_clean.realtime.fused.compiling import tell_if_first
from temporal_clean.realtime.fused.constants import SOLVES
from temporal_clean.realtime.fused.networks import Network
from temporal_clean.realtime.fused.parts import take_apart
from temporal_clean.realtime.fused.phases import CELLS
from temporal_clean.realtime.graph import PICTURES, GraphRequest

__all__ = ["FusedEngine"]

F = np.float32
WINDOW, DILATION, LAST_WINDOW = motion.hann_window(7), 2, motion.hann_window(8)


def _empty(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, np.float32)


class Pyramid:
    """Luma of a picture at 1/2 to 1/16, the same with its slopes, and means of its 4x4 pixels."""

    def __init__(self, height: int, width: int) -> None:
        self.lights = [_empty(height >> k, width >> k) for k in range(1, 5)]
        self.levels = [_empty(*light.shape, 3) for light in self.lights]
        self.colours = _empty(3, height // 4, width // 4)

    def build(self) -> None:
        """From ``lights[0]``."""
        for larger, smaller in zip(self.lights, self.lights[1:], strict=False):
            motion.halve_plane(larger, smaller)
        for light, level in zip(self.lights, self.levels, strict=True):
            motion.light_and_slopes(light, level)


class FusedState:
    """One stream's past: the clean picture and what is derived from it, features, motion."""

    def __init__(self, height: int, width: int, hidden: NDArray) -> None:
        outside = 2 * finishing.MARGIN
        self.clean = _empty(height + outside, width + outside, 4)
        self.luma = _empty(height + outside, width + outside)
        self.pyramid = Pyramid(height, width)
        self.hidden = np.zeros_like(hidden)
        self.motion = _empty(height // 4, width // 4, 2)
        self.valid = 0.0

    def reset(self) -> None:
        self.valid = 0.0


class FusedEngine:
    """Steps frames of one size and format; all that is not a network is in ``realtime/fused``."""

    def __init__(
        self, graph: bytes, request: GraphRequest, precision: str, cache: Path | None = None
    ) -> None:
        if request.inspect:
            raise TemporalCleanError(
                "the fused engine gives no inspection maps: choose --engine openvino"
            )
        tell_if_first()
        self.request, self.precision = request, precision
        parts = take_apart(graph, *request.inner_size())
        self.cell, self.learned = CELLS[parts.cell], parts.motion
        # Motion in cells of four pixels, by component, place and phase.
        upsampling = 4.0 * parts.motion.upsampling.transpose(1, 2, 3, 0)
        self.upsampling = np.ascontiguousarray(upsampling.reshape(2, 9, -1), np.float32)
        self.spatial, self.context, self.doubt, self.fusion = (
            Network(part, precision, cache)
            for part in (parts.spatial, parts.context, parts.doubt, parts.fusion)
        )
        self.fusion.read_from(self.spatial)
        self._make_room(*request.inner_size())

    def _make_room(self, height: int, width: int) -> None:
        """Everything that a step writes and the next one may overwrite."""
        frames, halved = self.request.frame_format, self.request.halved
        # Integers, as memory is slow, and of one kind, as each takes seconds to compile; sums of
        # four 16-bit numbers are too large for it.
        kind = F if frames == "planar" or (halved and frames == "rgb16") else np.uint16
        # What is added to a picture has the networks' precision, the picture its own.
        number = self.spatial["frame"].dtype
        self.pixels = np.zeros((3, height, width), kind)
        self.delta, self.clipped = (np.zeros((3, height, width), number) for _ in range(2))
        self.luma, self.mean, self.reach, self.scratch = (_empty(height, width) for _ in range(4))
        self.pyramid = Pyramid(height, width)
        self.products = {k: _empty(7, height >> k, width >> k) for k in range(1, 5)}
        self.motions = {
            k: [_empty(height >> k, width >> k, 2) for _ in range(2)] for k in range(1, 5)
        }
        self.belief = _empty(height // 2, width // 2)
        self.coarse = _empty(3, height // 16, width // 16, 3)
        self.sums = _empty(height // 16, 7)
        self.usable = _empty(1)
        # A planar frame is in [0, 1] already.
        _, channels, largest = PICTURES.get(frames, (None, [0, 1, 2], 1.0))
        self.order, self.largest, self.frame_scale = tuple(channels), F(largest), F(1.0 / largest)
        self.rounding = F(0.0 if frames == "planar" else 0.5)
        self.scale = self.frame_scale * F(0.25 if halved else 1.0)

    def new_state(self) -> FusedState:
        return FusedState(*self.request.inner_size(), self.fusion["hidden"])

    def step(self, frame: NDArray, state: FusedState) -> StepResult:
        if self.request.frame_format == "planar":
            frame = frame[0].transpose(1, 2, 0)
        decode = pictures.halve if self.request.halved else pictures.decode
        given = self.spatial["frame"]
        decode(frame, self.order, self.scale, self.pixels, self.luma, given)
        self.spatial.run()
        correcting.correct(
            self.pixels, self.scale, self.luma, self.spatial["heads"], self.cell, self.delta,
            self.context["picture"], self.pyramid.lights[0], self.pyramid.colours,
        )  # fmt: skip
        self.pyramid.build()
        self.context.run()
        found = self._find_motion(state)
        self._weigh_doubt(state, found)
        self._bring_past(state, found)
        self.fusion.run()
        return StepResult(self._finish(frame, state), {})

    def describe(self) -> EngineInfo:
        name = shared_core().get_property("CPU", "FULL_DEVICE_NAME")
        return EngineInfo("fused", openvino_version(), self.precision, name)

    def _find_motion(self, state: FusedState) -> NDArray:
        """Motion at 1/4 in cells (flow/network.py)."""
        ours, theirs = self.pyramid, state.pyramid
        motion.smallest_motion(state.motion, self.motions[4][0])
        for k in (4, 3, 2):
            before, after = self.motions[k]
            if k < 4:
                motion.enlarge(self.motions[k + 1][0], F(2.0), before)
            belief, room = self.context[f"belief_{1 << k}"][..., 0], self.products[k]
            for _ in range(SOLVES):
                motion.solve(
                    ours.levels[k - 1], theirs.levels[k - 1], before, belief, WINDOW, DILATION,
                    room, after,
                )  # fmt: skip
                before, after = after, before
            lights = ours.lights[k - 1], theirs.lights[k - 1]
            motion.propagate(*lights, ours.levels[k - 1], before, room, after)
            self.motions[k] = [after, before]
        before, after = self.motions[2]
        np.multiply(before, F(2.0), out=before)
        motion.enlarge_plane(self.context["belief_4"][..., 0], self.belief)
        for _ in range(SOLVES):
            motion.solve_cells(
                ours.levels[0], theirs.levels[0], before, self.belief, LAST_WINDOW,
                self.products[1], after,
            )  # fmt: skip
            before, after = after, before
        motion.filter_motion(
            before, F(0.5), self.context["places"], self.context["worth"],
            F(self.learned.strictness), after,
        )  # fmt: skip
        return after

    def _weigh_doubt(self, state: FusedState, found: NDArray) -> None:
        """What the networks doubt, and whether there is a past at all."""
        fine, doubt = self.motions[1][0], self.doubt
        motion.enlarge(found, F(2.0), fine)
        history.look_at_differences(
            self.pyramid.colours, state.pyramid.colours, self.pyramid.lights[0],
            state.pyramid.lights[0], found, fine, self.context["outlook"],
            F(self.learned.photometric_slope), F(self.learned.photometric_tolerance),
            doubt["colours"], doubt["others"], doubt["prior"],
        )  # fmt: skip
        doubt.run()
        self.usable[0] = state.valid
        history.scene_cut(
            self.pyramid.colours, state.pyramid.colours, found, doubt["doubt"], self.coarse,
            self.sums, self.usable, self.fusion["usable"],
        )  # fmt: skip

    def _bring_past(self, state: FusedState, found: NDArray) -> None:
        fusion = self.fusion
        history.trust_at_cells(
            self.doubt["doubt"], self.usable, found, fusion["coarse_trust"], state.motion
        )
        history.bring_features(state.hidden, found, fusion["hidden"])
        pictures.local_range(self.luma, self.mean, self.reach, self.scratch)
        history.bring_picture(
            state.clean, state.luma, found, self.upsampling, self.context["motion_detail"],
            self.pixels, self.scale, self.luma, self.mean, self.reach, self.cell,
            fusion["past"], self.clipped, fusion["differences"],
        )  # fmt: skip

    def _finish(self, frame: NDArray, state: FusedState) -> NDArray:
        request = self.request
        clean = np.empty_like(frame, order="C")
        encoding = self.order, self.largest, self.rounding
        finishing.finish(
            self.pixels, self.scale, self.delta, self.clipped, self.fusion["heads"],
            self.doubt["doubt_phases"], self.usable, self.cell, state.clean,
            state.luma, state.pyramid.lights[0], state.pyramid.colours, *encoding,
            clean[:0] if request.halved else clean,
        )  # fmt: skip
        if request.halved:
            inside = slice(finishing.MARGIN, -finishing.MARGIN)
            pictures.encode_enlarged(
                frame, self.frame_scale, self.pixels, self.scale, state.clean[inside, inside],
                *encoding, clean,
            )  # fmt: skip
        finishing.remember(
            self.fusion["memory"], self.fusion["hidden"], self.fusion["coarse_trust"], state.hidden
        )
        state.pyramid.build()
        state.valid = 1.0
        if request.frame_format == "planar":
            return np.ascontiguousarray(clean.transpose(2, 0, 1)[None])
        return clean
