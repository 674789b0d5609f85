"""Typed tables on disk: keyed by what they were made of, written aside and moved into place."""

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
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
from csworkbench.sources.files import SourceFile
from csworkbench.tables import Role
from csworkbench.workspace import Workspace

STAGING = ".staging-"
LIBRARIES = ("duckdb", "ibis-framework", "pyarrow")


@cache
def _reader() -> tuple[str, ...]:
    """Return what reads: the versions of the libraries and a digest of the code that types and judges the rows."""
    code = hashlib.sha256()
    for folder in (Path(__file__).parent, Path(tables.__file__).parent):
        for path in sorted(folder.glob("*.py")):
            code.update(path.read_bytes())
    return (*(version(name) for name in LIBRARIES), code.hexdigest())


def table_key(table: str, workspace: Workspace, files: Sequence[SourceFile], parents: Sequence[str]) -> str:
    """Return the key of a typed table: equal keys mean equal rows.

    Args:
        table: Canonical table.
        workspace: Its mapping and calendar.
        files: Its files with their digests.
        parents: Keys of the tables it refers to.
    """
    mapping = workspace.tables[table].model_dump_json(by_alias=True, exclude={"path"})
    made_of = [
        *_reader(),
        mapping,
        workspace.timezone,
        workspace.currency,
        *(f"{file.name} {file.sha256}" for file in files),
        *parents,
    ]
    return hashlib.sha256("\n".join(made_of).encode()).hexdigest()[:24]


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
            with _private(self.folder) as folder:
                yield folder
        except OSError as error:
            raise EnvironmentProblem(
                Problem(
                    f"cannot write: {error.strerror or error}",
                    file=error.filename or str(self.folder),
                    hint="free space, or allow writing to the cache folder",
                )
            ) from error
        except duckdb.IOException as error:
            raise EnvironmentProblem(
                Problem(
                    f"the data engine cannot read or write: {str(error).splitlines()[0]}",
                    file=str(self.folder),
                    hint="free space, or allow writing to the cache folder",
                )
            ) from error

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
            report = _report(stored)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # absent, half or from another version: it is made again
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
        shown = self.folder / "quarantine" / f"{table}.csv"
        if not listed.is_file():
            shown.unlink(missing_ok=True)
            return
        shown.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=shown.parent, prefix=".", delete=False) as aside:
            shutil.copyfile(listed, aside.name)
        _place(Path(aside.name), shown)


@contextmanager
def _private(base: Path) -> Iterator[Path]:
    """Yield a new folder, locked: the system frees the lock of a killed process, and whoever comes next removes it."""
    for left in base.glob(f"{STAGING}*.lock"):
        with suppress(OSError), left.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left.with_suffix(""), ignore_errors=True)
            left.unlink()
    descriptor, name = tempfile.mkstemp(prefix=STAGING, suffix=".lock", dir=base)
    folder = Path(name).with_suffix("")
    with os.fdopen(descriptor, "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(name).unlink(missing_ok=True)


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


def _report(stored: dict[str, Any]) -> IngestReport:
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
