"""Opening a book: every table of a workspace found, inspected, typed, checked and cached."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from heapq import merge
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from csworkbench.errors import DataError, Problem
from csworkbench.formats import printable
from csworkbench.sources import check, engine, findings
from csworkbench.sources.book import Book, Finding, IngestReport
from csworkbench.sources.cache import TableCache, table_key
from csworkbench.sources.fields import Field, check_header, plan_fields
from csworkbench.sources.files import SourceFile, digest, find_files, inspect
from csworkbench.sources.parse import FILE, LINE, BadRow, Parsed, changed, read_header, to_text_parquet
from csworkbench.sources.typed import Clock, filled, typed
from csworkbench.tables import SPECS, TableSpec
from csworkbench.workspace import TableSource, Workspace

if TYPE_CHECKING:
    import ibis
    from ibis.backends.duckdb import Backend


@dataclass(frozen=True, slots=True)
class _Task:
    """One table to read."""

    connection: "Backend"
    spec: TableSpec
    source: TableSource
    clock: Clock
    files: tuple[SourceFile, ...]
    staging: Path

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def texts(self) -> list[SourceFile]:
        return [file for file in self.files if not file.is_parquet]

    @property
    def parquets(self) -> list[SourceFile]:
        return [file for file in self.files if file.is_parquet]


@dataclass(frozen=True, slots=True)
class _Staged:
    """A table that was typed, before its rows are judged."""

    table: "ibis.Table"
    fields: tuple[Field, ...]
    counts: check.Counts
    bad: tuple[BadRow, ...]
    unused: tuple[str, ...]


def open_book(workspace: Workspace, root: Path, cache_dir: Path, records: Path | None = None) -> Book:
    """Return the typed, checked tables of a workspace, from the cache where nothing changed.

    Rows that break a rule are listed in `<cache_dir>/quarantine/<table>.csv`.

    Args:
        workspace: What was declared.
        root: Project root; paths of the workspace are relative to it.
        cache_dir: Folder of the typed tables; made when it is not there.
        records: Folder of what earlier runs archived; None = there is none.

    Raises:
        DataError: files that cannot be read as declared; every problem of every file.
        EnvironmentProblem: the cache folder cannot be written, or the disk is full.
    """
    cache = TableCache(cache_dir)
    with cache.staging() as staging, ExitStack() as undo:
        reader = _Reader(workspace, root, cache, staging)
        undo.callback(reader.connection.disconnect)
        for table in (name for name in SPECS if name in workspace.tables):
            reader.read(table)
        if reader.problems:
            raise DataError(*reader.problems)
        undo.pop_all()
        return reader.book()


class _Reader:
    """Reads one table after another; after the first problem it only looks for more."""

    def __init__(self, workspace: Workspace, root: Path, cache: TableCache, staging: Path) -> None:
        self.workspace, self.root, self.cache, self.staging = workspace, root, cache, staging
        self.connection: Backend = engine.connect(
            workspace.engine, staging.with_name(staging.name.replace("staging", "spill"))
        )
        self.problems: list[Problem] = []
        self.keys: dict[str, str] = {}
        self.tables: dict[str, ibis.Table] = {}
        self.reports: dict[str, IngestReport] = {}

    def book(self) -> Book:
        return Book(
            self.workspace, self.root, self.connection, MappingProxyType(self.tables), MappingProxyType(self.reports)
        )

    def read(self, table: str) -> None:
        source, spec = self.workspace.tables[table], SPECS[table]
        files, problems = find_files(table, source, self.root)
        self.problems += problems
        parents = [self.keys.get(name, "") for name in _parents(spec)]
        key = self.keys[table] = table_key(table, self.workspace, files, parents)
        report = None if self.problems else self.cache.find(table, key)
        if report is None and files:
            clock = Clock(source.timezone, self.workspace.timezone)
            report = self._make(_Task(self.connection, spec, source, clock, tuple(files), self.staging), key)
        if report is not None:
            self.reports[table] = report
            self.tables[table] = engine.read_parquet(self.connection, [self.cache.parquet(table, key)], table)

    def _make(self, task: _Task, key: str) -> IngestReport | None:
        try:
            with _readable(task):
                staged = _stage(task)
            return None if self.problems else self._finish(task, staged, key)
        except DataError as error:
            self.problems += error.problems
            return None

    def _finish(self, task: _Task, staged: _Staged, key: str) -> IngestReport:
        keep = task.source.rules == "flag"
        sieve = _sift(task, staged, self.tables, keep=keep)
        quarantine = self.staging / f"{task.name}-quarantine.csv"
        listed = findings.bad_rows(sieve.bad, self.staging / f"{task.name}-bad.parquet")
        groups = findings.write_quarantine(merge(staged.bad, listed, key=lambda row: (row.file, row.line)), quarantine)
        path = self.staging / f"{task.name}-typed.parquet"
        columns = [name for name in staged.table.columns if not name.startswith("_")]
        final = sieve.good.order_by(_sorted_by(task.spec, columns)).select(columns)
        self.connection.to_parquet(final, path, compression="zstd")
        found = [
            *findings.from_groups(task.name, groups, keep=keep),
            *findings.of_collapsed(task.name, sieve.collapsed, task.files[0].name),
            *findings.of_rows(sieve.good, task.spec, self.workspace.currency),
            *findings.of_assumed(task.spec, columns, staged.counts, task.files[0].name),
            *findings.of_blanks(staged.table, staged.fields, dict(staged.counts.blanks), task.name),
            *_unused(task, staged),
        ]
        report = _report(task, staged, path)
        aside = staged.counts.rows + len(staged.bad) - sieve.collapsed - report.rows
        report = replace(report, findings=tuple(found), quarantined=aside)
        if not report.rows and task.name == "accounts":
            raise DataError(
                Problem(
                    "no account is left: the file has no row that passes", file=task.files[0].name, hint=_why(found)
                )
            )
        self.cache.keep(report, key, path, quarantine)
        return report


@contextmanager
def _readable(task: _Task) -> Iterator[None]:
    """Tell a damaged Parquet file as a problem of the data; a CSV never reaches the engine's reader."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        if not task.parquets or isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            raise
        names = ", ".join(file.name for file in task.parquets[:3])
        raise DataError(
            Problem("cannot be read as Parquet: it is damaged or cut", names, hint="export it again")
        ) from error


