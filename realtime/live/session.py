"""A whole live session from its options: source, screen, control socket and loop."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from temporal_clean import assets
from temporal_clean.errors import TemporalCleanError
from temporal_clean.keeping import Keep
from temporal_clean.realtime.engines import ENGINES
from temporal_clean.realtime.live.capture.choose import open_capture
from temporal_clean.realtime.live.control.server import ControlServer
from temporal_clean.realtime.live.loop import LiveLoop
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.present.choose import open_presenter
from temporal_clean.realtime.live.present.recording import Recording

__all__ = ["LiveResult", "open_loop", "run_live"]


class LiveResult(NamedTuple):
    """The statistics as JSON values, why it ended in words, and the error if one ended it."""

    stats: dict[str, Any]
    reason: str
    error: Exception | None


def run_live(options: LiveOptions, tell: Callable[[str], None]) -> LiveResult:
    """Run a session to its end; ``tell`` hears what the player should know.

    Raises :class:`TemporalCleanError` if it cannot begin.
    """
    check_engine(options.model, options.engine)
    loop = open_loop(options, tell)
    for note in loop.presenter.notes:
        tell(note)
    server = ControlServer(loop.desk.ask)
    try:
        server.start()
    except (TemporalCleanError, OSError) as error:  # a comfort: the session does without
        tell(f"no control socket, so --control will not reach this session: {error}")
    try:
        loop.run()
    finally:
        server.stop()
    return _result(loop, tell)


def open_loop(options: LiveOptions, tell: Callable[[str], None]) -> LiveLoop:
    """The loop of these options with all that it needs open, before its ``run``."""
    keep = Keep.read(options.keep) if options.keep else None
    capture = open_capture(options)
    presenter = open_presenter(options, capture)
    tell(f"{capture.description}, shown by {presenter.description}")
    return LiveLoop(capture, presenter, options, tell, keep=keep)


def check_engine(model: str, engine: str) -> None:
    """Refuse a model or an engine that does not exist, before anything is opened."""
    if Path(model).suffix != ".safetensors":
        assets.graph_path(model)
    elif not Path(model).is_file():
        raise TemporalCleanError(f"no checkpoint '{model}': check the path")
    if engine.partition(":")[0] not in ("auto", *ENGINES):
        raise TemporalCleanError(f"no engine '{engine}': expected auto, {', '.join(ENGINES)}")


def _result(loop: LiveLoop, tell: Callable[[str], None]) -> LiveResult:
    presenter = loop.presenter
    if isinstance(presenter, Recording):
        for line in presenter.outcome():
            tell(line)
        if presenter.dropped:
            loop.stats.dropped("not recorded", presenter.dropped)
    assert loop.ended is not None
    stats = {"source": loop.capture.description, **loop.stats.record(loop.clock())}
    return LiveResult(stats, loop.ended.reason, loop.ended.error)
