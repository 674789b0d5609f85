"""Typed tables on disk: keyed by what they were made of, written aside and moved into place."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import date
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from csworkbench import tables
from csworkbench.errors import EnvironmentProblem, Problem
from csworkbench.sources.book import Finding, IngestReport
from csworkbench.sources.raw import Part
from csworkbench.tables import Role
from csworkbench.workspace import Workspace

CACHE, QUARANTINE = Path("outputs", "cache"), "quarantine"
STAGING, SPILL = ".staging-", ".spill-"
UNUSED_DAYS = 30
KEPT = re.compile(r"[a-z_]+-[0-9a-f]{24}\.(json|csv|parquet)")
LIBRARIES = ("duckdb", "ibis-framework", "pyarrow")


@cache
def _reader() -> tuple[str, ...]:
    """Return what reads: the versions of the libraries and a digest of the code that types and judges the rows."""
    code = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(tables.__file__).parent):
        for path in sorted(folder.glob("*.py")):
            code.update(path.read_bytes())
    return (*(version(name) for name in LIBRARIES), code.hexdigest())


def table_key(table: str, workspace: Workspace, parts: Sequence[Part], parents: Sequence[str]) -> str:
    """Return the key of a typed table: equal keys mean equal rows.

    Args:
        table: Canonical table.
        workspace: Its mapping and calendar.
        parts: Its files with their digests, and the names its query knows them by.
        parents: Keys of the tables it refers to.
    """
    mapping = workspace.tables[table].model_dump_json(
        by_alias=True, exclude={"path": True, "files": {"__all__": {"path"}}}
    )
    made_of = [
        *_reader(),
        mapping,
        workspace.timezone,
        workspace.currency,
        *(f"{part.name} {file.name} {file.sha256}" for part in parts for file in part.files),
        *parents,
    ]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:24]


def cache_folder(root: Path, out: Path) -> Path:
    """Return the folder of typed tables: that of the project, or beside a run's outputs where the project is read-only.

    Args:
        root: Project root.
        out: Folder of all outputs of a run.
    """
    own = root / CACHE
    return own if is_writable(own) else out / "cache"


def quarantine_file(table: str) -> Path:
    """Return where the rows of a table that were set aside are listed, from the project root.

    Args:
        table: Canonical table.
    """
    return CACHE / QUARANTINE / f"{table}.csv"


def is_writable(folder: Path) -> bool:
    """Return whether a folder, or what it would be made in, may be written."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(there, os.W_OK)


@contextmanager
def without_trace(folder: Path) -> Iterator[Path]:
    """Yield a folder that is gone afterwards and stands in for a cache: what is typed there is not parsed again.

    Args:
        folder: Folder of typed tables, which may be read-only, or not be there.
    """
    with tempfile.TemporaryDirectory(prefix="csw-") as scratch:
        for typed in folder.glob("[a-z]*-*.*"):
            (Path(scratch) / typed.name).symlink_to(typed)
        yield Path(scratch)


