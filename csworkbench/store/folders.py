"""Folders of runs: one writer at a time, made out of sight, published by one rename, `latest` moved last."""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from csworkbench.errors import EnvironmentProblem, Problem
from csworkbench.files import write_file
from csworkbench.store.kept import GONE, flush, remove_free_locks, sync
from csworkbench.store.records import RunRecord, RunState, junit
from csworkbench.store.results import write_json

LOCK_FILE = ".lock"
DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The place of one run while it is being made.

    Args:
        out: Folder of all outputs.
        run_id: Name of the run.
        recovered: Names of earlier runs that were killed; they are published as `interrupted`.
    """

    out: Path
    run_id: str
    recovered: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Return the folder that is written to, out of sight."""
        return self.out / ".tmp" / self.run_id

    @property
    def final(self) -> Path:
        """Return the folder the run is published as."""
        return self.out / "runs" / self.run_id


@contextmanager
def begin(out: Path, run_id: str) -> Iterator[RunFolder]:
    """Lock an output folder, publish what a killed run left, and give an empty folder for a new run.

    The lock is a `flock`: the kernel frees it when the process ends, however it ends. What is left unpublished when
    the block ends is removed.

    Args:
        out: Folder of all outputs; made where it is missing.
        run_id: Name of the new run.

    Raises:
        EnvironmentProblem: The folder cannot be written, also later on; another run holds it; or there is a run of
            that name.
    """
    _make(out)
    with held(out, f"run {run_id}"):
        recovered = _recover(out)
        folder = RunFolder(out, run_id, recovered)
        if folder.final.exists():
            raise EnvironmentProblem(Problem("a run of this name exists already", file=str(folder.final)))
        _make(folder.path)
        _make(folder.final.parent)
        try:
            yield folder
        except OSError as error:
            if error.errno in DISK:
                raise _problem(error, folder.path) from error
            raise
        finally:
            shutil.rmtree(folder.path, ignore_errors=True)


def refuse_if_held(out: Path) -> None:
    """Do nothing when no run holds an output folder: asked before data is read, so that a second run ends at once.

    Args:
        out: Folder of all outputs; it need not exist.

    Raises:
        EnvironmentProblem: Another run holds it.
    """
    try:
        handle = (out / LOCK_FILE).open(encoding="utf-8")
    except OSError:
        return  # never used, or not ours to read: `begin` says what is wrong
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _held(out, handle.read()) from None


def publish(folder: RunFolder, record: RunRecord, *, move_latest: bool = True) -> Path:
    """Publish a run: record and JUnit report written, all flushed to disk, one rename, then `latest`.

    Args:
        folder: The run's folder.
        record: Its record.
        move_latest: Whether `latest` points to this run afterwards.

    Returns:
        The published folder.

    Raises:
        EnvironmentProblem: The disk is full or the folder cannot be written; earlier runs are as they were.
    """
    try:
        write_json(folder.path / "run.json", record.to_json())
        write_file(folder.path / "junit.xml", junit(record))
        flush(folder.path, is_stored=True)
        folder.path.rename(folder.final)
        sync(folder.final.parent)
        if move_latest:
            _point(folder.out / "latest", Path("runs") / folder.run_id)
    except OSError as error:
        raise _problem(error, folder.path) from error
    return folder.final


def _make(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise _problem(OSError(error.errno, error.strerror), path) from error


def _problem(error: OSError, path: Path) -> EnvironmentProblem:
    place = error.filename or path
    hint = "choose another folder with --out, or change its permissions"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        hint = f"free some space: {_space(path)}"
    return EnvironmentProblem(Problem(f"cannot be written: {error.strerror or error}", file=str(place), hint=hint))


def _space(path: Path) -> str:
    """Return how many bytes are free where a run is made, and how many it needs, as far as earlier ones say."""
    there = next(place for place in (path, *path.parents) if place.exists())
    free = f"{shutil.disk_usage(there).free:,} bytes are free"
    outs = [place for place in (path, *path.parents) if (place / "latest").is_dir()]
    files = [each for each in (outs[0] / "latest").resolve().rglob("*") if each.is_file()] if outs else []
    took = sum(each.stat().st_size for each in files)
    return f"{free}, and a run like the one before takes {took:,}" if took else free


@contextmanager
def held(out: Path, what: str) -> Iterator[None]:
    """Hold an output folder: whoever else wants it is told who has it.

    Args:
        out: Folder of all outputs; it exists.
        what: What is done there.

    Raises:
        EnvironmentProblem: Another process holds it, or it cannot be written.
    """
    path = out / LOCK_FILE
    try:
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        raise _problem(error, path) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            raise _held(out, handle.read()) from None
        handle.truncate(0)
        handle.write(f"pid {os.getpid()}, {what}\n")
        handle.flush()
        try:
            yield
        finally:
            handle.truncate(0)


def _held(out: Path, said: str) -> EnvironmentProblem:
    holder = said.strip() or "a process that has not said who it is"
    return EnvironmentProblem(
        Problem(f"another run is writing here: {holder}", file=str(out), hint="wait, or choose --out")
    )


def _recover(out: Path) -> tuple[str, ...]:
    """Publish what killed runs left as `interrupted`; remove what has no record."""
    remove_free_locks(out)
    names = []
    for left in sorted((out / ".tmp").glob("*")):
        final = out / "runs" / left.name
        if left.name.startswith(GONE):
            shutil.rmtree(left, ignore_errors=True)
            continue
        try:
            record = json.loads((left / "run.json").read_text("utf-8"))
            record["state"] = RunState.INTERRUPTED.value
            write_json(left / "run.json", record)
            final.parent.mkdir(exist_ok=True)
            left.rename(final)
            names.append(left.name)
        except (OSError, ValueError, TypeError):
            shutil.rmtree(left, ignore_errors=True)
    return tuple(names)


def _point(link: Path, target: Path) -> None:
    beside = link.with_name(f".latest-{os.getpid()}")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
    sync(link.parent)
