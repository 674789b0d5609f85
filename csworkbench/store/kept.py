"""Results under their keys: made once, never changed, and taken by every later run that asks for the same.

`outputs/store/<key>/` holds the files of one notebook below its name and `record.json`. Files of a run are further
names (hard links) of the same bytes: a run can be copied, sent or removed like any folder. Where a file system has no
hard links they are copies.
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from csworkbench.store.parts import Shard
from csworkbench.store.records import Artifact, NotebookRecord, NotebookStatus
from csworkbench.store.results import write_json

STORE, RECORD_FILE, VERSION = "store", "record.json", 1
GONE = "gone."
STORED = {NotebookStatus.OK, NotebookStatus.WARNING, NotebookStatus.STOP}


@dataclass(frozen=True, slots=True)
class Kept:
    """A result that is in the store, whole.

    Args:
        folder: Its folder.
        run_id: The run that computed it.
        record: What became of the notebook there.
        made_of: All that determined it, in JSON types: what its key is the hash of.
    """

    folder: Path
    run_id: str
    record: NotebookRecord
    made_of: Mapping[str, Any]


def keep(out: Path, run: Path, record: NotebookRecord, made_of: Mapping[str, Any]) -> None:
    """Put the files of a finished notebook into the store: made out of sight, flushed, published by one rename.

    What is there already under the key stays when it is the same, and is replaced otherwise. One writer at a time has a
    key; another waits for it.

    Args:
        out: Folder of all outputs; the caller holds its lock.
        run: Folder of the run, still out of sight; the notebook's files are below its name.
        record: What became of it; one that did not reach its end, or has no key, is not kept.
        made_of: What its key is the hash of.

    Raises:
        OSError: The store cannot be written; nothing half is in it.
    """
    if not record.key or record.status not in STORED:
        return
    with alone(out, record.key):
        there = find(out, record.key)
        if there is None or there.record.artifacts != record.artifacts:
            _put(out, run, record, made_of)


def _put(out: Path, run: Path, record: NotebookRecord, made_of: Mapping[str, Any]) -> None:
    place, aside = out / STORE / record.key, run.with_name(f"{run.name}.{record.key}")
    try:
        aside.mkdir()
        for artifact in record.artifacts:
            path = run / artifact.path
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
            _link(path, aside / artifact.path)
        written = {"version": VERSION, "run_id": run.name, "made_of": dict(made_of), "notebook": asdict(record)}
        write_json(aside / RECORD_FILE, written)
        flush(aside)
        if place.exists():
            discard(place)
        aside.rename(place)
        sync(place.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def alone(out: Path, key: str) -> Iterator[None]:
    """Hold a key; whoever else wants it waits. The system frees it when the process ends, however it ends.

    Args:
        out: Folder of all outputs.
        key: Key of a job.

    Raises:
        OSError: The store cannot be written.
    """
    path = out / STORE / f".{key}.lock"
    path.parent.mkdir(exist_ok=True)
    while True:
        with path.open("a", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # Who had it before has removed the file: a lock on that holds nobody back.
            if not _is_same(handle.fileno(), path):
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def remove_free_locks(out: Path) -> None:
    """Remove the locks of keys that nobody holds any more: a process that was killed leaves its file behind.

    Args:
        out: Folder of all outputs.
    """
    for path in (out / STORE).glob(".*.lock"):
        with suppress(OSError), path.open(encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def find(out: Path, key: str) -> Kept | None:
    """Return the result of a key; None where there is none, or where a byte of it is not as it was written.

    Args:
        out: Folder of all outputs.
        key: Key of a job.
    """
    found = about(out, key)
    if found is None or any(_digest(found.folder / item.path) != item.sha256 for item in found.record.artifacts):
        return None
    return found


def about(out: Path, key: str) -> Kept | None:
    """Return what is said of the result of a key, without a look at its files; None where there is none.

    Args:
        out: Folder of all outputs.
        key: Key of a job.
    """
    folder = out / STORE / key
    try:
        data = json.loads((folder / RECORD_FILE).read_text("utf-8")) if key else {}
        if data.get("version") != VERSION:
            return None
        return Kept(folder, data["run_id"], _record(data["notebook"]), data["made_of"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def take(kept: Kept, run: Path) -> NotebookRecord:
    """Give a run the files of a result, and return the record of the notebook there.

    Args:
        kept: The result.
        run: Folder of the run.

    Raises:
        OSError: The folder cannot be written.
    """
    for artifact in kept.record.artifacts:
        _link(kept.folder / artifact.path, run / artifact.path)
    return replace(kept.record, seconds=0.0, attempts=0, cached_from=kept.run_id)


def discard(folder: Path) -> None:
    """Remove a result of the store, or a run: gone by one rename before the first of its files is removed.

    Args:
        folder: Its folder.
    """
    aside = folder.parent.parent / ".tmp" / f"{GONE}{folder.name}.{os.getpid()}"
    aside.parent.mkdir(exist_ok=True)
    folder.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


def flush(folder: Path, *, is_stored: bool = False) -> None:
    """Flush a folder and all in it to disk.

    Args:
        folder: The folder.
        is_stored: Whether files with further names are those of the store, which were flushed when they came there.
    """
    for path in (*folder.rglob("*"), folder):
        if not (is_stored and path.is_file() and path.stat().st_nlink > 1):
            sync(path)


def sync(path: Path) -> None:
    """Flush one file or folder to disk.

    Args:
        path: The file or folder.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _link(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # no hard links here, or too many of this file
        os.link(path, place)
        return
    shutil.copy2(path, place)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""


def _record(data: dict[str, Any]) -> NotebookRecord:
    if data["failure"] is not None:
        raise ValueError("a failure is not kept")
    artifacts = tuple(Artifact(**item) for item in data["artifacts"])
    shard = Shard(**data["shard"]) if data.get("shard") else None
    return NotebookRecord(**{**data, "status": NotebookStatus(data["status"]), "artifacts": artifacts, "shard": shard})
