"""The data of a plan: the book is opened, which is the check of it, and everything in it that can change a result."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from csworkbench.config import plain
from csworkbench.planner.keys import hash_of
from csworkbench.planner.memory import Memory, Reading
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
        ends_on: Newest day of the book; what is dated later than that counts as a mistake.
        past: Table -> digest of what earlier runs remembered of it; of contacts also the lists made official.
        forgets: What exports overwrite is not remembered, because the project's records are read-only.
    """

    reports: "Mapping[str, IngestReport]"
    as_of: date
    ends_on: date
    past: Mapping[str, str]
    forgets: bool = False

    @property
    def records(self) -> tuple[InputRecord, ...]:
        """The tables as the record of a run lists them."""
        return tuple(_record(report) for report in self.reports.values())

    def mark(self, table: str) -> Mapping[str, Any]:
        """Return the rows of a table and a digest of them, of what was found in them, and of their remembered past."""
        report = self.reports[table]
        found = [asdict(finding) for finding in report.findings]
        digest = hash_of([report.digest, report.quarantined, found, self.past.get(table, "")])
        return {"rows": report.rows, "digest": digest}


def read(
    workspace: Workspace,
    root: Path,
    out: Path,
    as_of: date | None,
    *,
    on_rows: "Listener | None" = None,
    now: datetime | None = None,
) -> Inputs:
    """Open the book for a run, and remember what its exports overwrite where the project's records may be written.

    Args:
        workspace: What was declared.
        root: Project root.
        out: Folder of all outputs.
        as_of: Cut-off date; None = the newest day of the data.
        on_rows: Told how far the parsing of a table has come.
        now: The instant of the run: what is dated later cannot be the newest; None = not known.

    Raises:
        ConfigError: A query is wrong.
        DataError: A file of the data was refused.
        EnvironmentProblem: The cache of the tables or the records cannot be written, or Spark is not there.
    """
    from csworkbench.sources import cache_folder, is_writable, remember

    cache, history = cache_folder(root, out), _history(root)
    forgets = not is_writable(history)
    memory = _memory(workspace, root, cache, as_of, now)
    found = memory.recall()
    if found is None:
        with _opened(workspace, root, cache, on_rows, now) as book:
            found = _found(book, as_of)
            added = () if forgets else remember(book, history, found.ends_on)
            memory.note(found, book, added)
    return Inputs(found.reports, found.as_of, found.ends_on, _past(root), forgets)


def read_dry(
    workspace: Workspace,
    root: Path,
    out: Path,
    as_of: date | None,
    *,
    on_rows: "Listener | None" = None,
    now: datetime | None = None,
) -> Inputs:
    """Open the book and leave nothing behind, not even the cache of its tables.

    Args:
        workspace: What was declared.
        root: Project root.
        out: Folder of all outputs.
        as_of: Cut-off date; None = the newest day of the data.
        on_rows: Told how far the parsing of a table has come.
        now: The instant of the run: what is dated later cannot be the newest; None = not known.

    Raises:
        ConfigError: A query is wrong.
        DataError: A file of the data was refused.
        EnvironmentProblem: No temporary file can be written, or Spark is not there.
    """
    from csworkbench.sources import cache_folder, without_trace

    cache = cache_folder(root, out)
    found = _memory(workspace, root, cache, as_of, now).recall()
    if found is None:
        with without_trace(cache) as scratch, _opened(workspace, root, scratch, on_rows, now) as book:
            found = _found(book, as_of)
    return Inputs(found.reports, found.as_of, found.ends_on, _past(root))


@contextmanager
def reopened(
    workspace: Workspace, root: Path, out: Path, *, is_dry: bool = False, now: datetime | None = None
) -> "Iterator[Book]":
    """Give the book that was read before once more; its tables come out of the cache.

    Args:
        workspace: What was declared.
        root: Project root.
        out: Folder of all outputs.
        is_dry: Leave no file behind.
        now: The instant of the run.

    Raises:
        EnvironmentProblem: The cache of the tables cannot be written.
    """
    from csworkbench.sources import cache_folder, without_trace

    cache = cache_folder(root, out)
    with (
        without_trace(cache) if is_dry else nullcontext(cache) as place,
        _opened(workspace, root, place, None, now) as book,
    ):
        yield book


def _memory(workspace: Workspace, root: Path, cache: Path, as_of: date | None, now: datetime | None) -> Memory:
    from csworkbench.sources import require

    require(workspace.engine)
    today = now.astimezone(ZoneInfo(workspace.timezone)).date() if now is not None else None
    return Memory(workspace, root, cache, as_of, today)


def _found(book: "Book", as_of: date | None) -> Reading:
    from csworkbench.asof import end_of, latest_date

    ends_on = end_of(book, as_of) if as_of else latest_date(book)
    return Reading(dict(book.reports), as_of or ends_on, ends_on)


@contextmanager
def _opened(
    workspace: Workspace, root: Path, cache: Path, on_rows: "Listener | None", now: datetime | None
) -> "Iterator[Book]":
    from csworkbench.sources import read_book

    book = read_book(workspace, root, cache, root / RECORDS, on_rows=on_rows, now=now)
    try:
        yield book
    finally:
        book.connection.disconnect()


def _history(root: Path) -> Path:
    return root / RECORDS / "history"


def _past(root: Path) -> dict[str, str]:
    """Return a digest of what is remembered of each table: the names of its files hold the digests of their bytes."""
    tables = _history(root).glob("*/")
    past = {table.name: hash_of(sorted(path.name for path in table.glob("*.parquet"))) for table in tables}
    lists = sorted(path.name for path in (root / RECORDS / "lists").glob("[!.]*.*"))
    return past | ({"contacts": hash_of([past.get("contacts", ""), lists])} if lists else {})


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
