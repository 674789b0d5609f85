"""The data of a plan: the book is opened, which is the check of it, and everything in it that can change a result."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from csworkbench.config import plain
from csworkbench.errors import DataError
from csworkbench.planner.keys import hash_of
from csworkbench.store import InputRecord
from csworkbench.workspace import Workspace

if TYPE_CHECKING:
    from csworkbench.sources import Book, IngestReport, Listener

RECORDS = "records"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a plan knows of the data.

    Args:
        reports: How each table was read.
        as_of: Cut-off date.
        past: Table -> digest of what earlier runs remembered of it.
    """

    reports: "Mapping[str, IngestReport]"
    as_of: date
    past: Mapping[str, str]

    @property
    def records(self) -> tuple[InputRecord, ...]:
        """The tables as the record of a run lists them."""
        return tuple(_record(report) for report in self.reports.values())

    def digest(self, table: str) -> str:
        """Return the digest of a table's rows, of what was found while reading them, and of their remembered past."""
        report = self.reports[table]
        found = [asdict(finding) for finding in report.findings]
        return hash_of([report.digest, report.quarantined, found, self.past.get(table, "")])


def read(workspace: Workspace, root: Path, out: Path, as_of: date | None, on_rows: "Listener | None" = None) -> Inputs:
    """Open the book for a run, and remember what its exports overwrite.

    Args:
        workspace: What was declared.
        root: Project root.
        out: Folder of all outputs.
        as_of: Cut-off date; None = the newest day of the data.
        on_rows: Told how far the parsing of a table has come.

    Raises:
        ConfigError: A query is wrong.
        DataError: A file of the data was refused.
        EnvironmentProblem: The cache of the tables or the records cannot be written, or Spark is not there.
    """
    from csworkbench.sources import cache_folder, remember

    with _opened(workspace, root, cache_folder(root, out), on_rows) as book:
        day = _cut(book, as_of)
        remember(book, root / RECORDS / "history", _newest(book, day))
        return Inputs(book.reports, day, _past(root))


def read_dry(workspace: Workspace, root: Path, as_of: date | None, on_rows: "Listener | None" = None) -> Inputs:
    """Open the book and leave nothing behind, not even the cache of its tables.

    Args:
        workspace: What was declared.
        root: Project root.
        as_of: Cut-off date; None = the newest day of the data.
        on_rows: Told how far the parsing of a table has come.

    Raises:
        ConfigError: A query is wrong.
        DataError: A file of the data was refused.
        EnvironmentProblem: No temporary file can be written, or Spark is not there.
    """
    with TemporaryDirectory(prefix="csw-plan-") as scratch:
        # What is typed already is not parsed again, and what is not leaves no file behind.
        for typed in (root / "outputs" / "cache").glob("[a-z]*-*.*"):
            (Path(scratch) / typed.name).symlink_to(typed)
        with _opened(workspace, root, Path(scratch), on_rows) as book:
            return Inputs(book.reports, _cut(book, as_of), _past(root))


@contextmanager
def _opened(workspace: Workspace, root: Path, cache: Path, on_rows: "Listener | None") -> "Iterator[Book]":
    from csworkbench.sources import read_book, require

    require(workspace.engine)
    book = read_book(workspace, root, cache, root / RECORDS, on_rows=on_rows)
    try:
        yield book
    finally:
        book.connection.disconnect()


def _cut(book: "Book", as_of: date | None) -> date:
    from csworkbench.asof import latest_date

    return as_of or latest_date(book)


def _newest(book: "Book", as_of: date) -> date:
    """Return the newest day of the book, which its overwritten columns are of; `as_of` where nothing is dated."""
    from csworkbench.asof import latest_date

    try:
        return latest_date(book)
    except DataError:
        return as_of


def _past(root: Path) -> dict[str, str]:
    """Return a digest of what is remembered of each table: the names of its files hold the digests of their bytes."""
    tables = (root / RECORDS / "history").glob("*/")
    return {table.name: hash_of(sorted(path.name for path in table.glob("*.parquet"))) for table in tables}


def _record(report: "IngestReport") -> InputRecord:
    first = report.first_event.isoformat() if report.first_event else ""
    last = report.last_event.isoformat() if report.last_event else ""
    return InputRecord(report.table, report.files, report.rows, report.quarantined, report.digest, first, last)


def calendar(workspace: Workspace) -> dict[str, Any]:
    """Return what of a workspace can change a result: not where its files are, nor how fast they are read.

    Args:
        workspace: What was declared.
    """
    data = plain(workspace)
    for source in data["tables"].values():
        for written in (source, *source["files"].values()):
            del written["path"]
    return {key: value for key, value in data.items() if key not in {"engine", "batch"}}
