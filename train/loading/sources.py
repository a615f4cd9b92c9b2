"""Where clips come from: folders, or tar shards of them."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from temporal_clean.clip import Clip, ClipRecord, find_clips
from temporal_clean.errors import TemporalCleanError

__all__ = ["StoredClip", "folder_clips", "shard_clips", "write_shards"]

# Large enough to stream well from disks and object stores, small enough for many workers to share.
SHARD_BYTES = 256_000_000
RECORD = "json"


@dataclass(frozen=True)
class StoredClip:
    """A clip's record, and each of its files as something PyAV opens: a path or bytes."""

    record: ClipRecord
    files: Mapping[str, Path | bytes]

    def open(self, name: str) -> str | io.BytesIO:
        """What ``av.open`` takes for a rendering, ``master``, ``mask`` or ``hud``."""
        file = self.files[name]
        return io.BytesIO(file) if isinstance(file, bytes) else str(file)


def folder_clips(folder: Path, split: str = "train") -> list[StoredClip]:
    """The clips of one split below ``folder``.

    Raises :class:`TemporalCleanError` if there is none.
    """
    clips = [clip for clip in find_clips(folder) if clip.record.split == split]
    if not clips:
        raise TemporalCleanError(f"{folder} holds no clips of the split {split!r}")
    for clip in clips:
        check_usable(clip)
    return [StoredClip(clip.record, {n: clip.path(n) for n in clip.files()}) for clip in clips]


def check_usable(clip: Clip) -> None:
    """Raise :class:`TemporalCleanError` unless pairs of input and reference can be drawn."""
    files = clip.files()
    if "master" not in files and not ("reference" in files and clip.inputs):
        raise TemporalCleanError(
            f"{clip.folder} has neither a master nor a reference with an input: it cannot be "
            "trained on; temporal-clean pairs degrade adds inputs"
        )
    if folders := [name for name, file in files.items() if (clip.folder / file).is_dir()]:
        raise TemporalCleanError(
            f"{clip.folder} holds {folders[0]!r} as pictures, which are too slow to train on: "
            "encode them as .mkv with temporal-clean clean --strength 0 --codec ffv1"
        )


def write_shards(
    clips: list[Clip], out: Path, shard_bytes: int = SHARD_BYTES, seed: int = 0
) -> list[Path]:
    """Pack clips, in a shuffled order, into WebDataset shards ``out/clips-000000.tar``, ....

    WebDataset rather than litdata: a shard is an ordinary tar file that any tool reads and that
    streams from disk, HTTP or object stores in order, with no index to keep and one small
    dependency; litdata's random access would pay only for samples far smaller than a clip. Raises
    :class:`TemporalCleanError` if ``out`` holds shards already.
    """
    out.mkdir(parents=True, exist_ok=True)
    if any(out.glob("*.tar")):
        raise TemporalCleanError(f"{out} holds shards already: choose another folder")
    order = np.random.default_rng(seed).permutation(len(clips))
    shards: list[list[Clip]] = [[]]
    size = 0
    for clip in (clips[i] for i in order):
        check_usable(clip)
        bytes_of_clip = sum((clip.folder / file).stat().st_size for file in clip.files().values())
        if shards[-1] and size + bytes_of_clip > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(clip)
        size += bytes_of_clip
    return [_write_shard(out / f"clips-{i:06d}.tar", shard) for i, shard in enumerate(shards)]


def _write_shard(path: Path, clips: list[Clip]) -> Path:
    partial = path.with_suffix(".partial")
    try:
        with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as tar:
            for clip in clips:
                # WebDataset takes what comes before the first dot as the sample's key.
                key = clip.record.name.replace(".", "_")
                record = json.dumps(clip.record.as_json()).encode()
                _add(tar, f"{key}.{RECORD}", record)
                for name in clip.files():
                    _add(tar, f"{key}.{name}{clip.path(name).suffix}", clip.path(name).read_bytes())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """A member without owner or date: the same clips give the same shard."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def shard_clips(
    urls: str | list[str], split: str = "train", seed: int = 0
) -> Callable[[], Iterator[StoredClip]]:
    """An endless stream of the clips in WebDataset shards, shuffled; each rank and worker its own.

    ``urls`` are paths or addresses, with braces as in ``clips-{000000..000012}.tar``.
    """
    from webdataset.compat import WebDataset
    from webdataset.shardlists import split_by_node, split_by_worker

    dataset = WebDataset(
        urls,
        shardshuffle=100,
        nodesplitter=split_by_node,
        workersplitter=split_by_worker,
        empty_check=False,
        seed=seed,
    ).repeat()

    def stream() -> Iterator[StoredClip]:
        for sample in dataset:
            clip = stored(sample)
            if clip.record.split == split:
                yield clip

    return stream


def stored(sample: Mapping[str, Any]) -> StoredClip:
    """A clip from a sample of a shard: ``{"json": ..., "master.mkv": ..., ...}``."""
    origin = f"{sample.get('__url__', 'shard')}: {sample.get('__key__', '?')}"
    if RECORD not in sample:
        raise TemporalCleanError(f"{origin} has no record: pack it with temporal-clean pairs shard")
    record = ClipRecord.from_json(json.loads(sample[RECORD]), origin)
    files = {
        name.rpartition(".")[0]: content
        for name, content in sample.items()
        if isinstance(content, bytes) and name != RECORD
    }
    return StoredClip(record, files)