class TableCache:
    """The folder of typed tables.

    Args:
        folder: Where they are; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Yield a folder of one's own beside the tables, which is gone afterwards; so is what killed processes left.

        Raises:
            EnvironmentProblem: the folder cannot be written, or the disk is full.
        """
        import duckdb

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _remove_left(self.folder)
            folder, free = _claim(self.folder, STAGING)
            try:
                yield folder
            finally:
                free()
        except OSError as error:
            raise EnvironmentProblem(
                Problem(
                    f"cannot write: {error.strerror or error}",
                    file=error.filename or str(self.folder),
                    hint="free space, or allow writing to the cache folder",
                )
            ) from error
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            raise EnvironmentProblem(
                Problem(
                    f"the data engine cannot read or write: {str(error).splitlines()[0]}",
                    file=str(self.folder),
                    hint="free space or memory, or allow writing to the cache folder",
                )
            ) from error

    def spill(self) -> tuple[Path, Callable[[], None]]:
        """Return a folder for what does not fit into memory, and what lets go of it.

        It lives as long as the engine that uses it, longer than the reading; what a killed process left is removed by
        whoever reads next.
        """
        return _claim(self.folder, SPILL)

    def sweep(self) -> None:
        """Remove the typed tables that no book has used for a month, counted from the newest use."""
        last_use: dict[str, float] = {}
        for path in self.folder.iterdir():
            if KEPT.fullmatch(path.name):
                last_use[path.stem] = max(last_use.get(path.stem, 0.0), path.lstat().st_mtime)
        newest = max(last_use.values(), default=0.0)
        for stem, used in last_use.items():
            if newest - used > UNUSED_DAYS * 24 * 3600:
                for suffix in (".json", ".csv", ".parquet"):
                    (self.folder / f"{stem}{suffix}").unlink(missing_ok=True)

    def parquet(self, table: str, key: str) -> Path:
        """Return where a typed table is, or will be."""
        return self.folder / f"{table}-{key}.parquet"

    def find(self, table: str, key: str) -> IngestReport | None:
        """Return the report of a table that is there and whole, else None."""
        path = self.parquet(table, key)
        try:
            stored = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if path.stat().st_size != stored.pop("bytes"):
                return None
            report = stored_report(stored)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # absent, half or from another version: it is made again
        with suppress(OSError):  # a cache that others keep need not be ours to touch
            os.utime(path.with_suffix(".json"), follow_symlinks=False)
        self._show_quarantine(table, path.with_suffix(".csv"))
        return report

    def keep(self, report: IngestReport, key: str, typed: Path, quarantine: Path) -> None:
        """Move a finished table, its list of bad rows and its report into place; the report, last, makes it valid.

        Args:
            report: How it was read.
            key: Key of the table.
            typed: Parquet file in the staging folder.
            quarantine: CSV file in the staging folder; absent when nothing was set aside.
        """
        path = self.parquet(report.table, key)
        stored = asdict(report) | {"bytes": typed.stat().st_size}
        text = typed.with_suffix(".json")
        text.write_text(json.dumps(stored, default=str, ensure_ascii=False), encoding="utf-8")
        if quarantine.is_file():
            _place(quarantine, path.with_suffix(".csv"))
        _place(typed, path)
        _place(text, path.with_suffix(".json"))
        self._show_quarantine(report.table, path.with_suffix(".csv"))

    def _show_quarantine(self, table: str, listed: Path) -> None:
        shown = self.folder / QUARANTINE / f"{table}.csv"
        if not listed.is_file():
            shown.unlink(missing_ok=True)
            return
        shown.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=shown.parent, prefix=".", delete=False) as aside:
            shutil.copyfile(listed, aside.name)
        _place(Path(aside.name), shown)


def _claim(base: Path, prefix: str) -> tuple[Path, Callable[[], None]]:
    """Return a new folder, locked as long as this process lives, and what removes it."""
    descriptor, name = tempfile.mkstemp(prefix=prefix, suffix=".lock", dir=base)
    folder = Path(name).with_suffix("")
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    folder.mkdir()

    def free() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            Path(name).unlink()
        os.close(descriptor)

    return folder, free


def _remove_left(base: Path) -> None:
    """Remove what killed processes left: the system has freed their locks."""
    for left in (*base.glob(f"{STAGING}*.lock"), *base.glob(f"{SPILL}*.lock")):
        with suppress(OSError), left.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.with_suffix(""), ignore_errors=True)
            left.unlink()


def _place(aside: Path, path: Path) -> None:
    """Move a file into place so that a reader sees the old or the new one, never half of it, even after a crash."""
    with aside.open("rb") as stream:
        os.fsync(stream.fileno())
    aside.replace(path)
    with suppress(OSError):  # some file systems cannot sync a folder
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def stored_report(stored: dict[str, Any]) -> IngestReport:
    """Return how a table was read, from the JSON it was stored as.

    Args:
        stored: A report in JSON types.

    Raises:
        KeyError, TypeError, ValueError: it is none, or one of another version.
    """
    report = IngestReport(**stored)
    return replace(
        report,
        files=tuple(report.files),
        columns=tuple(report.columns),
        findings=tuple(Finding(**item) for item in stored["findings"]),
        first_event=_day(stored["first_event"]),
        last_event=_day(stored["last_event"]),
        extras={name: Role(role) for name, role in stored["extras"].items()},
        was_cached=True,
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