def _parents(spec: TableSpec) -> list[str]:
    return [*(key.table for key in spec.foreign_keys), *(rule.table for rule in spec.not_before)]


def _why(found: Sequence[Finding]) -> str:
    reasons = [f"{item.count} x {item.rule} {item.column}".strip() for item in found if item.action == "quarantined"]
    return "; ".join(reasons) or "export it again"


def _stage(task: _Task) -> _Staged:
    """Return a table typed by its contract, written aside.

    Raises:
        DataError: a file cannot be read as declared, or a column is not what was declared.
    """
    import ibis

    headers = _headers(task)
    fields = tuple(plan_fields(task.name, task.source, list(headers.values())))
    parsed, raws = _parse(task, fields)
    raws += [_native(task, file, fields) for file in task.parquets]
    path = task.staging / f"{task.name}-staged.parquet"
    rows = ibis.union(*(typed(raw, fields, task.spec, task.clock, len(task.files) == 1) for raw in raws))
    task.connection.to_parquet(filled(rows, fields, task.spec), path, compression="zstd")
    for file in task.parquets:
        if digest(file.path) != file.sha256:
            raise DataError(changed(file))
    staged = engine.read_parquet(task.connection, [path])
    counts = check.count(staged, fields)
    check.refuse_misfits(staged, fields, counts, ", ".join(file.name for file in task.files[:3]))
    used = {item.origin for item in fields}
    unused = dict.fromkeys(name for header in headers.values() for name in header if name not in used)
    return _Staged(staged, fields, counts, tuple(row for one in parsed for row in one.bad), tuple(unused))


