"""Engines are opened and warmed up on a thread of their own, so that the picture never waits."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temporal_clean.realtime.cleaner import Session
from temporal_clean.realtime.engines.base import StepResult
from temporal_clean.realtime.graph import GraphRequest
from temporal_clean.realtime.live.actions import Plan
from temporal_clean.realtime.live.frames import PixelFormat
from temporal_clean.realtime.live.machine_events import EngineFailed, EngineReady
from temporal_clean.realtime.live.pathways import Pathway

__all__ = ["Builder", "LiveEngine", "OpenSession"]

OpenSession = Callable[[str | Path, GraphRequest, str], Session]

# The first steps of an engine allocate and tune; the third is as fast as any (OpenVINO, measured).
WARM_UP_STEPS = 2


@dataclass(eq=False)
class LiveEngine:
    """An engine for the frames of one plan, and the way to it and back."""

    plan: Plan
    session: Session
    pathway: Pathway

    def clean(self, picture: NDArray[Any], forget: bool) -> "CleanPicture":
        """Clean the next picture, without the past if ``forget``."""
        started = time.perf_counter()
        if forget:
            self.session.state.reset()
        seen = self.pathway.see(picture)
        result: StepResult = self.session.step(seen)
        return CleanPicture(seen, result.clean, time.perf_counter() - started)

    def warm_up(self) -> None:
        """Take the slow first steps, then forget them."""
        request = self.session.request
        shape = (request.height, request.width, 4 if request.frame_format == "bgra8" else 3)
        kind = np.uint8 if request.frame_format == "bgra8" else np.uint16
        for _ in range(WARM_UP_STEPS):
            self.session.step(np.zeros(shape, kind))
        self.session.state.reset()

    def __str__(self) -> str:
        return f"{self.plan.level} on {self.session.engine.describe()}"


@dataclass(frozen=True, eq=False)
class CleanPicture:
    """One step: what the engine saw, what it gave, and the seconds both ways took."""

    seen: NDArray[Any]
    clean: NDArray[Any]
    seconds: float


class Builder:
    """A thread that opens the engine asked for last and reports it ready or failed."""

    def __init__(
        self,
        open_session: OpenSession,
        pathway_of: Callable[[PixelFormat], Pathway],
        post: Callable[[EngineReady | EngineFailed], None],
    ) -> None:
        self._open, self._pathway_of, self._post = open_session, pathway_of, post
        self._changed = threading.Condition()
        self._wanted: Plan | None = None
        self._ready: LiveEngine | None = None
        self._ending = False
        self._thread = threading.Thread(
            target=self._run, name="temporal-clean builder", daemon=True
        )

    def start(self) -> None:
        """Begin to wait for plans."""
        self._thread.start()

    def open(self, plan: Plan) -> None:
        """Ask for an engine; an older wish that was not begun yet is forgotten."""
        with self._changed:
            self._wanted = plan
            self._changed.notify()

    def take(self, plan: Plan) -> LiveEngine | None:
        """The engine that was reported ready, once."""
        with self._changed:
            ready, self._ready = self._ready, None
        return ready if ready is not None and ready.plan == plan else None

    def stop(self, patience: float | None = None) -> bool:
        """End the thread; True once it has. An engine being opened cannot be interrupted."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread.ident:
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (plan := self._next()) is not None:
            try:
                engine = self._build(plan)
            except Exception as error:  # an engine may fail in any way of its own
                self._post(EngineFailed(plan, error))
                continue
            with self._changed:
                self._ready = engine
            self._post(EngineReady(plan))

    def _next(self) -> Plan | None:
        with self._changed:
            self._changed.wait_for(lambda: self._ending or self._wanted is not None)
            plan, self._wanted = self._wanted, None
            return None if self._ending else plan

    def _build(self, plan: Plan) -> LiveEngine:
        pathway = self._pathway_of(plan.pixel_format)
        request = GraphRequest(
            plan.height, plan.width, pathway.frame_format, halved=plan.level.halved
        )
        engine = LiveEngine(plan, self._open(plan.level.model, request, plan.engine), pathway)
        engine.warm_up()
        return engine
