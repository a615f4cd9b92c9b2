"""From a video file to a clean video file; and ``load``, the library's first call."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from temporal_clean.color import Seen, Transfer, transfer_for
from temporal_clean.inspection import MapWriter
from temporal_clean.overlap import StageTimes, overlap
from temporal_clean.realtime.cleaner import Cleaner
from temporal_clean.video import Frame, open_input, open_output

__all__ = ["CleanResult", "clean_video", "load"]


def load(
    model: str | Path = "fast",
    *,
    engine: str = "auto",
    strength: float = 1.0,
    inspect: bool = False,
    keep: str | Path | None = None,
) -> Cleaner:
    """A cleaner for frames, on the best engine of this machine.

    ``model`` is 'fast', 'quality', or the path of an .onnx graph (any engine) or a .safetensors
    checkpoint (torch). ``strength`` 0..1 mixes the input back in. ``keep`` is a picture, white
    where the input stays as it came.
    """
    return Cleaner(model, engine=engine, strength=strength, inspect=inspect, keep=keep)


@dataclass(frozen=True)
class CleanResult:
    """What was done: frames, frames per second, milliseconds of each stage, engine, resets.

    ``warnings`` tells what the output lacks of the input.
    """

    output: Path
    frames: int
    fps: float
    decode_ms: dict[str, float]
    step_ms: dict[str, float]
    encode_ms: dict[str, float]
    engine: str
    engine_reason: str
    resets: int
    warnings: tuple[str, ...]

    def stats(self) -> dict[str, Any]:
        """The record as plain JSON values."""
        values = self.__dict__ | {"output": str(self.output), "warnings": list(self.warnings)}
        return json.loads(json.dumps(values))


class Job(NamedTuple):
    """One frame on its way: what was read, and what the network shall see and gave."""

    frame: Frame
    picture: NDArray
    seen: Seen | None


class Done(NamedTuple):
    """One frame that the network has seen."""

    frame: Frame
    clean: NDArray
    seen: Seen | None
    maps: Mapping[str, NDArray[np.float32]]


def clean_video(
    source: str | Path,
    output: str | Path,
    *,
    cleaner: Cleaner | None = None,
    start: float | None = None,
    end: float | None = None,
    codec: str = "auto",
    overwrite: bool = False,
    inspect: Path | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> CleanResult:
    """Clean ``source`` (any video, picture folder or pattern) into ``output``.

    Frame rate, timestamps, sound, subtitles, colour tags and bit depth stay. ``start`` and
    ``end`` are in seconds. ``inspect`` is a folder for the maps behind each frame; the cleaner
    must then have been loaded with ``inspect=True``. ``progress`` is told (frames done, frames
    in all if known). Raises TemporalCleanError for anything that cannot be read or written;
    nothing then stands under the output's name.
    """
    cleaner = cleaner or load(inspect=inspect is not None)
    times, started, count = StageTimes(), time.perf_counter(), 0
    with (
        open_input(source, start, end) as reader,
        open_output(output, reader, codec, overwrite) as writer,
        MapWriter(inspect, reader, overwrite) as maps,
    ):
        transfer = transfer_for(reader.info)
        cleaner.reset()
        resets_before = cleaner.resets
        session = cleaner.open(reader.info.height, reader.info.width, _seen_type(reader, transfer))

        # The reader's thread also brings HDR to what the network sees, the writer's brings it back.
        def work(job: Job) -> Done:
            result = cleaner.step(job.picture)
            return Done(job.frame, result.clean, job.seen, result.maps)

        def sink(done: Done) -> None:
            clean = done.clean
            if transfer is not None and done.seen is not None:
                clean = transfer.compose(done.seen, clean / np.float32(65535.0))
            writer.write(clean, done.frame)
            maps.write(done.frame, done.maps)

        jobs = (_job(frame, transfer) for frame in reader)
        for _ in overlap(jobs, work, sink, times):
            count += 1
            if progress:
                progress(count, reader.info.frames)
    elapsed = time.perf_counter() - started
    return CleanResult(
        Path(output),
        count,
        round(count / elapsed, 2),
        _percentiles(times.source),
        _percentiles(times.work),
        _percentiles(times.sink),
        str(session.engine.describe()),
        session.reason,
        cleaner.resets - resets_before,
        (*reader.warnings, *writer.warnings),
    )


def _seen_type(reader: Any, transfer: Transfer | None) -> np.dtype:
    return reader.info.dtype if transfer is None else np.dtype(np.uint16)


def _job(frame: Frame, transfer: Transfer | None) -> Job:
    """SDR goes to the network as it is, HDR as 16-bit codes of what its transfer shows."""
    if transfer is None:
        return Job(frame, frame.pixels, None)
    shown, seen = transfer.encode(frame.pixels)
    codes = np.rint(shown * np.float32(65535.0)).astype(np.uint16)
    # The residual is taken against the very codes, so that an identity network changes nothing.
    return Job(frame, codes, replace(seen, shown=codes / np.float32(65535.0)))


def _percentiles(milliseconds: Any) -> dict[str, float]:
    p50, p95 = np.percentile(np.frombuffer(milliseconds, np.float32), [50, 95])
    return {"p50": round(float(p50), 3), "p95": round(float(p95), 3)}