def _headers(task: _Task) -> dict[str, tuple[str, ...]]:
    """Return the column names of each file.

    Raises:
        DataError: every file whose bytes or names do not fit.
    """
    problems: list[Problem] = []
    headers: dict[str, tuple[str, ...]] = {}
    for file in task.texts:
        found = inspect(file, task.source, f"tables.{task.name}")
        try:
            headers[file.name] = () if found else read_header(file, task.source, task.name)
        except DataError as error:
            found = list(error.problems)
        problems += found
    for file in task.parquets:
        headers[file.name] = tuple(engine.read_parquet(task.connection, [file.path]).columns)
        problems += _doubled(file)
        problems += check_header(headers[file.name], task.name, task.source, file.name)
    if problems:
        raise DataError(*problems)
    return headers


def _doubled(file: SourceFile) -> list[Problem]:
    """Return the columns of a Parquet file that the engine, blind to case, would take for one and rename."""
    import pyarrow.parquet as pq

    names = pq.read_schema(file.path).names
    counts = Counter(name.casefold() for name in names)
    return [
        Problem(
            f"columns {', '.join(repr(printable(name)) for name in names if name.casefold() == folded)} differ by case"
            " at most",
            file=file.name,
            hint="leave all but one of them out of the export",
        )
        for folded, count in counts.items()
        if count > 1
    ]


def _parse(task: _Task, fields: Sequence[Field]) -> tuple[list[Parsed], "list[ibis.Table]"]:
    if not task.texts:
        return [], []
    paths = [task.staging / f"{task.name}-{index}.parquet" for index in range(len(task.texts))]
    parsed = [
        to_text_parquet(file, task.source, task.name, fields, path)
        for file, path in zip(task.texts, paths, strict=True)
    ]
    return parsed, [engine.read_parquet(task.connection, paths)]


def _native(task: _Task, file: SourceFile, fields: Sequence[Field]) -> "ibis.Table":
    import ibis

    raw = engine.read_parquet(task.connection, [file.path], file_row_number=True)
    columns = {FILE: ibis.literal(file.name), LINE: raw["file_row_number"].cast("int64") + 1}
    for item in fields:
        if item.origin is not None:
            columns[item.name] = raw[item.origin] if item.origin in raw.columns else ibis.null("string")
    return raw.select(**columns)


def _sift(task: _Task, staged: _Staged, tables: "Mapping[str, ibis.Table]", *, keep: bool) -> check.Sieve:
    sifter = check.Sifter(staged.table, staged.fields, task.spec, keep=keep)
    sifter.cells(staged.counts)
    sifter.filled()
    sifter.order()
    sifter.keys()
    sifter.parents(tables)
    sifter.starts(tables, task.clock)
    return sifter.sieve()


def _sorted_by(spec: TableSpec, columns: Sequence[str]) -> list[str]:
    # Facts sorted by time let the engine skip the row groups outside a window.
    event = [spec.event_at] if spec.event_at in columns and spec.name != "accounts" else []
    return [str(name) for name in dict.fromkeys([*event, *spec.key_among(columns)])]


def _unused(task: _Task, staged: _Staged) -> list[Finding]:
    taken = {item.name for item in staged.fields}
    free = {name.replace("_", ""): name for name in task.spec.names if name not in taken}
    near = {}
    for name in staged.unused:
        close = get_close_matches("".join(filter(str.isalnum, name.casefold())), free, n=1, cutoff=0.8)
        if close:
            near[name] = free[close[0]]
    return findings.of_unused(task.name, staged.unused, near, task.files[0].name)


def _report(task: _Task, staged: _Staged, path: Path) -> IngestReport:
    table = engine.read_parquet(task.connection, [path])
    generated = [item.name for item in staged.fields if item.is_row]
    wanted = {"rows": table.count()}
    if task.spec.event_at in table.columns:
        event = table[task.spec.event_at]
        day = event if event.type().is_date() else engine.local_day(event, task.clock.calendar_zone)
        wanted |= {"first": day.min(), "last": day.max()}
    found = table.aggregate(**wanted).to_pyarrow().to_pylist()[0]
    return IngestReport(
        table=task.name,
        files=tuple(file.name for file in task.files),
        rows=found["rows"],
        quarantined=0,
        digest=check.content_digest(table, generated),
        findings=(),
        first_event=found.get("first"),
        last_event=found.get("last"),
        blanks=dict(staged.counts.blanks),
        extras={item.name: item.role for item in staged.fields if item.role is not None},
        was_cached=False,
        columns=tuple(table.columns),
    )
